"""The framework's Python as an image names it, looked at before anything runs in it."""

import json
import subprocess
from collections.abc import Mapping
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
print(json.dumps({"python": python, "versions": versions, "adapters": adapters}))
"""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What a Python says of itself; `adapters` is the folder of its `vtspec.adapters`, or None."""

    python: str
    versions: Mapping[str, str | None]
    adapters: Path | None


def open_image_environment(framework: Framework, named: str) -> Environment:
    """The environment whose Python is `named`, which has what the framework locks.

    Raises `Permanent` where that cannot be run, is too old, lacks a locked version, or has other
    adapters than this vtspec: what it gave then would not be what the plan says.
    """
    python = Path(named)
    look = _look(python, framework)
    if tuple(map(int, look.python.split(".")[:2])) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise _refuse(framework, named, f"is Python {look.python}, and adapters need {oldest}")
    where = build_marker_environment(python_full_version=look.python)
    differs = find_differences(framework.get_locked_versions(where), look.versions.get)
    if differs:
        raise _refuse(framework, named, f"is not {framework.name}'s: {'; '.join(differs)}")
    if look.adapters is None:
        raise _refuse(framework, named, "has no vtspec.adapters")
    import vtspec.adapters

    if hash_adapters(look.adapters) != hash_adapters(Path(vtspec.adapters.__path__[0])):
        raise _refuse(framework, named, "has the adapters of another vtspec")
    versions = {name: found for name, found in look.versions.items() if found is not None}
    return Environment(
        python=python,
        kind="image",
        why=f"{FRAMEWORK_PYTHON} names it",
        versions={"python": look.python, **versions},
        # Two levels up is what `import vtspec` looks through.
        pythonpath=look.adapters.parents[1],
    )


def _look(python: Path, framework: Framework) -> _Look:
    named = str(python)
    if not python.is_absolute():
        raise _refuse(framework, named, "is no absolute path")
    # -I: what a person's variables or folders add is not the environment's.
    command = [named, "-I", "-c", _LOOK, *framework.distributions]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOOK_S, check=True)
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not answer as Python does"
        raise _refuse(framework, named, f"cannot be run: {why}") from error
    return _Look(
        python=said["python"],
        versions=said["versions"],
        adapters=Path(said["adapters"]) if said["adapters"] else None,
    )


def _refuse(framework: Framework, named: str, why: str) -> Permanent:
    return Permanent(
        f"{FRAMEWORK_PYTHON}: {named} {why}",
        fix=f"use the image that 'vtspec images build {framework.name}' makes, "
        f"or unset {FRAMEWORK_PYTHON} outside of an image",
    )
