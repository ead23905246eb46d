"""Numbers as people write them are read back, whatever the language."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtspec.pipelines.drafting.offline.numbers import (
    normalize_number,
    parse_english_number,
    parse_fraction,
    parse_korean_number,
    parse_number,
    parse_sides,
)
from vtspec.pipelines.drafting.offline.text import normalize_text
from vtspec.pipelines.drafting.offline.value_ranges import format_duration, format_memory

SINO = "영일이삼사오육칠팔구"
NATIVE_ONES = ["", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉"]
NATIVE_TENS = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_korean(number: int) -> str:
    def below_ten_thousand(rest: int) -> str:
        text = ""
        for unit, word in ((1000, "천"), (100, "백"), (10, "십")):
            digit, rest = divmod(rest, unit)
            text += (SINO[digit] if digit > 1 else "") + word if digit else ""
        return text + (SINO[rest] if rest else "")

    if number == 0:
        return "영"
    high, low = divmod(number, 10_000)
    group = below_ten_thousand(high) if high > 1 else ""
    return (group + "만" if high else "") + below_ten_thousand(low)


def in_english(number: int, join: str) -> str:
    if number >= 1000:
        rest = number % 1000
        return f"{in_english(number // 1000, join)} thousand" + (
            f" {in_english(rest, join)}" if rest else ""
        )
    if number >= 100:
        rest = number % 100
        return f"{ONES[number // 100]} hundred" + (
            f"{join}{in_english(rest, join)}" if rest else ""
        )
    if number >= 20:
        return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return ONES[number]


@settings(deadline=None)
@given(st.integers(0, 99_999_999))
def test_any_number_in_sino_korean_words_is_read_back(number: int) -> None:
    text = in_korean(number)
    read = parse_korean_number(text + " 에폭", 0)
    assert read is not None
    assert (read.value, read.end) == (number, len(text))


@settings(deadline=None)
@given(st.integers(1, 99))
def test_any_number_in_native_korean_words_is_read_back(number: int) -> None:
    text = NATIVE_TENS[number // 10] + NATIVE_ONES[number % 10]
    read = parse_korean_number(text, 0)
    assert read is not None
    assert (read.value, read.end) == (number, len(text))


@settings(deadline=None)
@given(st.integers(0, 999_999), st.sampled_from([" and ", " "]))
def test_any_number_in_english_words_is_read_back(number: int, join: str) -> None:
    text = in_english(number, join)
    read = parse_english_number(text + " epochs", 0)
    assert read is not None
    assert (read.value, read.end) == (number, len(text))


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_any_number_in_digits_is_read_back_with_and_without_commas(number: int) -> None:
    for text in (str(number), f"{number:,}"):
        read = parse_number(text, 0)
        assert read is not None
        assert (read.value, read.end) == (number, len(text))


@settings(deadline=None)
@given(st.floats(1e-9, 1e9))
def test_any_float_is_read_as_it_is_written(number: float) -> None:
    text = f"{number:.6g}"
    read = parse_number(text, 0)
    assert read is not None
    assert read.value == pytest.approx(float(text), rel=1e-11)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1,000", 1000),
        ("-0.5", -0.5),
        ("+20", 20),
        ("3만 장", 30_000),
        ("2천", 2000),
        ("2k", 2000),
        ("10^-4", 0.0001),
        ("2만", 2),
        ("10^9999", float("inf")),
        ("9" * 500, float("inf")),
    ],
)
def test_digits_with_marks_of_size(text: str, value: float) -> None:
    read = parse_number(text, 0)
    assert read is not None
    assert read.value == value


@pytest.mark.parametrize("text", ["", "x", "-", "epochs", "+", ".x"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text, 0) is None
    assert parse_english_number(text, 0) is None
    assert parse_korean_number(text, 0) is None


def values(read: Any, *texts: str) -> list[float]:
    found = [read(text, 0) for text in texts]
    return [each.value for each in found]


def test_mixed_korean_numbers_are_one_number() -> None:
    assert values(parse_korean_number, "백열다섯", "백오십", "삼십이", "스무") == [
        115,
        150,
        32,
        20,
    ]


def test_articles_and_dozens_are_numbers() -> None:
    texts = ("a hundred", "a dozen", "two hundred and five", "a thousand")
    assert values(parse_english_number, *texts) == [100, 12, 205, 1000]


def test_parts_of_one() -> None:
    assert values(parse_fraction, "4분의 1", "1/4", "2분의1") == [0.25, 0.25, 0.5]
    assert parse_fraction("1/0", 0) is None


def test_sides_of_an_image() -> None:
    assert parse_sides("224x320 px", 0) == ((224, 320), 7)
    assert parse_sides("4x faster", 0) is None


def test_rounding_noise_is_taken_off() -> None:
    assert normalize_number(0.1 + 0.2) == 0.3
    assert normalize_number(64.0) == 64
    assert isinstance(normalize_number(64.0), int)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(16, "gi", "16Gi"), (1.5, "gi", "1536Mi"), (512, "mi", "512Mi"), (1, "ti", "1Ti")],
)
def test_memory_is_written_as_a_spec_writes_it(value: float, unit: str, text: str) -> None:
    assert format_memory(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(4, "h", "4h"), (1.5, "h", "90m"), (90, "m", "90m"), (5400, "s", "90m"), (2, "d", "2d")],
)
def test_time_is_written_as_a_spec_writes_it(value: float, unit: str, text: str) -> None:
    assert format_duration(value, unit) == text


def test_no_memory_and_no_time_are_none() -> None:
    assert format_memory(0, "gi") is None
    assert format_memory(float("inf"), "gi") is None
    assert format_duration(-1, "h") is None
    assert format_duration(float("nan"), "h") is None


@settings(deadline=None)
@given(st.text(max_size=300))
def test_plain_text_is_printable_and_stays_plain(text: str) -> None:
    plain = normalize_text(text)
    assert all(letter.isprintable() or letter == "\n" for letter in plain)
    assert "  " not in plain
