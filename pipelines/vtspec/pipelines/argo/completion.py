"""What a finished run lacks of what is asked of it now: a completion. Pure.

The first time that is an update of its policy, and then whatever was cut short of one.
"""

from dataclasses import dataclass

from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.policy import PlanUpdate
from vtspec.pipelines.runs.events import ADAPTER_STEPS
from vtspec.pipelines.runs.state import RunState, find_remaining_steps, undo_steps


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A completion by its name, the plan as it is asked for then, and the steps that are missing.
    `update` is what begins it; None for one that was begun and goes on."""

    name: str
    plan: Plan
    steps: tuple[str, ...]
    update: PlanUpdate | None

    @property
    def needs_pods(self) -> bool:
        """Whether a framework has something to do; a report is written anywhere."""
        return any(step in ADAPTER_STEPS for step in self.steps)


def find_completion(
    run: str, state: RunState, stored: Plan, update: PlanUpdate | None
) -> Completion | None:
    """What is to be made of a run's result, given its plan as it is `stored` and what is asked for
    otherwise; None where it has all."""
    if update is None and state.before is None:
        return None
    plan = stored if update is None else update.plan
    begun = state.completion if update is None else None
    return Completion(
        # The first builds named none.
        name=begun or name_completion(run, plan.to_json()),
        plan=plan,
        # Of an earlier one that was cut short something may be missing, too.
        steps=find_remaining_steps(undo_steps(state, () if update is None else update.steps)),
        update=update,
    )
