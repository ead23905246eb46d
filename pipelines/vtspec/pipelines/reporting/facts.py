"""Everything a report says, decided from plain data before a word of it is written. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vtspec.pipelines.planning.diff import Change, changes
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import Failure, RunState, fold, metrics_of

from .comparison import (
    ClassRow,
    MetricRow,
    class_rows,
    known_metrics,
    metric_rows,
    ranking_figure,
)
from .curves import Series, series_of
from .evaluation import Results, finite, mapping, results_of, text
from .provenance import Group, Times, git_of, groups_of, reproduce, times_of
from .verdict import Verdict, verdict


@dataclass(frozen=True, kw_only=True)
class RunData:
    """What a run's folder holds, read; `evaluation` is empty where the run did not get so far."""

    name: str
    plan: Mapping[str, Any]
    events: Sequence[Event] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Curves:
    """The learning curves. `main` is the metric that epochs are judged by, `baseline` the same
    of the baseline; a line that was not measured has no points."""

    losses: tuple[Series, ...]
    main: Series
    baseline: Series
    rate: Series
    others: tuple[Series, ...]
    best_epoch: float | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        every = (*self.losses, self.main, self.rate, *self.others)
        return not any(line.points for line in every)

    @property
    def dropped(self) -> int:
        """How many values were not finite."""
        return sum(line.dropped for line in (*self.losses, self.main, self.rate, *self.others))


@dataclass(frozen=True, kw_only=True)
class Training:
    """How far training came: epochs done of those wanted, and the best by `monitor`."""

    epochs: float | None
    wanted: int | None
    best_epoch: float | None
    monitor: str | None
    value: float | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of a report. `main` names the first metric of the task that was measured.

    `baseline` is the name of the run compared with, or None, and `baseline_times` are its times;
    `baseline_wanted` is the experiment that the spec names. `changes` are those from the
    baseline's plan to this one. `caveats` say why a comparison is not like with like.
    """

    run: str
    title: str
    task: str | None
    model: str | None
    dataset: str | None
    description: str | None
    verdict: Verdict
    failure: Failure | None
    main: str | None
    metrics: tuple[MetricRow, ...]
    baseline: str | None
    baseline_wanted: str | None
    caveats: tuple[str, ...]
    curves: Curves
    training: Training
    results: Results
    ranked_by: str | None
    classes: tuple[ClassRow, ...]
    groups: tuple[Group, ...]
    times: Times
    baseline_times: Times | None
    warnings: tuple[str, ...]
    changes: tuple[Change, ...]
    commands: tuple[str, ...]

    def metric(self, name: str | None) -> MetricRow | None:
        """The row of a metric, or None."""
        return next((row for row in self.metrics if row.name == name), None)


def facts_of(run: RunData, baseline: RunData | None = None) -> Facts:
    """What the report of `run` says, held against `baseline` where there is one."""
    state = fold(run.events)
    metrics = metrics_of(state)
    before = fold(baseline.events) if baseline else RunState()
    results = results_of(run.evaluation)
    plan = run.plan
    report = mapping(plan.get("report"))
    rows = metric_rows(text(plan.get("task")), state.final, before.final, results.images)
    classes_before = results_of(baseline.evaluation).classes if baseline else ()
    ending = state.status if state.is_over else None
    return Facts(
        run=run.name,
        title=str(plan.get("name") or run.name),
        task=text(plan.get("task")),
        model=text(mapping(plan.get("model")).get("name")),
        dataset=text(mapping(plan.get("dataset")).get("name")),
        description=text(plan.get("description")),
        verdict=verdict(tuple(report.get("gates") or ()), state.final, ending),
        failure=state.failure,
        main=next((row.name for row in rows if row.value is not None), None),
        metrics=rows,
        baseline=baseline.name if baseline else None,
        baseline_wanted=text(report.get("baseline")),
        caveats=_caveats(plan, baseline.plan, before) if baseline else (),
        curves=_curves(plan, metrics, metrics_of(before)),
        training=_training(plan, metrics),
        results=results,
        ranked_by=ranking_figure(results.classes),
        classes=class_rows(results.classes, classes_before),
        groups=groups_of(plan, state, run.events),
        times=times_of(plan, state),
        baseline_times=times_of(baseline.plan, before) if baseline else None,
        warnings=_warnings(plan, state, results),
        changes=changes(baseline.plan, plan) if baseline else (),
        commands=reproduce(plan, run.name, git_of(run.events)),
    )


def _training(plan: Mapping[str, Any], metrics: Mapping[str, Any]) -> Training:
    best = metrics["best"]
    rows = metrics["epochs"]
    wanted = finite(mapping(plan.get("training")).get("epochs"))
    return Training(
        epochs=finite(rows[-1].get("epoch")) if rows else None,
        wanted=None if wanted is None else int(wanted),
        best_epoch=finite(best.get("epoch")),
        monitor=text(best.get("monitor")),
        value=finite(best.get("value")),
    )


_NOT_METRICS = frozenset({"epoch", "train_loss", "val_loss", "lr", "seconds"})


def _curves(
    plan: Mapping[str, Any], metrics: Mapping[str, Any], before: Mapping[str, Any]
) -> Curves:
    rows = metrics["epochs"]
    measured = {str(key): None for row in rows for key in row if key not in _NOT_METRICS}
    monitor = text(metrics["best"].get("monitor"))
    known = known_metrics(text(plan.get("task")))
    first = next((name for name in (monitor, *known) if name in measured), None)
    name = first or next(iter(measured), "")
    others = [other for other in measured if other not in (name, "loss")]
    return Curves(
        losses=(series_of(rows, "train_loss"), series_of(rows, "val_loss")),
        main=series_of(rows, name),
        baseline=series_of(before["epochs"], name),
        rate=series_of(rows, "lr"),
        others=tuple(series_of(rows, other) for other in others),
        best_epoch=finite(metrics["best"].get("epoch")),
    )


def _warnings(plan: Mapping[str, Any], state: RunState, results: Results) -> tuple[str, ...]:
    told = plan.get("warnings")
    planned = [str(line) for line in told] if isinstance(told, list) else []
    return tuple(dict.fromkeys((*planned, *state.warnings, *results.notes)))


def _caveats(
    plan: Mapping[str, Any], other: Mapping[str, Any], before: RunState
) -> tuple[str, ...]:
    new, old = mapping(plan.get("dataset")), mapping(other.get("dataset"))
    checks = (
        (new.get("hash") != old.get("hash"), "The baseline was measured on other data"),
        (new.get("classes") != old.get("classes"), "The baseline knows other classes"),
        (
            new.get("finalSplit") != old.get("finalSplit"),
            "The baseline was measured on another split",
        ),
        (plan.get("task") != other.get("task"), "The baseline has another task"),
        (not before.final, "The baseline has no final figures"),
    )
    return tuple(sentence for holds, sentence in checks if holds)
