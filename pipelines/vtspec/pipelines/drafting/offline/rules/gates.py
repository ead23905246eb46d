"""Finds what a result has to reach: metrics with a bound, and the metric that decides. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.numbers import Number
from vtspec.pipelines.drafting.offline.quantities import PASSED
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import Token, get_number

from .small_talk import find_sentence_span


def find_gates(sentence: TokenizedText) -> Iterator[Mention]:
    """Gates, and the metric that decides which epoch is best.

    The value of a gate is its metric, comparison, bound, and whether that is in percent. Which
    way it has to hold, the metric knows: `fail below 0.9` and `at least 0.9` are one gate.
    """
    for at, token in enumerate(sentence.tokens):
        metric = token.get("metric")
        if at in sentence.used:
            continue
        if (
            token.text.lower() in _GATE  # `게이트 0.95로`: before metrics, as it has none
            and (found := _find_metricless_gate(sentence, at)) is not None
        ):
            sentence.consume(found.start, found.end)
            yield found
            continue
        if not isinstance(metric, str):
            continue
        # `지표는 정확도 95% 이상`: a metric with a bound is a gate, whatever it is called
        _consume_loose_word(sentence, at, metric)
        # first: `정확도 기준으로` picks an epoch, `정확도 기준 0.9` is a bound
        if (monitor := _find_monitor(sentence, at, metric)) is not None:
            yield monitor
        elif (gate := _find_gate(sentence, at, metric)) is not None:
            sentence.consume(gate.start, gate.end)
            _consume_verdict(sentence, gate)
            yield gate
            if sentence.is_kind(at - 1, "not-after") and sentence.is_kind(at - 2, "metric"):
                # `accuracy 대신 f1 0.9`: the gate on accuracy goes
                yield _make_negated_gate(sentence, at - 2)


_GATE: Final = frozenset("gate gates 게이트 합격선".split())


def _find_metricless_gate(sentence: TokenizedText, at: int) -> Mention | None:
    """`게이트 0.95로`: a bound whose metric is that of the gate that is there."""
    place = at + 1
    while sentence.is_kind(place, "particle", "link", "to", "filler") and place < at + 4:
        place += 1
    token = sentence.get_token(place)
    number = None if token is None else get_number(token)
    if number is None:
        return None
    end = place + 1 + _is_percent(sentence, place + 1)
    metrics = range(max(0, at - 3), min(len(sentence.tokens), end + 4))
    # `게이트 정확도 0.95` has a metric, whose own rule reads more of it
    if any(sentence.is_kind(near, "metric") for near in metrics):
        return None
    value = (None, None, number.value, end > place + 1)
    return Mention("report.gates", value, at, end, sentence.get_span_text(at, end))


_LOOSE: Final = frozenset(
    "metric|main metric|key metric|validation metric|val metric|evaluation metric|eval metric|"
    "지표|검증 지표|평가 지표|주요 지표".split("|")
)
"""Words that name the metric that decides, or only say that something is a metric."""


def _consume_loose_word(sentence: TokenizedText, at: int, metric: str) -> None:
    """Marks a loose word beside a metric that has a bound, as nothing is monitored then."""
    for place in (at + 1, at - 1, at - 2, at - 3):
        token = sentence.get_token(place)
        if token is not None and (token.has("comma") or token.has("break")) and place < at:
            return
        is_loose = token is not None and token.text.lower() in _LOOSE
        if is_loose and _find_gate(sentence, at, metric) is not None:
            sentence.consume(place, place + 1)


def _find_monitor(sentence: TokenizedText, at: int, metric: str) -> Mention | None:
    for place in (*range(at - 1, max(-1, at - 4), -1), at + 1, at + 2):
        token = sentence.get_token(place)
        if token is None or place in sentence.used:
            continue
        # `report the f1 metric` only says what f1 is
        if place > at and token.text.lower() in _LOOSE:
            continue
        if token.get("field") == "training.checkpoint.monitor" or (
            place > at
            and token.text == "기준"
            and sentence.is_kind(place + 1, "particle")
            and sentence.tokens[place + 1].text == "으로"
            and not sentence.is_kind(place + 2, "number")  # `정확도 기준으로 0.9 이상` is a gate
        ):
            sentence.consume(min(at, place), max(at, place) + 1)
            return Mention(
                "training.checkpoint.monitor",
                metric,
                min(at, place),
                max(at, place) + 1,
                sentence.tokens[at].text,
            )
    return None


@dataclass
class _Bound:
    """What is said of a metric after its name: tokens up to `end`."""

    end: int
    compare: str | None = None
    number: Number | None = None
    percent: bool = False


def _find_gate(sentence: TokenizedText, at: int, metric: str) -> Mention | None:
    bound = _parse_bound(sentence, at, metric)
    if bound.number is None:
        # `95% 이상의 정확도`: Korean may put the bound first
        return _find_gate_before(sentence, at, metric)
    before = _skip_fillers_back(sentence, at)
    if bound.compare is None and sentence.is_kind(before, "compare"):
        bound.compare = str(sentence.tokens[before].get("compare"))
    # `accuracy was 0.9 last week` bounds nothing
    if bound.compare is None and not _is_about_gates(sentence, at, bound.end):
        return None
    # else the `안 돼` of `12%를 넘으면 안 돼` negates the gate itself
    bound.end += _count_prohibition_tokens(sentence, bound.end)
    value = (metric, bound.compare, bound.number.value, bound.percent)
    return Mention("report.gates", value, at, bound.end, sentence.get_span_text(at, bound.end))


def _parse_bound(sentence: TokenizedText, at: int, metric: str) -> _Bound:
    """The comparison and the number that follow a metric, as far as they are there."""
    bound, place = _Bound(end=at + 1), at + 1
    # `mAP50 has to be at least 0.8`, and some words more
    while place < min(at + 8, len(sentence.tokens)):
        token = sentence.tokens[place]
        number = get_number(token)
        if bound.number is None and number is not None:
            bound.percent = _is_percent(sentence, place + 1)
            bound.number, bound.end = number, place + 1 + bound.percent
            place = bound.end
            continue
        if bound.compare is None and token.text.lower() in _EXTREMES:
            bound.compare, bound.end = _EXTREMES[token.text.lower()], place + 1
        elif token.has("compare"):
            # `0.9 이상, 3시간 이하`: after the number the first comparison ends it
            bound.compare, bound.end = str(token.get("compare")), place + 1
            if bound.number is not None:
                break
        elif not _can_skip_token(token, metric, said=bound.number is not None):
            break
        place += 1
    return bound


_EXTREMES: Final = {
    "maximum": "<=", "max": "<=", "상한": "<=", "minimum": ">=", "min": ">=", "하한": ">=",
}  # fmt: skip
"""Words that are a comparison only beside a metric."""


def _is_percent(sentence: TokenizedText, place: int) -> bool:
    token = sentence.get_token(place)
    return token is not None and token.get("unit") == "%"


_JOINING: Final = (*PASSED, "to", "range", "not-before", "paren")


def _can_skip_token(token: Token, metric: str, *, said: bool) -> bool:
    """Whether a token may stand between a metric, its bound and the comparison."""
    if token.has("break") or token.has("comma"):
        return False
    if said:
        return token.has("particle") or token.has("filler")
    if token.text.lower() in _REACHING | _MOVING | _LOOSE:
        return True
    # `정확도 기준 0.9`; another field or metric has the number behind it to itself
    if token.has("field") or token.has("metric"):
        return token.get("field") == "report.gates" or token.get("metric") == metric
    return any(token.has(kind) for kind in _JOINING)


_FORBIDDEN: Final = re.compile(
    r" ?(?:이|가|을|를)? ?(?:(?:면 |으면 )?(?:안 ?되|안 ?돼|안 ?된|말아|않)"
    r"|(?:안|못) ?(?:나오|넘|되|달성|찍|미치))"
)
"""What says that a bound must not be missed, and takes nothing back."""


def _count_prohibition_tokens(sentence: TokenizedText, end: int) -> int:
    """How many tokens say `안 돼`: else they would negate the gate itself."""
    start = sentence.tokens[end - 1].end
    match = _FORBIDDEN.match(sentence.text, start, start + 12)
    if match is None:
        return 0
    count = 0
    while end + count < len(sentence.tokens) and sentence.tokens[end + count].start < match.end():
        count += 1
    return count


_MOVING: Final = frozenset(
    "may can might fall falls drop drops dip dips sink sinks go goes get gets stay stays".split()
)


_VERDICTS: Final = frozenset(
    "fail fails failed failure failing reject rejected reject otherwise else pass passes passed "
    "block blocks blocked merge 실패 불합격 탈락 실패로 탈락시켜 처리 통과 막아".split()
)


def _consume_verdict(sentence: TokenizedText, gate: Mention) -> None:
    """Marks what is said to become of a run that misses the bound: a gate does nothing else."""
    first, last = find_sentence_span(sentence, gate.start)
    for place in range(first, last):
        if sentence.tokens[place].text.lower() in _VERDICTS:
            sentence.consume(place, place + 1)


def _skip_fillers_back(sentence: TokenizedText, at: int) -> int:
    place = at - 1
    while sentence.is_kind(place, "filler") and not sentence.is_kind(place, "compare"):
        place -= 1
    return place


def _find_gate_before(sentence: TokenizedText, at: int, metric: str) -> Mention | None:
    """`at least 95% accuracy`, `95% 이상의 정확도`."""
    place = at - 1
    while (
        place >= 0
        and sentence.is_kind(place, "particle", "filler")
        and not get_number(sentence.tokens[place])
    ):
        place -= 1
    compare = None
    if sentence.is_kind(place, "compare"):
        compare, place = str(sentence.tokens[place].get("compare")), place - 1
    # `at least 95% accuracy`
    percent = sentence.is_kind(place, "unit") and sentence.tokens[place].get("unit") == "%"
    if percent:
        place -= 1
    token = sentence.get_token(place)
    number = get_number(token) if token is not None and place not in sentence.used else None
    if number is None:
        return None
    start = place
    if compare is None and sentence.is_kind(place - 1, "compare"):
        start, compare = place - 1, str(sentence.tokens[place - 1].get("compare"))
    if compare is None and not _is_about_gates(sentence, start, at + 1):
        return None
    return Mention(
        "report.gates",
        (metric, compare, number.value, percent),
        start,
        at + 1,
        sentence.get_span_text(start, at + 1),
    )


_REACHING: Final = frozenset(
    "목표 나와야 나오면 넘어야 달성 통과 합격 합격선 reach reaches reached reaching "
    "goal target pass passes "
    "passing hit hits achieve achieves attain".split()
)


def _make_negated_gate(sentence: TokenizedText, at: int) -> Mention:
    """The metric that another one takes the place of."""
    value = (sentence.tokens[at].get("metric"), None, 0, False)
    sentence.consume(at, at + 2)
    said = sentence.get_span_text(at, at + 1)
    return Mention("report.gates", value, at, at + 1, said, negated=True)


def _replaces_metric(sentence: TokenizedText, start: int) -> bool:
    """Whether a metric takes the place of another: `accuracy 대신 f1 0.9`."""
    if sentence.is_kind(start - 1, "not-after") and sentence.is_kind(start - 2, "metric"):
        return True
    before = sentence.get_token(start - 1)
    return before is not None and before.text.lower() in ("instead of", "rather than")


def _is_about_gates(sentence: TokenizedText, start: int, end: int) -> bool:
    near = sentence.tokens[max(0, start - 4) : end + 4]
    if _replaces_metric(sentence, start):
        return True
    after = sentence.tokens[end : end + 3]
    # `cats-resnet50 그대로, 정확도 0.95로 올리고`: only a gate can be raised
    if any(token.has("up") or token.has("down") or token.has("change") for token in after):
        return True
    return any(
        token.get("field") == "report.gates" or token.text.lower() in _REACHING for token in near
    )
