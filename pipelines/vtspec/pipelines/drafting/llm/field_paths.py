"""Dotted paths into plain data, as problems and questions name places. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vtspec.pipelines.drafting.result import Data
from vtspec.schema.explain import match_fields
from vtspec.schema.json_schema.field_docs import Field, find_spec_field

Path = tuple[str | int, ...]

DRAFTED: Final = ("Experiment", "Dataset")
"""The kinds that can be drafted."""


def parse_path(dotted: str) -> Path:
    """`spec.report.gates[0]` as ("spec", "report", "gates", 0)."""
    parts: list[str | int] = []
    for part in dotted.split("."):
        name, *indices = re.split(r"\[(\d+)\]", part)
        parts.append(name)
        parts += [int(index) for index in indices if index.isdecimal()]
    return tuple(parts)


def find_field(dotted: str) -> Field | None:
    """The field of an Experiment or a Dataset that a path names, or None where there is none.

    Of an item it is the list that holds it.
    """
    if len(dotted) > 200:
        return None
    path = parse_path(dotted)
    return next((field for kind in DRAFTED if (field := find_spec_field(kind, path))), None)


def resolve_field(named: object) -> str | None:
    """The whole path of a field that is named by it or, as people and models do, by its end:
    `epochs`, `training.epochs`. None where none or several are meant."""
    if not isinstance(named, str) or find_field(named) is not None:
        return named if isinstance(named, str) else None
    meant = {each.name for each in match_fields(named[:200]) if each.kind in DRAFTED}
    return meant.pop() if len(meant) == 1 else None


def find_nearest_field(dotted: str) -> str:
    """The path itself where it is a field, else the nearest field above it, else `spec`."""
    path = dotted
    while path and find_field(path) is None:
        path = path.rpartition(".")[0]
    return path or "spec"


def find_value(data: object, dotted: str) -> Any:
    """What stands at a path, None where nothing does."""
    for part in parse_path(dotted):
        if isinstance(part, str) and isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(part, int) and isinstance(data, list) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def put_value(data: Data, dotted: str, value: object) -> Data:
    """A copy of the data with a value at a path of keys, where mappings lead to the last."""
    key, _, rest = dotted.partition(".")
    return {**data, key: put_value(data[key], rest, value) if rest else value}


def remove_value(data: object, dotted: str) -> Any:
    """A copy of the data without what stands at a path; the same where nothing does."""
    return _remove_value(data, parse_path(dotted))


def _remove_value(data: object, path: Path) -> object:
    part, rest = path[0], path[1:]
    if isinstance(data, Mapping) and part in data:
        if rest:
            return {
                key: _remove_value(item, rest) if key == part else item
                for key, item in data.items()
            }
        return {key: item for key, item in data.items() if key != part}
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        kept = [_remove_value(data[part], rest)] if rest else []
        return [*data[:part], *kept, *data[part + 1 :]]
    return data
