"""One step of a run, carried out here: told before it begins, and told how it ended."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vtspec.pipelines.data.fetch import fetch_data
from vtspec.pipelines.errors import Permanent, RunFailed, Temporary
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.runs import EventLog, RunLock
from vtspec.pipelines.runs.events import (
    DataVerified,
    Failed,
    ReportWritten,
    StepFinished,
    StepStarted,
)
from vtspec.pipelines.runs.metrics import build_metrics
from vtspec.pipelines.runs.store import METRICS_FILE, PLAN_FILE, write_json
from vtspec.schema.kinds.field_types import parse_duration

from .adapter_process import AdapterCommand, AdapterProcess, TimeLimit, recover_events
from .exit_status import (
    SUCCEEDED,
    Outcome,
    interpret_exit,
    make_error_outcome,
    make_stopped_outcome,
)
from .initial_weights import find_start_weights
from .process_env import build_variables
from .stop_request import StopSignal

STEPS: Final = ("data", "train", "evaluate", "export", "report")
"""The steps of a run, in their order."""

ADAPTER_STEPS: Final = frozenset({"train", "evaluate", "export"})

OnMessage = Callable[[str], None]
WriteReport = Callable[[Path], str]
"""Writes the report of the run in a folder and returns the name of its verdict."""


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step needs: the run's folder, name, log, lock and plan, and where things lie.

    `root` is the repository's, `cache` keeps what can be made again; `choose` finds the
    framework's environment, when an adapter is first needed; `data` names data that was
    verified elsewhere. With `smoke` every step handles one batch.
    """

    folder: Path
    name: str
    attempt: int
    plan: Mapping[str, Any]
    log: EventLog
    lock: RunLock | None
    stop: StopSignal
    root: Path
    cache: Path
    choose: Callable[[], Environment]
    report: OnMessage
    write_report: WriteReport
    data: Path | None = None
    resume: bool = False
    smoke: bool = False
    clock: Callable[[], float] = time.monotonic


def execute_step(step: str, work: StepContext) -> Outcome:
    """Carry one step out and say how it ended; only a bug, or a full disk, raises."""
    started_at = work.clock()
    work.log.append(StepStarted(command=("vtspec", "step", step)), step=step)
    outcome = _run_unless_stopped(step, work)
    _log_failure(step, work, outcome)
    seconds = round(work.clock() - started_at, 3)
    done = StepFinished(ending=outcome.ending, exit_code=outcome.exit_code, seconds=seconds)
    work.log.append(done, step=step)
    return outcome


def recover_all(work: StepContext) -> int:
    """Take into the log what adapters told while no vtspec listened; the number of lines."""
    return sum(recover_events(work.folder, step, work.log) for step in sorted(ADAPTER_STEPS))


def _run_unless_stopped(step: str, work: StepContext) -> Outcome:
    if work.stop.reason is not None:
        return make_stopped_outcome(step, work.stop.reason)
    return _run_interruptibly(step, work)


def _run_interruptibly(step: str, work: StepContext) -> Outcome:
    try:
        if step in ADAPTER_STEPS:
            return _run_adapter_step(step, work)
        with work.stop.raise_on_request():
            return {"data": _run_data_step, "report": _run_report_step}[step](work)
    except KeyboardInterrupt:
        return make_stopped_outcome(step, work.stop.reason or "stopped")
    except (Permanent, Temporary, RunFailed) as error:
        return make_error_outcome(error)


def _log_failure(step: str, work: StepContext, outcome: Outcome) -> None:
    """Tell of a failure that the adapter itself could not, or did not, tell of."""
    known, message = work.log.state.failure, outcome.message
    if outcome.ending != "failed" or message is None:
        return
    if known is None or known.message not in message:
        work.log.append(Failed(message=message, fix=outcome.fix, traceback=None), step=step)


def _run_data_step(work: StepContext) -> Outcome:
    found = fetch_data(work.plan["dataset"], work.root, work.cache, work.report)
    content = found.content
    verified = DataVerified(
        hash=content.hash, files=content.files, bytes=content.bytes, path=str(found.path)
    )
    work.log.append(verified, step="data")
    return SUCCEEDED


def _run_report_step(work: StepContext) -> Outcome:
    write_metrics(work)
    verdict = work.write_report(work.folder)
    work.log.append(ReportWritten(path="report.md", verdict=verdict), step="report")
    return SUCCEEDED


def write_metrics(work: StepContext) -> None:
    """Write `metrics.json` from the events so far."""
    write_json(work.folder / METRICS_FILE, build_metrics(work.log.state))


def _run_adapter_step(step: str, work: StepContext) -> Outcome:
    with work.stop.raise_on_request():
        environment = work.choose()
        planned = work.plan["model"]["weights"] if step == "train" else None
        weights = find_start_weights(planned, work.root, work.cache)
    limit = _find_limit(work)
    if limit is not None and limit.seconds <= 0:
        return _make_overdue_outcome(step, limit)
    command = AdapterCommand(
        step=step,
        arguments=_build_arguments(step, work, environment, weights),
        variables=build_variables(
            work.plan,
            os.environ,
            str(environment.pythonpath) if environment.pythonpath is not None else None,
        ),
        folder=work.folder,
    )
    process = AdapterProcess(
        command=command, log=work.log, lock=work.lock, stop=work.stop, limit=limit
    )
    return interpret_exit(step, process.run())


def _build_arguments(
    step: str, work: StepContext, environment: Environment, weights: Path | None
) -> Sequence[str]:
    folder = work.folder
    arguments = [str(environment.python), "-m", "vtspec.adapters", step]
    arguments += ["--plan", str(folder / PLAN_FILE), "--workdir", str(folder)]
    arguments += ["--run", work.name, "--attempt", str(work.attempt)]
    arguments += ["--data", str(_get_data_folder(step, work))]
    if weights is not None:
        arguments += ["--weights", str(weights)]
    if step == "train" and work.resume:
        arguments.append("--resume")
    if work.smoke:
        arguments.append("--smoke")
    return arguments


def _get_data_folder(step: str, work: StepContext) -> Path:
    data = work.data or (Path(work.log.state.data) if work.log.state.data else None)
    if data is None:
        raise Permanent(
            f"{step} needs data, and step data has not run in {work.folder}",
            fix="run 'vtspec step data' first, or give --data DIR",
        )
    return data.absolute()


def _find_limit(work: StepContext) -> TimeLimit | None:
    shown = work.plan["resources"].get("maxDuration")
    if shown is None:
        return None
    return TimeLimit(seconds=parse_duration(shown) - work.log.state.clock.seconds, shown=shown)


def _make_overdue_outcome(step: str, limit: TimeLimit) -> Outcome:
    from .exit_status import AdapterExit

    return interpret_exit(step, AdapterExit(code=-1, overdue=limit.shown))
