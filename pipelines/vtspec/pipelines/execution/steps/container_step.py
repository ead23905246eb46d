"""One step by itself, as a container runs it: its folder is all that it shares with the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.runs import EventLog, RunLock, run_name
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.runs.store import PLAN_FILE, write_json

from .exit_status import SUCCEEDED, Outcome
from .run_lifecycle import begin, finish
from .step import STEPS, Report, Work, WriteReport, carry_out, recover_all, write_metrics
from .stop_request import Stop


@dataclass(frozen=True, kw_only=True)
class Task:
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


def do_step(
    step: str,
    task: Task,
    stop: Stop,
    report: Report,
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
        name = run_name(str(task.plan["id"]), task.attempt)
        log = EventLog(
            task.folder, name, task.attempt, on_event=lambda event: told(event, log.state)
        )
        work = Work(
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
            return _do(step, work)
        finally:
            log.close()
    finally:
        lock.release()


def _do(step: str, work: Work) -> Outcome:
    if work.log.state.status == "queued":
        begin(work, work.choose(), backend="step")
    elif work.resume:
        recover_all(work)
    outcome = carry_out(step, work)
    write_metrics(work)
    if outcome.is_good and all(work.log.state.has_done(each) for each in STEPS):
        finish(work, SUCCEEDED)
    return outcome


def _keep_plan(task: Task) -> None:
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
