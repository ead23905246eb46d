"""Which file holds which spec, from the first lines of each: kind and name, nothing more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.schema.yaml_source.decoding import LONGEST

from .source_tree import WORKING_TREE, SourceTree

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec

FOLDERS: Final = {"Dataset": "datasets", "Experiment": "experiments"}
"""Where the specs of each kind lie, below the folder of the specs."""


@dataclass(frozen=True, kw_only=True)
class SpecFile:
    """A file and the name that it gives itself, at `line` and `column`, which count from 1.

    `given` is a spec in hand that stands for a file; `path` is None where it has none.
    """

    path: Path | None
    kind: str | None
    name: str
    line: int = 1
    column: int = 1
    given: "LoadedSpec | None" = None


class SpecIndex:
    """The spec files below `folder`: found in one walk, each read once, when it is asked for."""

    def __init__(self, tree: SourceTree, folder: Path) -> None:
        self.tree = tree
        self.folder = folder
        self._paths: dict[str, Sequence[Path]] = {}
        self._files: dict[Path, SpecFile] = {}

    def list_paths(self, kind: str) -> Sequence[Path]:
        """The files in the folder of a kind, whatever they hold, in order of path."""
        if kind not in self._paths:
            self._paths[kind] = self.tree.list_specs(self.folder / FOLDERS[kind])
        return self._paths[kind]

    def get_file(self, path: Path) -> SpecFile:
        """Kind and name of one of the files."""
        if path not in self._files:
            self._files[path] = read_spec_file(path, self.tree)
        return self._files[path]


def read_spec_file(path: Path, tree: SourceTree = WORKING_TREE) -> SpecFile:
    """Kind and name of one file; the file's own stem stands in where it does not say.

    Reading stops as soon as both are known, so that a long file costs no more than a short one.
    A file that cannot be read or parsed keeps its stem: whoever loads it meets the real problem.
    """
    unnamed = SpecFile(path=path, kind=None, name=path.stem)
    try:
        with tree.open(path) as file:
            text = file.read(LONGEST)
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
        return replace(unnamed, kind=kind)
    mark = name.start_mark
    line, column = mark.line + 1, mark.column + 1
    return replace(unnamed, kind=kind, name=str(name.value), line=line, column=column)


def _iter_scalars(text: bytes) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalar values in mappings, at most two keys deep, each with its keys; lists skipped."""
    import yaml

    # PyYAML may be built without libyaml: slower, the same events.
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
