"""A framework's image on this machine: looked at before anything runs in it, and the command by
which an adapter runs there as it would in an environment."""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.pipelines.catalog import Framework
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.images import ContainerEngine, format_local_name

from .environment import Environment, copy_adapters
from .image_environment import FRAMEWORK_PYTHON, Unfit, look_at_python

_PYTHON: Final = f'"${{{FRAMEWORK_PYTHON}:-python3}}"'

# An adapter tells its events on a descriptor, and Docker hands none down.
_WITH_EVENTS: Final = f'events="$1"; shift; exec {_PYTHON} "$@" --events-fd 3 3>>"$events"'
_PLAIN: Final = f'exec {_PYTHON} "$@"'

_MAY_BE_SECRET: Final = re.compile(r"TOKEN|_proxy$", re.IGNORECASE)
"""Names of variables that hold a credential, or an address that may have one."""

_SHARED_MEMORY: Final = "2g"
"""Bound of what loaders hand over in memory; Docker's own is 64 MB, which a batch fills."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """An image, the engine that runs it, and the folder in which what it fetches is kept."""

    engine: ContainerEngine
    image: str
    cache: Path

    def __str__(self) -> str:
        return f"{self.image} by {self.engine.name.capitalize()} {self.engine.version}"


@dataclass(frozen=True, kw_only=True)
class Mounts:
    """What of this machine a container sees, each at its own path: `writable` is the one folder
    that it may change; `cache`, where there is one, is kept from run to run."""

    writable: Path
    readable: tuple[Path, ...] = ()
    cache: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ContainerCall:
    """An adapter's run in a container: by which `name` the engine knows it, what it sees, how many
    GPUs it is given, and whether it reaches a network."""

    container: Container
    name: str
    mounts: Mounts
    gpus: int = 0
    has_network: bool = False

    def build_command(
        self, arguments: Sequence[str], variables: Mapping[str, str], events: Path
    ) -> list[str]:
        """The engine's command for `arguments`, those of the framework's Python. Of variables
        that may be secrets it has the names alone: anybody may list commands."""
        words = [*_begin(self.container.engine), "--name", self.name]
        words += ["--network", "host" if self.has_network else "none"]
        words += _give_gpus(self.container.engine, self.gpus)
        for path in sorted({*self.mounts.readable}):
            words += ["--volume", f"{path}:{path}:ro"]
        kept = () if self.mounts.cache is None else (self.mounts.cache,)
        for path in (self.mounts.writable, *kept):
            words += ["--volume", f"{path}:{path}"]
        words += ["--workdir", str(self.mounts.writable)]
        named = self.select_secret(variables)
        for name, value in sorted(variables.items()):
            words += ["--env", name if name in named else f"{name}={value}"]
        inside = ["sh", self.container.image, "-c", _WITH_EVENTS, "sh", str(events)]
        return [*words, "--entrypoint", *inside, *arguments]

    def select_secret(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Those whose values the engine's client is to have from its own variables: no other, or
        it would look for its images in the HOME of the container."""
        return {name: one for name, one in variables.items() if _MAY_BE_SECRET.search(name)}

    def build_removal(self) -> list[str]:
        """The engine's command that ends it, whatever it does, and leaves nothing of it."""
        engine = self.container.engine
        # Podman alone would wait for it.
        at_once = ["--time", "0"] if engine.name == "podman" else []
        return [str(engine.program), "rm", "--force", *at_once, self.name]


def name_container(folder: Path, step: str) -> str:
    """What the container of a run's step is called: the same for whoever goes on with the run, and
    nobody else's."""
    place = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:8]
    return f"vtspec-{folder.name}-{step}-{place}"


def find_image(
    framework: Framework, registry: str | None, engine: ContainerEngine, tag: str
) -> str | None:
    """The image of a framework: the one of the registry whose digest is locked, else the one that
    was built here; None without either."""
    if registry is not None and framework.digest is not None:
        return f"{registry}/vtspec-{framework.name}@{framework.digest}"
    local = format_local_name(framework.name, tag)
    return local if engine.read_labels(local) is not None else None


def open_container(
    framework: Framework, container: Container, report: Callable[[str], None], why: str
) -> Environment:
    """The environment that an image has, of which the framework's packages are looked at.

    Raises `Permanent` where the image cannot be had or run, or lacks a locked version: what it
    gave then would not be what the plan says.
    """
    adapters = copy_adapters(container.cache)
    _fetch(container, report)
    words = [*_begin(container.engine), "--network", "none", "--entrypoint", "sh"]
    words += [container.image, "-c", _PLAIN, "sh"]
    try:
        look = look_at_python(words, framework)
    except Unfit as error:
        raise Permanent(
            f"{container.image} {error}",
            fix=f"vtspec images build {framework.name}, or leave --backend container out",
        ) from error
    return Environment(
        python=look.executable,
        kind="container",
        why=why,
        versions=look.list_versions(),
        pythonpath=adapters,
        container=container,
    )


def _fetch(container: Container, report: Callable[[str], None]) -> None:
    """Bring the image here, where it is not: it may have gigabytes, and a person waits."""
    if container.engine.read_labels(container.image) is None:
        report(f"pulling {container.image} with {container.engine.name.capitalize()}, once")
        container.engine.pull(container.image)


def _begin(engine: ContainerEngine) -> list[str]:
    words = [str(engine.program), "run", "--rm", "--read-only", "--tmpfs", "/tmp"]
    words += ["--shm-size", _SHARED_MEMORY, "--cap-drop", "all"]
    # Without a label of its own, SELinux lets it see what it mounts, and that keeps its label.
    words += ["--security-opt", "no-new-privileges", "--security-opt", "label=disable"]
    # Files that it writes are those of whoever started it; without root, Podman maps ids.
    is_mapped = engine.name == "podman" and os.getuid() != 0
    words += ["--userns", "keep-id"] if is_mapped else []
    return [*words, "--user", f"{os.getuid()}:{os.getgid()}"]


def _give_gpus(engine: ContainerEngine, gpus: int) -> list[str]:
    # All are there; CUDA_VISIBLE_DEVICES, which it is given as it is here, says which it uses.
    if gpus == 0:
        return []
    return ["--gpus", "all"] if engine.name == "docker" else ["--device", "nvidia.com/gpu=all"]
