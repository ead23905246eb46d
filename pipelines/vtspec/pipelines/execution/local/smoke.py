"""One batch through every step, in a folder that goes away: does it work at all?"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import (
    STEPS,
    SUCCEEDED,
    Outcome,
    RunContext,
    StepContext,
    StepTarget,
    execute_step,
    write_metrics,
)
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs.events import Told
from vtspec.pipelines.runs.run import write_json
from vtspec.pipelines.runs.state import PLAN_FILE


@dataclass(frozen=True, kw_only=True)
class SmokeResult:
    """How a smoke run ended, and its folder where it is kept for a look: after a failure."""

    outcome: Outcome
    seconds: float
    folder: Path | None


def run_smoke_test(plan: Plan, place: RunContext, environment: Environment) -> SmokeResult:
    """Carry every step out with one batch. Nothing of it is a run: no attempt, no tracking."""
    # Not below the runs: a smoke run is no attempt, and must not look like one.
    folder = Path(tempfile.mkdtemp(prefix="vtspec-smoke-"))
    (folder / "smoke").mkdir()
    write_json(folder / "smoke" / PLAN_FILE, plan.to_json())
    target = StepTarget(
        folder=folder / "smoke", name="smoke", attempt=1, plan=plan, lock=None, smoke=True
    )
    work = StepContext.of(target, place, lambda: environment)
    try:
        outcome = _execute_steps(work, environment)
    finally:
        work.log.close()
    kept = None if outcome.is_good else folder / "smoke"
    if kept is None:
        shutil.rmtree(folder)
    return SmokeResult(outcome=outcome, seconds=work.log.state.clock.seconds, folder=kept)


def _execute_steps(work: StepContext, environment: Environment) -> Outcome:
    # Of what it is carried out on, a run that is none says only how and in what.
    fields = {"plan_id": None, "backend": environment.backend, "environment": str(environment)}
    started = Told(kind="run.started", fields=fields)
    work.log.append_told(started)
    for step in STEPS:
        outcome = execute_step(step, work)
        write_metrics(work)
        if not outcome.is_good:
            return outcome
    return SUCCEEDED
