"""Docker or Podman, whichever is here: images built, looked at and pushed by its command line."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent

EngineName = Literal["docker", "podman"]

_ENGINES: Final[tuple[EngineName, ...]] = ("docker", "podman")

_ANSWER_S: Final = 60.0

_INSTALL: Final = "install one, such as: apt-get install podman"


@dataclass(frozen=True, kw_only=True)
class ContainerEngine:
    """A program that builds images; both understand the same words."""

    name: EngineName
    program: Path
    version: str

    def __str__(self) -> str:
        return f"{self.name.capitalize()} {self.version} ({self.program})"

    def build(
        self,
        context: Path,
        dockerfile: Path,
        name: str,
        *,
        labels: Mapping[str, str],
        arguments: Mapping[str, str],
    ) -> None:
        """Build the image `name`. Raises `Permanent` where the engine could not."""
        words = ["build", "--file", str(dockerfile), "--tag", name]
        words += [word for item in labels.items() for word in ("--label", "=".join(item))]
        words += [word for item in arguments.items() for word in ("--build-arg", "=".join(item))]
        self._run([*words, str(context)], f"{dockerfile}: not built")

    def push(self, name: str, reference: str) -> None:
        """Send the image `name` to its registry. Raises `Permanent` where that did not take it."""
        self._run(["tag", name, reference], f"{reference}: not tagged")
        host = reference.partition("/")[0]
        login = format_command(self.name, "login", host)
        self._run(["push", reference], f"{reference}: not pushed", f"{login}, and push again")

    def pull(self, reference: str) -> None:
        """Bring an image here from its registry. Raises `Permanent` where it does not come."""
        login = format_command(self.name, "login", reference.partition("/")[0])
        self._run(["pull", reference], f"{reference}: not pulled", f"{login}, and try again")

    def read_labels(self, name: str) -> Mapping[str, str] | None:
        """The labels of an image that is here, or None."""
        done = _ask(self.program, "image", "inspect", "--format", "{{json .Config.Labels}}", name)
        if done is None or done.returncode != 0:
            return None
        return json.loads(done.stdout) or {}

    def _run(self, words: Sequence[str], what: str, fix: str | None = None) -> None:
        # What it says goes to the person as it comes: a build takes minutes.
        done = subprocess.run([self.program, *words], stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise Permanent(
                f"{what}: {self.name} {words[0]} ended with exit code {done.returncode}; "
                "its words are above",
                fix=fix or f"mend what {self.name} says, and do it again",
            )


def find_engine(
    wanted: EngineName | None = None, find: Callable[[str], str | None] = shutil.which
) -> ContainerEngine:
    """The engine that is wanted, or the first that is here and answers.

    Raises `Permanent` where there is none: with its own words where one is here and refuses.
    """
    silent = []
    for name in _ENGINES if wanted is None else (wanted,):
        program = find(name)
        if program is None:
            continue
        # Docker's program may be here without its daemon; only a question to that tells.
        done = _ask(Path(program), "info")
        told = _ask(Path(program), "--version")
        if done is None or told is None or done.returncode != 0:
            silent.append(f"{program} does not answer: {_get_last_line(done)}")
            continue
        return ContainerEngine(
            name=name, program=Path(program), version=_read_version(told.stdout)
        )
    if silent:
        raise Permanent("; ".join(silent), fix=f"start it, or {_INSTALL}")
    raise Permanent(f"{_name_absent(wanted)} on PATH", fix=_INSTALL)


def _ask(program: Path, *words: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _read_version(said: str) -> str:
    # "podman version 5.4.2", "Docker version 28.3.0, build 38b7060".
    numbers = [word.strip(",") for word in said.split() if word[0].isdigit()]
    return numbers[0] if numbers else said.strip()


def _get_last_line(done: "subprocess.CompletedProcess[str] | None") -> str:
    lines = done.stderr.strip().splitlines() if done is not None else []
    return lines[-1] if lines else "it cannot be run"


def _name_absent(wanted: EngineName | None) -> str:
    if wanted is not None:
        return f"there is no {wanted}"
    return "neither Docker nor Podman is"
