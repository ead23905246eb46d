"""Wishes without a value: `a bigger model`, `double everything`, `start over`. Pure.

No rule says how much is meant: what is wished of a field is asked about, and the rest is told to
be not understood; nothing is left out in silence.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.text import lowercase, normalize_text
from vtspec.pipelines.drafting.offline.tokens import Token, get_number
from vtspec.pipelines.drafting.offline.value_ranges import CHOICES_OF_FIELDS, DEFAULTS, NUMBERS

from .small_talk import find_clause_span

_MORE: Final = (
    "bigger|larger|smaller|deeper|wider|longer|shorter|higher|lower|stronger|weaker|heavier|"
    "lighter|finer|coarser|biggest|largest|smallest|tiniest|less|fewer|more"
)
_OF: Final = (
    "models?|networks?|images?|pictures?|inputs?|resolution|batch(?:es)?(?: size)?|"
    "learning rate|lr|epochs|augmentations?|regulari[sz]ation|warm-?up|weight decay|patience"
)
_KO_OF: Final = (
    "모델|이미지|해상도|배치(?: ?사이즈| ?크기)?|학습률|러닝 ?레이트|에폭|에포크|증강|웜업|워밍업"
)
_PATTERNS: Final = (
    re.compile(rf"\b(?:{_MORE}) (?:{_OF})\b"),
    re.compile(
        r"\b(?:twice|half|three times|much|a bit|little) (?:as )?(?:long|longer|big|bigger)\b"
    ),
    re.compile(r"\btrain (?:it )?(?:for )?(?:a bit |much )?(?:longer|less|shorter)\b"),
    re.compile(r"\b(?:double|halve|increase|reduce|lower|raise) everything\b"),
    re.compile(
        rf"(?<![가-힣])(?:더 |좀 더 |조금 더 )?(?:큰|작은|가벼운|무거운|깊은|높은|낮은) ?"
        rf"(?:{_KO_OF})"
    ),
    re.compile(
        rf"(?:{_KO_OF})(?:은|는|을|를|도|만|이|가)? ?(?:더 |좀 |조금 |아주 |훨씬 |확 )*"
        r"(?:작게|크게|많이|적게|길게|짧게|높게|낮게|넉넉히|낮춰|높여|올려|줄여|늘려)"
    ),
    re.compile(r"\b(?:most accurate|fastest) (?:model|network)\b"),
    re.compile(r"(?:제일|가장) ?[가-힣]{1,5} 모델"),
    re.compile(r"(?:두|세|[0-9]) ?배 ?(?:더 )?오래|(?<![가-힣])더 (?:오래|길게|짧게)"),
)
_COMMAND: Final = re.compile(
    r"(?:(?:please|actually|no|ok|okay|아니|그냥),? ?){0,3}"
    r"(?:start over|start again|start afresh|undo(?: (?:that|it|this))?|"
    r"revert(?: (?:that|it|this))?|go back|reset|cancel|never ?mind|"
    r"원래대로(?: ?해줘| ?돌려줘| ?되돌려줘)?|되돌려(?: ?줘)?|취소(?: ?해줘| ?할게)?|"
    r"처음부터 다시(?: ?해줘| ?하자| ?할래| ?할게)?|다시 처음부터(?: ?해줘| ?하자)?|리셋|"
    r"한 ?번 더 두 배)(?: please)?[.!~]*"
)


def is_command(text: str) -> bool:
    """Whether a whole message is about the conversation, which a grammar cannot take back."""
    return _COMMAND.fullmatch(lowercase(normalize_text(text)).strip()) is not None


def find_wishes(sentence: TokenizedText, mentions: Sequence[Mention]) -> list[Mention]:
    """The wishes for more or less of something that nothing else in the text puts a value to.

    The field is empty where nothing tells it, as in `double everything`.
    """
    found = [*_iter_phrased(sentence, mentions), *_iter_valueless_changes(sentence, mentions)]
    valued = {each.field for each in mentions if each.is_active and each.operation != "remove"}
    first = {each.field or each.said: each for each in reversed(found)}
    kept = [each for key, each in first.items() if key not in valued]
    return sorted(kept, key=lambda each: each.start)[:MOST_WISHES]


def _iter_phrased(sentence: TokenizedText, mentions: Sequence[Mention]) -> Iterator[Mention]:
    valued = {
        letter
        for each in mentions
        if each.operation != "remove" and each.field != "bare"
        for token in sentence.tokens[each.start : each.end]
        for letter in range(token.start, token.end)
    }
    for start, end in islice(_iter_spans(lowercase(sentence.text)), 5 * MOST_WISHES):
        places = [
            at for at, token in enumerate(sentence.tokens)
            if token.start < end and token.end > start
        ]  # fmt: skip
        if places and valued.isdisjoint(range(start, end)):
            fields = (_find_wished_field(sentence.tokens[at]) for at in places)
            field = next((each for each in fields if each), "")
            yield Mention(field, None, places[0], places[-1] + 1, sentence.text[start:end])


_OF_WORDS: Final = {
    "training.imageSize": "image images picture pictures input inputs resolution 이미지 해상도",
    "training.epochs": "long longer shorter 오래 길게 짧게",
    "model.name": "model models network networks 모델",
}


def _find_wished_field(token: Token) -> str | None:
    field = token.get("field")
    if isinstance(field, str) and field in _WISHED:
        return field
    low = token.text.lower()
    return next((path for path, words in _OF_WORDS.items() if low in words.split()), None)


_WISHED: Final = frozenset(NUMBERS) | frozenset(DEFAULTS) | frozenset(CHOICES_OF_FIELDS)
_CHANGING: Final = ("up", "down", "change", "more", "less", "scale")
_DEGREES: Final = frozenset(
    "bit slightly tune tuned high low higher lower usual better "
    "좀 조금 살짝 작게 크게 많이 적게 높게 낮게 최대한".split()
)


def _iter_valueless_changes(
    sentence: TokenizedText, mentions: Sequence[Mention]
) -> Iterator[Mention]:
    """Fields that are named without a value beside a word of change or a number: `tune the lr`."""
    valued = {
        place
        for each in mentions
        if each.operation != "remove" and each.field != "bare"
        for place in range(each.start, each.end)
    }
    for each in mentions:
        if each.operation != "remove" or not each.is_active or each.field not in _WISHED:
            continue
        if each.assumed == "only":  # `CPU로만 바꿔줘` is all that is wanted
            continue
        first, last = find_clause_span(sentence, each.start)
        # `validation every 5 epochs` changes no number of epochs
        if any(sentence.is_kind(place, "every") for place in range(first, last)):
            continue
        near = [place for place in range(first, last) if place not in valued]
        said = [place for place in near if _tells_change(sentence, place)]
        if said:
            start, end = min(each.start, *said), max(each.end - 1, *said) + 1
            text = sentence.get_span_text(start, end)
            yield Mention(each.field, None, each.start, each.end, text)


def _tells_change(sentence: TokenizedText, place: int) -> bool:
    token = sentence.tokens[place]
    number = get_number(token) is not None and not (token.has("particle") or token.has("filler"))
    return number or token.text.lower() in _DEGREES or sentence.is_kind(place, *_CHANGING)


MOST_WISHES: Final = 20
"""Wishes of one text that are asked about or told."""


def _iter_spans(low: str) -> Iterator[tuple[int, int]]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(low):
            yield match.start(), match.end()
