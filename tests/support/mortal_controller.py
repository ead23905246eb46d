"""A controller in a process of its own, which a failpoint may end.

The process that is started has all imported; each controller is a fork of it. On standard input
come lines of JSON: how the next controller is to begin, and then when it is to look; on standard
output it is said how many actions the looks took, or what became of it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from vtspec.pipelines.failpoints import VARIABLE

_LOOKS: Final = 15


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a controller finds its forge, its cluster and its folder; the rest is in `environ`."""

    github: str
    repository: str
    app_id: str
    key_file: str
    folder: str
    environ: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a look came to: how much was done, and what was said; `is_killed` where the process
    was."""

    actions: int = 0
    said: tuple[str, ...] = ()
    is_killed: bool = False


class MortalController:
    """A controller that is begun again after it was killed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._read = 0
        self._said = tempfile.TemporaryFile("w+b")
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environ, "PYTHONPATH": str(Path(__file__).parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def begin(self, place: Place, failpoint: str | None) -> None:
        """Begin one, with that failpoint armed; the one before has ended."""
        self._tell({"place": asdict(place), "failpoint": failpoint})

    def ask(self, now: datetime) -> None:
        """Have it look until there is nothing to do, at that time."""
        self._tell({"now": now.isoformat()})

    def hear(self) -> Looked:
        """What the looks came to."""
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        said = (*told["said"], *self._read_errors())
        return Looked(**{**told, "said": said})

    def _read_errors(self) -> list[str]:
        """What was written to standard error since it was read last."""
        data = os.pread(self._said.fileno(), 1 << 20, self._read)
        self._read += len(data)
        return data.decode(errors="replace").splitlines()

    def end(self) -> None:
        """End the controller that there is."""
        self._tell({})

    def close(self) -> None:
        """End all of it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._said.close()

    def _tell(self, said: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(said)}\n")
        self._process.stdin.flush()


def _main() -> None:
    # What takes time, once: no child has to import it.
    import mlflow  # noqa: F401

    from vtspec.pipelines.controller.worker import serve_once, track_once  # noqa: F401
    from vtspec.pipelines.forge.connection import connect_github  # noqa: F401
    from vtspec.pipelines.operations.cluster_runs import begin_on_cluster  # noqa: F401

    # A line at a time, so that parent and child share one place in it.
    with open(0, "rb", buffering=0, closefd=False) as asked:
        while line := asked.readline():
            begin = json.loads(line)
            if (child := os.fork()) == 0:
                os.environ |= begin["place"]["environ"]
                if begin["failpoint"] is not None:
                    os.environ[VARIABLE] = begin["failpoint"]
                _look(Place(**begin["place"]), asked)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert code in (0, -signal.SIGKILL), code
            if code:
                _say(Looked(is_killed=True))


def _look(place: Place, asked: Any) -> None:
    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.controller.site import Site
    from vtspec.pipelines.controller.worker import serve_once, track_once
    from vtspec.pipelines.forge.connection import connect_github
    from vtspec.pipelines.forge.credentials import AppCredential, SecretFile
    from vtspec.pipelines.planning.resolve import ModelSources

    key = SecretFile(path=Path(place.key_file))
    connection = connect_github(AppCredential(app_id=place.app_id, private_key=key), place.github)
    now = [datetime.min]
    timm = replace(load_frameworks()["timm"], digest="sha256:" + "c" * 64)
    site = Site(
        forge=connection.open(place.repository),
        folder=Path(place.folder),
        get_time=lambda: now[0],
        sources=ModelSources(frameworks={"timm": timm}),
        check=lambda plan, remote, root: None,
    )
    while told := json.loads(asked.readline() or "{}"):
        now[0] = datetime.fromisoformat(told["now"])
        said: list[str] = []
        actions, found = 0, 1
        for _ in range(_LOOKS):
            # As a worker, which no error ends.
            try:
                found = serve_once(site, said.append).actions
                actions += found
                if not found:
                    track_once(site, said.append)
                    break
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
            # The next failpoint is armed before what was left is done.
            if any("InjectedError" in line for line in said):
                break
        else:
            said.append(f"{found} actions are left")
        _say(Looked(actions=actions, said=tuple(said)))


def _say(looked: Looked) -> None:
    os.write(1, f"{json.dumps(asdict(looked))}\n".encode())


if __name__ == "__main__":
    _main()
