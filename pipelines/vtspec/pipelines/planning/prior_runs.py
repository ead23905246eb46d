"""What stands beside a plan: its baseline, the last run of its name, and whether it has run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vtspec.pipelines.data.fetch import PinnedData, describe_changed_data
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.state import (
    Standing,
    choose_attempt,
    describe_later_attempt,
    find_standing,
)
from vtspec.pipelines.runs.state_phrases import describe_adaptations
from vtspec.pipelines.tracking import describe_registration
from vtspec.schema.problem import SpecError

from .diff import Change, compare_plans
from .digest import name_completion
from .plan import build_plan
from .plan_model import Plan, plan_from_json
from .policy import PlanUpdate, describe_update, find_update
from .resolve import ModelSources, resolve_spec

RunsAs = Literal["new", "done", "running", "cut short"]
"""What the plan's attempts mean for the next `run`: it begins a new one; it shows the result
that there is; it looks on at one that a process works on; it has to be told whether to go on with
one that was cut short."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs from another plan to this one. `note` says what the other is."""

    name: str
    note: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class SeedPlan:
    """The plan of one seed, and what its attempts mean for the next `run`; `update` and `later`
    as in `PriorRuns`, and the words of `too_late`."""

    plan: Plan
    runs_as: RunsAs
    result: str | None = None
    update: str | None = None
    too_late: str | None = None
    later: str | None = None


@dataclass(frozen=True, kw_only=True)
class PriorRuns:
    """What a person should see beside a plan.

    `run` is the plan's last attempt, or the last finished one where later ones have no result, as
    `later` then says; `result` is its main figure in words, such as `accuracy 0.972`. `update`
    says what of a finished run is done anew, since the plan has another policy, and `completion`
    is the name of that; `registration` says whether its model is registered; `too_late` why a
    policy cannot be applied to it any more. `unknown` says why something could not be compared.
    `changed_data` says that the data of a finished run is no longer what it was trained on.
    `seeds` are the plans that are carried out together, none where it is the plan alone.
    """

    runs_as: RunsAs
    run: str | None = None
    result: str | None = None
    update: str | None = None
    registration: str | None = None
    completion: str | None = None
    too_late: Refused | None = None
    later: str | None = None
    baseline: Comparison | None = None
    last: Comparison | None = None
    unknown: tuple[str, ...] = ()
    changed_data: str | None = None
    seeds: tuple[SeedPlan, ...] = ()


def find_prior_runs(
    made: Plan,
    repository: Repository,
    sources: ModelSources | None = None,
    others: Sequence[Plan] = (),
) -> PriorRuns:
    """What the specs and runs on file say of a plan, and of the `others` that are carried out with
    it. Reads files; the network only for a baseline whose weights have no commit in its spec. A
    thing that cannot be read is said, not raised."""
    runs = Runs(repository.runs)
    runs_as, run, later = _classify_attempts(runs.list_by_plan(made.id))
    update, too_late = _find_update(made, run) if runs_as == "done" and run else (None, None)
    completion = name_completion(run.name, update.plan.to_json()) if run and update else None
    baseline, why_no_baseline = _compare_baseline(made, repository, sources)
    last, why_no_last = _compare_last_run(made, runs)
    return PriorRuns(
        runs_as=runs_as,
        run=None if run is None else run.name,
        result=None if run is None else format_result(run, made),
        update=None if update is None else describe_update(update.changes),
        completion=completion,
        too_late=too_late,
        later=later,
        registration=describe_registration(run) if run and runs_as == "done" else None,
        baseline=baseline,
        last=last,
        unknown=tuple(why for why in (why_no_baseline, why_no_last) if why is not None),
        changed_data=_describe_changed_data(made, run, repository) if runs_as == "done" else None,
        seeds=tuple(_find_seed_plan(one, runs) for one in (made, *others)) if others else (),
    )


def _describe_changed_data(made: Plan, run: Run | None, repository: Repository) -> str | None:
    if run is None:
        return None
    dataset = made.dataset
    pinned = PinnedData(name=dataset.name, hash=dataset.hash, source=dataset.source)
    return describe_changed_data(pinned, repository.root, run.read_events())


def _find_seed_plan(plan: Plan, runs: Runs) -> SeedPlan:
    runs_as, run, later = _classify_attempts(runs.list_by_plan(plan.id))
    update, too_late = _find_update(plan, run) if runs_as == "done" and run else (None, None)
    return SeedPlan(
        plan=plan,
        runs_as=runs_as,
        result=None if run is None else format_result(run, plan),
        update=None if update is None else describe_update(update.changes),
        too_late=None if too_late is None else too_late.message,
        later=later,
    )


def _find_update(made: Plan, run: Run) -> tuple[PlanUpdate | None, Refused | None]:
    try:
        return find_update(plan_from_json(run.read_plan()), made, is_over=True), None
    except Refused as error:
        return None, error
    # What is wrong with the run's own plan is said where the last run is compared with.
    except Permanent:
        return None, None


def format_result(run: Run, made: Plan) -> str | None:
    """The figure of a run that the plan monitors, in words, and what was adapted; None before it
    is measured."""
    state = run.read_state()
    final, name = state.final.metrics, made.training.checkpoint.monitor
    adapted = describe_adaptations(state)
    words = [f"{name} {final[name]:.4g}"] if name in final else []
    words += [] if adapted is None else [adapted.en]
    return ", ".join(words) or None


def _classify_attempts(attempts: list[Run]) -> tuple[RunsAs, Run | None, str | None]:
    """What the attempts mean, the run that says so, and what is to be told of a later one."""
    if not attempts:
        return "new", None, None
    states = [run.read_state() for run in attempts]
    standings: list[Standing] = [
        find_standing(
            "succeeded" if state.has_result else state.status, is_worked_on=run.is_alive()
        )
        for run, state in zip(attempts, states, strict=True)
    ]
    counts = choose_attempt(standings)
    later = None
    if attempts[counts] is not attempts[-1]:
        later = describe_later_attempt(attempts[-1].name, states[-1].status)
    standing = standings[counts]
    runs_as: RunsAs = "new" if standing == "failed" else standing
    return runs_as, attempts[counts], later


def _compare_baseline(
    made: Plan, repository: Repository, sources: ModelSources | None
) -> tuple[Comparison | None, str | None]:
    name = made.report.baseline
    if name is None:
        return None, None
    # The baseline is planned now rather than read from its run: it may have changed since.
    path = repository.find_spec_files("Experiment").get(name)
    if path is None:
        return None, f"there is no baseline '{name}' to compare with"
    try:
        other = build_plan(*resolve_spec(path, repository, sources=sources))
    except (SpecError, Refused, Permanent, Temporary) as error:
        return None, f"the baseline {name} cannot be planned: {str(error).splitlines()[0]}"
    return _build_comparison(name, repository.make_relative(path), other, made), None


def _compare_last_run(made: Plan, runs: Runs) -> tuple[Comparison | None, str | None]:
    found = runs.list_by_name(made.name)
    if not found:
        return None, None
    run = found[-1]
    try:
        # An older vtspec's plan may be unreadable; that is worth a word and no error.
        other = plan_from_json(run.read_plan())
    except Permanent as error:
        return None, f"the last run {run.name} cannot be compared with: {error.message}"
    words = [run.ending or ("running" if run.is_alive() else "not finished")]
    words += [result] if (result := format_result(run, other)) is not None else []
    return _build_comparison(run.name, ", ".join(words), other, made), None


def _build_comparison(name: str, note: str, other: Plan, made: Plan) -> Comparison:
    return Comparison(name=name, note=note, changes=compare_plans(other.to_json(), made.to_json()))
