"""Amounts: numbers with their units, relative values and ranges. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from .numbers import normalize_number
from .tokens import Token, get_number

Kind = Literal["set", "scale", "add", "range"]

SCALES: Final = {
    "twice": 2.0, "thrice": 3.0, "half": 0.5, "quarter": 0.25, "third": 1 / 3, "tenth": 0.1,
}  # fmt: skip

PASSED: Final = ("particle", "filler", "link", "only", "by", "on", "change")
"""What may stand between an amount and what it is an amount of."""


@dataclass
class Amount:
    """One amount: tokens `start` to `end`, its value, unit (`""` without one) and what it does."""

    start: int
    end: int
    value: Any
    unit: str
    does: Kind = "set"


def iter_amounts(tokens: Sequence[Token], used: set[int]) -> Iterator[Amount]:
    """The amounts of a text in order; tokens in `used` are left alone."""
    at = 0
    while at < len(tokens):
        amount = None if at in used else _parse_amount(tokens, at, used)
        if amount is None:
            at += 1
            continue
        yield amount
        at = amount.end


def _parse_amount(tokens: Sequence[Token], at: int, used: set[int]) -> Amount | None:
    token = tokens[at]
    if token.has("sides"):
        return Amount(at, at + 1, token.get("sides"), "px")
    part = token.get("fraction")
    if isinstance(part, int | float):
        return _parse_scaled_amount(tokens, at, part)
    number = get_number(token)
    time = token.get("time")
    if isinstance(time, str):
        count, unit = time.split()
        return Amount(at, at + 1, int(count), unit)
    scale = token.get("scale")
    if scale in SCALES and number is None and not token.has("unknown"):
        return _parse_scaled_amount(tokens, at, SCALES[str(scale)])
    if number is None:
        return None
    amount = Amount(at, at + 1, number.value, "")
    _take_unit(tokens, amount)
    if _take_range(tokens, amount, used):
        return amount
    _apply_direction(tokens, amount, signed=number.signed)
    return amount


def _parse_scaled_amount(tokens: Sequence[Token], at: int, part: float) -> Amount:
    """A part: of the number that follows, as `half of 64`, or of what is there."""
    of = at + 1 < len(tokens) and tokens[at + 1].text.lower() == "of"
    place = at + 2 if of else at + 1
    number = get_number(tokens[place]) if place < len(tokens) else None
    # `half 64`: the half is of what is there
    if number is None or not (of or tokens[at].text.lower().endswith(" of")):
        return Amount(at, at + 1, part, "", "scale")
    amount = Amount(at, place + 1, normalize_number(part * number.value), "")
    _take_unit(tokens, amount)
    return amount


def _take_unit(tokens: Sequence[Token], amount: Amount) -> None:
    place = amount.end
    if place >= len(tokens):
        return
    token = tokens[place]
    unit = token.get("unit")
    if not isinstance(unit, str) or (
        # `yolo11 m`, `5 s`: apart from its number a letter is rather a size
        token.text.islower() and token.text in ("d", "m", "s", "g") and token.spaced
    ):
        return
    # `3 이 모델`, `4 일반`: apart from its number it begins a word
    if token.text in ("일", "이") and token.spaced:
        return
    amount.unit, amount.end = unit, place + 1
    if unit == "times":
        amount.does = "scale"
    if unit in _SECONDS:
        _merge_time_parts(tokens, amount)


_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _merge_time_parts(tokens: Sequence[Token], amount: Amount) -> None:
    """`1시간 30분`, `1h30m`, `1시간 반`."""
    place = amount.end
    if place < len(tokens) and tokens[place].text == "반":
        amount.value, amount.end = amount.value + 0.5, place + 1
    elif place + 1 < len(tokens) and (number := get_number(tokens[place])) is not None:
        unit = tokens[place + 1].get("unit")
        if unit in _SECONDS and _SECONDS[str(unit)] < _SECONDS[amount.unit]:
            seconds = amount.value * _SECONDS[amount.unit] + number.value * _SECONDS[str(unit)]
            amount.value, amount.unit, amount.end = normalize_number(seconds), "s", place + 2


def _take_range(tokens: Sequence[Token], amount: Amount, used: set[int]) -> bool:
    """Takes in the other end of a range, as `1e-4~1e-2`, `16에서 32`, `between 8 and 16`."""
    place = amount.end
    # `10에폭에서 20에폭`: the unit may be said twice
    if place < len(tokens) and (tokens[place].has("field") and not tokens[place].has("unit")):
        place += 1
    link = tokens[place] if place < len(tokens) else None
    if link is None or place + 1 >= len(tokens) or place + 1 in used:
        return False
    # before ranges, as `1e-4에서 1/10로` begins like one
    if _apply_fraction(tokens, amount, place):
        return True
    other = get_number(tokens[place + 1])
    if other is None or not _is_range_link(tokens, amount.start, link):
        return False
    if other.signed and other.value < 0 and link.has("dash"):  # `5 - -3` is no range
        return False
    low, unit = amount.value, amount.unit
    amount.end = place + 2
    if _is_change(tokens, amount, link):
        # `from 64 to 32`, `16에서 32로`: what it is now, and what it shall be.
        amount.value = other.value
        _take_unit(tokens, amount)
        amount.unit = amount.unit or unit
        return True
    amount.value = (low, other.value)
    _take_unit(tokens, amount)
    amount.unit, amount.does = amount.unit or unit, "range"
    return True


def _apply_fraction(tokens: Sequence[Token], amount: Amount, place: int) -> bool:
    """`1e-4에서 1/10로`, `64의 절반`: a part of the number before it."""
    token = tokens[place + 1]
    part = token.get("fraction")
    scale = token.get("scale")
    if part is None and scale in SCALES and get_number(token) is None:
        part = SCALES[str(scale)]
    if tokens[place].text not in ("에서", "의") or not isinstance(part, int | float):
        return False
    amount.value, amount.end = normalize_number(amount.value * part), place + 2
    return True


def _is_change(tokens: Sequence[Token], amount: Amount, link: Token) -> bool:
    """Whether two numbers are the old value and the new one."""
    if link.text in ("->", "→"):
        return True
    if link.has("range") or link.has("dash"):  # `10~20 에폭으로 바꿔`: two ends all the same
        return False
    before = tokens[max(0, amount.start - 10) : amount.start]
    after = tokens[amount.end : amount.end + 4]
    # `between 8 and 16` is a range, though `raise` may stand before it
    if any(token.has("between") for token in (*before[-4:], *after)):
        return False
    if link.text in ("에서", "부터") and any(token.text in ("로", "으로") for token in after[:2]):
        return True
    return any(
        token.has("change") or token.has("up") or token.has("down") for token in (*before, *after)
    )


def _is_range_link(tokens: Sequence[Token], start: int, link: Token) -> bool:
    if link.has("range") or link.has("dash") or link.has("to"):
        return True
    if link.text in ("에서", "부터", "내지"):
        return True
    before = tokens[max(0, start - 4) : start]
    return link.text.lower() in ("and", "와", "과", "이랑", "랑", "하고") and any(
        token.has("between") for token in before
    )


def _apply_direction(tokens: Sequence[Token], amount: Amount, *, signed: bool) -> None:
    """What is said around it: `+20`, `20 more`, `30% 더`, `by 20`, `50%로`."""
    grows = _detect_direction(tokens, amount)
    if amount.unit == "%":
        share = amount.value / 100
        if grows and not _is_target(tokens, amount):  # `30% more` scales, `raise it to 30%` sets
            amount.does, amount.value, amount.unit = (
                "scale",
                normalize_number(1 + grows * share),
                "",
            )
        else:
            amount.value = normalize_number(share)
    elif amount.unit == "times":
        if grows < 0:  # `two times less` is a half
            amount.value = normalize_number(1 / amount.value) if amount.value else 0
        amount.unit = ""
    # `+50 에폭` adds; `lr -0.01` is a wrong value, and no decrease
    elif signed and amount.value > 0:
        amount.does = "add"
    elif grows and not _is_target(tokens, amount):
        amount.does, amount.value = "add", grows * amount.value


def _detect_direction(tokens: Sequence[Token], amount: Amount) -> int:
    """1 where it is an increase, -1 where it is a decrease, 0 where it is neither."""
    for token in _iter_following(tokens, amount):
        if token.has("more") or token.has("up"):
            return 1
        if token.has("less") or token.has("down"):
            return -1
    before = [
        token
        for token in tokens[max(0, amount.start - 6) : amount.start]
        if not token.has("filler") or token.has("up")
    ]
    # `raise by 20` adds, `raise to 20` sets: the verb alone does not tell
    by = any(token.has("by") for token in before[-1:])
    if before and before[-1].text.lower() in ("add", "plus"):
        return 1
    if by and any(token.has("up") for token in before):
        return 1
    if by and any(token.has("down") for token in before):
        return -1
    if (
        before
        and tokens[amount.start - 1].has("more")
        and not tokens[amount.start - 1].has("filler")
    ):
        # `더 20에폭` adds; `more than 20` compares
        return 1 if tokens[amount.start - 1].text.lower() in ("더", "추가로", "plus") else 0
    return 0


def _iter_following(tokens: Sequence[Token], amount: Amount) -> Iterator[Token]:
    for token in tokens[amount.end : amount.end + 3]:
        # `batch 64, 20 more epochs`: the `more` is of the 20
        if token.has("break") or token.has("comma") or get_number(token) is not None:
            return
        yield token
        if not (
            token.has("field") or token.has("particle") or token.has("filler") or token.has("unit")
        ):
            return


def _is_target(tokens: Sequence[Token], amount: Amount) -> bool:
    """Whether it is where something goes to, and not by how much: `100으로`, `to 100`."""
    after = tokens[amount.end : amount.end + 2]
    if after and after[0].has("field") and len(after) > 1:
        after = after[1:]
    if after and after[0].text in ("로", "으로", "까지"):
        return True
    return amount.start > 0 and tokens[amount.start - 1].has("to")
