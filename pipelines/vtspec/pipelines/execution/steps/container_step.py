"""One step by itself, as a container runs it: its folder is all that it shares with the others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import Run, RunLock, make_run_name
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.state import PLAN_FILE
from vtspec.pipelines.runs.store import write_json

from .exit_status import SUCCEEDED, Outcome
from .run_context import RunContext
from .run_lifecycle import log_run_end, log_run_start
from .step import (
    StepContext,
    StepTarget,
    execute_step,
    recover_all,
    write_metrics,
)


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """What one step is given. `folder` is the run's, which need not be named like it."""

    folder: Path
    plan: Plan
    attempt: int
    data: Path | None
    resume: bool
    choose: Callable[[], Environment]


def execute_single_step(step: str, task: StepRequest, place: RunContext) -> Outcome:
    """Carry the step out. The first one tells that the run starts, the last that it is over.

    With `resume` nothing is done of a run that has succeeded: whoever asks did not hear so.
    Raises `Refused` where the folder is another plan's, `Temporary` where somebody works in it.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    # A pod that is started again may overlap with the first.
    lock = RunLock.acquire(task.folder)
    if lock is None:
        raise Temporary(
            f"another process works in {task.folder}", fix="wait for it, or vtspec stop it"
        )
    try:
        _keep_plan(task)
        target = StepTarget(
            folder=task.folder,
            name=make_run_name(task.plan.id, task.attempt),
            attempt=task.attempt,
            plan=task.plan,
            lock=lock,
            data=task.data,
            resume=task.resume,
        )
        work = StepContext.of(target, place, task.choose)
        try:
            return _execute(step, work)
        finally:
            work.log.close()
    finally:
        lock.release()


def _execute(step: str, work: StepContext) -> Outcome:
    if work.target.resume and work.log.state.status == "succeeded":
        work.place.report(f"{work.target.name} has been carried out")
        return SUCCEEDED
    # Also of one that was resumed before it could say so.
    if work.log.state.clock.started is None:
        log_run_start(work, work.choose(), backend="step")
    # Only then can there be words of an adapter that nobody has read yet.
    elif work.target.resume:
        recover_all(work)
    outcome = execute_step(step, work)
    write_metrics(work)
    # Steps may run side by side; whichever is last closes the run.
    if outcome.is_good and all(work.log.state.has_done(each) for each in STEPS):
        log_run_end(work, SUCCEEDED)
    return outcome


def _keep_plan(task: StepRequest) -> None:
    run = Run(task.folder)
    if not (task.folder / PLAN_FILE).is_file():
        write_json(task.folder / PLAN_FILE, task.plan.to_json())
        return
    kept = plan_from_json(run.read_plan())
    if (kept.id, kept.digest) != (task.plan.id, task.plan.digest):
        same = kept.id == task.plan.id
        other = "this one, which has another policy" if same else task.plan.id
        raise Refused(
            f"{task.folder} is the folder of plan {kept.id}, not of {other}",
            fix="give every plan a --workdir of its own, or in a store another --attempt",
        )
