"""A program that keeps running: its log, whether it is ready, its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from local_cluster.errors import ClusterError

_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """What to start, and how to see that it answers."""

    name: str
    command: list[str]
    is_ready: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 60


class Daemons:
    """The programs of a node as the first process of a process namespace has them: it starts them
    in order, starts again what dies later, and reaps whatever lost its parent."""

    def __init__(self, logs: Path, *, starter_is_there: Callable[[], bool]) -> None:
        self._logs = logs
        self._starter_is_there = starter_is_there
        self._wanted: dict[int, Daemon] = {}
        self._status: dict[int, int] = {}
        self._due: list[tuple[float, Daemon]] = []

    def start(self, daemon: Daemon) -> float:
        """Start the program, wait until it is ready, and return the seconds that took.

        Raises:
            ClusterError: it ended or was not ready in time, with the end of its log; or whoever
                asked for the cluster is gone.
        """
        begin = time.monotonic()
        pid = self._spawn(daemon)
        while not daemon.is_ready():
            self.reap()
            if pid in self._status:
                code = os.waitstatus_to_exitcode(self._status[pid])
                raise self._failure(daemon, f"ended with {code} before it was ready")
            if time.monotonic() - begin > daemon.timeout_s:
                raise self._failure(daemon, f"was not ready after {daemon.timeout_s:.0f} s")
            if not self._starter_is_there():
                raise ClusterError("whoever started the cluster is gone", fix="start it again")
            time.sleep(0.05)
        return time.monotonic() - begin

    def keep(self) -> None:
        """Start again what has died. A killed controller is away long enough to be missed."""
        self.reap()
        now = time.monotonic()
        for pid in [pid for pid in self._wanted if pid in self._status]:
            self._due.append((now + 3, self._wanted.pop(pid)))
        due = [daemon for when, daemon in self._due if when <= now]
        self._due = [(when, daemon) for when, daemon in self._due if when > now]
        for daemon in due:
            self._spawn(daemon)

    def stop(self) -> None:
        """End all in the reverse of their order, then every process that is left: containers."""
        for pid in reversed(self._wanted):
            self._end(pid)
        # The first process of a namespace reaches all others in it, and only those.
        while self.reap():
            os.kill(-1, signal.SIGKILL)
            time.sleep(0.05)

    def reap(self) -> bool:
        """Take the status of each child that has ended; whether there are others."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._status[pid] = status

    def _spawn(self, daemon: Daemon) -> int:
        with (self._logs / f"{daemon.name}.log").open("ab") as log:
            pid = os.posix_spawnp(
                daemon.command[0],
                daemon.command,
                {**os.environ, **daemon.environment},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                ],
                setsigmask=[],
                setsigdef=[signal.SIGTERM, signal.SIGINT],
            )
        self._wanted[pid] = daemon
        return pid

    def _end(self, pid: int) -> None:
        for number, patience_s in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if pid in self._status:
                return
            os.kill(pid, number)
            limit = time.monotonic() + patience_s
            while pid not in self._status and time.monotonic() < limit:
                time.sleep(0.02)
                self.reap()

    def _failure(self, daemon: Daemon, what: str) -> ClusterError:
        log = self._logs / f"{daemon.name}.log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        return ClusterError(
            f"{daemon.name} {what}; the end of its log:\n{tail}",
            fix=f"see what it says above; all of it is in {log}",
        )


def run(*command: str | Path) -> str:
    """Run a short program and return its output.

    Raises:
        ClusterError: it failed, with what it said.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise ClusterError(
            f"{' '.join(map(str, command))}: exit code {done.returncode}: {done.stderr.strip()}",
            fix="see what it says above",
        )
    return done.stdout
