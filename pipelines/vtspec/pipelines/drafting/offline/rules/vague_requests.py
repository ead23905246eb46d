"""Wishes without a value: `a bigger model`, `double everything`, `start over`. Pure.

No rule says how much is meant, so they are told to be not understood, never left out in silence.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.text import lowercase, normalize_text

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


def find_vague_wishes(sentence: TokenizedText, mentions: Sequence[Mention]) -> list[str]:
    """The wishes for more or less of something that nothing else in the text puts a value to."""
    valued = {
        letter
        for each in mentions
        if each.operation != "remove" and each.field != "bare"
        for token in sentence.tokens[each.start : each.end]
        for letter in range(token.start, token.end)
    }
    spans = _iter_spans(lowercase(sentence.text))
    found = (
        sentence.text[start:end] for start, end in spans if valued.isdisjoint(range(start, end))
    )
    return list(dict.fromkeys(found))[:MOST_WISHES]


MOST_WISHES: Final = 20
"""Wishes of one text that are told."""


def _iter_spans(low: str) -> Iterator[tuple[int, int]]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(low):
            yield match.start(), match.end()
