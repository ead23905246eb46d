"""The framework's Python in an image, looked at before anything runs in it."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.pipelines.catalog import Framework
from vtspec.pipelines.catalog.lockfile import build_marker_environment
from vtspec.pipelines.errors import Permanent

from .environment import OLDEST_PYTHON, Environment, find_differences, hash_adapters

FRAMEWORK_PYTHON: Final = "VTSPEC_FRAMEWORK_PYTHON"
"""The variable by which an image says which Python is its framework's, as an absolute path."""

LOOK_S: Final = 60.0

_LOOK: Final = """
import json, platform, sys
from importlib import import_module, metadata

def find(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

try:
    adapters = list(import_module("vtspec.adapters").__path__)[0]
except ImportError:
    adapters = None
versions = {name: find(name) for name in sys.argv[1:]}
python = platform.python_version()
found = {"python": python, "versions": versions, "adapters": adapters}
print(json.dumps({**found, "executable": sys.executable}))
"""


class Unfit(Exception):
    """Why a Python cannot be a framework's."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a Python says of itself; `adapters` is the folder of its `vtspec.adapters`, or None."""

    python: str
    executable: Path
    versions: Mapping[str, str | None]
    adapters: Path | None

    def list_versions(self) -> dict[str, str]:
        """Its version, and those of the packages that it has."""
        found = {name: one for name, one in self.versions.items() if one is not None}
        return {"python": self.python, **found}


def open_image_environment(framework: Framework, named: str) -> Environment:
    """The environment whose Python is `named`, which has what the framework locks.

    Raises `Permanent` where that cannot be run, is too old, lacks a locked version, or has other
    adapters than this vtspec: what it gave then would not be what the plan says.
    """
    python = Path(named)
    if not python.is_absolute():
        raise _refuse(framework, named, "is no absolute path")
    try:
        look = look_at_python([named], framework)
        _check_adapters(look)
    except Unfit as error:
        raise _refuse(framework, named, str(error)) from error
    assert look.adapters is not None
    return Environment(
        python=python,
        kind="image",
        why=f"{FRAMEWORK_PYTHON} names it",
        versions=look.list_versions(),
        # Two levels up is what `import vtspec` looks through.
        pythonpath=look.adapters.parents[1],
    )


def look_at_python(command: Sequence[str], framework: Framework) -> Look:
    """What the Python that `command` starts says of itself. Raises `Unfit` where it cannot be run,
    is too old for adapters, or lacks a version that the framework locks."""
    # -I: what a person's variables or folders add is not the environment's.
    words = [*command, "-I", "-c", _LOOK, *framework.distributions]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LOOK_S, check=True)
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, RecursionError) as error:
        raise Unfit(f"cannot be run: {_explain(error)}") from error
    look = Look(
        python=said["python"],
        executable=Path(said["executable"]),
        versions=said["versions"],
        adapters=Path(said["adapters"]) if said["adapters"] else None,
    )
    if tuple(map(int, look.python.split(".")[:2])) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise Unfit(f"is Python {look.python}, and adapters need {oldest}")
    where = build_marker_environment(python_full_version=look.python)
    differs = find_differences(framework.get_locked_versions(where), look.versions.get)
    if differs:
        raise Unfit(f"is not {framework.name}'s: {'; '.join(differs)}")
    return look


def _check_adapters(look: Look) -> None:
    import vtspec.adapters

    if look.adapters is None:
        raise Unfit("has no vtspec.adapters")
    if hash_adapters(look.adapters) != hash_adapters(Path(vtspec.adapters.__path__[0])):
        raise Unfit("has the adapters of another vtspec")


def _explain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, subprocess.CalledProcessError) and error.stderr.strip():
        return str(error.stderr.strip().splitlines()[-1])
    return "it does not answer as Python does"


def _refuse(framework: Framework, named: str, why: str) -> Permanent:
    return Permanent(
        f"{FRAMEWORK_PYTHON}: {named} {why}",
        fix=f"use the image that 'vtspec images build {framework.name}' makes, "
        f"or unset {FRAMEWORK_PYTHON} outside of an image",
    )
