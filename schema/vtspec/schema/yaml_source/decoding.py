"""Bytes into text that may be shown to people: UTF-8, of bounded size, nothing invisible."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

LONGEST: Final = 256 * 1024
"""Bytes that a document may have."""

UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufff8\ufffc\ufffd"
    "\U00010000-\U000dffff\U000e1000-\U0010ffff]"
    # Of no width: soft hyphen, direction marks, zero-width space, the fillers of Hangul, Khmer
    # vowels that are not written, variants of Mongolian; and a Braille pattern without a dot.
    "|[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2800\u3164\uffa0]"
    # A variant is one of a character that is not ASCII, or of a digit on a key of emoji.
    "|(?<![^\x00-\x7f])[\ufe00-\ufe0f](?!\u20e3)"
    # A joiner is part of Persian, Indian and emoji letters, and between two of them alone.
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"
)
"""What nobody sees, or sees as something else: control characters, characters of no width and of
direction (two names that differ look the same), line breaks that only some readers know, a byte
order mark in the middle, tags, surrogates."""

MOST_REFUSALS: Final = 20
"""Unprintable characters that are listed; a binary file has thousands."""

_BREAK: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the rules of reading refuse; `line` and `column` count from 1."""

    line: int
    column: int
    message: str
    fix: str
    path: tuple[str | int, ...] = ()
    value: object = None


def decode_source(source: bytes | str) -> str | Refusal:
    """The text of `source` without its byte order mark, or why it cannot be read."""
    try:
        data = source.encode() if isinstance(source, str) else source
    except UnicodeEncodeError as error:
        return _make_refusal(
            str(source), error.start, "is half a surrogate pair, and no character"
        )
    if len(data) > LONGEST:
        message = f"a spec may have at most {LONGEST // 1024} KiB"
        return Refusal(line=1, column=1, message=message, fix="split it, or leave data out of it")
    # Notepad's "Unicode"; as UTF-8 it would be told as thousands of strange characters.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Refusal(line=1, column=1, message="is UTF-16", fix="save the file as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        return _make_refusal(before, len(before), f"byte 0x{data[error.start]:02x} is not UTF-8")


def find_unprintable(text: str) -> list[Refusal]:
    """The first characters that no spec may hold, each with its place."""
    if not UNPRINTABLE.search(text):
        return []
    return list(islice(_iter_unprintable(text), MOST_REFUSALS))


def _iter_unprintable(text: str) -> Iterator[Refusal]:
    for match in UNPRINTABLE.finditer(text):
        message = f"character U+{ord(match[0]):04X} is not allowed in a spec"
        yield _make_refusal(text, match.start(), message, fix="remove the character")


def _make_refusal(
    text: str, offset: int, message: str, fix: str = "save the file as UTF-8 text"
) -> Refusal:
    # Called for a bounded number of characters, so counting from the start each time is cheap.
    breaks = list(_BREAK.finditer(text, 0, offset))
    start = breaks[-1].end() if breaks else 0
    return Refusal(line=len(breaks) + 1, column=offset - start + 1, message=message, fix=fix)
