"""One step by itself, as a container runs it: its folder is all that it shares with the others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import Run, RunLock, make_run_name
from vtspec.pipelines.runs.events import ADAPTER_STEPS, STEPS
from vtspec.pipelines.runs.run import write_json
from vtspec.pipelines.runs.state import PLAN_FILE
from vtspec.pipelines.runs.workflow_file import WorkflowFile

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
from .workflow_adoption import adopt_workflow, find_applied_update, tell_applied_update


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """What one step is given. `folder` is the run's, which need not be named like it; `workflow`
    is the one of a cluster that the step is a pod of."""

    folder: Path
    plan: Plan
    attempt: int
    data: Path | None
    resume: bool
    choose: Callable[[], Environment]
    workflow: WorkflowFile | None = None


def execute_single_step(step: str, task: StepRequest, place: RunContext) -> Outcome:
    """Carry the step out. The first one tells that the run starts, the last that it is over.

    With `resume` nothing is done of a run that has succeeded: whoever asks did not hear so. A
    Workflow that nobody submitted with `vtspec run` is noted in the run by its first step.
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
        update = find_applied_update(step, task.folder, task.plan, task.workflow)
        if update is None:
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
            if update is not None:
                assert task.workflow is not None
                tell_applied_update(work, update, task.workflow)
            return _execute(step, work, task.workflow)
        finally:
            work.log.close()
    finally:
        lock.release()


def _execute(step: str, work: StepContext, workflow: WorkflowFile | None) -> Outcome:
    state = work.log.state
    if work.target.resume and state.status == "succeeded":
        work.place.report(f"{work.target.name} has been carried out")
        return SUCCEEDED
    # What makes a result, of which only the policy is another.
    is_spared = state.before is not None and step in ADAPTER_STEPS and state.has_done(step)
    if work.target.resume and is_spared:
        work.place.report(f"{work.target.name} has its result: {step} has been carried out")
        return SUCCEEDED
    if workflow is not None:
        adopt_workflow(work, workflow)
    # Also of one that was resumed before it could say so.
    if state.clock.started is None:
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


def _is_beyond_policy(run: Run, task: StepRequest) -> bool:
    """Whether a pod's step has nothing to do with the policy that its run has now: the run is
    done, so that nothing is, or it is this Workflow that applies one."""
    if task.workflow is None:
        return False
    state, known = run.read_state(), run.read_workflow()
    is_own = known is not None and known.name == task.workflow.name
    return state.status == "succeeded" or (state.before is not None and is_own)


def _keep_plan(task: StepRequest) -> None:
    run = Run(task.folder)
    if not (task.folder / PLAN_FILE).is_file():
        write_json(task.folder / PLAN_FILE, task.plan.to_json())
        return
    kept = plan_from_json(run.read_plan())
    if kept.id == task.plan.id and _is_beyond_policy(run, task):
        return
    if (kept.id, kept.digest) != (task.plan.id, task.plan.digest):
        same = kept.id == task.plan.id
        other = "this one, which has another policy" if same else task.plan.id
        raise Refused(
            f"{task.folder} is the folder of plan {kept.id}, not of {other}",
            fix="give every plan a --workdir of its own, or in a store another --attempt",
        )
