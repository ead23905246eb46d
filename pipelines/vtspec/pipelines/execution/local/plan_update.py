"""The same plan with another policy in a run's `plan.json`, and the one before put back.

The event says first what the plan becomes; whoever finds a run that was killed then makes it so.
The plan as it was lies beside it, named by its digest.
"""

from dataclasses import replace
from pathlib import Path

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.pipelines.execution.steps import StepContext
from vtspec.pipelines.planning.policy import PlanUpdate, apply_sections
from vtspec.pipelines.runs.events import RunUpdated
from vtspec.pipelines.runs.store import PLAN_FILE, write_json


def adopt_plan(work: StepContext, update: PlanUpdate | None) -> StepContext:
    """The run's context with the plan that its last update made, after a new one where given."""
    plan = work.target.plan
    if update is not None:
        told = RunUpdated(
            plan_digest=update.plan.digest,
            previous_digest=plan.digest,
            changed=update.paths,
            steps=update.steps,
            sections=update.sections,
        )
        work.log.append(told)
    sections = work.log.state.sections
    asked = apply_sections(plan, sections) if sections else plan
    if asked == plan:
        return work
    write_json(find_kept_plan(work.target.folder, plan.digest), plan.to_json())
    write_json(work.target.folder / PLAN_FILE, asked.to_json())
    return replace(work, target=replace(work.target, plan=asked))


def restore_plan(work: StepContext) -> None:
    """Put back the plan of the result that an update began from; nothing without one at work."""
    before = work.log.state.before
    if before is None or before.provenance.plan_digest is None:
        return
    kept = find_kept_plan(work.target.folder, before.provenance.plan_digest)
    if kept.is_file():
        write_file_atomic(work.target.folder / PLAN_FILE, kept.read_bytes())
        kept.unlink()


def find_kept_plan(folder: Path, digest: str) -> Path:
    """Where a plan that was replaced lies."""
    return folder / f"plan-{digest.removeprefix('sha256:')[:12]}.json"
