"""Misspelt words of a text, replaced by what was most likely meant. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from .common_words import is_ordinary
from .name_index import NameIndex
from .spelling import decompose_hangul
from .text import is_hangul, normalize_name
from .tokens import Token, get_number, tokenize

MOST_MENDED: Final = 60
"""Words of a text whose spelling is looked into."""


def correct_spelling(text: str, known: NameIndex) -> tuple[str, list[tuple[str, str]]]:
    """The text with its misspelt words as they were most likely meant, and which those are."""
    found: list[tuple[str, str]] = []
    parts, end = [], 0
    tokens = tokenize(text, known.words)
    given = _find_name_positions(text)
    unknown = [
        at for at, token in enumerate(tokens) if token.is_unknown and token.start not in given
    ]
    for at in unknown[:MOST_MENDED]:
        token = tokens[at]
        if token.text.lower() in _TERMS:  # `gamma` is a key away from the models called `gemma`
            continue
        better = _find_correction(token.text, known)
        if better is None or better == token.text:
            continue
        # `에픅 80` is a field, beside a number; `안 오르면` would hold a duck, `오리`
        if _is_short_word(token.text) and not _is_number_at(tokens, at + 1):
            continue
        # "reaches" became the class `beaches`, "tricks" `trucks`
        if is_ordinary(token.text) and not _completes_phrase(better, tokens, at, known):
            continue
        parts += [text[end : token.start], better]
        end = token.end
        if _is_content_word(better, known):  # a mended `plese` is not worth telling
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


def _find_name_positions(text: str) -> set[int]:
    """The letters of names that are given, which are spelt as the person likes: `call it catz`."""
    found: set[int] = set()
    for match in _GIVEN.finditer(text):
        group = "name" if match["name"] else "before"
        found.update(range(*match.span(group)))
    return found


def _is_short_word(word: str) -> bool:
    """Whether two syllables are keyed with four keys, as pieces of many words are: `오르`."""
    return is_hangul(word[0]) and len(decompose_hangul(word)) < 5


def _is_number_at(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and get_number(tokens[at]) is not None


def _completes_phrase(better: str, tokens: Sequence[Token], at: int, known: NameIndex) -> bool:
    """Whether a word makes a known phrase with its neighbour: `leaning rate`, `bath size`."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    phrases = (f"{before} {better}" if before.isalpha() else "",
               f"{better} {after}" if after.isalpha() else "")  # fmt: skip
    return any(phrase and normalize_name(phrase) in known.words.senses for phrase in phrases)


def _is_content_word(word: str, known: NameIndex) -> bool:
    senses = known.words.senses.get(normalize_name(word), ())
    return not senses or any(sense.kind != "filler" for sense in senses)


def _find_correction(typed: str, known: NameIndex) -> str | None:
    near = known.spellings.find_nearest(typed)
    if near is not None and not _is_plural(typed, near, known):
        return known.canonical_names.get(near, near)
    # before names of models: `에퍽50` is no model
    match = re.fullmatch(r"([A-Za-z]{3,}|[가-힣]{2,})[-_ ]?([0-9].*)", typed)
    if match is not None and not is_ordinary(match[1]):
        better = _correct_numbered_word(match[1], match[2], known)
        if better is not None:
            return better
    if any(is_hangul(letter) for letter in typed):  # names of models are Latin
        return None
    # after the vocabulary, as one of two thousand models is near to any word
    near = known.models.names.find_nearest(typed)
    if near is not None:
        return known.models.by_short[near]
    return _split_joined_words(typed, known)


def _correct_numbered_word(word: str, rest: str, known: NameIndex) -> str | None:
    """A misspelt word with a number at its end: `resnt50`, `에퍽50`."""
    near = known.models.families.find_nearest(word)
    if near is not None:
        return known.models.find_name(f"{near}{rest}") or f"{near}{rest}"
    near = known.spellings.find_nearest(word)
    if near is None:
        return None
    return known.models.find_name(f"{near} {rest}") or f"{near} {rest}"


def _is_plural(typed: str, near: str, known: NameIndex) -> bool:
    """Whether it is only the plural of a family's name, and so another word: `llamas`."""
    senses = known.words.senses.get(near, ())
    return typed.lower() == f"{near}s" and all(sense.kind == "family" for sense in senses)


def _split_joined_words(typed: str, known: NameIndex) -> str | None:
    """Two words that were typed as one: `trainyolo11s`."""
    low = typed.lower()
    # Hangul needs no spaces: the tokens come apart anyway
    if not low.isascii() or is_ordinary(low):
        return None
    # heads of two letters, as `on` and `to`, begin too many words
    for at in range(3, min(len(low) - 2, 14)):
        head, tail = (
            known.words.senses.get(low[:at], ()),
            known.words.senses.get(normalize_name(low[at:]), ()),
        )
        # `trainyolo11s`; two small words, as in `into`, are one
        if head and tail and any(sense.kind in _PARTED for sense in (*head, *tail)):
            return f"{typed[:at]} {typed[at:]}"
    return None


_PARTED: Final = frozenset({"model", "family", "dataset", "field"})
