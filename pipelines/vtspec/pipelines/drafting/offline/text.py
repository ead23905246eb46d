"""A message made plain: one form for each letter, one space between words. Pure."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 20_000
"""Characters of a message that are read."""

_SPACES: Final = re.compile(r"[^\S\n]+")
_PLAIN: Final = (
    dict.fromkeys((0x2018, 0x2019, 0x00B4, 0x0060), "'")
    | dict.fromkeys((0x201C, 0x201D, 0x00AB, 0x00BB), '"')
    | dict.fromkeys((0xFF5E, 0x223C, 0x301C), "~")
    | dict.fromkeys((0x2010, 0x2011, 0x2013, 0x2014, 0x2212), "-")
    | {0x00D7: "x"}
)
"""Quotes, tildes, dashes and the multiplication sign, as they stand on a keyboard."""


def normalize_text(text: str) -> str:
    """The text in compatibility form, quotes and dashes plain, whatever cannot be printed a space.

    Full-width digits become digits, and Hangul that was typed in pieces becomes syllables.
    """
    # cut twice: `ﷺ` is one letter, and eighteen when it is normalized
    shaped = unicodedata.normalize("NFKC", text[:LONGEST]).translate(_PLAIN)[:LONGEST]
    plain = "".join(
        letter if letter.isprintable() else _replace_unprintable(letter) for letter in shaped
    )
    return _SPACES.sub(" ", plain).strip()


def _replace_unprintable(letter: str) -> str:
    # What joins or directs letters is nothing; what separates them is a space.
    if letter == "\n":
        return "\n"
    return "" if unicodedata.category(letter) == "Cf" else " "


def lowercase(text: str) -> str:
    """The text in lower case, every letter in its place."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(
        each if len(each) == 1 else letter for letter in text for each in [letter.lower()]
    )


def is_hangul(letter: str) -> bool:
    """Whether it is a Hangul syllable or a lone Hangul letter."""
    return "가" <= letter <= "힣" or "ㄱ" <= letter <= "ㅣ"


def normalize_name(text: str) -> str:
    """The text without case, spaces and what joins words."""
    return re.sub(r"[\s._/'-]+", "", text).lower()
