"""Runs removed: those that a person names, or those that a rule lets go."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.planning.seeds import name_seed_plans
from vtspec.pipelines.runs import (
    Run,
    Runs,
    UnknownRun,
    choose_baseline,
    is_completion_name,
    keep_comparable,
)
from vtspec.pipelines.runs.state import Standing, find_standing

from .cluster_schedules import describe_schedule, explain_unknown
from .cluster_workflows import delete_from_cluster
from .run import get_tracking_uri
from .runs import RunSummary, read_runs, refuse_unknown_specs
from .spending import describe_spending

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository
    from vtspec.schema.yaml_source.document import Document

_WEIGHTS: Final = ("spec", "model", "weights")
_BASELINE: Final = ("spec", "report", "baseline")
_ALLOW_ADAPTED: Final = ("spec", "report", "allowAdapted")
"""Where an experiment names the runs that it needs."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A run that is to go: `why` a rule chose it, and what would lack it, in words."""

    found: RunSummary
    why: str | None = None
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PruneRule:
    """What may go beside the runs that failed, and those whose plan was carried out again.

    `keep` leaves so many results of each spec (the seeds of one are one), `unfinished` takes those
    that could go on, and `before` (seconds since 1970) spares what was worked on since.
    """

    specs: tuple[str, ...] = ()
    keep: int | None = None
    unfinished: bool = False
    before: float | None = None


@dataclass(frozen=True, kw_only=True)
class _Need:
    """That a run is needed; `run` is the run that needs it, None where it is something else."""

    name: str
    by: str
    run: str | None = None


def choose_runs(words: Sequence[str], runs: Runs, repository: "Repository") -> list[Removal]:
    """The runs that a person names, to be removed. Raises `Refused` where one is not there, is
    not the only one of that name, is named by a completion, or is worked on, and `Permanent`
    where one is a link."""
    named: dict[str, Run] = {}
    for word in words:
        try:
            run, name = runs.find_only(word), Path(word).name
        except UnknownRun as unknown:
            raise explain_unknown(unknown, word, runs) from None
        # Who names one policy of a result does not mean the model.
        if is_completion_name(name):
            raise Refused(
                f"{name} is a completion of {run.name}: a policy for its result, and no run",
                fix=f"{format_command('vtspec', 'rm', run.name)} removes the run, its model too",
            )
        named[run.name] = run
    found = [RunSummary(run, run.read_state()) for run in named.values()]
    for one in found:
        if one.run.is_alive():
            stop = format_command("vtspec", "stop", one.run.name)
            raise Refused(f"{one.run.name} is being worked on", fix=stop)
        one.run.refuse_link()
    needs = _find_needs(read_runs(runs), found, repository)
    return [
        Removal(found=one, needed_by=_list_needers(one, needs, leaving=frozenset(named)))
        for one in found
    ]


def choose_prunable(
    rule: PruneRule, runs: Runs, repository: "Repository"
) -> tuple[list[Removal], list[Removal]]:
    """The runs that the rule lets go, and those that it would but that something needs.

    Raises `Refused` as `refuse_unknown_specs` does.
    """
    refuse_unknown_specs(rule.specs, runs, repository)
    every = read_runs(runs)
    kept = frozenset[str]() if rule.keep is None else _list_kept_plans(every, rule.keep)
    chosen = {
        found.run.name: (found, why)
        for found in every
        if (why := _find_reason(found, every, rule, kept)) is not None
    }
    needs = _find_needs(every, [one for one, _ in chosen.values()], repository)
    leaving = frozenset(chosen)
    while True:
        # What a run needs that stays has to stay too, and so on.
        free = frozenset(
            name for name in leaving if not _list_needers(chosen[name][0], needs, leaving)
        )
        if free == leaving:
            break
        leaving = free
    removals = [
        Removal(found=found, why=why, needed_by=_list_needers(found, needs, leaving))
        for found, why in chosen.values()
    ]
    going = [one for one in removals if one.found.run.name in leaving]
    return going, [one for one in removals if one.found.run.name not in leaving]


def remove_runs(
    removals: Sequence[Removal],
    runs: Runs,
    report: Callable[[RunSummary], None],
    warn: Callable[[str], None] = lambda _: None,
) -> None:
    """Remove the runs one by one, each whole or not at all; `report` hears of each that is gone.

    Of one that the cluster carried out its Workflow goes too; `warn` hears where that stays, or
    where a CronWorkflow begins the plan again.

    What a process that was killed left half deleted goes too. Raises `Temporary` at a run that a
    process works on or sends to MLflow; those before it are gone.
    """
    from vtspec.pipelines.tracking.mlflow_upload import lock_sync

    if not runs.folder.is_dir():
        return
    with _name_place(runs), runs.lock_runs():
        for one in removals:
            run = one.found.run
            # Another process was faster.
            if not run.path.exists():
                continue
            with lock_sync(run.path) as mine:
                if not mine:
                    raise Temporary(
                        f"{run.name} is being sent to MLflow", fix="try again in a while"
                    )
                # First: a run that is in the store still can be removed again.
                left = delete_from_cluster(run, runs)
                if left is not None:
                    warn(f"the Workflow of {run.name} stays on the cluster for a while: {left}")
                elif (again := describe_schedule(run)) is not None:
                    warn(f"warning: {again}")
                runs.remove(run)
            report(one.found)


@contextmanager
def _name_place(runs: Runs) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Of a full disk the system does not say which.
        if error.filename is None:
            error.filename = str(runs.folder)
        raise


def _list_kept_plans(every: Sequence[RunSummary], keep: int) -> frozenset[str]:
    """The plans of the last `keep` results of each spec; the seeds of one stand together."""
    kept: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for found in reversed(every):
        name, plan_id = found.run.spec_name, found.run.plan_id
        plans = kept.setdefault(name, set())
        if not found.state.has_result or plan_id in plans or counts[name] >= keep:
            continue
        counts[name] += 1
        plans |= {plan_id, *_list_seed_plans(found.run)}
    return frozenset().union(*kept.values())


def _list_seed_plans(run: Run) -> frozenset[str]:
    """The plans that the run is judged together with, its own among them, or none."""
    try:
        return frozenset(name_seed_plans(run.read_plan()).values())
    except Permanent:
        return frozenset()


def _find_reason(
    found: RunSummary, every: Sequence[RunSummary], rule: PruneRule, kept: frozenset[str]
) -> str | None:
    """Why the rule lets the run go; None where it does not."""
    run, standing = found.run, _find_standing(found)
    is_meant = not rule.specs or run.spec_name in rule.specs
    if standing == "running" or not is_meant or _is_recent(found, rule.before):
        return None
    # What lies elsewhere was put there by somebody, and is not removed: see `Run.refuse_link`.
    if run.path.is_symlink():
        return None
    if standing == "failed":
        return found.status
    finished = [one.run for one in every if one.state.has_result]
    for other in finished:
        if other.plan_id == run.plan_id and other.attempt > run.attempt:
            return f"{other.name} has the result of the same plan"
    if standing == "cut short":
        return found.status if rule.unfinished else None
    if rule.keep is None or run.plan_id in kept:
        return None
    return f"older than the last {rule.keep} of {run.spec_name}" if rule.keep else "finished"


def _is_recent(found: RunSummary, before: float | None) -> bool:
    if before is None:
        return False
    try:
        worked = datetime.fromisoformat(found.state.clock.updated or "").timestamp()
    except ValueError:
        worked = found.run.started
    return worked >= before


def _list_needers(
    found: RunSummary, needs: Sequence[_Need], leaving: frozenset[str]
) -> tuple[str, ...]:
    """Who needs the run among those that stay."""
    return tuple(
        need.by for need in needs if need.name == found.run.name and need.run not in leaving
    )


def _find_needs(
    every: Sequence[RunSummary], chosen: Sequence[RunSummary], repository: "Repository"
) -> list[_Need]:
    """Who needs which of `every` run; MLflow is asked of the `chosen` ones alone."""
    if not chosen:
        return []
    return [
        *_iter_needs_of_specs(every, repository),
        *(need for found in every for need in _iter_needs_of_run(found, every)),
        *(need for found in every for need in _iter_unsent(found)),
        *(need for found in chosen for need in _iter_aliases(found, repository)),
        *(need for found in chosen for need in _iter_spending(found, repository)),
    ]


def _iter_spending(found: RunSummary, repository: "Repository") -> Iterator[_Need]:
    told = describe_spending(found.run, found.state, repository, datetime.now(UTC))
    if told is not None:
        yield _Need(name=found.run.name, by=told)


def _iter_needs_of_specs(every: Sequence[RunSummary], repository: "Repository") -> Iterator[_Need]:
    from vtspec.pipelines.planning.resolve import find_plan_id
    from vtspec.schema.load import load_file
    from vtspec.schema.yaml_source.document import find_value

    for name in repository.find_spec_files("Experiment"):
        # Of two files of one name each: nobody knows which of them is meant.
        paths = [file.path for file in repository.find_claims("Experiment", name)]
        for path in (path for path in paths if path is not None):
            # Not the model: a spec with an error in it names its runs all the same.
            document = load_file(path).document
            if not all(_is_told(document, field) for field in (_WEIGHTS, _BASELINE)):
                shown = repository.format_path(path)
                see = format_command("vtspec", "validate", shown)
                by = f"{shown} may need it, and cannot be read ({see})"
                yield from (_Need(name=found.run.name, by=by) for found in every)
            weights = find_value(document.data, _WEIGHTS)
            if isinstance(weights, str) and weights.startswith("run:"):
                run = _find_start(weights.removeprefix("run:"), repository)
                if run is not None:
                    yield _Need(name=run.name, by=f"experiment {name} starts from its model")
            baseline = find_value(document.data, _BASELINE)
            if isinstance(baseline, str):
                planned = find_plan_id(baseline, repository)
                finished = _list_finished(every, baseline)
                allows = find_value(document.data, _ALLOW_ADAPTED) is True
                run = choose_baseline(keep_comparable(finished, allow_adapted=allows), planned)
                if run is not None:
                    yield _Need(name=run.name, by=f"experiment {name} is compared with it")


def _is_told(document: "Document", path: tuple[str, ...]) -> bool:
    """Whether a spec says what stands at `path`, if only that nothing does."""
    from vtspec.schema.yaml_source.document import find_value

    # Of a key that stands there twice, one value alone is in the data.
    if document.problems:
        return False
    # A file that was emptied, or cut off where nobody sees it, says nothing of its needs.
    parts = [find_value(document.data, path[:length]) for length in range(len(path))]
    return (
        all(isinstance(part, dict) for part in parts[:2])
        and all(part is None or isinstance(part, dict) for part in parts[2:])
        and isinstance(find_value(document.data, path), str | None)
    )


def _find_start(word: str, repository: "Repository") -> Run | None:
    """The run that an experiment starts from, as a plan of it would choose it."""
    from vtspec.pipelines.planning.resolve import find_plan_id

    try:
        return Runs(repository.runs).find_result(word, lambda name: find_plan_id(name, repository))
    except Refused:
        return None


def _iter_needs_of_run(found: RunSummary, every: Sequence[RunSummary]) -> Iterator[_Need]:
    run = found.run
    try:
        plan = run.read_plan()
    except Permanent:
        by = f"{run.name} may need it: its plan cannot be read"
        yield from (_Need(name=one.run.name, by=by, run=run.name) for one in every)
        return
    match plan:
        case {"model": {"weights": {"type": "run", "run": str(other)}}}:
            yield _Need(name=other, by=f"run {run.name} started from its model", run=run.name)
    match plan:
        # Also of one that is to go on: its report is still to be written.
        case {"report": {"baseline": str(name), **rest}} if _find_standing(found) != "failed":
            planned = rest.get("baselinePlan")
            others = [one for one in _list_finished(every, name) if one.name != run.name]
            others = keep_comparable(others, allow_adapted=rest.get("allowAdapted") is True)
            baseline = choose_baseline(others, planned if isinstance(planned, str) else None)
            if baseline is not None:
                by = f"the report of {run.name} compares with it"
                yield _Need(name=baseline.name, by=by, run=run.name)
    if _find_standing(found) == "failed":
        return
    seeds = set(name_seed_plans(plan).values()) - {run.plan_id}
    # A dict: of several attempts the last one that finished is the seed's result.
    last = {one.run.plan_id: one.run for one in every if one.state.has_result}
    by = f"the report of {run.name} is judged over its seed too"
    for seed in (seed for seed in last if seed in seeds):
        yield _Need(name=last[seed].name, by=by, run=run.name)


def _find_standing(found: RunSummary) -> Standing:
    state = found.state
    return find_standing(
        "succeeded" if state.has_result else state.status, is_worked_on=found.run.is_alive()
    )


def _list_finished(every: Sequence[RunSummary], spec_name: str) -> list[Run]:
    return [one.run for one in every if one.run.spec_name == spec_name and one.state.has_result]


def _iter_unsent(found: RunSummary) -> Iterator[_Need]:
    from vtspec.pipelines.tracking.follower import read_sync_result
    from vtspec.pipelines.tracking.mlflow_upload import read_sync_state

    run = found.run
    if read_sync_state(run.path) is None:
        return
    left = read_sync_result(run.path).left
    if left:
        send = format_command("vtspec", "sync", run.name)
        events = pluralize(left, "event of it has", "events of it have")
        yield _Need(name=run.name, by=f"{events} not arrived in MLflow ({send})")


def _iter_aliases(found: RunSummary, repository: "Repository") -> Iterator[_Need]:
    """The aliases of MLflow's registry that name the model of the run."""
    from vtspec.pipelines.tracking.mlflow_upload import read_sync_state
    from vtspec.pipelines.weights.model_versions import list_aliases

    place = read_sync_state(found.run.path)
    if place is None or place.model_version is None or place.registered_as is None:
        return
    name, version = place.registered_as, place.model_version
    try:
        address = get_tracking_uri(repository, os.environ)
        aliases = list_aliases(address, name, version)
    except (Permanent, Temporary) as error:
        by = f"an alias may name its model {name}, version {version}: {error.message}"
        yield _Need(name=found.run.name, by=by)
        return
    for alias in aliases:
        yield _Need(
            name=found.run.name,
            by=f"MLflow's alias {name}@{alias} is its model, version {version}",
        )
