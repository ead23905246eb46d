"""An adapter's process: started, listened to, told to stop, and never left behind.

It writes its events and what it prints into files, not pipes: a vtspec that is killed loses
nothing (the next one reads on where it stopped), and one that is slow slows nothing down.
"""

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from vtspec.pipelines.runs import EventLog, RunLock
from vtspec.pipelines.runs.events import Body, Failed, Printed, Warned

from .adapter_messages import LINE_LIMIT, InvalidEvent, OutputLimiter, format_line, parse_event
from .exit_status import AdapterExit
from .file_tail import Tail
from .stop_request import Reason, StopSignal

OUTPUT_FILE: Final = "output.log"
TOLD_FILE: Final = ".told-{step}.jsonl"

POLL_S: Final = 0.1
GRACE_S: Final = 60.0
"""How long an adapter may take to write its checkpoint once its time is up."""

_BAD_LINES: Final = 10
_LAST_LINES: Final = 15


@dataclass(frozen=True, kw_only=True)
class AdapterCommand:
    """What to start: `arguments` without `--events-fd`, whole `variables`, a working folder."""

    step: str
    arguments: Sequence[str]
    variables: Mapping[str, str]
    folder: Path


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
    clock: Callable[[], float] = time.monotonic
    asked: Reason | None = None
    overdue: bool = False
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    _failure: Failed | None = None
    _told: int = 0
    _bad: int = 0
    _limit: OutputLimiter = field(default_factory=OutputLimiter)
    _times: int = 0
    _kill_at: float | None = None

    def run(self) -> AdapterExit:
        """Start it, put what it says into the log, and wait for its end.

        Raises `Permanent` where the log cannot be written; the process has ended then, too.
        """
        path = self.command.folder / TOLD_FILE.format(step=self.command.step)
        path.unlink(missing_ok=True)
        with ExitStack() as stack:
            events = stack.enter_context(path.open("ab"))
            output = stack.enter_context((self.command.folder / OUTPUT_FILE).open("ab"))
            said = stack.enter_context(_open_tail(path, 0))
            printed = stack.enter_context(
                _open_tail(self.command.folder / OUTPUT_FILE, output.tell(), 4 * LINE_LIMIT)
            )
            process = self._start(events, output)
            try:
                self._listen(process, said, printed)
            finally:
                _end_process(process)
                if self.lock is not None:
                    self.lock.note_adapter(None)
            self._log_lines(said.read_rest(), printed.read_rest())
        self._close(path)
        return self._build_exit(process.returncode)

    def _start(self, events: IO[bytes], output: IO[bytes]) -> "subprocess.Popen[bytes]":
        handed = [events.fileno()]
        if self.lock is not None:
            handed.append(self.lock.fd)
        process = subprocess.Popen(
            [*self.command.arguments, "--events-fd", str(events.fileno())],
            cwd=self.command.folder,
            env=dict(self.command.variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=handed,
            # Ctrl-C in the terminal reaches vtspec alone, which then asks for a checkpoint.
            start_new_session=True,
        )
        if self.lock is not None:
            self.lock.note_adapter(process.pid)
        return process

    def _listen(self, process: "subprocess.Popen[bytes]", said: Tail, printed: Tail) -> None:
        started_at = self.clock()
        with selectors.DefaultSelector() as selector, _watch_exit(process) as exited:
            selector.register(self.stop, selectors.EVENT_READ)
            if exited is not None:
                selector.register(exited, selectors.EVENT_READ)
            while process.poll() is None:
                behind = said.is_behind or printed.is_behind
                selector.select(0 if behind else POLL_S)
                self.stop.drain()
                self._log_lines(said.read_lines(), printed.read_lines())
                self._enforce_stop(process, started_at)

    def _enforce_stop(self, process: "subprocess.Popen[bytes]", started_at: float) -> None:
        now = self.clock()
        if self.stop.times > self._times:
            # Asked again while it writes its checkpoint: a person does not want to wait.
            again, self._times = self._times > 0, self.stop.times
            self.asked = self.stop.reason
            _send_signal(process, signal.SIGKILL if again else signal.SIGTERM)
        if self.limit is None:
            return
        if self._kill_at is None and now - started_at >= self.limit.seconds:
            self.overdue, self._kill_at = True, now + self.limit.grace_s
            _send_signal(process, signal.SIGTERM)
        elif self._kill_at is not None and now >= self._kill_at:
            _send_signal(process, signal.SIGKILL)

    def _log_lines(self, said: Sequence[bytes], printed: Sequence[bytes]) -> None:
        for line in printed:
            self._last.append(format_line(line))
            for text in self._limit.take(line, self.clock()):
                self._append(Printed(stream="stdout", line=text))
        for line in said:
            self._log_event(line)

    def _log_event(self, line: bytes) -> None:
        self._told += 1
        try:
            told = parse_event(line)
        except InvalidEvent as error:
            self._bad += 1
            if self._bad <= _BAD_LINES:
                self._append(Warned(message=f"the adapter told what is no event: {error}"))
            return
        event = self.log.append_told(told, step=self.command.step, n=self._told)
        if isinstance(event.body, Failed):
            self._failure = event.body

    def _append(self, body: Body) -> None:
        self.log.append(body, step=self.command.step)

    def _close(self, path: Path) -> None:
        for text in self._limit.flush_omitted():
            self._append(Printed(stream="stdout", line=text))
        if self._bad > _BAD_LINES:
            more = self._bad - _BAD_LINES
            self._append(Warned(message=f"{more:,} more lines of the adapter were no events"))
        path.unlink(missing_ok=True)

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
    """Put into the log what the adapter of a killed vtspec still told, and say how much that was.

    Each line's number is in its event, so that none is taken twice.
    """
    path = folder / TOLD_FILE.format(step=step)
    if not path.is_file():
        return 0
    with _open_tail(path, 0) as said:
        lines = said.read_rest()
    found = 0
    for number, line in enumerate(lines, 1):
        if number <= log.state.told:
            continue
        with suppress(InvalidEvent):
            log.append_told(parse_event(line), step=step, n=number)
            found += 1
    path.unlink()
    return found


@contextmanager
def _open_tail(path: Path, offset: int, longest: int = 1 << 20) -> Iterator[Tail]:
    tail = Tail(path, offset=offset, longest=longest)
    try:
        yield tail
    finally:
        tail.close()


@contextmanager
def _watch_exit(process: "subprocess.Popen[bytes]") -> Iterator[int | None]:
    """A descriptor that is readable once the process has ended; None where there is no such."""
    try:
        fd = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _send_signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """SIGKILL goes to all that the adapter started; the rest to itself, which knows its own."""
    with suppress(ProcessLookupError, PermissionError):
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """Whatever happened, nothing of the adapter lives on: not it, not a loader that it left."""
    if process.poll() is None:
        _send_signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
