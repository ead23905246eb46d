"""Finds tasks, datasets and classes in tokens. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.common_words import is_everyday
from vtspec.pipelines.drafting.offline.dataset_index import (
    MatchLevel,
    normalize_class,
    singularize,
)
from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import Token, get_number
from vtspec.pipelines.drafting.offline.vocabulary.object_names import GENERIC

_GENERIC: Final = frozenset(GENERIC.split())


_VAGUE: Final = frozenset(
    "판별 판별기 식별 구분 구별 찾는 찾기 찾아내는 찾아내기 recognize recognise "
    "distinguish find finding spot "
    "locate depth caption dialogue segment pose poses 자세 깊이 qa enlarge".split()
) | {"tell apart", "object recognition"}
"""Words that people use for any task: a dataset that is named knows better."""


def find_tasks(sentence: TokenizedText) -> Iterator[Mention]:
    """Tasks; the value is the tasks that the word may mean."""
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        tasks = token.get("task")
        if isinstance(tasks, tuple):
            sentence.consume(at, at + 1)
            # `helmets 자동 판별`: detection, as the dataset knows
            vague = "vague" if token.text.lower() in _VAGUE else None
            yield Mention("task", tasks, at, at + 1, token.text, assumed=vague)


def find_dataset_mentions(sentence: TokenizedText) -> Iterator[Mention]:
    """Datasets and classes, by name or by noun: what each word may mean, with its level.

    The value of a `dataset` mention maps names to levels; that of a `class` mention is the key
    that classes are looked up by.
    """
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        name = token.get("dataset")
        if isinstance(name, str):
            sentence.consume(at, at + 1)
            yield Mention("dataset", {name: MatchLevel.NAME}, at, at + 1, token.text)
            if token.has("noun"):  # `cats`: a dataset, and what is in the pictures of others
                own = " ".join(_extract_words(token) or ())
                yield Mention("thing", own, at, at + 1, token.text)
            continue
        words = _extract_words(token)
        like = token.get("dataset-like")
        if words is None and isinstance(like, str):
            words = (singularize(like),)
        if words is None:
            continue
        levels = {
            each: level for each, terms in sentence.known.terms.items()
            if (level := terms.match_words(words)) is not None
        }  # fmt: skip
        if levels:
            sentence.consume(at, at + 1)
            yield Mention("dataset", levels, at, at + 1, token.text)
        if token.has("noun") or any(level == MatchLevel.CLASS for level in levels.values()):
            sentence.consume(at, at + 1)
            yield Mention("thing", " ".join(words), at, at + 1, token.text)


def _extract_words(token: Token) -> tuple[str, ...] | None:
    noun = token.get("noun")
    if isinstance(noun, str):
        return tuple(singularize(word) for word in re.findall(r"[a-z0-9가-힣]+", noun))
    low = token.text.lower()
    if token.has("generic") or low in _GENERIC or get_number(token) is not None:
        return None
    # a description may hold words that no table has; `as a test` means none with `test` in it
    if token.is_unknown and len(low) > 2 and not is_everyday(low):
        return tuple(singularize(word) for word in re.findall(r"[a-z0-9가-힣]+", low)) or None
    return None


def find_class(words: str, classes: Sequence[str]) -> str | None:
    """The class that words name, or None."""
    key = normalize_class(words)
    return next((name for name in classes if normalize_class(name) == key), None)
