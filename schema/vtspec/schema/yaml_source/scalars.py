"""Plain YAML scalars as the core schema of YAML 1.2 reads them (section 10.3.2 of its text).

`1e-3` is a number and `no` is a string, unlike in YAML 1.1, which PyYAML's own loaders follow.
"""

import math
import re
from typing import Final

Scalar = None | bool | int | float | str

LONGEST_NUMBER: Final = 100
"""Digits and signs that a number may have; int() and float() are quadratic in them."""

_WORDS: Final[dict[str, Scalar]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_FIRSTS: Final = frozenset("0123456789+-.")

_INT: Final = re.compile(r"[-+]?[0-9]+\Z|0o(?P<octal>[0-7]+)\Z|0x(?P<hex>[0-9a-fA-F]+)\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE: Final = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")


class BadNumber(ValueError):
    """A scalar that is a number in YAML and none that a spec can use."""


def parse_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises `BadNumber` for infinities, NaN and giants."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRSTS:
        return text
    # Most numbers are short and whole; isdecimal alone would take the digits of every script.
    if len(text) < 10 and text.isdecimal() and text.isascii():
        return int(text)
    return _parse_number(text)


def _parse_number(text: str) -> Scalar:
    whole = _INT.match(text)
    if not whole and not _FLOAT.match(text):
        if _NOT_FINITE.match(text):
            raise BadNumber("must be a finite number")
        return text
    if len(text) > LONGEST_NUMBER:
        raise BadNumber(f"a number may have at most {LONGEST_NUMBER} characters")
    if whole:
        return _parse_integer(text, whole)
    value = float(text)
    if not math.isfinite(value):
        raise BadNumber("is too large for a number")
    return value


def _parse_integer(text: str, match: re.Match[str]) -> int:
    if match["octal"]:
        return int(match["octal"], 8)
    if match["hex"]:
        return int(match["hex"], 16)
    return int(text)
