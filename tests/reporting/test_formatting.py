"""Numbers as people read them, and gates that are judged exactly."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import unhurried
from vtspec.pipelines.formatting import (
    MINUS,
    MISSING,
    format_against,
    format_count,
    format_duration,
    format_epoch,
    format_number,
    format_rate,
    format_share,
    format_signed,
    format_size,
    pluralize,
)
from vtspec.pipelines.reporting.phrases import format_gate_outcome
from vtspec.pipelines.reporting.verdict import judge_gates, judge_run


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (1000, ("class", "classes"), "1,000 classes"),
        (1, ("file is", "files are"), "1 file is"),
    ],
)
def test_a_count_is_told_with_its_number_of_things(
    count: int, words: tuple[str, ...], text: str
) -> None:
    assert pluralize(count, *words) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.5, "0.5"), (1070.0, "1070"), (1070.25, "1070.25"), (None, MISSING)],
)
def test_an_epoch_has_no_exponent(value: float | None, text: str) -> None:
    assert format_epoch(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(950, "950"), (11_200_000, "11.2 M"), (999_600, "999 k")]
)
def test_a_count_has_no_exponent(count: int, text: str) -> None:
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97222, "0.9722"),
        (1.0, "1.0000"),
        (0.0, "0"),
        (12.3456, "12.346"),
        (1797.0, "1,797"),
        (1234.56, "1,234.6"),
        (0.0000123, "1.23e-05"),
        (-0.5, f"{MINUS}0.5000"),
        (None, MISSING),
        (math.nan, MISSING),
        (math.inf, MISSING),
    ],
)
def test_a_number_has_about_four_digits(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_a_difference_always_has_its_sign() -> None:
    assert [format_signed(v) for v in (0.0112, -0.0112, 0.0, None)] == [
        "+0.0112",
        f"{MINUS}0.0112",
        "±0",
        MISSING,
    ]


@unhurried
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_gates_value_never_looks_like_its_threshold_when_it_is_not(a: float, b: float) -> None:
    assert a == b or format_against(a, b) != format_number(b)


def test_a_gates_value_gets_as_many_digits_as_the_decision_needs() -> None:
    assert format_against(0.94998, 0.95) == "0.94998"
    assert format_against(0.96, 0.95) == "0.9600"
    assert format_against(0.95, 0.95) == "0.9500"
    assert format_against(None, 0.95) == MISSING


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8.13, "8.1 s"),
        (59.97, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (11520, "3 h 12 min"),
        (187200, "2 d 4 h"),
        (None, MISSING),
        (-1, MISSING),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "precision", "text"),
    [
        (8.1, "exact", "8.1초"),
        (754, "exact", "12분 34초"),
        (7_500, "exact", "2시간 05분"),
        (200_000, "exact", "2일 8시간"),
        (7_500, "rough", "2시간 5분"),
        (45, "rough", "45초"),
    ],
)
def test_a_length_of_time_is_said_in_korean(seconds: float, precision: Any, text: str) -> None:
    assert format_duration(seconds, precision, "ko") == text


def test_sizes_shares_and_rates() -> None:
    assert [format_size(v) for v in (512, 1.5 * 2**20, 3 * 2**40, None)] == [
        "512 B",
        "1.5 MiB",
        "3.0 TiB",
        MISSING,
    ]
    assert (format_share(1, 8), format_share(0, 0)) == ("12.5 %", MISSING)
    assert [format_rate(v) for v in (0.001, 1.234e-5, None)] == ["0.001", "1.23e-05", MISSING]


@pytest.mark.parametrize(
    ("rule", "value", "passed"),
    [
        ("accuracy >= 0.95", 0.95, True),
        ("accuracy > 0.95", 0.95, False),
        ("loss<=1e-1", 0.1, True),
        ("loss < .1", 0.1, False),
        ("mAP50-95 >= 0.5", 0.6, True),
    ],
)
def test_a_gate_is_judged_exactly(rule: str, value: float, passed: bool) -> None:
    name = rule.split(">")[0].split("<")[0].strip()
    assert [gate.passed for gate in judge_gates([rule], {name: value})] == [passed]


def test_a_gate_that_was_not_measured_is_missed() -> None:
    (gate,) = judge_gates(["accuracy >= 0.95"], {"loss": 0.1})
    assert (gate.value, gate.passed, gate.rule) == (None, False, "accuracy >= 0.95")


@pytest.mark.parametrize(
    ("rule", "value", "interval", "outcome"),
    [
        ("accuracy >= 0.9", 0.9167, (0.6461, 0.9851), "0.6461 to 0.9851"),
        ("accuracy > 0.64", 0.9167, (0.6461, 0.9851), None),
        ("loss <= 0.2", 0.18, (0.15, 0.21), "0.1500 to 0.2100"),
        ("ece < 0.21", 0.18, (0.15, 0.21), "0.1500 to 0.2100"),
        ("ece <= 0.21", 0.18, (0.15, 0.21), None),
        ("mAP >= 0.5", 0.51, None, None),
    ],
)
def test_a_gate_whose_interval_crosses_its_limit_passed_but_not_for_certain(
    rule: str, value: float, interval: tuple[float, float] | None, outcome: str | None
) -> None:
    metric = rule.split()[0]
    (gate,) = judge_gates([rule], {metric: value}, lambda name: interval)
    assert gate.passed and gate.is_certain is (outcome is None)
    assert format_gate_outcome(gate) == (
        "passed" if outcome is None else f"passed, not certain: the 95 % interval is {outcome}"
    )
    found = judge_run([rule], {metric: value}, "succeeded", lambda name: interval)
    assert (found.name, found.missed) == ("uncertain" if outcome else "passed", ())
    assert found.headline.en == ("Gate passed, not certain" if outcome else "Gate passed")


def test_the_verdict_counts_the_gates_that_are_not_certain() -> None:
    intervals = {"a": (0.4, 0.8), "b": (0.6, 0.9)}
    measured = {"a": 0.7, "b": 0.8, "c": 0.9}
    gates = [f"{name} >= 0.5" for name in "abc"]
    found = judge_run(gates, measured, "succeeded", intervals.get)
    assert found.headline.en == "All 3 gates passed, 1 not certain"
    # A gate that is missed is missed, whatever its interval would allow.
    found = judge_run(["a >= 0.75"], measured, "succeeded", intervals.get)
    assert (found.name, found.headline.en) == ("missed", "Gate missed")


def test_a_rule_that_is_no_gate_is_refused() -> None:
    with pytest.raises(ValueError, match="not a gate"):
        judge_gates(["accuracy"], {})


@pytest.mark.parametrize(
    ("rules", "measured", "ending", "name", "headline"),
    [
        (["accuracy >= 0.9"], {"accuracy": 0.95}, "succeeded", "passed", "Gate passed"),
        (["accuracy >= 0.9"], {"accuracy": 0.95}, None, "passed", "Gate passed"),
        (["a > 0", "b > 0"], {"a": 1.0, "b": 1.0}, None, "passed", "All 2 gates passed"),
        (["accuracy >= 0.9"], {"accuracy": 0.8}, None, "missed", "Gate missed"),
        (["a > 0", "b > 0"], {"a": 1.0, "b": 0.0}, None, "missed", "1 of 2 gates missed"),
        ([], {"accuracy": 0.95}, "succeeded", "none", "Finished, no gates set"),
        (["accuracy >= 0.9"], {"accuracy": 0.95}, "failed", "failed", "Run failed"),
        ([], {}, "crashed", "failed", "Run crashed"),
        ([], {}, "refused", "failed", "Run refused"),
        ([], {}, "interrupted", "interrupted", "Run interrupted"),
        (["a > 0"], {"a": 1.0}, "stopped", "interrupted", "Run stopped"),
        (["a > 0"], {}, None, "unfinished", "Not finished, nothing measured yet"),
    ],
)
def test_the_verdict_speaks_of_the_worst_thing_first(
    rules: list[str], measured: dict[str, float], ending: str | None, name: str, headline: str
) -> None:
    found = judge_run(rules, measured, ending)
    assert (found.name, found.headline.en) == (name, headline)


def test_the_verdict_names_the_gates_that_are_missed() -> None:
    found = judge_run(["a > 0", "b > 0"], {"a": 1.0, "b": 0.0}, None)
    assert [gate.metric for gate in found.missed] == ["b"]
