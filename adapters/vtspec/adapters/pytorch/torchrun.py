"""Several processes for one training: started by torchrun's agent, which ends all with the first
that fails, and looked after in one folder.

In the folder each process finds where events go and whether it is to stop, and leaves how it
ended: of a process that fails, torchrun itself knows no more than an exit code, and of one that
is done with another code than 0 it would say that it failed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import AdapterError, ProcessRank
from vtspec.adapters.json_types import JsonObject

_POLL_S: Final = 0.2
_PR_SET_PDEATHSIG: Final = 1


@dataclass
class ExitStatus:
    """How a step ended: its exit code and, of one that failed, what is told of that."""

    code: int = 0
    failed: JsonObject | None = field(default=None)


@dataclass(frozen=True)
class GroupFolder:
    """What the processes of one machine share while they train."""

    path: Path

    @property
    def events(self) -> Path:
        """Where rank 0 writes its events."""
        return self.path / "events"

    @property
    def stop(self) -> Path:
        """There once they are to stop."""
        return self.path / "stop"

    def note(self, rank: int, ending: ExitStatus) -> None:
        """Keep how a process ended."""
        noted = {**asdict(ending), "at": time.time()}
        path = self.path / f"ended-{rank}.json"
        hidden = path.with_suffix(".part")
        hidden.write_text(json.dumps(noted, default=str), encoding="utf-8")
        hidden.replace(path)

    def list_endings(self) -> list[ExitStatus]:
        """How those ended that said so: failures first, by time, then the others by rank."""
        found = []
        for path in self.path.glob("ended-*.json"):
            raw = json.loads(path.read_text(encoding="utf-8"))
            rank = int(path.stem.removeprefix("ended-"))
            has_failed = raw["failed"] is not None
            order = (not has_failed, raw["at"] if has_failed else rank)
            found.append((order, ExitStatus(raw["code"], raw["failed"])))
        return [ending for _, ending in sorted(found, key=lambda each: each[0])]


def get_rank() -> ProcessRank:
    """Which process of torchrun's this one is."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    rank, count, local = (int(os.environ[name]) for name in names)
    return ProcessRank(rank=rank, count=count, local=local)


def die_with_parent() -> None:
    """Have the kernel end this process with the one that started it: a session of its own keeps
    other signals from it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(
    words: Callable[[Path], Sequence[str]],
    *,
    processes: int,
    gpus: int,
    events_fd: int,
    should_stop: Callable[[], bool],
) -> ExitStatus:
    """Run `processes` of this Python with `words`, which are made for their folder; how it ended.

    Ends this process as one of them was ended, where a signal did that.

    Raises:
        AdapterError: there are fewer GPUs, or another system than Linux.
    """
    _check_machine(gpus)
    with tempfile.TemporaryDirectory(prefix="vtspec-group-") as made:
        folder = GroupFolder(Path(made))
        # An inherited descriptor would be closed on the way.
        folder.events.symlink_to(f"/proc/{os.getpid()}/fd/{events_fd}")
        with _hand_on_stop(folder, should_stop):
            codes = _run(words(folder.path), folder, processes, gpus)
        endings = folder.list_endings()
        told = {int(path.stem.removeprefix("ended-")) for path in folder.path.glob("ended-*.json")}
    # torchrun ends those that are left with SIGTERM, and they say nothing.
    killed = [-code for rank, code in codes.items() if code < 0 and rank not in told]
    killed.sort(key=lambda number: number == signal.SIGTERM)
    if killed and (killed[0] != signal.SIGTERM or not endings):
        _die_by(killed[0])
    if endings:
        return endings[0]
    code = next(iter(codes.values()), 1)
    message = f"a process of the training ended with exit code {code} and said nothing"
    return ExitStatus(1, {"message": message, "fix": None, "traceback": None})


def _check_machine(gpus: int) -> None:
    import torch

    if sys.platform != "linux":
        raise AdapterError(
            f"several processes train together on Linux alone, and this is {sys.platform}",
            "set resources.gpus: 0",
        )
    there = torch.cuda.device_count() if gpus else 0
    if there < gpus:
        raise AdapterError(
            f"resources.gpus is {gpus}, and PyTorch finds {there} CUDA "
            f"GPU{'s' * (there != 1)} here",
            f"set resources.gpus: {there}, or run where nvidia-smi shows as many",
        )


def _run(
    words: Sequence[str], folder: GroupFolder, processes: int, gpus: int
) -> Mapping[int, int]:
    """The exit codes of processes that failed, by rank; none where all ended well."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Without these both look for an address of this machine that others reach.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=f"vtspec-{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        # What the agent keeps of them goes with the folder.
        logs_specs=DefaultLogsSpecs(log_dir=str(folder.path / "torchrun")),
        max_restarts=0,
        # Those that ask this process to stop are handed on by the folder.
        signals_to_handle="SIGQUIT",
        # A process sees its own GPU alone, whose random state is then all that it has.
        virtual_local_rank=gpus > 0,
    )
    try:
        elastic_launch(config, sys.executable)(*words)
    except ChildFailedError as error:
        return {rank: failure.exitcode for rank, failure in error.failures.items()}
    return {}


@contextmanager
def _hand_on_stop(folder: GroupFolder, should_stop: Callable[[], bool]) -> Iterator[None]:
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            if should_stop():
                folder.stop.touch()
                return

    watcher = threading.Thread(target=watch, name="stop-watcher", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _die_by(number: int) -> None:
    """End by this signal, as the process that it met would have, had it been the only one."""
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    sys.stdout.flush()
    os.kill(os.getpid(), number)
