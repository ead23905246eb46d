"""The same plan with another policy, in the folder of its run.

What trained stays in `plan.json`: of a result that is there, the plan as it is asked for now lies
beside it as a completion. Of a run that goes on, it takes the place of `plan.json`; the event says
first what the plan becomes, and whoever finds a run that was killed then makes it so. The plan as
it was then lies beside it, named by its digest.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.policy import PlanUpdate, apply_sections
from vtspec.pipelines.runs.run import write_json
from vtspec.pipelines.runs.state import PLAN_FILE

from .step import StepContext


def adopt_plan(work: StepContext, update: PlanUpdate | None) -> StepContext:
    """The run's context with the plan that its last update made, after a new one where given."""
    plan, folder = work.target.plan, work.target.folder
    if update is not None:
        tell_update(work, update)
    sections = work.log.state.sections
    asked = apply_sections(plan, sections) if sections else plan
    if asked == plan:
        return work
    if work.log.state.completion is None:
        write_json(find_kept_plan(folder, plan.digest), plan.to_json())
        write_json(folder / PLAN_FILE, asked.to_json())
    return replace(work, target=replace(work.target, plan=asked))


def find_kept_plan(folder: Path, digest: str) -> Path:
    """Where a plan that was replaced lies."""
    return folder / f"plan-{digest.removeprefix('sha256:')[:12]}.json"


def tell_update(
    work: StepContext, update: PlanUpdate, workflow: Mapping[str, str] | None = None
) -> None:
    """Say what the plan becomes, and keep a completion's beside it; `workflow` is what carries it
    out where a cluster does."""
    completion, asked = None, update.plan.to_json()
    if work.log.state.has_result:
        completion = name_completion(work.target.name, asked)
        # Before the event that names it: whoever reads the run finds the plan that it speaks of.
        write_json(work.target.folder / f"{completion}.json", asked)
    work.log.append(update.make_event(work.target.plan, completion, workflow))
