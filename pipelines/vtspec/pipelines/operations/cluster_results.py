"""What the events of a run on the cluster say of its result, and of what is missing of it."""

from typing import TYPE_CHECKING

from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.state import RunState, fold_events

if TYPE_CHECKING:
    from vtspec.pipelines.argo import Completion
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.planning.plan_model import Plan


def find_lacking_completion(run: Run, plan: "Plan | None") -> "Completion | None":
    """What is missing of a run's result where it is asked for by the plan, or as it is."""
    from vtspec.pipelines.argo import find_completion
    from vtspec.pipelines.execution.local import find_run_update
    from vtspec.pipelines.planning.plan_model import plan_from_json

    state = run.read_state()
    # Of one that is only begun there may be no plan yet.
    if not state.has_result:
        return None
    update = None if plan is None else find_run_update(run, plan)
    return find_completion(run.name, state, plan_from_json(run.read_plan()), update)


def find_known_state(run: Run) -> RunState:
    """What was told of a run before the completion that is made of it; nothing where none is."""
    from vtspec.pipelines.runs.events import RunUpdated

    events = run.read_events()
    if fold_events(events).before is None:
        return RunState()
    begun = max(n for n, event in enumerate(events) if isinstance(event.body, RunUpdated))
    return fold_events(events[:begun])


def find_last_outcome(run: Run, state: RunState) -> "Outcome | None":
    """How that ended which was looked on at; None where it has not. A completion that failed did,
    though the run has its result as before."""
    from vtspec.pipelines.execution.local import find_outcome
    from vtspec.pipelines.execution.steps import EXIT_CODES, Outcome
    from vtspec.pipelines.runs.events import RunFinished, RunUpdated

    if not state.is_over:
        return None
    bodies = [event.body for event in run.read_events()]
    ends = [body for body in bodies if isinstance(body, RunFinished)]
    was_updated = any(isinstance(body, RunUpdated) for body in bodies)
    if not ends or not was_updated or ends[-1].ending == "succeeded":
        return find_outcome(state)
    end = ends[-1]
    code = EXIT_CODES[end.ending] if end.exit_code is None else end.exit_code
    return Outcome(ending=end.ending, exit_code=code, message=end.message, fix=end.fix)
