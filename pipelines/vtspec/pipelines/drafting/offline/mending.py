"""Misspelt words of a text, replaced by what was most likely meant. Pure."""

import re
from typing import Final

from .known import Known
from .lattice import tokens_of
from .written import is_hangul, squashed


def mended_text(text: str, known: Known) -> tuple[str, list[tuple[str, str]]]:
    """The text with its misspelt words as they were most likely meant, and which those are."""
    found: list[tuple[str, str]] = []
    parts, end = [], 0
    unknown = [token for token in tokens_of(text, known.words) if token.unknown]
    for token in unknown[:MOST_MENDED]:
        better = _meant(token.text, known)
        if better is not None and better != token.text:
            parts += [text[end : token.start], better]
            end = token.end
            if _matters(better, known):
                found.append((token.text, better))
    return "".join([*parts, text[end:]]), found


def _matters(word: str, known: Known) -> bool:
    senses = known.words.senses.get(squashed(word), ())
    return not senses or any(sense.kind != "filler" for sense in senses)


MOST_MENDED: Final = 60
"""Words of a text whose spelling is looked into."""


def _meant(typed: str, known: Known) -> str | None:
    near = known.spellings.nearest(typed)
    if near is not None and not _is_plural(typed, near, known):
        return known.spelt.get(near, near)
    match = re.fullmatch(r"([A-Za-z]{3,}|[가-힣]{2,})[-_ ]?([0-9].*)", typed)
    if match is not None:
        for spellings in (known.models.families, known.spellings):
            near = spellings.nearest(match[1])
            if near is not None:
                whole = (
                    f"{near}{match[2]}"
                    if spellings is known.models.families
                    else f"{near} {match[2]}"
                )
                return known.models.exact(whole) or whole
    if any(is_hangul(letter) for letter in typed):
        return None
    near = known.models.names.nearest(typed)
    if near is not None:
        return known.models.by_short[near]
    return _parted(typed, known)


def _is_plural(typed: str, near: str, known: Known) -> bool:
    """Whether it is only the plural of a family's name, and so another word: `llamas`."""
    senses = known.words.senses.get(near, ())
    return typed.lower() == f"{near}s" and all(sense.kind == "family" for sense in senses)


def _parted(typed: str, known: Known) -> str | None:
    """Two words that were typed as one: `trainyolo11s`."""
    low = typed.lower()
    if not low.isascii():
        return None
    for at in range(3, min(len(low) - 2, 14)):
        head, tail = (
            known.words.senses.get(low[:at], ()),
            known.words.senses.get(squashed(low[at:]), ()),
        )
        if head and tail and any(sense.kind in _PARTED for sense in (*head, *tail)):
            return f"{typed[:at]} {typed[at:]}"
    return None


_PARTED: Final = frozenset({"model", "family", "dataset", "field"})
