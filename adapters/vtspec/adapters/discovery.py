"""An adapter by its name: the file name is the registry."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from .contract import AdapterError, Job, Param, TaskType, TrainingCallbacks
from .suggestions import suggest_fix

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from types import ModuleType

GROUP: Final = "vtspec.adapters"
"""The entry-point group in which a third party names its module."""


_PARTS: Final = ("Adapter", "PARAMS", "VERSION", "TASKS")


class AdapterModule(Protocol):
    """What the module of a framework holds; readable without importing the framework.

    `VERSION` is raised by hand whenever the same job would give another result; it is part of a
    plan's id.
    """

    @property
    def Adapter(self) -> Callable[[Job, TrainingCallbacks], Any]:
        """A class that is a `TrainingAdapter` or an `OwnLoop`."""
        ...

    @property
    def PARAMS(self) -> Mapping[str, Param]:
        """The framework's own settings."""
        ...

    @property
    def VERSION(self) -> str:
        """The version of what the adapter does, as text."""
        ...

    @property
    def TASKS(self) -> tuple[TaskType, ...]:
        """The tasks that it can train."""
        ...


def load_adapter(name: str, third_party: Iterable[EntryPoint] | None = None) -> AdapterModule:
    """The adapter's module: `vtspec.adapters.<name>`, else the entry point of that name.

    Raises:
        AdapterError: there is none, it does not import, or it lacks a part.
    """
    module: object = _find_builtin(name) if name in _list_modules() else None
    if module is None:
        module = _load_third_party(name, third_party)
    lacking = [part for part in _PARTS if not hasattr(module, part)]
    if lacking:
        raise AdapterError(
            f"adapter '{name}' has no {', '.join(lacking)}", "see docs/adapters.md for its parts"
        )
    return cast(AdapterModule, module)


@functools.cache
def has_adapter(name: str) -> bool:
    """Whether there is an adapter of that name; it is not imported, and may turn out not to be.

    Asked of every spec that is checked, where importing would cost more than all else.
    """
    package = importlib.import_module(__package__ or "vtspec.adapters")
    folders = (Path(folder) / name / "adapter.py" for folder in package.__path__)
    if any(file.is_file() for file in folders):
        return True
    from importlib.metadata import entry_points

    return any(point.name == name for point in entry_points(group=GROUP))


def _load_third_party(name: str, third_party: Iterable[EntryPoint] | None) -> object:
    # Looking through all that is installed takes time that a built-in adapter does not cost.
    from importlib.metadata import entry_points

    installed = entry_points(group=GROUP) if third_party is None else third_party
    points = {point.name: point for point in installed}
    if name in points:
        return _load_entry_point(points[name])
    # The machinery lies beside the adapters; only what has an `Adapter` is one.
    known = sorted({own for own in _list_modules() if _find_builtin(own)} | set(points))
    raise AdapterError(
        f"there is no adapter '{name}'",
        suggest_fix(name, known, f"there are: {', '.join(known)}"),
    )


def _list_modules() -> list[str]:
    package = importlib.import_module(__package__ or "vtspec.adapters")
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return [name for name in names if not name.startswith("_")]


def _find_builtin(name: str) -> ModuleType | None:
    module = importlib.import_module(f"{__package__}.{name}")
    return module if hasattr(module, "Adapter") else None


def _load_entry_point(point: EntryPoint) -> object:
    try:
        return point.load()
    except ImportError as error:
        raise AdapterError(
            f"adapter '{point.name}' ({point.value}) does not import: {error}",
            f"install what it needs, or remove the package that names it in '{GROUP}'",
        ) from error
