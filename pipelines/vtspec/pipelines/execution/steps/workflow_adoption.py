"""A Workflow that nobody submitted with `vtspec run`: its own steps note it in their run.

Somebody applied what `vtspec render` prints, or a schedule's time came. From then on whoever looks
at the run finds what carries it out, as they find any other.
"""

from dataclasses import replace
from pathlib import Path

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.planning.policy import PlanUpdate, describe_update, find_update
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.events import RunResumed
from vtspec.pipelines.runs.workflow_file import WORKFLOW_FILE, WorkflowFile

from .plan_update import tell_update
from .step import StepContext


def adopt_workflow(work: StepContext, workflow: WorkflowFile) -> None:
    """Have the run say that this Workflow carries it out, unless it does.

    One that another Workflow left open, or an earlier one of this name, goes on with it.
    """
    run, state = Run(work.target.folder), work.log.state
    known = run.read_workflow()
    is_known = known is not None and known.name == workflow.name
    if is_known and not state.is_over:
        return
    if state.clock.started is None:
        # It is sent before the events are, so that nobody takes the run for a machine's.
        write_file_atomic(work.target.folder / WORKFLOW_FILE, workflow.encode())
        return
    reached = state.training.checkpoint
    work.log.append(
        RunResumed(
            from_epoch=reached.epoch if reached else 0,
            from_step=reached.step if reached else 0,
            workflow=(known if is_known and known is not None else workflow).to_json(),
        )
    )


def find_applied_update(
    step: str, folder: Path, plan: Plan, workflow: WorkflowFile | None
) -> PlanUpdate | None:
    """The policy that somebody applied to a run that has its result, by a whole Workflow of it;
    None for anything else.

    A schedule's is another plan's wish, from before there was a result; and only the first step
    asks, since a later one that is tried again may come after another policy was applied.
    """
    run = Run(folder)
    state = run.read_state()
    if workflow is None or workflow.name != run.name or step != "data":
        return None
    if not (state.is_over and state.has_result):
        return None
    return find_update(plan_from_json(run.read_plan()), plan, is_over=True)


def tell_applied_update(work: StepContext, update: PlanUpdate, workflow: WorkflowFile) -> None:
    """Say what is made of the result, and by which Workflow."""
    words = describe_update(update.changes)
    work.place.report(f"same result, other policy: {words}")
    stored = plan_from_json(Run(work.target.folder).read_plan())
    before = replace(work, target=replace(work.target, plan=stored))
    tell_update(before, update, workflow.to_json())
