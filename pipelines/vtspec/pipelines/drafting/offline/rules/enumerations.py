"""Which things stand in one list, which alone are wanted, and which are only told. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText

from .small_talk import find_sentence_span

_JOINS: Final = frozenset(", and & 와 과 랑 이랑 하고 or 및 / plus 나 이나 하고요".split())
_ONLY: Final = ("만", "만을", "하나만", "만으로", "들만", "만요")
_MATTERS: Final = (
    "dataset", "task", "model", "family", "field", "choice", "flag", "train", "count", "spec",
    "dataset-word", "model-word", "unit",
)  # fmt: skip
"""Kinds of words that make a sentence one about the experiment."""


def assign_list_ids(sentence: TokenizedText, mentions: Sequence[Mention]) -> None:
    """Gives the things of each list, as `car, dog and person`, a number of their own."""
    things = sorted(
        (each for each in mentions if each.field == "thing"), key=lambda each: each.start
    )
    number = 0
    for one, other in pairwise(things):
        between = sentence.tokens[one.end : other.start]
        joined = [token for token in between if token.text.lower() in _JOINS]
        if joined and all(
            token in joined or token.has("particle") or token.text.lower() in ("the", "a")
            for token in between
        ):
            # `car, dog and person`: each pair goes on with the list of the one before
            number += not one.listed
            one.listed = one.listed or number
            other.listed = one.listed


def mark_wanted(sentence: TokenizedText, mentions: Sequence[Mention]) -> None:
    """Marks things beside "only" or an announced list, and those that are only told of."""
    places = {at for at in range(len(sentence.tokens)) if _is_restriction(sentence, at)}
    for each in mentions:
        if each.field not in ("thing", "bare"):
            continue
        # `only siamese`, `siamese만`: Korean says it behind
        near = (*range(each.start - 4, each.start), *range(each.end, each.end + 8))
        if places and not places.isdisjoint(near):
            each.assumed = "only"
        # `Washers keep jamming the feeder.` restricts no classes
        elif each.field == "thing" and not _is_in_request(sentence, each):
            each.assumed = "talk"
    lists = {each.listed for each in mentions if each.listed and each.assumed == "only"}
    for each in mentions:
        # `only car, bus and truck`: all of the list, however far from the `only`
        if each.listed in lists:
            each.assumed = "only"


def _is_restriction(sentence: TokenizedText, at: int) -> bool:
    token = sentence.tokens[at]
    if token.get("field") == "dataset.classes":
        return True
    # `light augmentation only`, `3에폭만` are no classes.
    return (token.has("only") or token.text in _ONLY) and not _limits_setting(sentence, at - 1)


def _limits_setting(sentence: TokenizedText, before: int) -> bool:
    token = sentence.get_token(before)
    return (
        token is not None
        and token.get("field") != "dataset.classes"
        and sentence.is_kind(before, "field", "choice", "flag", "unit", "metric", "gpu", "model")
    )


def _is_in_request(sentence: TokenizedText, mention: Mention) -> bool:
    first, last = find_sentence_span(sentence, mention.start)
    if first == 0 and last >= len(sentence.tokens) - 1:
        return True
    return any(sentence.is_kind(place, *_MATTERS) for place in range(first, last))
