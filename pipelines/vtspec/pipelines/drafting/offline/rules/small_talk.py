"""What is only told: times that are past, and sentences that are about something else. Pure."""

import re
from typing import Final

from vtspec.pipelines.drafting.offline.quantities import Amount
from vtspec.pipelines.drafting.offline.sentence import TokenizedText

NEAR: Final = 40  # a text without full stops would be searched once for each number
"""Tokens on either side that a clause or sentence has at most."""

_AFTER: Final = re.compile(
    r" ?(?:전(?!체)|남|째|걸렸|걸려|걸리[던는더]|걸림|기다|ago\b|before\b|"
    r"earlier\b|left\b|later\b|"
    r"already\b|per epoch|an epoch|each epoch|every)"
)
_TOLD: Final = re.compile(
    r"\b(?:took|taken|lasted|ran|been|waited|spent|was|were|had|used to)\b|last (?:time|week|run)|"
    r"previously|지난번|저번|예전|이전엔|이전에는|걸렸|걸려서|걸리던|기다렸"
)
_LIMIT: Final = ("within", "compare")


def is_past(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a time is told and no limit: `40분 전`, `it took 3 hours last time`."""
    text = sentence.text
    end = sentence.tokens[amount.end - 1].end
    # `40분 전이에요` is past, whatever limit stands in the clause
    if _AFTER.match(text.lower(), end):
        return True
    first, last = find_clause_span(sentence, amount.start)
    # `took 3 hours, limit to 2`
    if any(sentence.is_kind(place, *_LIMIT) for place in range(first, last)):
        return False
    return _TOLD.search(sentence.get_span_text(first, last).lower()) is not None


_THEN: Final = r"지난번|저번|어제|예전|지난주|yesterday|last (?:time|week|month|run)|previously"
_BEFORE: Final = re.compile(rf"(?:{_THEN})[^,.;\n]{{0,40}}$")
_DID: Final = re.compile(r"[^,.;\n]{0,8}?[가-힣]*(?:었|았|했|렸|였|됐|겼)")
_DID_BEFORE: Final = re.compile(
    r"\b(?:ran|did|used|trained|tried|had|got|stopped)\b[^,.;\n]{0,30}$"
)
_AFTERWARDS: Final = re.compile(rf"[^,.;\n]{{0,24}}?(?:{_THEN})")
_NOW: Final = re.compile(r"이번|오늘|이제|지금|\b(?:now|today|this time|this run)\b")


def is_of_earlier_run(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a setting is that of an earlier run: `yesterday I ran 20 epochs`."""
    start, end = sentence.tokens[amount.start].start, sentence.tokens[amount.end - 1].end
    before = sentence.text[max(0, start - 60) : start].lower()
    after = sentence.text[end : end + 60].lower()
    then = _BEFORE.search(before) is not None
    # Korean tells the past behind the number: `어제 20에폭 돌렸는데`
    if then and _DID.match(after):
        return True
    did = _DID_BEFORE.search(before) is not None
    return did and (then or _AFTERWARDS.match(after) is not None)


def is_of_current_run(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a number stands where this run is set off from an earlier one: `today do 45`."""
    first, last = find_clause_span(sentence, amount.start)
    return (
        amount.does == "set"
        and not amount.unit
        and (_NOW.search(sentence.get_span_text(first, last).lower()) is not None)
    )


def find_clause_span(sentence: TokenizedText, at: int) -> tuple[int, int]:
    """The tokens from the comma or full stop before one to the next, of a long one those near."""
    return _find_span(sentence, at, "break", "comma")


def find_sentence_span(sentence: TokenizedText, at: int) -> tuple[int, int]:
    """The tokens from the full stop before one to the next, of a long one those near."""
    return _find_span(sentence, at, "break")


def _find_span(sentence: TokenizedText, at: int, *kinds: str) -> tuple[int, int]:
    first = last = at
    while first > max(0, at - NEAR) and not sentence.is_kind(first - 1, *kinds):
        first -= 1
    while last < min(len(sentence.tokens), at + NEAR) and not sentence.is_kind(last, *kinds):
        last += 1
    return first, last
