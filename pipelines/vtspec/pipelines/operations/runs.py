"""The runs that there are, listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.json_values import to_words
from vtspec.pipelines.runs.state import RunState
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
    runs: Runs, wanted: RunFilter, order: Order = "started", *, reverse: bool = False
) -> list[RunSummary]:
    """The runs that are meant, in ascending order: the newest, longest, largest or best last.

    Without a figure a run comes before those with one; figures are compared by their name.
    """
    every = [found for found in read_runs(runs) if wanted.fits(found)]
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


def read_runs(runs: Runs) -> list[RunSummary]:
    """Every run with what its events add up to, the oldest first."""
    return [RunSummary(run, run.read_state()) for run in runs.list_runs()]


def _rank_result(found: RunSummary) -> tuple[bool, str, float]:
    from vtspec.adapters.metrics import METRICS

    if found.result is None:
        return False, "", 0.0
    name, value = found.result
    low = {one.name for all_of in METRICS.values() for one in all_of if not one.higher_is_better}
    return True, name, -value if name in low else value
