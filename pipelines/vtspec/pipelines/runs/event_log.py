"""Events onto disk: one line each, whole or mended, numbered on from what is there."""

import errno
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.redaction import redact_data, redact_text

from .events import (
    Body,
    Evaluated,
    Event,
    Exported,
    Failed,
    Printed,
    RunFinished,
    RunResumed,
    RunStarted,
    RunUpdated,
    StepFinished,
    Told,
    TrainCheckpoint,
    Warned,
    decode_event,
    decode_events,
    encode_event,
    read_body,
    seal_line,
)
from .state import RunState, apply_event, fold_events

EVENTS_FILE: Final = "events.jsonl"

DURABLE: Final = (
    RunStarted,
    RunResumed,
    RunUpdated,
    RunFinished,
    StepFinished,
    TrainCheckpoint,
    Evaluated,
    Exported,
)
"""What is on the disk itself, not only in the kernel, before `append` returns."""


def get_timestamp() -> str:
    """This moment, UTC, RFC 3339 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The time for people, and seconds that neither a clock that is set nor a machine that
    sleeps adds to."""

    get_time: Callable[[], str] = get_timestamp
    get_seconds: Callable[[], float] = time.monotonic


SYSTEM_CLOCK: Final = Clock()


class EventLog:
    """The events of one run, opened for writing by the process that holds the run's lock.

    `state` is what they add up to so far; `on_event` hears each new one and its line, in the
    order of the file, after it is written, and appends none itself.
    """

    def __init__(
        self,
        run_dir: Path,
        run: str,
        attempt: int,
        *,
        clock: Clock = SYSTEM_CLOCK,
        on_event: Callable[[Event, bytes], None] | None = None,
    ) -> None:
        self.path = run_dir / EVENTS_FILE
        self._run, self._attempt, self._clock = run, attempt, clock
        self._opened_at = clock.get_seconds()
        self._on_event = on_event
        self._turn = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        # The lock keeps other writers out; appending keeps even a stray one from tearing a line.
        self._fd = os.open(self.path, flags, 0o666)
        events = decode_events(_read_and_repair(self._fd).decode(errors="replace").split("\n"))
        self.state: RunState = fold_events(events)
        self._seq = events[-1].seq + 1 if events else 0
        self._worked_before = self.state.clock.seconds

    def append(self, body: Body, *, step: str | None = None) -> Event:
        """Write one event and return it.

        Raises `Permanent` where the disk refuses it; the file then ends with the event before.
        """
        return self._append(body, step)

    def append_told(self, told: Told, *, step: str | None = None, n: int | None = None) -> Event:
        """Write an event with exactly the fields that were told; `n` numbers an adapter's line.

        Raises `Permanent` as `append` does.
        """
        fields = redact_data(told.fields)
        return self._append(read_body(told.kind, fields), step, n, fields)

    def _append(
        self,
        body: Body,
        step: str | None,
        n: int | None = None,
        told: Mapping[str, object] | None = None,
    ) -> Event:
        body = _redact(body)
        # The run's thread and whoever forwards signals append at once.
        with self._turn:
            event = Event(
                run=self._run,
                attempt=self._attempt,
                seq=self._seq,
                time=self._clock.get_time(),
                step=step,
                body=body,
                n=n,
                elapsed=self._measure_elapsed(),
            )
            line = self._write(event, told)
            self._seq += 1
            self.state = apply_event(self.state, event)
            if self._on_event is not None:
                self._on_event(event, line)
        return event

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _measure_elapsed(self) -> float:
        return round(self._worked_before + self._clock.get_seconds() - self._opened_at, 3)

    def _write(self, event: Event, told: Mapping[str, object] | None) -> bytes:
        # A name from the file system may hold half a surrogate pair: \udc80 is JSON's word for it.
        line = seal_line(encode_event(event, told).encode(errors="backslashreplace")) + b"\n"
        size = os.fstat(self._fd).st_size
        try:
            # One write, so that a reader or a kill meets whole lines; a full disk takes a part.
            if os.write(self._fd, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if isinstance(event.body, DURABLE):
                os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, size)
            raise Permanent(
                f"{self.path} cannot be written: {error.strerror}",
                fix="make room on the disk, then run again with --resume",
            ) from error
        return line


def _redact(body: Body) -> Body:
    """The same without secrets, where a framework, a library or a server has the word."""
    if not isinstance(body, Warned | Failed | Printed | RunFinished):
        return body
    texts: dict[str, Any] = {
        key: redact_text(value) for key, value in vars(body).items() if isinstance(value, str)
    }
    return replace(body, **texts)


def _read_and_repair(fd: int) -> bytes:
    """The file's content after its torn last line, if it has one, was closed or cut off."""
    content = b"".join(iter(lambda: os.read(fd, 1 << 20), b""))
    whole, newline, rest = content.rpartition(b"\n")
    if not rest:
        return content
    if decode_event(rest.decode(errors="replace")) is not None:
        os.write(fd, b"\n")
        return content + b"\n"
    os.ftruncate(fd, len(whole) + len(newline))
    return whole + newline
