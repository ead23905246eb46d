"""The process that keeps up with a run, and the call that catches up later.

`start_follower` begins `python -m vtspec.pipelines.tracking`: a process of its own and of low
priority, which reads the events from their file. Whatever MLflow does, training only ever writes
that file.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vtspec.pipelines.errors import Permanent, Temporary

from .mlflow_client import make_client
from .mlflow_upload import (
    SyncState,
    lock_sync,
    read_events,
    read_sync_state,
    send_events,
    write_sync_state,
)

POLL_S = 0.5
GRACE_S = 30.0
"""How long a follower that makes progress is waited for after the run's end."""


@dataclass(frozen=True, kw_only=True)
class SyncResult:
    """What has arrived: events `sent`, events `left`, and why they wait (None where none do)."""

    sent: int
    left: int
    reason: str | None = None
    model_version: str | None = None


def read_sync_result(run_dir: Path) -> SyncResult:
    """What of the run has arrived, by its own file."""
    place = read_sync_state(run_dir)
    events = read_events(run_dir)
    reached = -1 if place is None else place.shipped
    left = sum(1 for event in events if event.seq > reached)
    return SyncResult(
        sent=len(events) - left,
        left=left,
        reason=None if place is None or not left else place.error,
        model_version=None if place is None else place.model_version,
    )


class Follower:
    """A tracker process at work on one run."""

    def __init__(self, run_dir: Path, process: "subprocess.Popen[bytes]") -> None:
        self._run_dir = run_dir
        self._process = process

    def finish(self, timeout_s: float = GRACE_S) -> SyncResult:
        """Wait until all has arrived, or MLflow is plainly away, or `timeout_s`; then end it.

        Nothing is lost: what has not arrived is sent by `vtspec sync`, or beside the next run.
        """
        # The follower leaves by itself when it has sent the terminal event.
        deadline = time.monotonic() + timeout_s
        while (
            self._process.poll() is None
            and time.monotonic() < deadline
            and not self._is_unreachable()
        ):
            time.sleep(0.1)
        # Being killed in the midst of sending is what its place on disk is for.
        self._process.kill()
        self._process.wait()
        return read_sync_result(self._run_dir)

    def _is_unreachable(self) -> bool:
        place = read_sync_state(self._run_dir)
        return place is not None and place.error is not None


def start_follower(run_dir: Path, uri: str) -> Follower:
    """Begin to follow the run in `run_dir` into the MLflow at `uri`; returns at once."""
    log = (run_dir / "tracking.log").open("ab")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vtspec.pipelines.tracking", str(run_dir), uri],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    return Follower(run_dir, process)


def sync_run(run_dir: Path, uri: str) -> SyncResult:
    """Send what has not arrived yet, now. Raises `Temporary` or `Permanent` as MLflow does."""
    with lock_sync(run_dir) as mine:
        if not mine:
            raise Temporary(
                f"{run_dir.name} is being sent by another process", fix="try again in a while"
            )
        send_events(run_dir, make_client(uri), load_sync_state(run_dir, uri))
    return read_sync_result(run_dir)


def load_sync_state(run_dir: Path, uri: str) -> SyncState:
    """Where to go on; from the beginning where the run was last sent to another MLflow."""
    place = read_sync_state(run_dir)
    return place if place is not None and place.uri == uri else SyncState(uri=uri)


def follow_run(
    run_dir: Path,
    uri: str,
    told: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> SyncState:
    """Ship until the run has ended and all has arrived, or `told` says to leave.

    A failure is noted in `tracking.json`, until the next success, and tried again, a little later
    each time (at most 10 s); once told to leave, one more try is made.
    """
    # Made late and again after a failure: MLflow may come up after the run does.
    client, place, wait = None, load_sync_state(run_dir, uri), POLL_S
    while True:
        last_try = told()
        try:
            client = client or make_client(uri)
            place, wait = send_events(run_dir, client, place), POLL_S
            if place.finished and not _has_waiting_events(run_dir, place):
                return place
        except (Temporary, Permanent) as error:
            place = replace(read_sync_state(run_dir) or place, uri=uri, error=str(error))
            write_sync_state(run_dir, place)
            wait = min(10.0, wait * 2)
        if last_try:
            return place
        _sleep_in_steps(wait, told, sleep)


def _has_waiting_events(run_dir: Path, place: SyncState) -> bool:
    events = read_events(run_dir)
    return bool(events) and events[-1].seq > place.shipped


def _sleep_in_steps(
    seconds: float, told: Callable[[], bool], sleep: Callable[[float], None]
) -> None:
    slept = 0.0
    while slept < seconds and not told():
        sleep(min(POLL_S, seconds - slept))
        slept += POLL_S


def main(arguments: list[str]) -> int:
    """Follow one run: RUN_DIR URI. SIGTERM means: one last try, then leave."""
    run_dir, uri = Path(arguments[0]), arguments[1]
    asked: list[int] = []
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    with lock_sync(run_dir) as mine:
        if mine:
            # A run that was killed leaves its follower behind: it has another parent then.
            follow_run(run_dir, uri, lambda: bool(asked) or os.getppid() != parent)
    return 0
