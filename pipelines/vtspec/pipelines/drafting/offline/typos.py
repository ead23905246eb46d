"""Misspelt words of a text, replaced by what was most likely meant. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from .common_words import is_ordinary
from .name_index import Known
from .spelling import keyed
from .text import is_hangul, squashed
from .tokens import Token, number_of, tokens_of

MOST_MENDED: Final = 60
"""Words of a text whose spelling is looked into."""


def mended_text(text: str, known: Known) -> tuple[str, list[tuple[str, str]]]:
    """The text with its misspelt words as they were most likely meant, and which those are."""
    found: list[tuple[str, str]] = []
    parts, end = [], 0
    tokens = tokens_of(text, known.words)
    given = _names_in(text)
    unknown = [at for at, token in enumerate(tokens) if token.unknown and token.start not in given]
    for at in unknown[:MOST_MENDED]:
        token = tokens[at]
        if token.text.lower() in _TERMS:
            continue
        better = _meant(token.text, known)
        if better is None or better == token.text:
            continue
        if _is_little(token.text) and not _counts(tokens, at + 1):
            continue
        if is_ordinary(token.text) and not _is_of_a_phrase(better, tokens, at, known):
            continue
        parts += [text[end : token.start], better]
        end = token.end
        if _matters(better, known):
            found.append((token.text, better))
    return "".join([*parts, text[end:]]), found


_TERMS: Final = frozenset(
    "gamma beta alpha conf iou nms dropout eps epsilon sigma delta topk tags spot".split()
)
"""Names of settings that no spec has, which are not misspelt either."""


_GIVEN: Final = re.compile(
    r"(?:\bcall (?:it|this|that|the)(?: (?:experiment|run|one|spec))?|\b(?:re)?nam(?:e|ed|ing)"
    r"(?: it| this)?(?: is| to| as| the)?|이름[은을이]?|실험명[은을]?)[ :='\"]{1,3}"
    r"(?P<name>[a-z0-9][\w.-]{0,60})|"
    r"(?<![\w.-])(?P<before>[a-z0-9][a-z0-9_.-]{0,60})['\"]?이?(?:라고|라는) ?"
    r"(?:불러|부르|하자|해|이름|지어|저장)",
    re.IGNORECASE,
)


def _names_in(text: str) -> set[int]:
    """The letters of names that are given, which are spelt as the person likes: `call it catz`."""
    found: set[int] = set()
    for match in _GIVEN.finditer(text):
        group = "name" if match["name"] else "before"
        found.update(range(*match.span(group)))
    return found


def _is_little(word: str) -> bool:
    """Whether two syllables are keyed with four keys, as pieces of many words are: `오르`."""
    return is_hangul(word[0]) and len(keyed(word)) < 5


def _counts(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and number_of(tokens[at]) is not None


def _is_of_a_phrase(better: str, tokens: Sequence[Token], at: int, known: Known) -> bool:
    """Whether a word makes a known phrase with its neighbour: `leaning rate`, `bath size`."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    phrases = (f"{before} {better}" if before.isalpha() else "",
               f"{better} {after}" if after.isalpha() else "")  # fmt: skip
    return any(phrase and squashed(phrase) in known.words.senses for phrase in phrases)


def _matters(word: str, known: Known) -> bool:
    senses = known.words.senses.get(squashed(word), ())
    return not senses or any(sense.kind != "filler" for sense in senses)


def _meant(typed: str, known: Known) -> str | None:
    near = known.spellings.nearest(typed)
    if near is not None and not _is_plural(typed, near, known):
        return known.spelt.get(near, near)
    match = re.fullmatch(r"([A-Za-z]{3,}|[가-힣]{2,})[-_ ]?([0-9].*)", typed)
    if match is not None and not is_ordinary(match[1]):
        better = _before_number(match[1], match[2], known)
        if better is not None:
            return better
    if any(is_hangul(letter) for letter in typed):
        return None
    near = known.models.names.nearest(typed)
    if near is not None:
        return known.models.by_short[near]
    return _parted(typed, known)


def _before_number(word: str, rest: str, known: Known) -> str | None:
    """A misspelt word with a number at its end: `resnt50`, `에퍽50`."""
    near = known.models.families.nearest(word)
    if near is not None:
        return known.models.exact(f"{near}{rest}") or f"{near}{rest}"
    near = known.spellings.nearest(word)
    if near is None:
        return None
    return known.models.exact(f"{near} {rest}") or f"{near} {rest}"


def _is_plural(typed: str, near: str, known: Known) -> bool:
    """Whether it is only the plural of a family's name, and so another word: `llamas`."""
    senses = known.words.senses.get(near, ())
    return typed.lower() == f"{near}s" and all(sense.kind == "family" for sense in senses)


def _parted(typed: str, known: Known) -> str | None:
    """Two words that were typed as one: `trainyolo11s`."""
    low = typed.lower()
    if not low.isascii() or is_ordinary(low):
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
