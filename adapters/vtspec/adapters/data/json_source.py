"""JSON that a stranger wrote: bounded in depth, with nothing in it twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import AdapterError

DEEPEST: Final = 32
"""Levels of lists and objects inside each other; COCO has five. As in specs."""

_TOO_DEEP: Final = f"it is nested deeper than {DEEPEST} levels"

_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list})
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _RepeatedKeyError(ValueError):
    """An object has a key more than once."""


def parse_json(text: str) -> object:
    """What a text holds. Raises `ValueError` where it is no JSON, is nested deeper than
    `DEEPEST`, has a key twice in an object, or half a surrogate pair."""
    try:
        content: object = json.loads(text)
        levels, keys = _measure(content)
        # Each key has its colon. Only a text with more of them is parsed pair by pair, which
        # takes twice as long.
        if not _has_as_many_keys(text, keys):
            content = json.loads(text, object_pairs_hook=_build_object)
    except RecursionError as error:
        # The parser's own limit is what is left of the stack: more than is read, and another one
        # with each caller.
        raise ValueError(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        # Its own words name no line where there is one.
        where = f" in line {error.lineno}" if error.lineno > 1 else ""
        raise ValueError(f"{error.msg}{where}, column {error.colno}") from error
    except _RepeatedKeyError:
        raise
    except ValueError as error:
        # Python's own limit of the digits of a number, which is told with advice for its owner.
        raise ValueError(str(error).partition(";")[0].partition(":")[0]) from error
    if levels > DEEPEST:
        raise ValueError(_TOO_DEEP)
    if _SURROGATE.search(text):
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("it has half a surrogate pair, which is no character") from error
    return content


def parse_class_names(text: str, weights: Path) -> list[str]:
    """The classes that the metadata of a file of weights names, in the order of its rows.

    Raises:
        AdapterError: the text is no list of different names.
    """
    try:
        names = parse_json(text)
    except ValueError as error:
        raise _make_names_error(weights, str(error)) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _make_names_error(weights, "it is no list of names")
    if len(set(names)) < len(names):
        raise _make_names_error(weights, "a name stands in it twice")
    return names


def _make_names_error(weights: Path, why: str) -> AdapterError:
    return AdapterError(
        f"{weights}: what it says of its classes cannot be read: {why}",
        "give another file of weights",
    )


def _measure(content: object) -> tuple[int, int]:
    """How many levels of lists and objects a tree has, and how many keys in all; level by level,
    since there are millions of nodes and few levels."""
    levels, keys = 0, 0
    found = [content]
    while True:
        lists = [node for node in found if isinstance(node, list)]
        objects = [node for node in found if isinstance(node, dict)]
        if not lists and not objects:
            return levels, keys
        levels += 1
        keys += sum(map(len, objects))
        inner: Iterator[object] = chain(
            chain.from_iterable(lists), chain.from_iterable(map(dict.values, objects))
        )
        found = [node for node in inner if node.__class__ in _CONTAINERS]


def _has_as_many_keys(text: str, keys: int) -> bool:
    """Whether the objects in a text of JSON have as many keys as `keys`, and not more."""
    if "\\" in text:
        return _STRING.sub("", text).count(":") == keys
    # Without escapes a quote before a colon is the end of a key, or begins a string with one: as
    # many as there are keys are those of the keys, if no other key has a blank before its colon.
    blanks = (blank for blank in " \t\r\n" if blank in text)
    if text.count('":') == keys and not any(f'"{blank}' in text for blank in blanks):
        return True
    # Every other part is a string.
    return "".join(text.split('"')[::2]).count(":") == keys


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    # The last of several would win in silence.
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKeyError(f"an object has the key '{twice}' more than once")
    return found
