"""One step by itself, as a container runs it: its folder is all that it shares with the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.runs import EventLog, RunLock, make_run_name
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.store import PLAN_FILE, write_json

from .exit_status import SUCCEEDED, Outcome
from .run_lifecycle import log_run_end, log_run_start
from .step import (
    STEPS,
    OnMessage,
    StepContext,
    WriteReport,
    execute_step,
    recover_all,
    write_metrics,
)
from .stop_request import StopSignal


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """What one step is given. `folder` is the run's, which need not be named like it."""

    folder: Path
    plan: Mapping[str, Any]
    attempt: int
    root: Path
    cache: Path
    data: Path | None
    resume: bool
    choose: Callable[[], Environment]
    write_report: WriteReport


def execute_single_step(
    step: str,
    task: StepRequest,
    stop: StopSignal,
    report: OnMessage,
    told: Callable[[Event, RunState], None],
) -> Outcome:
    """Carry the step out. The first one tells that the run starts, the last that it is over.

    Raises `Refused` where the folder is another plan's, `Temporary` where somebody works in it.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    lock = RunLock.acquire(task.folder)
    if lock is None:
        raise Temporary(
            f"another process works in {task.folder}", fix="wait for it, or vtspec stop it"
        )
    try:
        _keep_plan(task)
        name = make_run_name(str(task.plan["id"]), task.attempt)
        log = EventLog(
            task.folder, name, task.attempt, on_event=lambda event: told(event, log.state)
        )
        work = StepContext(
            folder=task.folder,
            name=name,
            attempt=task.attempt,
            plan=task.plan,
            log=log,
            lock=lock,
            stop=stop,
            root=task.root,
            cache=task.cache,
            choose=task.choose,
            report=report,
            write_report=task.write_report,
            data=task.data,
            resume=task.resume,
        )
        try:
            return _execute(step, work)
        finally:
            log.close()
    finally:
        lock.release()


def _execute(step: str, work: StepContext) -> Outcome:
    if work.log.state.status == "queued":
        log_run_start(work, work.choose(), backend="step")
    elif work.resume:
        recover_all(work)
    outcome = execute_step(step, work)
    write_metrics(work)
    if outcome.is_good and all(work.log.state.has_done(each) for each in STEPS):
        log_run_end(work, SUCCEEDED)
    return outcome


def _keep_plan(task: StepRequest) -> None:
    import json

    path = task.folder / PLAN_FILE
    if not path.is_file():
        write_json(path, task.plan)
        return
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept.get("id") != task.plan["id"]:
        raise Refused(
            f"{task.folder} is the folder of plan {kept.get('id')}, not of {task.plan['id']}",
            fix="give every plan a --workdir of its own",
        )
