"""Learning curves: what becomes a series, and Mermaid that its grammar accepts."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import unhurried
from vtspec.pipelines.reporting.curves import (
    MOST_POINTS,
    Series,
    build_series,
    render_mermaid,
    thin_series,
)
from vtspec.pipelines.reporting.phrases import describe_trend

# Mermaid's lexer for xychart: a number is [+-]?(?:\d+(?:\.\d+)?|\.\d+), without an exponent.
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
_NUMBERS = rf"\[{_NUMBER}(?:, {_NUMBER})*\]"
_CHART = re.compile(
    rf"```mermaid\n%%(?P<init>\{{.*\}})%%\nxychart-beta\n"
    rf'    x-axis "epoch" (?P<x>{_NUMBERS}|{_NUMBER} --> {_NUMBER})\n'
    rf'    y-axis "[A-Za-z0-9 _.@:()/?-]*" (?P<low>{_NUMBER}) --> (?P<high>{_NUMBER})\n'
    rf"(?P<lines>(?:    line {_NUMBERS}\n)+)```"
)


def _line(*values: float, first: int = 1) -> Series:
    return Series(name="loss", points=tuple(enumerate(values, start=first)))


def _read(chart: str | None) -> tuple[re.Match[str], list[list[float]]]:
    assert chart is not None
    match = _CHART.fullmatch(chart)
    assert match is not None, chart
    init = match["init"].removeprefix("{init: ").removesuffix("}")
    assert json.loads(init)["themeVariables"]["xyChart"]["plotColorPalette"]
    lines = [json.loads(line.removeprefix("    line ")) for line in match["lines"].splitlines()]
    return match, lines


def test_a_series_is_in_order_of_epoch_and_counts_what_is_not_finite() -> None:
    rows: list[dict[str, Any]] = [
        {"epoch": 2, "loss": 0.5},
        {"epoch": 1, "loss": 1.0},
        {"epoch": 3, "loss": None},
        {"epoch": 4, "loss": math.nan},
        {"epoch": 5},
        {"epoch": 6, "loss": "x"},
        {"epoch": 7, "loss": True},
        {"epoch": 8, "loss": 10**400},
    ]
    assert build_series(rows, "loss") == Series(
        name="loss", points=((1.0, 1.0), (2.0, 0.5)), dropped=5
    )


def test_an_epoch_told_twice_counts_once() -> None:
    rows = [{"epoch": 1, "loss": 1.0}, {"epoch": 1, "loss": 0.9}]
    assert build_series(rows, "loss").points == ((1.0, 0.9),)


def test_a_short_training_names_each_epoch() -> None:
    match, lines = _read(render_mermaid([_line(1.0, 0.5, 0.25)], "loss"))
    assert (match["x"], lines) == ("[1, 2, 3]", [[1, 0.5, 0.25]])


def test_a_long_training_is_read_at_fifty_evenly_spaced_epochs() -> None:
    points = tuple((float(n), float(n)) for n in range(1, 10_001))
    match, lines = _read(render_mermaid([Series(name="a", points=points)], "a"))
    assert match["x"] == "1 --> 10000"
    assert len(lines[0]) == MOST_POINTS
    steps = [b - a for a, b in zip(lines[0], lines[0][1:], strict=False)]
    assert max(steps) - min(steps) < 0.2
    assert (lines[0][0], lines[0][-1]) == (1, 10000)


def test_a_line_measured_every_other_epoch_is_straight_between_its_points() -> None:
    every = _line(0.0, 1.0, 2.0, 3.0, 4.0)
    other = Series(name="val", points=((1, 0.0), (3, 4.0), (5, 0.0)))
    _, lines = _read(render_mermaid([every, other], "loss"))
    assert lines == [[0, 1, 2, 3, 4], [0, 2, 4, 2, 0]]


def test_nothing_is_drawn_beyond_what_a_line_knows() -> None:
    match, lines = _read(render_mermaid([_line(1, 2, 3, 4), _line(5, 6, first=2)], "loss"))
    assert (match["x"], lines) == ("[2, 3]", [[2, 3], [5, 6]])


def test_there_is_no_chart_of_one_point_or_of_lines_that_do_not_meet() -> None:
    assert render_mermaid([_line(1.0)], "loss") is None
    assert render_mermaid([], "loss") is None
    assert render_mermaid([_line(1, 2), _line(1, 2, first=7)], "loss") is None


def test_numbers_have_no_exponent() -> None:
    _, lines = _read(render_mermaid([_line(1e-7, 2.5e-5, 1e12, -3e-9)], "lr"))
    assert lines == [[1e-7, 2.5e-5, 1e12, -3e-9]]


def test_a_constant_line_has_room_above_and_below() -> None:
    match, _ = _read(render_mermaid([_line(0.5, 0.5)], "a"))
    assert float(match["low"]) < 0.5 < float(match["high"])
    match, _ = _read(render_mermaid([_line(0.0, 0.0)], "a"))
    assert float(match["low"]) == 0 < float(match["high"])


def test_a_label_cannot_break_the_chart() -> None:
    for label in ('a"]\nline [1]', "한국어", "```", "x" * 500):
        _read(render_mermaid([_line(1, 2)], label))


finite = st.floats(allow_nan=False, allow_infinity=False)


@unhurried
@given(
    st.lists(
        st.dictionaries(st.integers(0, 3000), finite, max_size=80).map(
            lambda points: Series(name="x", points=tuple(sorted(points.items())))
        ),
        max_size=4,
    )
)
def test_any_finite_lines_make_a_chart_that_the_grammar_accepts(lines: list[Series]) -> None:
    chart = render_mermaid(lines, "loss")
    if chart is not None:
        match, drawn = _read(chart)
        assert {len(line) for line in drawn} == {len(drawn[0])}
        assert len(drawn[0]) <= MOST_POINTS
        if match["x"].startswith("["):
            assert len(json.loads(match["x"])) == len(drawn[0])


@unhurried
@given(st.integers(0, 5000), st.integers(2, 100))
def test_thinning_keeps_the_ends_and_at_most_so_many(count: int, most: int) -> None:
    line = thin_series(Series(name="a", points=tuple((n, n) for n in range(count))), most)
    assert len(line.points) == min(count, most)
    if count:
        assert (line.points[0][0], line.points[-1][0]) == (0, count - 1)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((), "was not measured"),
        ((0.5,), "is 0.5000"),
        ((1.0, 0.5), "falls from 1.0000 to 0.5000"),
        ((0.5, 0.1, 0.9), "rises from 0.5000 to 0.9000"),
        ((0.5, 0.1, 0.5), "starts and ends at 0.5000"),
    ],
)
def test_a_course_is_told_in_words(values: tuple[float, ...], words: str) -> None:
    assert describe_trend(_line(*values)) == words
