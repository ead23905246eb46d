"""Dotted paths into plain data, as problems and questions name places. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vtspec.schema.json_schema.field_docs import Field, field_at

Path = tuple[str | int, ...]

DRAFTED: Final = ("Experiment", "Dataset")
"""The kinds that can be drafted."""


def path_of(dotted: str) -> Path:
    """`spec.report.gates[0]` as ("spec", "report", "gates", 0)."""
    parts: list[str | int] = []
    for part in dotted.split("."):
        name, *indices = re.split(r"\[(\d+)\]", part)
        parts.append(name)
        parts += [int(index) for index in indices if index.isdecimal()]
    return tuple(parts)


def field_of(dotted: str) -> Field | None:
    """The field of an Experiment or a Dataset that a path names, or None where there is none.

    Of an item it is the list that holds it.
    """
    if len(dotted) > 200:
        return None
    path = path_of(dotted)
    return next((field for kind in DRAFTED if (field := field_at(kind, path))), None)


def nearest_field(dotted: str) -> str:
    """The path itself where it is a field, else the nearest field above it, else `spec`."""
    path = dotted
    while path and field_of(path) is None:
        path = path.rpartition(".")[0]
    return path or "spec"


def value_in(data: Any, dotted: str) -> Any:
    """What stands at a path, None where nothing does."""
    for part in path_of(dotted):
        if isinstance(part, str) and isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(part, int) and isinstance(data, list) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def without(data: Any, dotted: str) -> Any:
    """A copy of the data without what stands at a path; the same where nothing does."""
    return _without(data, path_of(dotted))


def _without(data: Any, path: Path) -> Any:
    part, rest = path[0], path[1:]
    if isinstance(data, Mapping) and part in data:
        if rest:
            return {
                key: _without(item, rest) if key == part else item for key, item in data.items()
            }
        return {key: item for key, item in data.items() if key != part}
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        kept = _without(data[part], rest) if rest else None
        return [*data[:part], *([kept] if rest else []), *data[part + 1 :]]
    return data
