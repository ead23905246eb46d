"""The process that keeps up with a run, and the call that catches up later.

`start_follower` begins `python -m vtspec.pipelines.operations.sync`: a process of its own and of
low priority, which reads the events from their file. Whatever MLflow does, training only ever
writes that file.
"""

import io
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.redaction import Redactor, StreamRedactor, make_redactor
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.json_values import to_mapping, to_text
from vtspec.pipelines.runs.state import describe_ending

from .mlflow_client import make_client
from .mlflow_store import is_run_lost, is_store_missing
from .mlflow_upload import (
    SyncState,
    close_killed_run,
    lock_sync,
    read_sync_state,
    send_events,
    write_sync_state,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ADDRESS: Final = "VTSPEC_TRACKING_ADDRESS"
"""The variable in which the tracker process is given the whole address, secrets and all."""

_PROGRAM: Final = "vtspec.pipelines.operations.sync"
"""What calls `main`: it knows which plan is another than the one that was run."""

POLL_S = 0.5
GRACE_S = 30.0
"""How long a follower that makes progress is waited for after the run's end."""
MAKING_S = 120.0
"""How long it is waited for where the database has to be made first, all in all."""


@dataclass(frozen=True, kw_only=True)
class SyncResult:
    """What has arrived: events `sent`, events `left`, why they wait (None where none do), and
    what to do about that before they are sent again."""

    sent: int
    left: int
    reason: str | None = None
    fix: str | None = None
    model_version: str | None = None
    registered_as: str | None = None


def read_sync_result(run_dir: Path) -> SyncResult:
    """What of the run has arrived, by its own file."""
    place = read_sync_state(run_dir)
    events = Run(run_dir).read_events()
    reached = -1 if place is None else place.shipped
    left = sum(1 for event in events if event.seq > reached)
    told = place.error if place is not None and left else None
    reason, _, fix = (told or "").partition("\n  fix: ")
    return SyncResult(
        sent=len(events) - left,
        left=left,
        reason=reason or None,
        fix=fix or None,
        model_version=None if place is None else place.model_version,
        registered_as=None if place is None else place.registered_as,
    )


def describe_registration(run: Run) -> str | None:
    """Whether the run's model is registered under the name that its plan gives, in the words that
    plan, run, status and report share; None where it gives none, or cannot be read."""
    try:
        tracking = to_mapping(run.read_plan().get("tracking"))
    except Permanent:
        return None
    name, state = to_text(tracking.get("registerAs")), run.read_state()
    if name is None:
        return None
    if not state.has_result:
        ended = "" if state.ending is None else f": the run {describe_ending(state.ending)}"
        return f"not registered as {name}{ended}" if ended else f"to be registered as {name}"
    arrived = read_sync_result(run.path)
    # What is told later of the run, such as another gate, leaves its version as it is.
    is_registered = arrived.registered_as == name or not arrived.left
    if arrived.model_version is not None and is_registered:
        later = _describe_later_version(run, name, arrived.model_version)
        allows = to_mapping(run.read_plan().get("report")).get("allowAdapted") is True
        is_kept_back = state.is_adapted and not allows
        alone = ", not as challenger (report.allowAdapted: true)" if is_kept_back else ""
        return f"registered as {name}, version {arrived.model_version}{later}{alone}"
    # An update that is at work tells itself whether it arrives.
    if state.before is not None:
        return f"to be registered as {name}"
    why = f": {arrived.reason}" if arrived.reason else ""
    helps = f"fix: {arrived.fix}" if arrived.fix else f"register it with: {format_sync(run)}"
    return f"not registered as {name} yet{why}; {helps}"


def _describe_later_version(run: Run, name: str, version: str) -> str:
    """Which other run of the folder made a later version, which was `challenger` then."""
    here = read_sync_state(run.path)
    places = {file.parent.name: read_sync_state(file.parent) for file in _find_places(run.path)}
    versions = {
        int(place.model_version or 0): other
        for other, place in places.items()
        if place is not None and here is not None and place.uri == here.uri
        if place.registered_as == name and (place.model_version or "").isdecimal()
    }
    latest = max(versions, default=0)
    is_later = version.isdecimal() and latest > int(version)
    return f"; version {latest}, of {versions[latest]}, is later" if is_later else ""


def _find_places(run_dir: Path) -> list[Path]:
    return sorted(run_dir.parent.glob("*/tracking.json"))


def format_sync(run: Run) -> str:
    """What a person types to send what of the run has not arrived."""
    return format_command("vtspec", "sync", run.name)


class Follower:
    """A tracker process at work on one run."""

    def __init__(
        self, run_dir: Path, process: "subprocess.Popen[bytes]", address: Address
    ) -> None:
        self._run_dir = run_dir
        self._process = process
        self._address = address

    def finish(self, timeout_s: float = GRACE_S) -> SyncResult:
        """Wait until all has arrived, or MLflow is plainly away, or `timeout_s`; then end it.

        While a SQLite file is being made the time does not run, unless it is less than `GRACE_S`:
        then somebody wants to be gone. Nothing is lost: what has not arrived is sent by `vtspec
        sync`, or beside the next run.
        """
        # The follower leaves by itself when it has sent the terminal event.
        begun = time.monotonic()
        deadline = begun + timeout_s
        while (
            self._process.poll() is None
            and time.monotonic() < deadline
            and not self._is_unreachable()
            and not self._has_arrived()
        ):
            # A database is made once, and killed within that it would have to be made again.
            if timeout_s >= GRACE_S and is_store_missing(self._address):
                deadline = min(time.monotonic() + timeout_s, begun + MAKING_S)
            time.sleep(0.1)
        # Being killed in the midst of sending is what its place on disk is for.
        self._process.kill()
        self._process.wait()
        return read_sync_result(self._run_dir)

    def _has_arrived(self) -> bool:
        place = read_sync_state(self._run_dir)
        return place is not None and _has_ended(self._run_dir, place)

    def _is_unreachable(self) -> bool:
        place = read_sync_state(self._run_dir)
        return place is not None and place.error is not None


def start_follower(run_dir: Path, address: Address) -> Follower:
    """Begin to follow the run in `run_dir` into the MLflow at `address`; returns at once."""
    # From now on it is known where the run is to arrive, even if nothing ever does.
    place = load_sync_state(run_dir, address)
    write_sync_state(run_dir, replace(place, error=None))
    log = (run_dir / "tracking.log").open("ab")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, str(run_dir), address.uri],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # The command line is for everybody on this machine to read, the environment is not.
            env={**os.environ, "OMP_NUM_THREADS": "1", _ADDRESS: address.full},
        )
    return Follower(run_dir, process, address)


def sync_run(run_dir: Path, address: Address) -> SyncResult:
    """Send what has not arrived yet, now. Raises `Temporary` or `Permanent` as MLflow does."""
    with lock_sync(run_dir) as mine:
        if not mine:
            raise Temporary(
                f"{run_dir.name} is being sent by another process", fix="try again in a while"
            )
        place = load_sync_state(run_dir, address)
        if _has_more(run_dir, place):
            client = make_client(address)
            with durable_step("tracking.send"):
                sent = send_events(run_dir, client, place, address)
                close_killed_run(run_dir, client, sent, address)
    return read_sync_result(run_dir)


def has_waiting_events(run_dir: Path, address: Address) -> bool:
    """Whether something of a run has not arrived in that MLflow yet."""
    return _has_more(run_dir, load_sync_state(run_dir, address))


def load_sync_state(run_dir: Path, address: Address) -> SyncState:
    """Where to go on; from the beginning where the run was last sent to another MLflow, or to a
    SQLite file that has been made anew since."""
    place = read_sync_state(run_dir)
    if place is None or place.uri != address.uri or _is_lost(place, address):
        return SyncState(uri=address.uri)
    return place


def find_unsent_runs(run_dir: Path, address: Address) -> Iterator[Path]:
    """The other runs of the folder that did not arrive in the same MLflow."""
    for file in _find_places(run_dir):
        place = read_sync_state(file.parent)
        is_other = place is not None and place.uri == address.uri and file.parent != run_dir
        if is_other and has_waiting_events(file.parent, address):
            yield file.parent


def follow_run(
    run_dir: Path,
    address: Address,
    told: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
    check: Callable[[Run], None] = lambda _: None,
) -> SyncState:
    """Ship until the run has ended and all has arrived, or `told` says to leave.

    A failure is noted in `tracking.json`, until the next success, and tried again, a little later
    each time (at most 10 s); once told to leave, one more try is made. While the run has nothing
    to tell, what earlier runs could not send is sent, save of those for which `check` raises.
    """
    # Made late and again after a failure: MLflow may come up after the run does.
    client, place, wait = None, load_sync_state(run_dir, address), POLL_S
    earlier = find_unsent_runs(run_dir, address)
    while True:
        last_try = told()
        try:
            client = client or make_client(address)
            place, wait = send_events(run_dir, client, place, address), POLL_S
            if last_try:
                # Told to leave, or left by a vtspec that was killed.
                place = close_killed_run(run_dir, client, place, address)
            has_ended = _has_ended(run_dir, place)
            other = None if last_try else next(earlier, None)
            if other is not None:
                _catch_up(other, client, address, check)
                continue
            if has_ended:
                return place
        except (Temporary, Permanent) as error:
            place = replace(read_sync_state(run_dir) or place, uri=address.uri, error=str(error))
            write_sync_state(run_dir, place)
            wait = min(10.0, wait * 2)
        if last_try:
            return place
        _sleep_in_steps(wait, told, sleep)


def _catch_up(
    run_dir: Path, client: "MlflowClient", address: Address, check: Callable[[Run], None]
) -> None:
    """Send an earlier run's rest; what goes wrong there is no matter of the followed one."""
    with lock_sync(run_dir) as mine, suppress(Temporary, Permanent, OSError, ValueError, KeyError):
        if mine:
            check(Run(run_dir))
            place = send_events(run_dir, client, load_sync_state(run_dir, address), address)
            close_killed_run(run_dir, client, place, address)


def _is_lost(place: SyncState, address: Address) -> bool:
    return place.run_id is not None and is_run_lost(address, place.run_id)


def _has_more(run_dir: Path, place: SyncState) -> bool:
    is_open = place.run_id is not None and not place.finished
    return _has_waiting_events(run_dir, place) or (is_open and Run(run_dir).was_killed())


def _has_ended(run_dir: Path, place: SyncState) -> bool:
    """Whether the run's end has arrived. In MLflow it stays ended while another policy is applied
    to its result, which goes on to tell of itself."""
    state = Run(run_dir).read_state()
    return place.finished and state.is_over and state.seq <= place.shipped


def _has_waiting_events(run_dir: Path, place: SyncState) -> bool:
    events = Run(run_dir).read_events()
    return bool(events) and events[-1].seq > place.shipped


def _sleep_in_steps(
    seconds: float, told: Callable[[], bool], sleep: Callable[[float], None]
) -> None:
    slept = 0.0
    while slept < seconds and not told():
        sleep(min(POLL_S, seconds - slept))
        slept += POLL_S


def main(arguments: list[str], check: Callable[[Run], None]) -> int:
    """Follow one run: RUN_DIR URI. SIGTERM means: one last try, then leave."""
    run_dir = Path(arguments[0])
    # The same address, and what of it stands on no command line.
    address = parse_address(os.environ.pop(_ADDRESS, arguments[1]))
    asked: list[int] = []
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    with lock_sync(run_dir) as mine, _redact_output(address):
        if mine:
            # A run that was killed leaves its follower behind: it has another parent then.
            follow_run(
                run_dir,
                address,
                told=lambda: bool(asked) or os.getppid() != parent,
                check=check,
            )
    return 0


@contextmanager
def _redact_output(address: Address) -> Iterator[None]:
    """What MLflow and its libraries print holds no secret of ours in `tracking.log`."""
    hidden = make_redactor(os.environ).with_address(address)
    with (
        redirect_stdout(RedactedStream(sys.stdout, hidden)),
        redirect_stderr(RedactedStream(sys.stderr, hidden)),
    ):
        try:
            yield
        except Exception:
            # Here, since at its end Python would print it past the stream.
            traceback.print_exc()
            raise SystemExit(1) from None


class RedactedStream(io.TextIOBase):
    """A text stream that hides secrets in each line that is written to it."""

    def __init__(self, stream: TextIO, hidden: Redactor) -> None:
        self._stream, self._rest = stream, ""
        self._hidden = StreamRedactor(hidden.redact_text)

    def write(self, text: str) -> int:
        """Write the lines that are whole; a secret may come in two pieces."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._stream.write(self._hidden.redact_piece(line) + "\n")
        self._stream.flush()
        return len(text)
