"""One step of a run, carried out here: told before it begins, and told how it ended."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtspec.pipelines.cache_folder import mark_in_use
from vtspec.pipelines.data.fetch import PinnedData, fetch_data
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs import EventLog, RunLock
from vtspec.pipelines.runs.events import (
    ADAPTER_STEPS,
    DataVerified,
    Event,
    Failed,
    ReportWritten,
    StepFinished,
    StepStarted,
)
from vtspec.pipelines.runs.metrics import build_metrics
from vtspec.pipelines.runs.run import METRICS_FILE, write_json
from vtspec.schema.kinds.patterns import parse_duration

from .adapter_command import place_command
from .adapter_launch import AdapterCommand, build_arguments
from .adapter_process import AdapterProcess, TimeLimit, recover_events
from .exit_status import (
    SUCCEEDED,
    Outcome,
    find_error_outcome,
    interpret_exit,
    make_stopped_outcome,
)
from .initial_weights import find_start_weights
from .run_context import RunContext


@dataclass(frozen=True, kw_only=True)
class StepTarget:
    """What is carried out: a run's folder, name, attempt and plan, and the lock that is held.

    `data` names data that was verified elsewhere. With `smoke` every step handles one batch.
    """

    folder: Path
    name: str
    attempt: int
    plan: Plan
    lock: RunLock | None
    data: Path | None = None
    resume: bool = False
    smoke: bool = False


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """All that a step needs. `choose` finds the framework's environment, when it is first needed.

    Whoever makes one closes its `log`.
    """

    target: StepTarget
    place: RunContext
    choose: Callable[[], Environment]
    log: EventLog
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(
        cls, target: StepTarget, place: RunContext, choose: Callable[[], Environment]
    ) -> "StepContext":
        """The context of a run's steps, its log opened."""

        def tell(event: Event, line: bytes) -> None:
            place.told(event, log.state)
            if place.on_line is not None:
                place.on_line(line)

        log = EventLog(target.folder, target.name, target.attempt, on_event=tell)
        return cls(target=target, place=place, choose=choose, log=log)


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
    return sum(
        recover_events(work.target.folder, step, work.log) for step in sorted(ADAPTER_STEPS)
    )


def _run_unless_stopped(step: str, work: StepContext) -> Outcome:
    if work.place.stop.reason is not None:
        return make_stopped_outcome(step, work.place.stop.reason)
    return _run_interruptibly(step, work)


def _run_interruptibly(step: str, work: StepContext) -> Outcome:
    try:
        if step in ADAPTER_STEPS:
            return _run_adapter_step(step, work)
        with work.place.stop.raise_on_request():
            return {"data": _run_data_step, "report": _run_report_step}[step](work)
    except KeyboardInterrupt:
        return make_stopped_outcome(step, work.place.stop.reason or "stopped")
    except Exception as error:
        outcome = find_error_outcome(error)
        if outcome is None:
            raise
        return outcome


def _log_failure(step: str, work: StepContext, outcome: Outcome) -> None:
    """Tell of a failure that the adapter itself could not, or did not, tell of."""
    # The adapter's own words come first, and are not said twice.
    known, message = work.log.state.failure, outcome.message
    if outcome.ending != "failed" or message is None:
        return
    if known is None or known.message not in message:
        work.log.append(
            Failed(message=message, fix=outcome.fix, traceback=None, cause=outcome.cause),
            step=step,
        )


def _run_data_step(work: StepContext) -> Outcome:
    dataset = work.target.plan.dataset
    pinned = PinnedData(name=dataset.name, hash=dataset.hash, source=dataset.source)
    place = work.place
    found = fetch_data(pinned, place.root, place.cache, place.report, place.remote)
    content = found.content
    verified = DataVerified(
        hash=content.hash, files=content.files, bytes=content.bytes, path=str(found.path)
    )
    work.log.append(verified, step="data")
    return SUCCEEDED


def _run_report_step(work: StepContext) -> Outcome:
    write_metrics(work)
    verdict = work.place.write_report(work.target.folder, work.place.report)
    work.log.append(ReportWritten(path="report.md", verdict=verdict), step="report")
    return SUCCEEDED


def write_metrics(work: StepContext) -> None:
    """Write `metrics.json` from the events so far."""
    write_json(work.target.folder / METRICS_FILE, build_metrics(work.log.state))


def _run_adapter_step(step: str, work: StepContext) -> Outcome:
    with work.place.stop.raise_on_request():
        environment = work.choose()
        # Only training starts from them; later steps load its checkpoint.
        planned = work.target.plan.model.weights if step == "train" else None
        place = work.place
        weights = find_start_weights(planned, place.root, place.cache, place.download)
    limit = _find_limit(work)
    # Earlier parts of the run used it up: the limit is the run's, not the process's.
    if limit.seconds <= 0:
        return _make_overdue_outcome(step, limit)
    plan, data = work.target.plan, _get_data_folder(step, work)
    command = place_command(
        AdapterCommand(
            step=step,
            arguments=_build_arguments(step, work, environment, data, weights),
            variables={**os.environ, **place.variables},
            folder=work.target.folder,
        ),
        environment,
        plan,
        readable=[data] if weights is None else [data, weights.absolute()],
    )
    process = AdapterProcess(
        command=command,
        log=work.log,
        lock=work.target.lock,
        stop=place.stop,
        limit=limit,
        heirs=place.heirs,
    )
    return interpret_exit(step, process.run())


def _build_arguments(
    step: str, work: StepContext, environment: Environment, data: Path, weights: Path | None
) -> Sequence[str]:
    target = work.target
    # The adapter works in the run's folder.
    plan = target.folder.absolute() / work.log.state.plan_file
    arguments = build_arguments(environment, step, plan, target.name, target.attempt)
    arguments += ["--data", str(data)]
    # Told only where it decides something, as a framework's older image knows no such argument.
    if step == "train" and target.plan.training.on_time_limit != "stop":
        arguments += ["--seconds-left", f"{_find_limit(work).seconds:.1f}"]
    if weights is not None:
        arguments += ["--weights", str(weights)]
    if step == "train" and target.resume:
        arguments.append("--resume")
    if target.smoke:
        arguments.append("--smoke")
    return arguments


def _get_data_folder(step: str, work: StepContext) -> Path:
    # Data that a pod mounted wins over the folder that another machine noted.
    data = work.target.data or (Path(work.log.state.data) if work.log.state.data else None)
    if data is None:
        raise Permanent(
            f"{step} needs data, and step data has not run in {work.target.folder}",
            fix="run 'vtspec step data' first, or give --data DIR",
        )
    kept = work.place.cache / "data"
    if data.is_relative_to(kept):
        mark_in_use(kept / data.relative_to(kept).parts[0])
    # The adapter works in the run's folder, where a relative path would mean another one.
    return data.absolute()


def _find_limit(work: StepContext) -> TimeLimit:
    shown, state = work.target.plan.resources.max_duration, work.log.state
    # What is made of a result later has the limit for itself.
    spent = 0.0 if state.before is not None else state.clock.seconds
    return TimeLimit(seconds=parse_duration(shown) - spent, shown=shown)


def _make_overdue_outcome(step: str, limit: TimeLimit) -> Outcome:
    from .exit_status import AdapterExit

    return interpret_exit(step, AdapterExit(code=-1, overdue=limit.shown))
