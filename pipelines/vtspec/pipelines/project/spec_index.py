"""Which file holds which spec, from the first lines of each: kind and name, nothing more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SUFFIXES: Final = (".yaml", ".yml")

_LONGEST: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class SpecFile:
    """A file and the name that it gives itself; `line` and `column` count from 1."""

    path: Path
    kind: str | None
    name: str
    line: int
    column: int


def list_spec_files(folder: Path) -> list[SpecFile]:
    """The spec files below `folder`, by path; an absent folder has none."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES)
    return [read_spec_file(path) for path in found if path.is_file()]


def read_spec_file(path: Path) -> SpecFile:
    """Kind and name of one file; the file's own stem stands in where it does not say.

    Reading stops as soon as both are known, so that a long file costs no more than a short one.
    A file that cannot be read or parsed keeps its stem: whoever loads it meets the real problem.
    """
    unnamed = SpecFile(path=path, kind=None, name=path.stem, line=1, column=1)
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST)
    except OSError:
        return unnamed
    return _scan(unnamed, text)


def _scan(unnamed: SpecFile, text: bytes) -> SpecFile:
    import yaml

    kind: str | None = None
    name: Any = None
    try:
        for key, scalar in _iter_scalars(text):
            if key == ("kind",):
                kind = str(scalar.value)
            if key == ("metadata", "name"):
                name = scalar
            if kind is not None and name is not None:
                break
    except (yaml.YAMLError, UnicodeDecodeError):
        # Half a file still says its name, if the name comes before the mistake.
        pass
    if name is None:
        return SpecFile(path=unnamed.path, kind=kind, name=unnamed.name, line=1, column=1)
    mark = name.start_mark
    return SpecFile(
        path=unnamed.path,
        kind=kind,
        name=str(name.value),
        line=mark.line + 1,
        column=mark.column + 1,
    )


def _iter_scalars(text: bytes) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalar values in mappings, at most two keys deep, each with its keys; lists skipped."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    keys: list[str | None] = []
    lists = 0
    for event in yaml.parse(text, Loader=loader):
        match event:
            case yaml.SequenceStartEvent():
                lists += 1
            case yaml.SequenceEndEvent():
                lists -= 1
                _end_node(keys, lists)
            case yaml.MappingStartEvent() if not lists:
                keys.append(None)
            case yaml.MappingEndEvent() if not lists:
                keys.pop()
                _end_node(keys, lists)
            case yaml.ScalarEvent() if not lists and keys:
                if keys[-1] is None:
                    keys[-1] = event.value
                    continue
                yield tuple(str(key) for key in keys), event
                keys[-1] = None


def _end_node(keys: list[str | None], lists: int) -> None:
    """A list or mapping is over: it was a value, or (nobody writes that) a key."""
    if keys and not lists:
        keys[-1] = None if keys[-1] is not None else ""


def index_by_name(files: list[SpecFile]) -> Mapping[str, SpecFile]:
    """Name to file; of several with one name the first by path."""
    found: dict[str, SpecFile] = {}
    for file in files:
        found.setdefault(file.name, file)
    return found
