"""A run carried out on this machine: its steps one after the other, and its end in every case."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import (
    EXIT_CODES,
    SUCCEEDED,
    Outcome,
    RunContext,
    StepContext,
    StepTarget,
    execute_step,
    log_run_end,
    log_run_start,
    recover_all,
    write_metrics,
)
from vtspec.pipelines.execution.steps.exit_status import find_error_outcome
from vtspec.pipelines.execution.steps.plan_update import adopt_plan
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.planning.policy import PlanUpdate
from vtspec.pipelines.runs import Attempt
from vtspec.pipelines.runs.events import Failed, RunResumed
from vtspec.pipelines.runs.state import RunState, find_remaining_steps
from vtspec.pipelines.tracking import SyncResult


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """How a run ended here; `shipped` is what the tracker says, None without one."""

    outcome: Outcome
    state: RunState
    shipped: SyncResult | None = None


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions:
    """How a run is carried out. `resume_with` is what a person types after an interruption;
    `update` is what a run that is `resumed` is asked for otherwise than it began."""

    resume_with: str
    resumed: bool = False
    update: PlanUpdate | None = None


def execute_run(
    attempt: Attempt,
    place: RunContext,
    choose: Callable[[], Environment],
    options: ExecutionOptions,
) -> RunEnd:
    """Carry out the steps that are not done, and write the terminal event whatever happens.

    `choose` is called where a step needs an environment. Raises only what is a bug, or
    `Permanent` where the disk takes no more events.
    """
    run = attempt.run
    target = StepTarget(
        folder=run.path,
        name=run.name,
        attempt=run.attempt,
        plan=plan_from_json(run.read_plan()),
        lock=attempt.lock,
        resume=options.resumed,
    )
    work = StepContext.of(target, place, choose)
    following = None
    try:
        if options.resumed:
            work = _resume(work, options.update)
        else:
            log_run_start(work, choose())
        following = place.track(run.path)
        outcome = _conclude_run(work, _execute_steps(work), options.resume_with)
    # Ctrl-C too: a run without a terminal event counts as killed.
    except BaseException as error:
        _record_crash(work, error)
        raise
    finally:
        shipped = (
            following.finish(_get_finish_timeout(work.log.state))
            if following is not None
            else None
        )
        work.log.close()
    return RunEnd(outcome=outcome, state=work.log.state, shipped=shipped)


def _get_finish_timeout(state: RunState) -> float:
    # A machine that is taken away gives some 30 s in all; the rest is sent when the run goes on.
    return 5.0 if state.status in ("running", "interrupted", "stopped") else 30.0


def _resume(work: StepContext, update: PlanUpdate | None) -> StepContext:
    state = work.log.state
    if state.status == "queued":
        work = adopt_plan(work, update)
        log_run_start(work, work.choose())
        return work
    recover_all(work)
    # A run that is done is not resumed: only what its new policy asks for is made.
    if state.status != "succeeded":
        reached = work.log.state.training.checkpoint
        epoch, step = (reached.epoch, reached.step) if reached else (0, 0)
        work.log.append(RunResumed(from_epoch=epoch, from_step=step))
    return adopt_plan(work, update)


def _execute_steps(work: StepContext) -> Outcome:
    for step in find_remaining_steps(work.log.state):
        outcome = execute_step(step, work)
        write_metrics(work)
        if not outcome.is_good:
            return outcome
    return SUCCEEDED


def _conclude_run(work: StepContext, outcome: Outcome, resume_with: str) -> Outcome:
    if outcome.ending in ("interrupted", "stopped"):
        fix = outcome.fix or f"resume with: {resume_with}"
        reached = work.log.state.training.checkpoint
        left = f"; the last checkpoint is {reached.path}" if reached and reached.path else ""
        outcome = replace(outcome, message=f"{outcome.message}{left}", fix=fix)
    if outcome.fix is not None:
        # What a step could not know: how this run was called.
        fix = outcome.fix.replace("vtspec run SPEC --resume", resume_with)
        outcome = replace(outcome, fix=fix.replace(" RUN", f" {work.target.name}"))
    write_metrics(work)
    log_run_end(work, outcome)
    return outcome


def _record_crash(work: StepContext, error: BaseException) -> None:
    """Write down what ended the run from within vtspec, as far as the disk lets us."""
    # Nothing was begun anew: what there is of the run stands, its result above all.
    if work.log.state.is_over:
        return
    try:
        outcome = find_error_outcome(error)
        if outcome is not None:
            log_run_end(work, outcome)
            return
        message = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        work.log.append(Failed(message=message, fix=None, traceback=trace))
        crashed = Outcome(ending="crashed", exit_code=EXIT_CODES["crashed"], message=message)
        log_run_end(work, crashed)
    except (Permanent, OSError) as second:
        # The first error is the one to be told; without a terminal event the run can be resumed.
        error.add_note(f"and the end of the run could not be written down: {second}")
