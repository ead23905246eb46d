"""A training in a process of its own, watched and ended at chosen moments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from vtspec.adapters.json_types import JsonObject

from .harness import Nonconformance, Subject

LONGEST_S: Final = 300.0
"""Seconds after which a process counts as hung."""

_POLL_S: Final = 0.0005


class Process:
    """`python -m vtspec.adapters train` with what it tells, read as it comes."""

    def __init__(self, subject: Subject, folder: Path, plan: JsonObject, *more: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        self.events: list[dict[str, Any]] = []
        self._rest = b""
        self._printed = folder / "printed.txt"
        self._reader, writer = os.pipe()
        # So that a process that tells nothing can still be found to hang.
        os.set_blocking(self._reader, False)
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "vtspec.adapters", "train"),
                    *("--plan", str(folder / "plan.json"), "--workdir", str(folder)),
                    *("--data", str(subject.data_root), "--run", folder.name, "--attempt", "1"),
                    *("--events-fd", str(writer), *more),
                ],
                env={**os.environ, **subject.environment},
                # A descriptor of its own: to stdout the framework prints at will.
                pass_fds=[writer],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        os.close(writer)
        self._ends_at = time.monotonic() + LONGEST_S

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left behind, whatever happened."""
        self._process.kill()
        self._process.wait()
        os.close(self._reader)

    def get_events(self, kind: str) -> list[JsonObject]:
        """The events of one kind that were told so far."""
        return [event for event in self.events if event["kind"] == kind]

    def wait_until(self, moment: Callable[[], bool]) -> bool:
        """Read on until `moment` is there; False where the process ended before."""
        while not moment():
            ended = self._process.poll() is not None
            # Looked at before reading, so that what was told just before the end is not missed.
            self._read()
            if ended:
                return moment()
            if time.monotonic() > self._ends_at:
                raise Nonconformance(f"training hangs: no end after {LONGEST_S:g} s")
            time.sleep(_POLL_S)
        return True

    def signal(self, number: int) -> None:
        """Send the signal `number` to the process."""
        self._process.send_signal(number)

    def wait_for_exit(self) -> int:
        """Read on to the end; the exit code."""
        self.wait_until(lambda: False)
        return self._process.wait()

    def describe_failure(self) -> str:
        """What it called a failure, and the end of what it printed."""
        failures = [str(event.get("message")) for event in self.get_events("failed")]
        printed = self._printed.read_text(encoding="utf-8", errors="replace")[-500:]
        return " ".join([*failures, printed]).strip()

    def _read(self) -> None:
        while True:
            try:
                block = os.read(self._reader, 1 << 16)
            except BlockingIOError:
                return
            if not block:
                return
            *lines, self._rest = (self._rest + block).split(b"\n")
            self.events += [json.loads(line) for line in lines]
