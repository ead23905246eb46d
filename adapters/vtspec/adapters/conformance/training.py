"""Checks of training: that it happens, that it is reproducible, that every setting counts."""

from __future__ import annotations

import json
import math
from typing import Any

from vtspec.adapters.contract import AdapterError, Param
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.metrics import METRICS, get_main_metric

from .harness import (
    LABEL_METRICS,
    Nonconformance,
    Subject,
    TrackedParams,
    TrainingRun,
    demand,
    demand_agreement,
    predict_split,
)


def it_trains(subject: Subject) -> None:
    """Every epoch and step is told, in order; `should_stop` is asked; losses are numbers."""
    run = subject.unbroken
    heard, epochs = run.heard, run.job.training.epochs
    demand(run.interrupted is None, "training stopped although nobody asked it to")
    demand(heard.ends == 1, f"on_train_end was called {heard.ends} times, not once")
    demand(
        [int(result.epoch) for result in heard.epochs] == list(range(1, epochs + 1)),
        "on_epoch_end was not called once for each epoch, in order",
    )
    per_epoch = run.count_epoch_steps()
    expected = [(e, s, per_epoch) for e in range(1, epochs + 1) for s in range(1, per_epoch + 1)]
    demand(heard.steps == expected, "on_step_end was not called once for each step, in order")
    demand(heard.polls >= len(heard.steps), "should_stop was not asked after every optimizer step")
    losses = [loss for result in heard.epochs for loss in (result.train_loss, result.val_loss)]
    demand(
        all(loss is not None and math.isfinite(loss) for loss in losses),
        "an epoch has no train_loss or val_loss that is a number",
    )
    json.dumps(heard.configs[0])


def its_loss_falls(subject: Subject) -> None:
    """The training loss of the last epoch is lower than that of the first."""
    # Last against first, not every epoch: a good training may rise in between.
    losses = [result.train_loss or 0.0 for result in subject.unbroken.heard.epochs]
    demand(losses[-1] < losses[0], f"the training loss went from {losses[0]} to {losses[-1]}")


def metrics_have_the_standard_names(subject: Subject) -> None:
    """`validate` and `evaluate` report the task's metrics, the main one, and no others; figures of
    single classes are of the job's own."""
    run = subject.unbroken
    evaluation = subject.load_evaluator(run).evaluate(run.job.dataset.final_split)
    demand(evaluation.split == run.job.dataset.final_split, "evaluate names another split")
    known = {metric.name for metric in METRICS[run.job.task]}
    reported = [(f"epoch {r.epoch:g}", r.metrics) for r in run.heard.epochs]
    for where, metrics in [*reported, ("evaluate", evaluation.metrics)]:
        others = sorted(set(metrics) - known)
        demand(not others, f"{where} reports {', '.join(others)}, which are no standard names")
        main = get_main_metric(run.job.task).name
        demand(main in metrics, f"{where} does not report {main}")
        broken = sorted(name for name, value in metrics.items() if not math.isfinite(value))
        demand(not broken, f"{where} reports {', '.join(broken)} that is not a number")
    for result in run.heard.epochs:
        told = {name.partition("/")[2] for name in result.class_metrics}
        strangers = sorted(told - set(run.job.dataset.classes))
        demand(
            not strangers,
            f"epoch {result.epoch:g} has figures of {', '.join(strangers)}, which are no classes",
        )


def smoke_is_one_batch(subject: Subject) -> None:
    """A smoke run takes one optimizer step, then validates and keeps a checkpoint."""
    run = subject.train("smoke", smoke=True)
    demand(run.heard.steps == [(1, 1, 1)], f"a smoke run took the steps {run.heard.steps}")
    run.read_weights()


def the_same_seed_gives_the_same_weights(subject: Subject) -> None:
    """A second run of the same job ends with the same weights and figures, bit for bit."""
    again = subject.train("again")
    demand(
        again.read_weights() == subject.unbroken.read_weights()
        and again.list_epoch_metrics() == subject.unbroken.list_epoch_metrics(),
        "the same job, run twice, gives different weights or figures",
    )


def another_seed_gives_other_weights(subject: Subject) -> None:
    """The seed decides the result: another one ends with other weights."""
    seed = subject.plan["training"]["seed"] + 1
    other = subject.train("other-seed", subject.with_training(seed=seed))
    demand(
        other.read_weights() != subject.unbroken.read_weights(),
        "another seed gives exactly the same weights",
    )


def chosen_classes_are_the_ones_it_learns(subject: Subject) -> None:
    """Of a subset of classes, in an order of its own, only those are learnt, by their names; of a
    task without classes there is nothing to check."""
    if not subject.plan["dataset"]["classes"]:
        return
    chosen = [*reversed(subject.plan["dataset"]["classes"])][:-1]
    demand(len(chosen) >= 2, "the plan needs three classes to check a subset of them")
    run = subject.train("subset", _with_classes(subject.plan, chosen))
    adapter = subject.load_evaluator(run)
    evaluation = adapter.evaluate("val")
    # Other tasks have no label of an image that could be compared by name.
    if run.job.task not in LABEL_METRICS:
        return
    told = predict_split(adapter, run.job, "val")
    others = {name for _, result in told for name in result.scores or ()} - set(chosen)
    demand(not others, f"of a subset of classes, it scores others: {', '.join(sorted(others))}")
    try:
        demand_agreement(told, evaluation.metrics)
    except Nonconformance as error:
        raise Nonconformance(f"of a subset of classes, by their names, {error}") from error


def every_param_is_read(subject: Subject) -> None:
    """Nobody sets a param in vain: training, predicting or exporting looks at each."""
    run = subject.unbroken
    adapter = subject.load_evaluator(run)
    adapter.evaluate("val")
    predict_split(adapter, run.job, "val")
    folder = run.job.workdir / "read"
    folder.mkdir(exist_ok=True)
    adapter.export(run.job.export_formats, folder)
    assert isinstance(run.job.params, TrackedParams)
    unread = sorted(set(run.job.params) - run.job.params.read)
    demand(not unread, f"params that are never read: {', '.join(unread)}")


def every_param_changes_something(subject: Subject) -> None:
    """Another value of each param gives other weights, another loss or metric, another config, or
    a refusal; tried with a smoke run each."""
    for name, param in subject.module.PARAMS.items():
        if param.tasks is not None and subject.plan["task"] not in param.tasks:
            continue
        given = {**subject.plan["params"], **subject.companions.get(name, {})}
        now = given.get(name, param.default)
        known = subject.other_values
        other = known[name] if name in known else _pick_other_value(name, param, now)
        before = _get_outcome(subject, f"param-{name}-before", given)
        after = _get_outcome(subject, f"param-{name}-after", {**given, name: other})
        demand(
            before != after, f"params.{name}: {now!r} and {other!r} give the same in everything"
        )


def _get_outcome(subject: Subject, name: str, params: JsonObject) -> object:
    try:
        run: TrainingRun = subject.train(
            name, {**subject.plan, "params": dict(params)}, smoke=True
        )
    except AdapterError as refusal:
        return str(refusal)
    return (
        run.read_weights(),
        run.list_epoch_metrics(),
        json.dumps(run.heard.configs, sort_keys=True),
    )


def _pick_other_value(name: str, param: Param, now: Any) -> object:
    if param.type == "bool":
        return not now
    if param.choices is not None:
        return next(choice for choice in param.choices if choice != now)
    if param.type == "str":
        raise Nonconformance(f"give Subject.other_values a second value for params.{name}")
    # A step away and not anywhere: a wild value would fail for reasons of its own.
    start = 0 if now is None else now
    step = 1 if param.type == "int" else max(abs(start) / 2, 0.1)
    for value in (start + step, start - step):
        if (param.minimum is None or value >= param.minimum) and (
            param.maximum is None or value <= param.maximum
        ):
            return value
    return param.minimum if param.minimum != now else param.maximum


def _with_classes(plan: JsonObject, classes: list[str]) -> JsonObject:
    return {**plan, "dataset": {**plan["dataset"], "classes": classes}}
