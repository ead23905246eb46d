"""Numbers as people write them: digits, and the number words of Korean and English. Pure.

Each reader looks at one place of a text, which `normalize_text` has made plain, and answers with
the number that begins there and where it ends, or None. The work is linear in what is read.
"""

import re
from dataclasses import dataclass
from typing import Final

Value = int | float


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a text, and the position after it. `signed` where a plus or minus is written."""

    value: Value
    end: int
    signed: bool = False


_DIGITS: Final = re.compile(
    r"(?P<sign>[-+])?(?:10\^(?P<power>[-+]?[0-9]{1,6})|"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3}){1,8}(?![0-9])|[0-9]+)?(?P<part>\.[0-9]+)?"
    r"(?P<exponent>e[-+]?[0-9]+)?)"
)
_SCALE: Final = re.compile(r" ?(?:(?P<ko>천만|백만|십만|만|천|백)|(?P<en>k|thousand)\b)")
_COUNTED: Final = re.compile(r" ?(?:장|개|번|명|원|에폭|에포크|epoch|스텝|회|건|매|이미지|사진)")
_SCALES: Final = {
    "천만": 10_000_000, "백만": 1_000_000, "십만": 100_000, "만": 10_000, "천": 1_000, "백": 100,
}  # fmt: skip
_FRACTION: Final = re.compile(
    r"(?<![0-9a-z])(?:([0-9]{1,6})(?: ?분의 ?([0-9]{1,4})|/([0-9]{1,6})(?![0-9/a-z가-힣]))|"
    r"([1-3])/([0-9]{1,3})(?=(?:로|으로|배|만|의|수준|정도|을|를|이|은|는)))"
)
_SIDES: Final = re.compile(r"([0-9]{1,6}) ?[x*] ?([0-9]{1,6})(?![0-9a-z])")

_SINO: Final = {
    "영": 0, "공": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8,
    "구": 9,
}  # fmt: skip
_SINO_UNITS: Final = {"십": 10, "백": 100, "천": 1_000}
_SINO_GROUPS: Final = {"만": 10_000, "억": 100_000_000}
_NATIVE_TENS: Final = {
    "열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70,
    "여든": 80, "아흔": 90,
}  # fmt: skip
_NATIVE_ONES: Final = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "넷": 4, "네": 4, "넉": 4,
    "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip

_ONES: Final = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
} | {"dozen": 12}
_TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
} | {"fourty": 40}
_BIG: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORD: Final = re.compile(r"[a-z]+")
_LINK: Final = re.compile(r"(?:[ -]and[ -]|[ -])?")


def parse_number(text: str, at: int) -> Number | None:
    """The number in digits at a place: `50`, `1e-3`, `1,000`, `.5`, `-1`, `3만`, `2k`, `10^-4`.

    A number that no float holds is infinite.
    """
    match = _DIGITS.match(text, at)
    if match is None or (match["whole"] is None and not match["part"] and not match["power"]):
        return None
    value = _parse_digits(match)
    end = match.end()
    scale = _SCALE.match(text, end)
    if scale is not None and match["exponent"] is None and not match["power"]:
        factor = _get_scale_factor(scale, text)
        if factor:
            value, end = normalize_number(value * factor), scale.end()
            # `4천2백`, `1만5천`: what follows at once is the smaller part of it.
            rest = parse_number(text, end) if text[end : end + 1].isdigit() else None
            if rest is not None and rest.value < factor:
                value, end = normalize_number(value + rest.value), rest.end
    if match["sign"] == "-":
        value = -value
    return Number(value=value, end=end, signed=match["sign"] is not None)


def _parse_digits(match: re.Match[str]) -> Value:
    if match["power"]:
        return _parse_float(f"1e{match['power']}")
    whole = (match["whole"] or "0").replace(",", "")
    if match["part"] or match["exponent"] or len(whole) > 18:
        return _parse_float(f"{whole[:400]}{'0' * (len(whole) > 400)}{match['part'] or ''}"
                      f"{match['exponent'] or ''}")  # fmt: skip
    return int(whole)


def _parse_float(text: str) -> Value:
    try:
        return normalize_number(float(text))
    except (OverflowError, ValueError):  # an exponent of thousands of digits
        return float("inf")


def _get_scale_factor(scale: re.Match[str], text: str) -> int:
    word = scale["ko"]
    if word is None:
        return 1_000
    # "2만" is also "only 2": ten thousand it is before something that is counted.
    if word == "만" and not _COUNTED.match(text, scale.end()):
        return 0
    return _SCALES[word]


def normalize_number(value: Value) -> Value:
    """A whole number as an int, as far as floats count exactly; others with rounding noise off."""
    if isinstance(value, int) or value != value or abs(value) == float("inf"):
        return value
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def parse_fraction(text: str, at: int) -> Number | None:
    """A part of one: `4분의 1` and `1/4` are 0.25."""
    match = _FRACTION.match(text, at)
    if match is None:
        return None
    first, second = int(match[1] or match[4]), int(match[2] or match[3] or match[5])
    below, above = (first, second) if match[2] else (second, first)
    if not below:
        return None
    return Number(value=normalize_number(above / below), end=match.end())


def parse_sides(text: str, at: int) -> tuple[tuple[int, int], int] | None:
    """Two sides, as `224x320`, and where they end."""
    match = _SIDES.match(text, at)
    return None if match is None else ((int(match[1]), int(match[2])), match.end())


def parse_korean_number(text: str, at: int) -> Number | None:
    """The number in Korean words at a place: `오십`, `스물다섯`, `백열다섯`."""
    if text.startswith("제로", at):
        return Number(value=0, end=at + 2)
    total, end = _parse_sino_number(text, at)
    native = _parse_native_number(text, end) if total is None or total % 100 == 0 else None
    if native is not None:
        return Number(value=(total or 0) + native.value, end=native.end)
    return None if total is None else Number(value=total, end=end)


def _parse_native_number(text: str, at: int) -> Number | None:
    tens = next((word for word in _NATIVE_TENS if text.startswith(word, at)), "")
    after = at + len(tens)
    ones = next((word for word in _NATIVE_ONES if text.startswith(word, after)), "")
    if not tens and not ones:
        return None
    value = _NATIVE_TENS.get(tens, 0) + _NATIVE_ONES.get(ones, 0)
    return Number(value=value, end=after + len(ones))


def _parse_sino_number(text: str, at: int) -> tuple[int | None, int]:
    """A number such as 삼천이백만오십, its groups in falling order."""
    total = group = 0
    digit: int | None = None
    unit, limit, place = 10_000, 10**12, at
    while place < len(text):
        letter = text[place]
        if letter in _SINO and digit is None:
            # A native word that begins like a digit ends the number: 이 사 | 일곱, 육 | 일흔.
            if text.startswith(("일곱", "일흔"), place):
                break
            digit = _SINO[letter]
        elif letter in _SINO_UNITS and _SINO_UNITS[letter] < unit:
            unit = _SINO_UNITS[letter]
            group += (1 if digit is None else digit) * unit
            digit = None
        elif letter in _SINO_GROUPS and _SINO_GROUPS[letter] < limit:
            limit = _SINO_GROUPS[letter]
            total += (group + (digit or 0) or 1) * limit
            group, digit, unit = 0, None, 10_000
        else:
            break
        place += 1
    return (None if place == at else total + group + (digit or 0)), place


def parse_english_number(text: str, at: int) -> Number | None:
    """The number in English words at a place: `fifty`, `twenty-five`, `a hundred and one`."""
    place, total, group, last = at, 0, 0, 0
    limit = 10**9
    end = None
    article = re.compile(r"(?:a|an) (?=hundred|thousand|million|dozen)").match(text, at)
    if article is not None:
        place = article.end()
    while (word := _WORD.match(text, place)) is not None:
        value = word[0]
        if value == "hundred" and group < 100:
            group, last = (group or 1) * 100, 100
        elif value in _BIG and 100 < _BIG[value] < limit:
            limit = last = _BIG[value]
            total, group = total + (group or 1) * limit, 0
        elif value in _TENS and (end is None or last >= 100):
            group, last = group + _TENS[value], 10
        elif value in _ONES and (
            end is None or last >= 100 or (last == 10 and 0 < _ONES[value] < 10)
        ):
            group, last = group + _ONES[value], 1
        else:
            break
        end = word.end()
        link = _LINK.match(text, end)
        place = link.end() if link is not None else end
    return None if end is None else Number(value=total + group, end=end)
