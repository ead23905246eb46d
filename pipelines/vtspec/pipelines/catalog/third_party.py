"""The frameworks of other packages, whose files lie beside the adapter of an entry point."""

import functools
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from vtspec.adapters.discovery import GROUP
from vtspec.pipelines.errors import Permanent

from .framework import Framework, read_framework


class InstalledFrameworks(Mapping[str, Framework]):
    """vtspec's `own` frameworks and those of other packages, in order of name.

    To look through all that is installed takes a tenth of what checking a spec does, so it is done
    only where vtspec's own are not enough.
    """

    def __init__(self, own: Mapping[str, Framework]) -> None:
        self._own = own

    def __getitem__(self, name: str) -> Framework:
        return self._own[name] if name in self._own else self._every[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

    @functools.cached_property
    def _every(self) -> Mapping[str, Framework]:
        others = _find_files()
        for name in self._own.keys() & others.keys():
            raise Permanent(
                f"{others[name]}: vtspec has a framework '{name}' of its own",
                fix="name it otherwise in the entry points of its package",
            )
        found = {name: read_framework(file, name) for name, file in others.items()}
        return dict(sorted({**self._own, **found}.items()))


def _find_files() -> dict[str, Path]:
    """The image.yaml of each installed package's adapter that has one, by the framework's name.

    The package that an adapter is in is imported, the adapter itself is not.
    """
    from importlib.metadata import entry_points

    found = {}
    for point in entry_points(group=GROUP):
        folder = _find_folder(point.module)
        if folder is not None and (folder / "image.yaml").is_file():
            found[point.name] = folder / "image.yaml"
    return found


def _find_folder(module: str) -> Path | None:
    # Of a package that is broken `load_adapter` says why, where it is used.
    try:
        found = find_spec(module)
    except ImportError:
        return None
    return None if found is None or found.origin is None else Path(found.origin).parent
