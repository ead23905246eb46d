"""Changes that several fields share: `halve the lr and the warm-up`, `학습률, 배치 배`. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.value_ranges import NUMBERS

_JOINTS: Final = frozenset(
    ", and & 와 과 랑 이랑 하고 및 또 the both 둘 다 전부 모두 all of 도 의 을 를 은 는".split()
)


MOST_SHARED: Final = 12
"""Changes of one text that are shared, and fields that one of them reaches on each side."""


def share_changes(sentence: TokenizedText, mentions: list[Mention]) -> None:
    """Gives a change of one field also to the fields that are joined to its name."""
    changes = [
        each
        for each in mentions
        if each.is_active and each.operation == "scale" and each.field in NUMBERS
    ]
    for change in changes[:MOST_SHARED]:
        # `halve the lr and the warmup`, `lr와 batch 둘 다 절반`: the change stands at either end
        for step in (-1, 1):
            _spread_change(sentence, mentions, change, step)


def _spread_change(
    sentence: TokenizedText, mentions: list[Mention], change: Mention, step: int
) -> None:
    edge = change
    for _ in range(MOST_SHARED):
        named = _find_joined_field(sentence, mentions, edge, step)
        if named is None:
            return
        shared = replace(change, field=named.field, start=named.start, end=named.end)
        mentions[mentions.index(named)] = shared
        sentence.consume(named.start, named.end)
        edge = shared


def _find_joined_field(
    sentence: TokenizedText, mentions: Sequence[Mention], edge: Mention, step: int
) -> Mention | None:
    """The field without a value that stands next to a mention, joined by `and` or the like."""
    for each in mentions:
        if each.operation != "remove" or each.field not in NUMBERS or not each.is_active:
            continue
        first, last = (each, edge) if step < 0 else (edge, each)
        between = sentence.tokens[first.end : last.start] if first.end <= last.start else []
        words = [token.text.lower() for token in between[:6]]
        if words and len(between) <= 6 and all(word in _JOINTS for word in words):
            return each
    return None
