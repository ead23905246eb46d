"""What this machine keeps only to save work, removed where nothing has used it for long."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.pipelines.cache_folder import get_use_file
from vtspec.pipelines.runs.lock import is_held, try_lock
from vtspec.pipelines.runs.run import measure_folder

FOLDERS: Final = ("data", "environments", "adapters", "mlflow")
"""Folders of the cache whose entries can be made again. Mirrors of stores are not among them: a
run of one that has not been sent is nowhere else."""

_GONE: Final = ".gone-"
_MAKING: Final = ".new"


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """An entry of a folder of the cache; `used` is when that was last, in seconds since 1970."""

    path: Path
    used: float
    bytes: int

    @property
    def name(self) -> str:
        """What it is called below the cache, such as `environments/timm-c64186e6b7`."""
        return f"{self.path.parent.name}/{self.path.name}"


def list_unused_entries(
    cache: Path, before: float, folders: Sequence[str] = FOLDERS
) -> list[CacheEntry]:
    """Entries that no process uses now, nor has since `before` (seconds since 1970), the largest
    first; and what a process that was killed left half made or half removed."""
    found = [
        CacheEntry(path=path, used=used, bytes=measure_folder(path))
        for folder in folders
        for path in _iter_folder(cache / folder)
        if (used := _read_last_use(path)) < before
        and not is_held(_get_guard(path), or_shared=True)
    ]
    return sorted(found, key=lambda entry: (-entry.bytes, entry.name))


def remove_entry(entry: CacheEntry) -> bool:
    """Whether an entry could be removed: not where a process has begun to use it."""
    with try_lock(_get_guard(entry.path)) as mine:
        if not mine or not entry.path.exists():
            return False
        # In one step: an environment that was half removed would be taken for whole.
        gone = entry.path.with_name(f"{_GONE}{entry.path.name.removeprefix(_GONE)}")
        if gone != entry.path:
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(entry.path, gone)
    shutil.rmtree(gone)
    return True


def prune_cache(cache: Path, before: float, folders: Sequence[str] = FOLDERS) -> list[CacheEntry]:
    """Remove what `list_unused_entries` finds; what is gone."""
    return [one for one in list_unused_entries(cache, before, folders) if remove_entry(one)]


def _iter_folder(folder: Path) -> Iterator[Path]:
    # Beside the entries lie their locks, and what is being made.
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_left = path.name.startswith(_GONE) or path.name.endswith(_MAKING)
        if path.is_dir() and (is_left or not path.name.startswith(".")):
            yield path


def _get_guard(path: Path) -> Path:
    """The lock that whoever uses or makes what lies at `path` holds."""
    if path.name.startswith(_GONE):
        return get_use_file(path.with_name(path.name.removeprefix(_GONE)))
    if path.name.endswith(_MAKING):
        return path.with_name(f"{path.name.removesuffix(_MAKING)}.lock")
    return get_use_file(path)


def _read_last_use(path: Path) -> float:
    try:
        return get_use_file(path).stat().st_mtime
    except OSError:
        # One that an earlier version made, or that nobody finished.
        return path.stat().st_mtime
