"""Everything a report says, decided from plain data before a word of it is written. Pure."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vtspec.adapters.metrics import is_constant
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.planning.diff import Change, compare_plans
from vtspec.pipelines.planning.seeds import name_seed_plans
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.json_values import (
    to_int,
    to_mapping,
    to_number,
    to_text,
    to_words,
)
from vtspec.pipelines.runs.state import Failure, RunState, fold_events
from vtspec.pipelines.runs.state_phrases import describe_adaptations
from vtspec.pipelines.runs.training_state import Training

from .caveats import ADAPTED_BASELINE, collect_caveats, list_unlike
from .comparison import (
    ClassRow,
    MetricRow,
    build_class_rows,
    build_metric_rows,
    find_ranking_metric,
    get_known_metrics,
)
from .curves import Series, build_series
from .evaluation import EvaluationResults, parse_results
from .evidence import Measurement, find_interval, weigh_evidence
from .provenance import (
    FactGroup,
    RunTimes,
    build_commands,
    build_groups,
    collect_times,
    format_overrides,
)
from .seeds import SeedGroup, SeedRun
from .verdict import Verdict, judge_gates, judge_run


@dataclass(frozen=True, kw_only=True)
class RunData:
    """What a run's folder holds, read; `evaluation` is empty where the run did not get so far.

    `doubts` say why it may not be what it is called. `planned_baseline` is the last finished run
    of the plan that its baseline's spec had, None where there is none. `registration` says
    whether its model is registered. `seeds` are the plans that it is judged together
    with, by seed: their last finished run, or None. `folder` is where the run lies, from its
    repository's root; "" where it lies in none.
    """

    name: str
    plan: Mapping[str, object]
    events: Sequence[Event] = ()
    evaluation: Mapping[str, object] = field(default_factory=dict)
    doubts: tuple[Sentence, ...] = ()
    planned_baseline: str | None = None
    registration: str | None = None
    seeds: Mapping[int, "RunData | None"] = field(default_factory=dict)
    folder: str = ""


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
class TrainingProgress:
    """How far training came: epochs done of those wanted, and the best by `monitor`, and whether
    that is all."""

    epochs: float | None
    wanted: int | None
    best_epoch: float | None
    monitor: str | None
    value: float | None
    is_over: bool


_WHOLES: Final = {name: name for name in ("model", "framework", "dataset")}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All of a report. `main` names the first metric of the task that was measured; `primary`
    the one whose difference to the baseline's was judged alone.

    `overrides` are what was typed beside the spec, as `--set` takes it.
    `baseline` is the name of the run compared with, or None, and `baseline_times` are its times;
    `baseline_wanted` is the experiment that the spec names. `adapted` is what training changed of
    its plan to go on. `changes` are those from the
    baseline's plan to this one. `caveats` say why a comparison is not like with like; where it
    `is_unlike`, the runs measured different things, and no difference is judged. `warnings` that
    the run keeps are in both languages as they stand there.

    `seeds` are the runs that it is judged together with; where `is_over_seeds`, `metrics` and
    `verdict` are of their means, and everything else of the run. `baseline_seeds` likewise.
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
    primary: str | None
    baseline: str | None
    baseline_wanted: str | None
    adapted: Sentence | None
    caveats: tuple[Sentence, ...]
    curves: Curves
    training: TrainingProgress
    results: EvaluationResults
    ranked_by: str | None
    classes: tuple[ClassRow, ...]
    overrides: str
    groups: tuple[FactGroup, ...]
    times: RunTimes
    baseline_times: RunTimes | None
    warnings: tuple[Sentence, ...]
    changes: tuple[Change, ...]
    is_unlike: bool
    commands: tuple[str, ...]
    seeds: SeedGroup
    is_over_seeds: bool
    baseline_seeds: SeedGroup
    is_baseline_over_seeds: bool

    @property
    def deciding(self) -> tuple[str, ...]:
        """The fields that decide the result and differ from the baseline's; a model with all that
        is its own (weights, parameters) is one, and so are a framework and a dataset."""
        # What is judged over seeds does not differ in one of them.
        of_seeds = {"training.seed"} if self.is_over_seeds or self.is_baseline_over_seeds else ()
        paths = (
            one.path
            for one in self.changes
            if one.effect == "new run" and one.path not in of_seeds
        )
        return tuple(dict.fromkeys(_WHOLES.get(path.split(".")[0], path) for path in paths))

    def find_metric(self, name: str | None) -> MetricRow | None:
        """The row of a metric, or None."""
        return next((row for row in self.metrics if row.name == name), None)


def build_facts(run: RunData, baseline: RunData | None = None) -> Facts:
    """What the report of `run` says, held against `baseline` where there is one."""
    state = fold_events(run.events)
    final, training = _get_figures(run.plan, state), state.training
    before = fold_events(baseline.events) if baseline else RunState()
    results = parse_results(run.evaluation)
    # Plain data on purpose: a plan that an older vtspec wrote is shown as far as it can be read.
    plan = run.plan
    report = to_mapping(plan.get("report"))
    task = to_text(plan.get("task"))
    group, others = build_seed_group(run, final), SeedGroup(runs=())
    measured = Measurement(metrics=final, results=results, seeds=_choose_samples(group, final))
    judged = _choose_judged(run, measured)
    old: Measurement | None = None
    if baseline is not None:
        earlier = _get_figures(baseline.plan, before)
        others = build_seed_group(baseline, earlier)
        # Two seeds of one group are held against each other as they are.
        is_own = baseline.plan.get("id") in {one.plan_id for one in group.runs}
        samples = {} if is_own else _choose_samples(others, earlier)
        measured = replace(measured, seeds={}) if is_own else measured
        told = parse_results(baseline.evaluation)
        old = Measurement(metrics=earlier, results=told, seeds=samples)
    unlike = list_unlike(plan, baseline.plan) if baseline else ()
    # Seeded by both runs, so that the same two are judged alike wherever they are shown.
    seed = f"{run.name} against {baseline.name if baseline else None}"
    gates = to_words(report.get("gates"))
    primary = _choose_primary(gates, task, measured)
    weighed = None if old is None or unlike else weigh_evidence(measured, old, seed, primary)
    rows = build_metric_rows(task, measured, old, weighed, _seed_intervals(run))
    ending = state.status if state.is_over else None
    changes, caveats = _compare_plans(baseline, plan) if baseline else ((), ())
    if baseline is not None:
        planned = run.planned_baseline
        figures = before.final.metrics
        adapted = (ADAPTED_BASELINE,) if before.is_adapted else ()
        found = collect_caveats(plan, baseline.plan, figures, others, planned)
        caveats = (*found, *adapted, *caveats)
    return Facts(
        run=run.name,
        title=str(plan.get("name") or run.name),
        task=task,
        model=to_text(to_mapping(plan.get("model")).get("name")),
        dataset=to_text(to_mapping(plan.get("dataset")).get("name")),
        description=to_text(plan.get("description")),
        verdict=_judge(gates, ending, judged, group),
        failure=state.failure,
        main=next((row.name for row in rows if row.value is not None), None),
        metrics=rows,
        primary=None if weighed is None else weighed.primary,
        baseline=baseline.name if baseline else None,
        baseline_wanted=to_text(report.get("baseline")),
        adapted=describe_adaptations(state),
        caveats=caveats,
        curves=_build_curves(plan, training, before.training),
        training=_summarize_training(plan, state),
        results=results,
        ranked_by=find_ranking_metric(results.classes),
        classes=build_class_rows(
            results.classes, old.results.classes if old is not None else (), weighed
        ),
        overrides=format_overrides(plan),
        groups=build_groups(plan, state, run.registration),
        times=collect_times(plan, state),
        baseline_times=collect_times(baseline.plan, before) if baseline else None,
        warnings=(
            *run.doubts,
            *(baseline.doubts if baseline else ()),
            *_collect_warnings(plan, state, results),
        ),
        is_unlike=bool(unlike),
        changes=changes,
        commands=build_commands(
            plan, run.name, state, posixpath.join(run.folder, state.plan_file)
        ),
        seeds=group,
        is_over_seeds=bool(measured.seeds),
        baseline_seeds=others,
        is_baseline_over_seeds=old is not None and bool(old.seeds),
    )


def _compare_plans(
    baseline: RunData, plan: Mapping[str, object]
) -> tuple[tuple[Change, ...], tuple[Sentence, ...]]:
    """What differs between the plans, and why that cannot be told of damaged ones."""
    try:
        return compare_plans(baseline.plan, plan), ()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        # The figures stand all the same: they are told by the events.
        is_gap = isinstance(error, KeyError)
        why = f"lacks {error}" if is_gap else str(error)
        korean = f"{error} 없음" if is_gap else str(error)
        caveat = Sentence(
            en=f"what differs in the plan cannot be told: one of the two {why}",
            ko=f"계획에서 무엇이 다른지 알 수 없습니다 (둘 중 하나: {korean})",
        )
        return (), (caveat,)


def build_seed_group(run: RunData, final: Mapping[str, float]) -> SeedGroup:
    """The seeds that a run with the `final` figures is judged together with, its own among them;
    none where it is judged alone."""
    if not run.seeds:
        return SeedGroup(runs=())
    own = to_int(to_mapping(run.plan.get("training")).get("seed"))
    ids = name_seed_plans(run.plan)
    found = []
    for seed, other in run.seeds.items():
        data = run if seed == own else other
        metrics = final if data is run else _get_final(data)
        name = data.name if data is not None and metrics else None
        found.append(SeedRun(seed=seed, plan_id=ids.get(seed, ""), run=name, metrics=metrics))
    return SeedGroup(runs=tuple(found))


def _get_final(run: RunData | None) -> Mapping[str, float]:
    return {} if run is None else _get_figures(run.plan, fold_events(run.events))


def _get_figures(plan: Mapping[str, object], state: RunState) -> Mapping[str, float]:
    """The final figures, without those that can be nothing but what they are."""
    metrics, classes = (
        state.final.metrics,
        to_words(to_mapping(plan.get("dataset")).get("classes")),
    )
    rules = to_words(to_mapping(plan.get("report")).get("gates"))
    # A gate of before such ones were refused is held against it all the same.
    if not is_constant(_TOP5, len(classes)) or any(_TOP5 in rule for rule in rules):
        return metrics
    return {name: value for name, value in metrics.items() if name != _TOP5}


def _choose_samples(
    group: SeedGroup, final: Mapping[str, float]
) -> Mapping[str, tuple[float, ...]]:
    # A run that measured nothing shows nothing of others' either.
    return group.samples if group.is_judged and final else {}


def _choose_judged(run: RunData, measured: Measurement) -> tuple[str, Measurement]:
    """The run whose images speak for all of its seeds, so that every report judges alike, and what
    its intervals are drawn from."""
    finished = [one for one in run.seeds.values() if one is not None and one.evaluation]
    if not measured.seeds or not finished or finished[0].name == run.name:
        return _seed_intervals(run), measured
    first = finished[0]
    return _seed_intervals(first), Measurement(
        metrics=_get_final(first), results=parse_results(first.evaluation), seeds=measured.seeds
    )


def _seed_intervals(run: RunData) -> str:
    # Not by the run's name: two runs of one plan leave the same bytes.
    return str(run.plan.get("id") or run.name)


def _choose_primary(gates: Sequence[str], task: str | None, measured: Measurement) -> str | None:
    """The metric that a person asked about first: the first gate's, else the task's main one."""
    gated = (gate.metric for gate in judge_gates(gates, {}))
    return next(
        (one for one in (*gated, *get_known_metrics(task)) if one in measured.metrics), None
    )


def _judge(
    gates: Sequence[str], ending: str | None, judged: tuple[str, Measurement], group: SeedGroup
) -> Verdict:
    seed, measured = judged
    verdict = judge_run(
        gates,
        measured.figures,
        ending,
        lambda metric: find_interval(metric, measured, seed),
    )
    if not group.runs or verdict.name not in ("passed", "uncertain", "missed", "none"):
        return verdict
    done, wanted = len(group.finished), len(group.runs)
    of_all = pluralize(wanted, "seed") if done == wanted else f"{done} of {wanted} seeds"
    korean = f"시드 {wanted}개" if done == wanted else f"시드 {wanted}개 중 {done}개"
    words = f"mean of {of_all}" if measured.seeds else of_all
    korean = f"{korean} 평균" if measured.seeds else korean
    headline = verdict.headline
    told = Sentence(en=f"{headline.en}, {words}", ko=f"{headline.ko}, {korean}")
    return replace(verdict, headline=told)


def _summarize_training(plan: Mapping[str, object], state: RunState) -> TrainingProgress:
    training, step = state.training, state.steps.get("train")
    best, history = training.best, training.history
    wanted = to_number(to_mapping(plan.get("training")).get("epochs"))
    return TrainingProgress(
        epochs=history[-1].epoch if history else None,
        wanted=None if wanted is None else int(wanted),
        best_epoch=None if best is None else best.epoch,
        monitor=None if best is None else training.monitor,
        value=None if best is None else best.find_value(training.monitor),
        # The report is written before the run has ended.
        is_over=state.is_over or (step is not None and step.ending is not None),
    )


_TOP5: Final = "top5_accuracy"
_NOT_METRICS = frozenset({"epoch", "train_loss", "val_loss", "lr", "seconds"})


def _build_curves(plan: Mapping[str, object], training: Training, before: Training) -> Curves:
    rows = [one.to_row() for one in training.history]
    # A dict keeps the order in which the adapter told them.
    classes = to_words(to_mapping(plan.get("dataset")).get("classes"))
    measured = {
        name: None
        for row in rows
        for name in row
        if name not in _NOT_METRICS and not is_constant(name, len(classes))
    }
    best = training.best
    monitor = None if best is None else training.monitor
    known = get_known_metrics(to_text(plan.get("task")))
    # What decided the best epoch is the curve to look at; else the task's main metric.
    first = next((name for name in (monitor, *known) if name in measured), None)
    name = first or next(iter(measured), "")
    others = [other for other in measured if other not in (name, "loss")]
    return Curves(
        losses=(build_series(rows, "train_loss"), build_series(rows, "val_loss")),
        main=build_series(rows, name),
        baseline=build_series([one.to_row() for one in before.history], name),
        rate=build_series(rows, "lr"),
        others=tuple(build_series(rows, other) for other in others),
        best_epoch=None if best is None else best.epoch,
    )


def _collect_warnings(
    plan: Mapping[str, object], state: RunState, results: EvaluationResults
) -> tuple[Sentence, ...]:
    planned = to_words(plan.get("warnings"))
    # A warning of the plan is often repeated by the step that runs into it.
    kept = dict.fromkeys((*planned, *state.warnings, *results.notes))
    undone = (state.undone_update,) if state.undone_update else ()
    return (*(Sentence(en=line, ko=line) for line in kept), *undone)
