"""One step's adapter: what it says into the run's log, and wishes to stop and limits to it."""

import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.redaction import StreamRedactor
from vtspec.pipelines.runs import EventLog, RunLock
from vtspec.pipelines.runs.events import Body, Failed, Printed, Warned

from .adapter_launch import (
    GRACE_S,
    TOLD_FILE,
    AdapterCommand,
    Lines,
    RunningAdapter,
    launch_adapter,
)
from .adapter_messages import InvalidEvent, OutputLimiter, format_line, parse_event
from .exit_status import AdapterExit
from .file_tail import open_tail
from .output_log import recover_output
from .stop_request import Reason, StopSignal

_BAD_LINES: Final = 10
_LAST_LINES: Final = 15


@dataclass(frozen=True, kw_only=True)
class TimeLimit:
    """How long the process may go on: `seconds` from now, `shown` as the plan says it."""

    seconds: float
    shown: str
    grace_s: float = GRACE_S


@dataclass(kw_only=True)
class AdapterProcess:
    """One run of an adapter, from its start to its end."""

    command: AdapterCommand
    log: EventLog
    lock: RunLock | None
    stop: StopSignal
    limit: TimeLimit | None
    heirs: tuple[int, ...] = ()
    clock: Callable[[], float] = time.monotonic
    asked: Reason | None = None
    overdue: bool = False
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    _failure: Failed | None = None
    _told: int = 0
    _bad: int = 0
    _limit: OutputLimiter = field(default_factory=OutputLimiter)
    _hidden: StreamRedactor = field(default_factory=StreamRedactor)
    _times: int = 0
    _kill_at: float | None = None

    def run(self) -> AdapterExit:
        """Start it, put what it says into the log, and wait for its end.

        Raises `Permanent` where the log cannot be written; the process has ended then, too.
        """
        lock = self.lock
        with launch_adapter(
            self.command,
            heirs=[*self.heirs, *([] if lock is None else [lock.fd])],
            on_pid=(lambda pid: None) if lock is None else lock.note_adapter,
        ) as adapter:
            started_at = self.clock()
            for lines in adapter.follow(self.stop):
                self._log_lines(lines)
                self._enforce_stop(adapter, started_at)
        self._close()
        return self._build_exit(adapter.process.returncode)

    def _enforce_stop(self, adapter: RunningAdapter, started_at: float) -> None:
        # The rest of its words came after its end.
        if adapter.process.returncode is not None:
            return
        now = self.clock()
        if self.stop.times > self._times:
            # Asked again while it writes its checkpoint: a person does not want to wait.
            again, self._times = self._times > 0, self.stop.times
            self.asked = self.stop.reason
            adapter.send_signal(signal.SIGKILL if again else signal.SIGTERM)
        if self.limit is None:
            return
        if self._kill_at is None and now - started_at >= self.limit.seconds:
            self.overdue, self._kill_at = True, now + self.limit.grace_s
            adapter.send_signal(signal.SIGTERM)
        elif self._kill_at is not None and now >= self._kill_at:
            adapter.send_signal(signal.SIGKILL)

    def _log_lines(self, lines: Lines) -> None:
        for raw in lines.printed:
            # Before it is cut: half a secret is in no list of them, nor is a line of a key.
            text = self._hidden.redact_piece(raw.decode(errors="replace"))
            line = text.encode(errors="replace")
            self._last.append(format_line(line))
            for kept in self._limit.take(line, self.clock()):
                self._append(Printed(stream="stdout", line=kept))
        for line in lines.told:
            self._log_event(line)

    def _log_event(self, line: bytes) -> None:
        self._told += 1
        try:
            told = parse_event(line)
        except InvalidEvent as error:
            self._bad += 1
            # A broken adapter may write garbage by the megabyte; ten lines show what it is.
            if self._bad <= _BAD_LINES:
                self._append(Warned(message=f"the adapter told what is no event: {error}"))
            return
        event = self.log.append_told(told, step=self.command.step, n=self._told)
        if isinstance(event.body, Failed):
            self._failure = event.body

    def _append(self, body: Body) -> None:
        self.log.append(body, step=self.command.step)

    def _close(self) -> None:
        for text in self._limit.flush_omitted():
            self._append(Printed(stream="stdout", line=text))
        if self._bad > _BAD_LINES:
            more = self._bad - _BAD_LINES
            lines = pluralize(
                more, "more line of the adapter was", "more lines of the adapter were"
            )
            self._append(Warned(message=f"{lines} no events"))
        self.command.told.unlink(missing_ok=True)

    def _build_exit(self, code: int) -> AdapterExit:
        return AdapterExit(
            code=code,
            asked=self.asked,
            overdue=self.limit.shown if self.limit is not None and self.overdue else None,
            message=self._failure.message if self._failure else None,
            fix=self._failure.fix if self._failure else None,
            last_lines=tuple(line for line in self._last if line.strip()),
        )


def recover_events(folder: Path, step: str, log: EventLog) -> int:
    """Put into the log what the adapter of a killed vtspec still told, and say how much that was;
    what it printed goes into `output.log`.

    Each line's number is in its event, so that none is taken twice.
    """
    recover_output(folder, step)
    path = folder / TOLD_FILE.format(step=step)
    if not path.is_file():
        return 0
    with open_tail(path) as told:
        lines = told.read_rest()
    found = 0
    for number, line in enumerate(lines, 1):
        if number <= log.state.told:
            continue
        with suppress(InvalidEvent):
            log.append_told(parse_event(line), step=step, n=number)
            found += 1
    path.unlink()
    return found
