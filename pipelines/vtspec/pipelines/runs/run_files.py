"""A run's files as they stand together while it is worked on."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from .event_log import EVENTS_FILE
from .state import CHECKPOINTS_FOLDER

HIDDEN: Final = re.compile(r"(^|/)(\.|lock$)")
"""Paths that are this machine's alone."""

_CHECKPOINT: Final = f"{CHECKPOINTS_FOLDER}/"

_HELD: Final = 128
"""How many files are held open while they are sent; a process may have few hundred."""


@dataclass(frozen=True, kw_only=True)
class SeenFiles:
    """A run's files here, as they stood together: what was told, and which are `changed` since
    they were known (size, and mtime in nanoseconds). Those that may go away are held open."""

    said: bytes
    files: Mapping[str, Path]
    changed: Mapping[str, tuple[int, int]]
    held: Mapping[str, BinaryIO]


def look_at_files(
    home: Path, is_known: Callable[[str, tuple[int, int]], bool], stack: ExitStack
) -> SeenFiles | None:
    """What a run's folder has, and of that which files are not known by their size and time; None
    where it changed while it was looked at.

    Checkpoints come and go as training goes on. Those that are seen are whole, and among them are
    those that the events tell of and `last.json` names: none came or went in between.
    """
    before = _list_names(home / CHECKPOINTS_FOLDER)
    # Read before the files: of what is told after that, they may not be there yet.
    try:
        said = read_whole_lines(home / EVENTS_FILE)
    except FileNotFoundError:
        said = b""
    files = {path: file for path, file in _find_files(home) if path != EVENTS_FILE}
    changed: dict[str, tuple[int, int]] = {}
    held: dict[str, BinaryIO] = {}
    # The newest first: those that are let go by and by.
    for path in sorted(files, reverse=True):
        try:
            found = measure_file(files[path])
            if is_known(path, found):
                continue
            if path.startswith(_CHECKPOINT) and len(held) < _HELD:
                held[path] = stack.enter_context(files[path].open("rb"))
                # It may have been replaced in between.
                status = os.fstat(held[path].fileno())
                found = status.st_size, status.st_mtime_ns
        except FileNotFoundError:
            return None
        changed[path] = found
    if _list_names(home / CHECKPOINTS_FOLDER) != before:
        return None
    return SeenFiles(said=said, files=files, changed=changed, held=held)


def _list_names(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if not name.startswith(".")}
    except FileNotFoundError:
        return set()


def _find_files(home: Path) -> Iterator[tuple[str, Path]]:
    """A run's files by their path in it, but for hidden ones, links and the lock."""

    def refuse(error: OSError) -> None:
        # Of a folder that cannot be read it is not known that its files are gone.
        if not isinstance(error, FileNotFoundError):
            raise error

    for folder, folders, names in os.walk(home, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            path = file.relative_to(home).as_posix()
            if not HIDDEN.search(path) and not file.is_symlink() and file.is_file():
                yield path, file


def read_whole_lines(file: Path) -> bytes:
    """A file up to the end of its last whole line."""
    text = file.read_bytes()
    return text[: text.rfind(b"\n") + 1]


def measure_file(file: Path) -> tuple[int, int]:
    """Its size, and its mtime in nanoseconds."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns
