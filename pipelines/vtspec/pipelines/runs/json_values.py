"""Values out of other people's JSON, each as what is expected of it or as nothing. Pure.

Adapters of third parties write such files: nothing in them may make a reader fail.
"""

import math
from collections.abc import Mapping


def to_number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    # JSON's true is Python's 1, and nobody measured it.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def to_int(value: object) -> int | None:
    """A whole number, `3.0` too, or None."""
    number = to_number(value)
    return int(number) if number is not None and number.is_integer() else None


def to_text(value: object) -> str | None:
    """A text that is not empty, or None."""
    return value if isinstance(value, str) and value else None


def to_mapping(value: object) -> Mapping[str, object]:
    """A mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def to_words(value: object) -> tuple[str, ...]:
    """What a list holds, as texts; none of anything else."""
    return tuple(str(word) for word in value) if isinstance(value, list | tuple) else ()


def to_numbers(value: object) -> Mapping[str, float]:
    """The finite numbers of a mapping, by name."""
    found = ((str(name), to_number(item)) for name, item in to_mapping(value).items())
    return {name: number for name, number in found if number is not None}


def to_texts(value: object) -> Mapping[str, str]:
    """The texts of a mapping, by name."""
    return {str(key): item for key, item in to_mapping(value).items() if isinstance(item, str)}
