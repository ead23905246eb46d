"""What a model returned, as plain data of a bounded size. Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final

DEEPEST: Final = 12
"""Levels of mappings and lists; a spec has 6."""

MOST_VALUES: Final = 3_000
"""Values in all; a dataset of 1,000 classes with a count for each has about 2,000."""

LONGEST: Final = 4_000
"""Characters of one text."""


class Unbounded(ValueError):
    """The data is deeper, longer or larger than any spec, or no plain data; the text says how."""


def copy_plain(data: object) -> Any:
    """A copy that is made of texts, numbers, true, false, null, lists and mappings only.

    Lone surrogates are replaced. Raises `Unbounded`.
    """
    return _copy(data, DEEPEST, [MOST_VALUES])


def _copy(data: object, levels: int, left: list[int]) -> object:
    left[0] -= 1
    if left[0] < 0:
        raise Unbounded(f"has more than {MOST_VALUES:,} values")
    match data:
        case str():
            return _clean_text(data)
        case int() if abs(data) >= 2**63:
            raise Unbounded("holds a number of more than 64 bits")
        case float() if not math.isfinite(data):
            raise Unbounded("holds a number that is not finite")
        case bool() | int() | float() | None:
            return data
        case Mapping() | list() | tuple() if levels == 0:
            raise Unbounded(f"is nested more than {DEEPEST} deep")
        case Mapping():
            return {
                _clean_text(str(key)): _copy(item, levels - 1, left) for key, item in data.items()
            }
        case list() | tuple():
            return [_copy(item, levels - 1, left) for item in data]
        case _:
            raise Unbounded(f"holds something of type {type(data).__name__}")


def _clean_text(text: str) -> str:
    if len(text) > LONGEST:
        raise Unbounded(f"holds a text of more than {LONGEST:,} characters")
    return text.encode("utf-8", "replace").decode("utf-8")
