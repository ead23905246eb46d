"""How a run on a cluster ended where its own steps could not say so, and when it is to be stopped.
Pure.

A pod that is killed for its memory, a deadline, an image that cannot be pulled, a Workflow that
somebody stopped or deleted: the run's events lack their end then, and whoever follows it writes
down what is decided here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.formatting import format_duration
from vtspec.pipelines.runs.events import Ending, RunFinished
from vtspec.pipelines.runs.state import RunState

from .workflow import GRACE_S
from .workflow_state import Cause, StepProgress, WorkflowState
from .workflow_words import suggest_missing

_EXIT_CODES: Final[Mapping[Ending, int]] = {
    "crashed": 1,
    "refused": 2,
    "failed": 3,
    "interrupted": 75,
    "stopped": 75,
}

_WORLD: Final = 4
"""The exit code of a run whose surroundings refused it: no image, an engine that could not."""

_PLACES: Final = {
    "queue": "in its queue",
    "node": "for a node",
    "object": "for what the namespace lacks",
    "image": "for its image",
}


@dataclass(frozen=True, kw_only=True)
class _End:
    ending: Ending
    message: str
    fix: str | None
    exit_code: int | None = None


def find_ending(workflow: WorkflowState | None, run: RunState, name: str) -> RunFinished | None:
    """The terminal event of a run whose Workflow is over and whose events have none; None where
    it goes on, or nobody can tell. `workflow` is None where it is gone from the cluster."""
    if run.is_over:
        return None
    end = _find_lost(name) if workflow is None else _find_end(workflow, run, name)
    if end is None:
        return None
    reached = run.training.checkpoint
    is_open = end.ending in ("interrupted", "stopped")
    left = f"; the last checkpoint is {reached.path}" if is_open and reached else ""
    code = _EXIT_CODES[end.ending] if end.exit_code is None else end.exit_code
    return RunFinished(
        ending=end.ending,
        exit_code=code,
        message=f"{end.message}{left}",
        fix=end.fix,
        artifacts={},
        seconds=round(run.clock.seconds, 3),
    )


def find_stop_reason(workflow: WorkflowState, now: datetime) -> str | None:
    """Why whoever follows the run stops it: it waits longer than it may; None where it does not.

    Argo has no limit on that, and pulls an image that is not there forever.
    """
    if workflow.since is None or workflow.wait is None:
        return None
    waited = now - workflow.since
    is_imageless = workflow.wait == "image" and waited > timedelta(seconds=GRACE_S)
    if not workflow.is_overdue(now) and not is_imageless:
        return None
    told = f": {workflow.message}" if workflow.message else ""
    spent = format_duration(waited.total_seconds())
    return f"{workflow.step or 'it'} waited {_PLACES[workflow.wait]} for {spent}{told}"


def format_resume(name: str) -> str:
    """What a person types to go on with a run on the cluster."""
    return format_command("vtspec", "run", name, "--resume", "--backend", "argo")


def _find_lost(name: str) -> _End:
    return _End(
        ending="interrupted",
        message="its Workflow was deleted before the run had ended",
        fix=f"resume with: {format_resume(name)}",
    )


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """A step whose last pod did not succeed; `told` is the cluster's own word for it, `missing`
    what to type where it says that it lacks something."""

    name: str
    step: str
    at: StepProgress
    run: RunState
    told: str
    missing: str | None
    namespace: str
    workflow: str

    @property
    def resume(self) -> str:
        return f"resume with: {format_resume(self.name)}"


def _find_end(workflow: WorkflowState, run: RunState, name: str) -> _End | None:
    at = workflow.steps.get(workflow.step or "") or StepProgress(phase="failed")
    step = workflow.step or "the run"
    missing = suggest_missing(workflow, workflow.message)
    found = _Failure(
        name=name,
        step=step,
        at=at,
        run=run,
        told=workflow.message,
        missing=missing,
        namespace=workflow.namespace or "NAMESPACE",
        workflow=workflow.run or name,
    )
    match workflow.phase:
        case "waiting" | "running" | "unreadable":
            return None
        case "stopped" if workflow.stop_reason is not None:
            message = f"{workflow.stop_reason}, and was stopped"
            first = suggest_missing(workflow, workflow.stop_reason)
            fix = f"{first}; then {found.resume}" if first else found.resume
            return _End(ending="interrupted", message=message, fix=fix)
        case "stopped":
            return _End(ending="stopped", message=f"{step} was stopped", fix=found.resume)
        case "succeeded":
            logs = format_command("vtspec", "logs", name)
            return _End(
                ending="failed",
                message="the cluster says that every step succeeded, and the run's events in the "
                "store do not say so",
                fix=f"see what it printed ({logs}), or {found.resume}",
                exit_code=_WORLD,
            )
        case "failed":
            return _CAUSES[workflow.cause or "engine"](found)


def _explain_own(ending: Ending) -> Callable[[_Failure], _End]:
    """The words of the step itself, which said why before it ended."""

    def explain(found: _Failure) -> _End:
        known, code = found.run.failure, found.at.exit_code
        how = f" with exit code {code}" if code is not None else ""
        see = f"see what it printed: {format_command('vtspec', 'logs', found.name)}"
        return _End(
            ending=ending,
            message=known.message if known else f"{found.step} failed{how}",
            fix=(known.fix if known else None) or see,
            exit_code=code,
        )

    return explain


def _explain_interrupted(found: _Failure) -> _End:
    return _End(
        ending="interrupted",
        message=f"{found.step} was interrupted in each of {found.at.attempts} pods",
        fix=found.resume,
    )


def _explain_memory(found: _Failure) -> _End:
    return _End(
        ending="failed",
        message=f"{found.step} was killed: its pod used up the memory that it may use "
        "(resources.memory)",
        fix="lower training.batchSize or training.workers, or set resources.memory higher; then "
        "plan and run it again",
    )


def _explain_deadline(found: _Failure) -> _End:
    return _End(
        ending="failed",
        message=f"{found.step} was ended by its deadline: {found.told}",
        fix="set resources.maxDuration higher (that makes another plan), or train less",
    )


def _explain_pod(found: _Failure) -> _End:
    count = f"{found.at.attempts} pods of it were" if found.at.attempts > 1 else "its pod was"
    return _End(
        ending="interrupted",
        message=f"{found.step} was lost: {count} deleted, evicted or gone with a node "
        f"({found.told})",
        fix=found.resume,
    )


def _explain_image(found: _Failure) -> _End:
    return _End(
        ending="failed",
        message=f"{found.step} has no image: {found.told}",
        fix="see that the registry has it (vtspec images list) and that the cluster may pull it; "
        f"then: {format_resume(found.name)}",
        exit_code=_WORLD,
    )


def _explain_engine(found: _Failure) -> _End:
    describe = ("kubectl", "-n", found.namespace, "describe", "workflow", found.workflow)
    look = found.missing or format_command(*describe)
    return _End(
        ending="failed",
        message=f"Argo could not carry {found.step} out: {found.told}",
        fix=f"{look}; then: {format_resume(found.name)}",
        exit_code=_WORLD,
    )


_CAUSES: Final[Mapping[Cause, Callable[[_Failure], _End]]] = {
    "failed": _explain_own("failed"),
    "refused": _explain_own("refused"),
    "crashed": _explain_own("crashed"),
    "interrupted": _explain_interrupted,
    "memory": _explain_memory,
    "deadline": _explain_deadline,
    "pod": _explain_pod,
    "image": _explain_image,
    "engine": _explain_engine,
}
