"""Text that someone else wrote, such that a reader sees each character of it. Pure.

The one function between such text and whatever shows it: a terminal, a report, a page. Controls,
zero-width and bidirectional marks and lone surrogates are spelled out as `⟨U+200B⟩`, so that
nothing moves a cursor or sets a title, and two names that differ look different.
"""

import unicodedata
from typing import Final

_BLANKS: Final = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
_JOINERS: Final = frozenset("\u200c\u200d")
# Letters by category, yet drawn as nothing.
_EMPTY_LETTERS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co"})


def make_visible(text: str) -> str:
    """One line in which every character can be seen; encodable as UTF-8.

    Line ends, tabs and the wide spaces of Unicode become a space. A joiner stays where scripts
    and emoji need it: between two characters that are not ASCII.
    """
    # Nearly all names: no need to look at each character of a thousand of them.
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escape_character(text[max(at - 1, 0) : at], character, text[at + 1 : at + 2])
        for at, character in enumerate(text)
    )


def shorten_visibly(text: str, longest: int) -> str:
    """The same, of text of any length: `longest` characters at most, the last of them `…` where
    there was more."""
    # Characters become more by it, and never fewer.
    shown = make_visible(text[: 2 * longest])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _escape_character(before: str, character: str, after: str) -> str:
    if " " <= character <= "~":
        return character
    if character in _BLANKS or unicodedata.category(character) == "Zs":
        return " "
    if character in _JOINERS and _is_joinable(before) and _is_joinable(after):
        return character
    # Code points that are no characters, and variation selectors: drawn as nothing, or not the
    # same everywhere (Unicode 15.1, 23.4 and 23.7).
    code = ord(character)
    nothing = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or character in _EMPTY_LETTERS
    if 0xFE00 <= code <= 0xFE0F:
        # A variant is one of a character that is not ASCII, or of a digit on a key of emoji.
        nothing = before <= "~" and after != "\u20e3"
    if nothing or unicodedata.category(character) in _HIDDEN or 0xE0100 <= code <= 0xE01EF:
        return f"⟨U+{code:04X}⟩"
    return character


def _is_joinable(neighbour: str) -> bool:
    return neighbour > "~" and unicodedata.category(neighbour) not in _HIDDEN
