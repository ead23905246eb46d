"""A stand-in of Podman: it notes what a container would have been given, and runs its command on
this machine with that alone of the variables."""

import json
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ENGINE = """\
#!{python}
import json, os, signal, sys
from pathlib import Path

HERE = Path(__file__).parent
TAKES_NONE = {{"--rm", "--read-only"}}


def note(what):
    with (HERE / "asked.jsonl").open("a") as file:
        print(json.dumps(what), file=file)


def run(words):
    options, rest = [], list(words)
    while rest[0].startswith("--"):
        name = rest.pop(0)
        options.append([name, True if name in TAKES_NONE else rest.pop(0)])
    image, *arguments = rest
    given = [value.partition("=") for name, value in options if name == "--env"]
    variables = {{name: value if sign else os.environ[name] for name, sign, value in given}}
    note({{"run": image, "options": options, "values": variables, "home": os.environ["HOME"]}})
    found = dict(options)
    if "--name" in found:
        (HERE / found["--name"]).write_text(str(os.getpid()))
    inside = {{"PATH": os.defpath, "VTSPEC_FRAMEWORK_PYTHON": sys.executable, **variables}}
    os.chdir(found.get("--workdir", "/"))
    os.execvpe(found["--entrypoint"], [found["--entrypoint"], *arguments], inside)


def remove(name):
    note({{"rm": name}})
    kept = HERE / name
    if kept.exists():
        try:
            os.kill(int(kept.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        kept.unlink()


match sys.argv[1:]:
    case ["--version"]:
        print("podman version 5.4.2")
    case ["info"]:
        pass
    case ["image", "inspect", *_]:
        print("{{}}") if (HERE / "image").exists() else sys.exit(125)
    case ["pull", reference]:
        note({{"pull": reference}})
        (HERE / "image").touch()
    case ["run", *words]:
        run(words)
    case ["rm", *words]:
        remove(words[-1])
"""


class StandInEngine:
    """It lies in a folder that a PATH may begin with; `asked` is what it was asked, in order."""

    def __init__(self, folder: Path, *, has_image: bool = True) -> None:
        folder.mkdir()
        self.folder = folder
        program = folder / "podman"
        program.write_text(ENGINE.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        if has_image:
            (folder / "image").touch()

    @property
    def path(self) -> str:
        """PATH with this engine alone: no other one of the machine."""
        kept = [one for one in os.environ["PATH"].split(os.pathsep) if not _has_engine(one)]
        return os.pathsep.join([str(self.folder), *kept])

    @property
    def asked(self) -> Sequence[Mapping[str, Any]]:
        """What it was asked, in order."""
        file = self.folder / "asked.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()]

    def find_run(self, step: str) -> Mapping[str, Any]:
        """The last container of a step."""
        runs = [one for one in self.asked if f"-{step}-" in str(one.get("options"))]
        return runs[-1]


def _has_engine(folder: str) -> bool:
    return any((Path(folder) / name).exists() for name in ("docker", "podman"))
