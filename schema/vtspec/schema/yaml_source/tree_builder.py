"""A parser's events into a tree of plain data, refusing on the way what the rules refuse."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from string import ascii_letters
from typing import Any, Final, Protocol, TypeAlias

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from .decoding import UNPRINTABLE, Refusal
from .scalars import BadNumber, parse_scalar

DEEPEST: Final = 32
"""Levels of mappings and lists inside each other; the deepest honest spec has seven."""

Path = tuple[str | int, ...]
Place = tuple[int, int]

_UNKNOWN: Final = object()

_SURE_TEXT: Final = frozenset(ascii_letters) - frozenset("nNtTfF")
"""First letters of plain scalars that can be nothing but text: no null, true or false."""

_MARKS: Final = re.compile(r"[&*!\\]")
"""Without one of these a text has no anchor, alias, tag or escape, and need not be asked for."""

_SYNTAX_FIXES: Final = (
    ("cannot start any token", "indent with spaces, and put quotes round the value"),
    ("mapping values are not allowed", "indent the line as its neighbours, or quote the value"),
    ("while scanning an alias", "put quotes round a value that begins with '*'"),
    ("could not find expected ':'", "write 'key: value'"),
    ("while scanning a quoted scalar", "close the quotes"),
    ("escape", "use single quotes, where a backslash is only a backslash"),
    ("did not find expected", "indent the line as its neighbours, and close every [ { and quote"),
    ("alias", "write the value out: anchors and aliases are not read"),
)


@dataclass(frozen=True, slots=True)
class NodePosition:
    """Where a value starts, and the key before it: (line, column) from 1."""

    start: Place
    key_start: Place | None


Note = Callable[[Path, NodePosition], None]

_Collection: TypeAlias = MappingStartEvent | SequenceStartEvent
_Node: TypeAlias = AliasEvent | ScalarEvent | _Collection


class EventParser(Protocol):
    """What PyYAML's parsers have in common, the one of libyaml and the one in Python."""

    def get_event(self) -> Any:
        """The next event; its class tells which fields it has."""
        ...

    def dispose(self) -> None:
        """Let go of the text."""
        ...


Loader: TypeAlias = Callable[[str], EventParser]


@dataclass(slots=True)
class YamlTree:
    """What was built. `unknown` are the paths whose value was refused; `broken` means no tree."""

    data: object = None
    refused: list[Refusal] = field(default_factory=list)
    unknown: set[Path] = field(default_factory=set)
    broken: bool = False


def build_tree(text: str, loader: Loader, note: Note | None = None) -> YamlTree:
    """The tree of `text` from the events of `loader`; `note` is told where each value stands."""
    tree = YamlTree()
    parser = None
    try:
        parser = loader(text)
        _EventReader(parser, tree, note, not _MARKS.search(text)).read_document()
    except _DepthError:
        tree.broken = True
    except YAMLError as error:
        tree.broken = True
        tree.refused.append(_make_syntax_refusal(error))
    except (ValueError, OverflowError):
        # Only the pure Python parser: an escape beyond the last character of Unicode.
        tree.broken = True
        fix = "correct the escape"
        message = "holds an escape that is no character"
        tree.refused.append(Refusal(line=1, column=1, message=message, fix=fix))
    finally:
        if parser is not None:
            parser.dispose()
    if tree.broken:
        tree.data = None
    return tree


class _DepthError(Exception):
    """Reading on would go deeper than any spec."""


class _EventReader:
    """Takes events one by one. A path of None is that of something that is not kept.

    `simple` says that the text has no anchors, aliases, tags and escapes.
    """

    def __init__(
        self, parser: EventParser, tree: YamlTree, note: Note | None, simple: bool
    ) -> None:
        self._next = parser.get_event
        self._tree = tree
        self._note = note
        # Where positions are asked for, every value must be met one by one.
        self._simple = simple and note is None

    def read_document(self) -> None:
        """Read the first document; that there is another is refused."""
        self._next()
        event = self._next()
        if type(event) is StreamEndEvent:
            return
        self._refuse_directives(event)
        value = self._read_value(self._next(), (), 1)
        self._tree.data = None if value is _UNKNOWN else value
        event = self._next()
        assert type(event) is DocumentEndEvent
        event = self._next()
        if type(event) is DocumentStartEvent:
            message = "a second document starts here; a file holds one spec"
            self._refuse((), event, message, "move it to a file of its own")
            self._refuse_directives(event)

    def _read_value(
        self, event: _Node, path: Path | None, depth: int, key: Event | None = None
    ) -> object:
        """The value that begins with `event`; `key` is the event of the key before it."""
        if self._note is not None and path is not None:
            self._note(
                path, NodePosition(_get_start(event), None if key is None else _get_start(key))
            )
        if isinstance(event, AliasEvent):
            message = f"'*{event.anchor}' is an alias, and aliases are not read"
            value: object = self._refuse_value(path, event, message, "write the value out")
        elif event.tag is not None or event.anchor is not None:
            value = self._read_marked(event, path, depth)
        elif isinstance(event, ScalarEvent):
            value = self._read_scalar(event, path)
        else:
            value = self._read_collection(event, path, depth)
        return value

    def _read_collection(self, event: _Collection, path: Path | None, depth: int) -> object:
        if depth > DEEPEST:
            message = f"is more than {DEEPEST} levels deep"
            self._refuse(path, event, message, "write it flatter")
            # Not read on: 256 KiB of brackets would otherwise end in a RecursionError.
            raise _DepthError
        if type(event) is MappingStartEvent:
            return self._read_mapping(path, depth + 1)
        return self._read_list(path, depth + 1)

    def _read_mapping(self, path: Path | None, depth: int) -> dict[str, object]:
        data: dict[str, object] = {}
        keys: dict[str, Event] = {}
        next_event, simple = self._next, self._simple
        while type(key := next_event()) is not MappingEndEvent:
            name: str | None
            value: object
            if simple and type(key) is ScalarEvent and key.value[:1] in _SURE_TEXT:
                name = key.value
                if name in data:
                    name = self._check_key(name, key, path, keys)
            else:
                name = self._check_key(self._read_value(key, None, depth), key, path, keys)
            event = next_event()
            # Most values are plain words, and then nothing more is to be asked of them.
            if simple and type(event) is ScalarEvent and event.value[:1] in _SURE_TEXT:
                value = event.value
            else:
                below = None if path is None or name is None else (*path, name)
                value = self._read_value(event, below, depth, key)
            if name is not None:
                keys[name] = key
                data[name] = None if value is _UNKNOWN else value
        return data

    def _read_list(self, path: Path | None, depth: int) -> list[object]:
        items: list[object] = []
        while type(event := self._next()) is not SequenceEndEvent:
            below = None if path is None else (*path, len(items))
            value = self._read_value(event, below, depth)
            items.append(None if value is _UNKNOWN else value)
        return items

    def _check_key(
        self, name: object, event: Event, path: Path | None, keys: dict[str, Event]
    ) -> str | None:
        """The name that a key gives to its value, None where it is refused."""
        if type(name) is not str:
            if name is not _UNKNOWN:
                fix = f'write "{name}": with quotes' if _is_number(name) else "give it a name"
                self._refuse(path, event, "a key must be text", fix, name)
            return None
        if name in keys:
            below = None if path is None else (*path, name)
            line = _get_start(keys[name])[0]
            message = f"'{name}' stands here a second time; it is in line {line}"
            self._refuse(below, event, message, "remove one of the two")
            return None
        return name

    def _read_scalar(self, event: ScalarEvent, path: Path | None) -> object:
        value = event.value
        if not event.style:
            try:
                return parse_scalar(value)
            except BadNumber as error:
                fix = "write a smaller number, or put quotes round it where it is text"
                return self._refuse_value(path, event, str(error), fix, value)
        if event.style == '"' and UNPRINTABLE.search(value):
            message = "an escape stands for a character that is not allowed in a spec"
            return self._refuse_value(path, event, message, "remove the escape")
        return value

    def _read_marked(
        self, event: ScalarEvent | _Collection, path: Path | None, depth: int
    ) -> object:
        """A value with an anchor or a tag: both are refused, and what is inside is still read."""
        if event.anchor is not None:
            message = f"'&{event.anchor}' is an anchor, and anchors are not read"
            self._refuse(path, event, message, "remove it, and write the value out")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(path, event, f"'{tag}' is a tag, and tags are not read", "remove it")
        if not isinstance(event, ScalarEvent):
            return self._read_collection(event, path, depth)
        if event.tag is None:
            return self._read_scalar(event, path)
        # What a tag makes of a text is not ours to say.
        if path is not None:
            self._tree.unknown.add(path)
        return _UNKNOWN

    def _refuse_directives(self, event: DocumentStartEvent) -> None:
        if event.version or event.tags:
            fix = "remove the lines that start with '%'"
            self._refuse((), event, "a '%' directive is not read", fix)

    def _refuse_value(
        self, path: Path | None, event: Event, message: str, fix: str, value: object = None
    ) -> object:
        """Refuse a value, so that nothing is said of what it should have been."""
        self._refuse(path, event, message, fix, value)
        if path is not None:
            self._tree.unknown.add(path)
        return _UNKNOWN

    def _refuse(
        self, path: Path | None, event: Event, message: str, fix: str, value: object = None
    ) -> None:
        line, column = _get_start(event)
        refusal = Refusal(
            line=line, column=column, path=path or (), value=value, message=message, fix=fix
        )
        self._tree.refused.append(refusal)


def _get_start(event: Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _make_syntax_refusal(error: YAMLError) -> Refusal:
    said = [getattr(error, name, None) for name in ("context", "problem")]
    words = ", ".join(part for part in said if part) or str(error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    fix = next((fix for hint, fix in _SYNTAX_FIXES if hint in words), "correct the YAML here")
    return Refusal(
        line=mark.line + 1 if mark else 1,
        column=mark.column + 1 if mark else 1,
        message=f"is not YAML: {words}",
        fix=fix,
    )
