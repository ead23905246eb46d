"""Bytes into plain data, under rules that leave nothing to guess, with positions on demand.

YAML's core schema of version 1.2, one document, at most 256 KiB and 32 levels deep; no anchors,
aliases, tags, directives, duplicate keys or control characters. The rules are checked on the
parser's events, one by one: an alias is never followed, so what is built is never larger than
the text. Positions cost as much again as the reading, and are looked for only when a problem
needs one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import yaml

from vtspec.schema.problem import Problem, Severity

from .decoding import Refusal, decode_source, find_unprintable
from .tree_builder import Loader, NodePosition, build_tree

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document; shown as `spec.report.gates[0]`."""

LOADER: Final[Loader] = vars(yaml.cyaml)["CParser"] if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml's parser where PyYAML was built with it, else the same events from pure Python."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Line and column, from 1, of a value and of the key before it (None in a list)."""

    value: tuple[int, int]
    key: tuple[int, int] | None

    @property
    def first(self) -> tuple[int, int]:
        """Where the key starts, or the value where there is no key."""
        return self.key or self.value


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file as plain data.

    `data` is made of dict, list, str, int, float, bool and None; it is None too where the text
    is no YAML at all, and then `broken` is true. What the rules refuse stands in `problems`;
    the paths in `unknown` have no value that could be judged.
    """

    file: str
    text: str
    data: Any
    problems: tuple[Problem, ...]
    broken: bool
    unknown: frozenset[Path] = frozenset()

    def find_position(self, path: Path) -> Position:
        """Where `path` stands, or the nearest part above it that does stand somewhere."""
        # What is missing stands nowhere; it is told where it should be added.
        for length in range(len(path), -1, -1):
            if path[:length] in self._places:
                return self._places[path[:length]]
        return Position(value=(1, 1), key=None)

    def make_problem(
        self,
        path: Path,
        message: str,
        fix: str,
        *,
        at_key: bool = False,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at `path` with its position and the value that stands there."""
        place = self.find_position(path)
        line, column = place.first if at_key else place.value
        return Problem(
            file=self.file,
            line=line,
            column=column,
            path=format_path(path),
            value=find_value(self.data, path),
            message=message,
            fix=fix,
            severity=severity,
        )

    @cached_property
    def _places(self) -> dict[Path, Position]:
        if self.broken:
            return {}
        places: dict[Path, Position] = {}

        def note(path: Path, node: NodePosition) -> None:
            places.setdefault(path, Position(value=node.start, key=node.key_start))

        # Read a second time, since positions are asked for only where there is a problem: keeping
        # them always would cost every sound file that time.
        build_tree(self.text, LOADER, note)
        return places


def parse_document(source: bytes | str, file: str, *, loader: Loader = LOADER) -> Document:
    """The document in `source`; never raises for anything that it holds.

    `file` is the name that problems carry. `loader` is one of PyYAML's, for its events alone.
    """
    text = decode_source(source)
    if isinstance(text, Refusal):
        return _make_broken_document(file, "", [text])
    # Before YAML sees it: its two parsers treat such characters differently.
    strange = find_unprintable(text)
    if strange:
        return _make_broken_document(file, text, strange)
    tree = build_tree(text, loader)
    problems = tuple(_make_problem(file, refusal) for refusal in tree.refused)
    return Document(
        file=file,
        text=text,
        data=tree.data,
        problems=problems,
        broken=tree.broken,
        unknown=frozenset(tree.unknown),
    )


def format_path(path: Path) -> str:
    """`spec.report.gates[0]` for ("spec", "report", "gates", 0)."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def find_value(data: object, path: Sequence[str | int]) -> object:
    """What stands at `path` in plain data, or None where nothing does."""
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _make_broken_document(file: str, text: str, refused: Sequence[Refusal]) -> Document:
    problems = tuple(_make_problem(file, refusal) for refusal in refused)
    return Document(file=file, text=text, data=None, problems=problems, broken=True)


def _make_problem(file: str, refusal: Refusal) -> Problem:
    return Problem(
        file=file,
        line=refusal.line,
        column=refusal.column,
        path=format_path(refusal.path),
        value=refusal.value,
        message=refusal.message,
        fix=refusal.fix,
    )
