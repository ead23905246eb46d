"""The runs that there are, listed; and the one of them whose result a word means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.runs import Run, Runs, choose_baseline
from vtspec.pipelines.runs.json_values import to_words
from vtspec.pipelines.runs.state import RunState
from vtspec.schema.problem import SpecError
from vtspec.schema.suggestions import suggest_fix

if TYPE_CHECKING:
    from vtspec.pipelines.project.repository import Repository

if TYPE_CHECKING:
    from vtspec.pipelines.argo import WorkflowState

RunStatus: TypeAlias = Literal[
    "queued",
    "running",
    "succeeded",
    "failed",
    "crashed",
    "refused",
    "killed",
    "interrupted",
    "stopped",
]
"""The status of a run's events, and `killed` where no process works on one that has not ended."""

Order: TypeAlias = Literal["started", "name", "took", "size", "result"]

STATUSES: Final[tuple[RunStatus, ...]] = get_args(RunStatus)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)


@dataclass(frozen=True)
class RunSummary:
    """A run and what its events add up to, read once; of one on the cluster what that says, where
    it was asked."""

    run: Run
    state: RunState
    workflow: "WorkflowState | None" = None

    @cached_property
    def status(self) -> RunStatus:
        """How it ended, or whether somebody works on it."""
        # A pod tells of itself in the store a little later than it begins.
        if self.state.status == "queued" and self.workflow and self.workflow.phase == "running":
            return "running"
        if self.state.is_over or self.run.is_alive():
            return self.state.status
        return "killed"

    @cached_property
    def bytes(self) -> int:
        """Size of its files."""
        return self.run.measure_size()

    @cached_property
    def overrides(self) -> tuple[str, ...]:
        """What was typed for its plan beside its spec, such as `training.epochs=2`."""
        try:
            return to_words(self.run.read_plan().get("overrides"))
        except Permanent:
            return ()

    @property
    def result(self) -> tuple[str, float] | None:
        """Its main figure: of the final split, or before that is measured of val."""
        state = self.state
        best, monitor = state.training.best, state.training.monitor
        figures = state.final.metrics or (best.metrics if best is not None else {})
        name = monitor if monitor in figures else next(iter(figures), None)
        return None if name is None else (name, figures[name])


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs are meant: of these specs, with these statuses; all where none is named."""

    specs: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()

    def fits(self, found: RunSummary) -> bool:
        """Whether the run is among them."""
        return (not self.specs or found.run.spec_name in self.specs) and (
            not self.statuses or found.status in self.statuses
        )


def list_runs(
    runs: Runs,
    wanted: RunFilter,
    order: Order = "started",
    there: "Mapping[str, WorkflowState] | None" = None,
    *,
    reverse: bool = False,
) -> list[RunSummary]:
    """The runs that are meant, in ascending order: the newest, longest, largest or best last;
    `there` is what the cluster says of them.

    Without a figure a run comes before those with one; figures are compared by their name.
    """
    every = [found for found in read_runs(runs, there) if wanted.fits(found)]
    match order:
        case "name":
            every.sort(key=lambda found: (found.run.plan_id, found.run.attempt))
        case "took":
            every.sort(key=lambda found: found.state.clock.result_s)
        case "size":
            every.sort(key=lambda found: found.bytes)
        case "result":
            every.sort(key=_rank_result)
        case "started":
            pass
    return every[::-1] if reverse else every


def refuse_unknown_specs(names: Sequence[str], runs: Runs, repository: "Repository") -> None:
    """Raise `Refused` for a name that neither a run nor an experiment bears: it selects nothing,
    and a person who misspelt it should not take that for an answer."""
    known = {run.spec_name for run in runs.list_runs()} | {
        *repository.find_spec_files("Experiment")
    }
    for name in names:
        if name not in known:
            raise Refused(
                f"there is no spec '{name}', and no run of it in {runs.place}",
                fix=suggest_fix(
                    name, sorted(known), "see 'vtspec specs list' and 'vtspec status'"
                ),
            )


def read_runs(runs: Runs, there: "Mapping[str, WorkflowState] | None" = None) -> list[RunSummary]:
    """Every run with what its events add up to, the oldest first."""
    found = there or {}
    return [RunSummary(run, run.read_state(), found.get(run.name)) for run in runs.list_runs()]


@dataclass(frozen=True, kw_only=True)
class MeantRun:
    """The run that is meant; `notes` say which others might have been, and why they are not."""

    run: Run
    notes: tuple[str, ...] = ()


def find_meant_run(word: str, runs: Runs, find_repository: "Callable[[], Repository]") -> MeantRun:
    """The run whose result a person means: by its name or the beginning of one, or by its spec's
    name, which is the last finished run of the spec as it stands, else its last finished one.

    The repository is looked for only where finished runs of several plans have the spec's name.
    Raises `Refused` as `Runs.find` does.
    """
    last, run = runs.find(word), runs.find_finished(word)
    name = Path(word).name
    notes = [] if run == last else [f"{run.name}: {last.name} is later and has not succeeded"]
    finished = [one for one in runs.list_by_name(name) if one.has_result]
    if run.name == name or len({one.plan_id for one in finished}) < 2:
        return MeantRun(run=run, notes=tuple(notes))
    planned = _find_plan_id(name, find_repository)
    meant = choose_baseline(finished, planned)
    assert meant is not None
    if meant.plan_id != planned:
        why = "cannot be planned now" if planned is None else "as it stands has none"
        return MeantRun(
            run=meant, notes=(*notes, f"{meant.name} is the last finished run; {name} {why}")
        )
    if meant != finished[-1]:
        other = finished[-1]
        typed = format_command(
            *(w for one in RunSummary(other, other.read_state()).overrides for w in ("--set", one))
        )
        sets = f", with {typed}" if typed else ""
        notes = [f"{meant.name} is of {name} as it stands; {other.name} is later{sets}"]
    return MeantRun(run=meant, notes=tuple(notes))


def _find_plan_id(spec_name: str, find_repository: "Callable[[], Repository]") -> str | None:
    from vtspec.pipelines.planning.resolve import find_plan_id

    try:
        return find_plan_id(spec_name, find_repository())
    # Runs are shown also where `vtspec.yaml` is wrong.
    except (SpecError, Refused):
        return None


def _rank_result(found: RunSummary) -> tuple[bool, str, float]:
    from vtspec.adapters.metrics import METRICS

    if found.result is None:
        return False, "", 0.0
    name, value = found.result
    low = {one.name for all_of in METRICS.values() for one in all_of if not one.higher_is_better}
    return True, name, -value if name in low else value
