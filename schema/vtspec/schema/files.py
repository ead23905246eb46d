"""The files that a person names: folders searched, odd files refused before they are opened."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from vtspec.schema.yaml_source.decoding import LONGEST

from .problem import Problem

SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class ResolvedFile:
    """One file: as it is shown to people, and with every link followed."""

    path: str
    real: str


def iter_spec_files(words: Iterable[str]) -> Iterator[ResolvedFile | Problem]:
    """The spec files that `words` name, each once, in the order of the words.

    A folder stands for the `*.yaml` and `*.yml` in it and below, by name; hidden folders in it
    are passed over. What cannot be searched, and a folder that holds none, is a problem.
    """
    seen: set[str] = set()
    folders: dict[str, str] = {}
    for word in words:
        for found in _iter_files(word) if os.path.isdir(word) else (word,):
            if isinstance(found, Problem):
                yield found
                continue
            real = _resolve_path(found, folders)
            if real not in seen:
                seen.add(real)
                yield ResolvedFile(path=found, real=real)


def walk_spec_files(
    folder: str, on_error: Callable[[OSError], None] | None = None
) -> Iterator[str]:
    """The paths of the `*.yaml` and `*.yml` in a folder and below, each folder's by name before
    those of its own folders; hidden folders are passed over, and links to folders."""
    for place, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(place, name) for name in sorted(files) if name.endswith(SUFFIXES))


def _resolve_path(path: str, folders: dict[str, str]) -> str:
    """As `os.path.realpath`, which follows every folder anew; `folders` are those known."""
    if os.path.islink(path):
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], name)


def read_file(path: str, shown: str) -> bytes | Problem:
    """The bytes of a file, one more than a spec may have at most; or why there are none."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return _make_problem(shown, "is not a regular file", _suggest_fix(path))
            return _read_limited(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return _make_problem(shown, "there is no such file", _suggest_path(path), line=0)
    except (OSError, ValueError) as error:
        return _make_problem(
            shown, f"cannot be read: {_format_error(error)}", "check the path and its rights"
        )


def _read_limited(descriptor: int) -> bytes:
    data = os.read(descriptor, LONGEST + 1)
    while 0 < len(data) <= LONGEST and (more := os.read(descriptor, LONGEST + 1 - len(data))):
        data += more
    return data


def _iter_files(folder: str) -> Iterator[str | Problem]:
    unsearched: list[OSError] = []
    found = False
    for path in walk_spec_files(folder, unsearched.append):
        found = True
        yield path
    for error in unsearched:
        where = os.fspath(error.filename or folder)
        yield _make_problem(
            where, f"cannot be searched: {_format_error(error)}", "check its rights"
        )
    if not found and not unsearched:
        fix = "name a folder of specs"
        yield _make_problem(folder, "holds no .yaml or .yml file", fix, line=0)


def _suggest_fix(path: str) -> str:
    if os.path.isdir(path):
        return "name the files in it"
    return "pipe it in: … | vtspec validate -"


def _suggest_path(path: str) -> str:
    from .suggestions import find_nearest

    folder, name = os.path.split(path)
    try:
        names = [entry for entry in os.listdir(folder or ".") if entry.endswith(SUFFIXES)]
    except (OSError, ValueError):
        return f"there is no folder '{folder}' either"
    close = find_nearest(name, names)
    return f"did you mean '{os.path.join(folder, close)}'?" if close else "name a file or folder"


def _format_error(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _make_problem(file: str, message: str, fix: str, line: int = 1) -> Problem:
    return Problem(
        file=file, line=line, column=line, path="", value=None, message=message, fix=fix
    )
