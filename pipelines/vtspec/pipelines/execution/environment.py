"""Which Python runs a framework: this one where it fits, else one that uv makes and we keep."""

import compileall
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from vtspec.adapters.durable_files import stage_folder
from vtspec.pipelines.cache_folder import mark_in_use
from vtspec.pipelines.catalog import Framework
from vtspec.pipelines.catalog.lockfile import parse_locked_versions
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.formatting import format_size, pluralize
from vtspec.pipelines.runs.lock import hold_lock

if TYPE_CHECKING:
    from .container import Container

EnvironmentMode = Literal["auto", "current", "made"]

OLDEST_PYTHON: Final = (3, 10)

_CURRENT: Final = "this Python"
"""What the words of an environment begin with that is the Python of vtspec itself."""

_CONTAINER: Final = "container"

OnMessage = Callable[[str], None]
"""Takes a sentence that a person may read while they wait."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The Python of a framework, and why it is that one.

    `pythonpath` is where it finds the adapters where vtspec itself is not installed in it;
    `differs` are the packages whose version is not the locked one, `absent` those that are not
    there at all. In a `container`, the Python is one of its image.
    """

    python: Path
    kind: Literal["current", "made", "image", "container"]
    why: str
    versions: Mapping[str, str]
    pythonpath: Path | None = None
    differs: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    container: "Container | None" = None

    @property
    def backend(self) -> Literal["process", "container"]:
        """By what it is carried out on this machine."""
        return "process" if self.container is None else "container"

    def __str__(self) -> str:
        if self.container is not None:
            return f"{_CONTAINER} {self.container}"
        # Why one had to be made is told when it is; it would be said at every run from then on.
        if self.kind != "current":
            return f"environment {self.python.parents[1]}"
        # What differs is told package by package when the run begins, in warnings.
        if self.differs:
            count = len(self.differs)
            return f"{_CURRENT} ({pluralize(count, 'package')} not as locked)"
        return f"{_CURRENT} ({self.why})"


def is_current(told: str | None) -> bool:
    """Whether an environment was the Python of vtspec itself, by its words in a run's events."""
    return (told or "").startswith(_CURRENT)


def is_container(told: str | None) -> bool:
    """Whether an environment was an image's on this machine, by its words in a run's events."""
    return (told or "").startswith(f"{_CONTAINER} ")


def find_installed_version(distribution: str) -> str | None:
    """The version of a distribution in this Python, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def find_differences(
    locked: Mapping[str, str], installed: Callable[[str], str | None] = find_installed_version
) -> tuple[str, ...]:
    """What of the locked versions is otherwise here, in words: `torch 2.14 here, 2.15.0 locked`.

    A local label (`2.15.0+cpu`) counts only where the lock has one.
    """
    found = []
    for name, wanted in sorted(locked.items()):
        here = installed(name)
        if here is None:
            found.append(f"{name} is not installed here, {wanted} locked")
        elif here != wanted and here.partition("+")[0] != wanted:
            found.append(f"{name} {here} here, {wanted} locked")
    return tuple(found)


def find_uv() -> Path | None:
    """uv from PATH, from beside this Python, or from the `uv` package; None without any."""
    beside = Path(sys.executable).parent / "uv"
    found = shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if found is not None:
        return Path(found)
    try:
        from uv import find_uv_bin
    except ImportError:
        return None
    return Path(find_uv_bin())


@dataclass(frozen=True, kw_only=True)
class Environments:
    """Finds and makes environments below `cache`; `uv` finds the program, or None."""

    cache: Path
    report: OnMessage
    uv: Callable[[], Path | None] = find_uv
    installed: Callable[[str], str | None] = find_installed_version

    def get_current(self, framework: Framework) -> Environment:
        """This Python, whether it fits or not."""
        locked = framework.get_locked_versions()
        differs = find_differences(locked, self.installed)
        here = {name: found for name in locked if (found := self.installed(name)) is not None}
        if differs:
            why = "; ".join(differs)
        elif locked:
            why = "it has the locked versions"
        else:
            why = f"{framework.name} needs no package"
        return Environment(
            python=Path(sys.executable),
            kind="current",
            why=why,
            versions={"python": platform.python_version(), **here},
            differs=differs,
            absent=tuple(name for name in sorted(locked) if name not in here),
        )

    def choose(self, framework: Framework, wanted: EnvironmentMode = "auto") -> Environment:
        """The environment that fits, made where this Python does not.

        Raises `Permanent` where one would have to be made and cannot, or where this Python is
        insisted on and lacks a package.
        """
        current = self.get_current(framework)
        if self._fits(current, framework, wanted):
            return current
        return self.ensure_environment(framework, "; ".join(current.differs) or "asked for")

    def choose_again(self, framework: Framework, told: str | None) -> Environment:
        """The environment for the model of a run whose own was `told` by its events: this Python
        where it was that one and has every package still, though versions differ."""
        current = self.get_current(framework)
        if not is_current(told) or current.absent:
            return self.choose(framework)
        for line in current.differs:
            self.report(f"warning: the framework's environment differs, as the run's did: {line}")
        return current

    def check(self, framework: Framework, wanted: EnvironmentMode = "auto") -> None:
        """Raise as `choose` would, before anything is made."""
        current = self.get_current(framework)
        if self._fits(current, framework, wanted):
            return
        if not _get_marker(self._find_folder(framework)).is_file():
            self._require_uv(framework, "; ".join(current.differs) or "asked for")

    def _fits(self, current: Environment, framework: Framework, wanted: EnvironmentMode) -> bool:
        # Another version may do; without the package the framework does not even start.
        if wanted == "current" and current.absent:
            locked = framework.get_locked_versions()
            pins = " ".join(f"{name}=={locked[name]}" for name in current.absent)
            raise Permanent(
                f"{framework.name} cannot run in this Python, which lacks "
                f"{', '.join(current.absent)}",
                fix=f"pip install {pins}, or leave out --environment",
            )
        if wanted == "current" or (wanted == "auto" and not current.differs):
            return True
        if not _is_ours(framework.adapter):
            raise Permanent(
                f"{framework.name} is an adapter of another package, which runs in this Python "
                f"only; but {current.why}",
                fix=f"pip install {_format_pins(framework, current)}",
            )
        return False

    def describe_choice(self, framework: Framework, wanted: EnvironmentMode = "auto") -> str:
        """What `choose` would find, or would have to make first, in words, and why."""
        current = self.get_current(framework)
        differs = current.differs
        is_wanted = wanted == "current" or (wanted == "auto" and not differs)
        if not _is_ours(framework.adapter) or is_wanted:
            return str(current)
        more = f" and {len(differs) - 2} more" if len(differs) > 2 else ""
        why = f"{'; '.join(differs[:2])}{more}" if differs else "asked for"
        if _get_marker(self._find_folder(framework)).is_file():
            return f"{framework.name}'s own environment ({why})"
        size = _describe_size(framework)
        return f"{framework.name}'s own, to be made once: {size} ({why}); not in the time above"

    def ensure_environment(self, framework: Framework, why: str) -> Environment:
        """The kept environment of the locked versions, made now if there is none.

        Two processes that need the same one make it once; a kill leaves none that passes for
        whole.
        """
        folder = self._find_folder(framework)
        mark_in_use(folder)
        with hold_lock(folder.with_name(f".{folder.name}.lock")) as lock:
            if not _get_marker(folder).is_file():
                self._make(framework, folder, lock, why)
        return Environment(
            python=folder / "bin" / "python",
            kind="made",
            why=why,
            versions={
                "python": platform.python_version(),
                **parse_locked_versions(_read_requirements(framework)),
            },
            pythonpath=copy_adapters(self.cache),
        )

    def _find_folder(self, framework: Framework) -> Path:
        key = _compute_key(_read_requirements(framework))
        return self.cache / "environments" / f"{framework.name}-{key}"

    def _require_uv(self, framework: Framework, why: str) -> Path:
        uv = self.uv()
        if uv is None:
            raise Permanent(
                f"{framework.name} needs an environment of its own ({why}), and uv, which makes "
                "it, is not here",
                fix="pip install 'vtspec[env]'"
                + (f", or pip install 'vtspec[{framework.extra}]'" if framework.extra else ""),
            )
        return uv

    def _make(self, framework: Framework, folder: Path, lock: int, why: str) -> None:
        uv = self._require_uv(framework, why)
        size = _describe_size(framework)
        self.report(f"making {framework.name}'s environment with uv, once ({size}): {why}")
        # An environment cannot be moved, so it is made in its place and marked when it is whole.
        shutil.rmtree(folder, ignore_errors=True)
        python = folder / "bin" / "python"
        self._run_uv(uv, lock, folder, "venv", "--quiet", "--python", sys.executable, str(folder))
        if framework.requirements.is_file():
            # What is locked is whole, and may leave out what a package asks for, as in images.
            wanted = ("--no-deps", "--require-hashes", "-r", str(framework.requirements))
            # Each step is a process of its own: without bytecode every one of them compiles what
            # it imports, and where PYTHONDONTWRITEBYTECODE is set it would never be kept.
            install = ("pip", "install", "--compile-bytecode", "--python", str(python))
            self._run_uv(uv, lock, folder, *install, *wanted)
        _get_marker(folder).write_text(f"{framework.requirements_hash}\n", encoding="utf-8")

    def _run_uv(self, uv: Path, lock: int, folder: Path, *arguments: str) -> None:
        # uv shows its own progress on the terminal, and outlives this process no further than
        # its lock. It starts beside the environment: in a repository it would take the constraints
        # of that one's pyproject.toml for this environment's, which is locked.
        command = [str(uv), *arguments]
        done = subprocess.run(command, pass_fds=[lock], cwd=folder.parent, check=False)
        if done.returncode != 0:
            raise Permanent(
                f"uv {arguments[0]} failed with exit code {done.returncode}; its words are above",
                fix="mend what uv says, and run again; it goes on from what it has downloaded",
            )


def copy_adapters(cache: Path) -> Path:
    """A folder for PYTHONPATH that holds `vtspec.adapters` alone, named by its content.

    An environment of its own thus sees the adapters and nothing else of this Python.
    """
    import vtspec.adapters

    source = Path(vtspec.adapters.__path__[0])
    home = cache / "adapters" / hash_adapters(source)[:16]
    mark_in_use(home)
    if not home.is_dir():
        _copy_files(_list_files(source), source, home)
    return home


def hash_adapters(folder: Path) -> str:
    """SHA-256, in hex, over the names and the content of a folder of adapters."""
    digest = hashlib.sha256()
    for path in _list_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if _is_source(path))


def _copy_files(files: list[Path], source: Path, home: Path) -> None:
    try:
        with stage_folder(home) as made:
            for path in files:
                target = made / "vtspec" / "adapters" / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            # For the same reason as in the environment; tracebacks name the final place.
            compileall.compile_dir(made, ddir=home, quiet=2)
    except OSError:
        # Another process was faster, with the same content.
        if not home.is_dir():
            raise


def _read_requirements(framework: Framework) -> str:
    return framework.requirements.read_text() if framework.requirements.is_file() else ""


def _describe_size(framework: Framework) -> str:
    if not parse_locked_versions(_read_requirements(framework)):
        return "no package is downloaded"
    here = f"{sys.platform}-{platform.machine()}"
    size = next((one for one in framework.environment_sizes if one.platform == here), None)
    if size is None:
        return "its size is not known on this machine"
    download, disk = size.download_bytes, size.disk_bytes
    # uv takes what it has from its own cache; nobody knows here what that is.
    return (
        f"up to {format_size(download, 'rough')} to download, {format_size(disk, 'rough')} on disk"
    )


def _is_ours(adapter: str) -> bool:
    import vtspec.adapters

    beside = Path(vtspec.adapters.__path__[0])
    return (beside / f"{adapter}.py").is_file() or (beside / adapter / "__init__.py").is_file()


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _compute_key(requirements: str) -> str:
    python = ".".join(platform.python_version_tuple()[:2])
    parts = (requirements, python, sys.platform, platform.machine())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def _get_marker(folder: Path) -> Path:
    return folder / "complete"


def _format_pins(framework: Framework, current: Environment) -> str:
    wrong = {line.split()[0] for line in current.differs}
    locked = framework.get_locked_versions().items()
    return " ".join(f"{name}=={wanted}" for name, wanted in locked if name in wrong)
