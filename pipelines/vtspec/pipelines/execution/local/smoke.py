"""One batch through every step, in a folder that goes away: does it work at all?"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import (
    STEPS,
    SUCCEEDED,
    Outcome,
    StepContext,
    execute_step,
    write_metrics,
)
from vtspec.pipelines.runs import EventLog
from vtspec.pipelines.runs.events import Told
from vtspec.pipelines.runs.store import PLAN_FILE, write_json

from .runner import RunContext


@dataclass(frozen=True, kw_only=True)
class SmokeResult:
    """How a smoke run ended, and its folder where it is kept for a look: after a failure."""

    outcome: Outcome
    seconds: float
    folder: Path | None


def run_smoke_test(
    plan: Mapping[str, Any], place: RunContext, environment: Environment
) -> SmokeResult:
    """Carry every step out with one batch. Nothing of it is a run: no attempt, no tracking."""
    folder = Path(tempfile.mkdtemp(prefix="vtspec-smoke-"))
    (folder / "smoke").mkdir()
    write_json(folder / "smoke" / PLAN_FILE, plan)
    log = EventLog(
        folder / "smoke", "smoke", 1, on_event=lambda event: place.told(event, log.state)
    )
    work = StepContext(
        folder=folder / "smoke",
        name="smoke",
        attempt=1,
        plan=plan,
        log=log,
        lock=None,
        stop=place.stop,
        root=place.root,
        cache=place.cache,
        choose=lambda: environment,
        report=place.report,
        write_report=place.write_report,
        smoke=True,
    )
    try:
        outcome = _execute_steps(work)
    finally:
        log.close()
    kept = None if outcome.is_good else folder / "smoke"
    if kept is None:
        shutil.rmtree(folder)
    return SmokeResult(outcome=outcome, seconds=log.state.clock.seconds, folder=kept)


def _execute_steps(work: StepContext) -> Outcome:
    # Of what it is carried out on, a run that is none says only how.
    started = Told(kind="run.started", fields={"plan_id": None, "backend": "process"})
    work.log.append_told(started)
    for step in STEPS:
        outcome = execute_step(step, work)
        write_metrics(work)
        if not outcome.is_good:
            return outcome
    return SUCCEEDED
