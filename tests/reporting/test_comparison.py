"""Figures against the baseline's: direction, noise, and the worst regressions first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import unhurried
from report_data import a_baseline, a_plan, a_run, an_evaluation, told
from vtspec.pipelines.formatting import MINUS, MISSING
from vtspec.pipelines.reporting.comparison import (
    build_class_rows,
    build_metric_rows,
    compute_wilson_interval,
    find_ranking_metric,
)
from vtspec.pipelines.reporting.evaluation import ClassMetrics
from vtspec.pipelines.reporting.facts import build_facts
from vtspec.pipelines.reporting.phrases import describe_order, format_change, format_difference

TASK = "image-classification"


def _class(name: str, **values: float) -> ClassMetrics:
    return ClassMetrics(name=name, values=values)


def test_more_accuracy_is_better_and_more_loss_is_worse() -> None:
    rows = build_metric_rows(
        TASK, {"accuracy": 0.9, "loss": 0.4}, {"accuracy": 0.8, "loss": 0.3}, None
    )
    assert [(row.name, row.judgement) for row in rows] == [
        ("accuracy", "better"),
        ("loss", "worse"),
    ]
    assert [format_difference(row) for row in rows] == ["▲ +0.1000 better", "▲ +0.1000 worse"]


def test_an_equal_value_is_the_same_and_a_missing_one_is_not_judged() -> None:
    rows = build_metric_rows(
        TASK, {"accuracy": 0.9, "loss": 0.1}, {"accuracy": 0.9, "ece": 0.1}, None
    )
    assert [(row.name, row.judgement, format_difference(row)) for row in rows] == [
        ("accuracy", "same", "±0 same"),
        ("ece", None, MISSING),
        ("loss", None, MISSING),
    ]


def test_the_tasks_own_metrics_come_first_and_unknown_ones_are_not_judged() -> None:
    rows = build_metric_rows(
        TASK, {"zeal": 2.0, "loss": 0.1, "accuracy": 0.9}, {"zeal": 1.0}, None
    )
    assert [row.name for row in rows] == ["accuracy", "loss", "zeal"]
    assert (rows[2].judgement, format_difference(rows[2])) == (None, "▲ +1.0000")


def test_a_task_that_is_not_known_still_has_its_figures() -> None:
    rows = build_metric_rows("levitation", {"height": 1.5}, {}, None)
    assert [(row.name, row.value, row.help) for row in rows] == [("height", 1.5, "")]


def test_a_small_difference_on_few_images_is_within_noise() -> None:
    few = build_metric_rows(TASK, {"accuracy": 0.96}, {"accuracy": 0.95}, 360)
    many = build_metric_rows(TASK, {"accuracy": 0.96}, {"accuracy": 0.95}, 50_000)
    assert format_difference(few[0]) == "▲ +0.0100 better, within noise"
    assert format_difference(many[0]) == "▲ +0.0100 better"


def test_no_difference_at_all_is_not_called_noise() -> None:
    rows = build_metric_rows(TASK, {"accuracy": 0.95}, {"accuracy": 0.95}, 10)
    assert rows[0].is_within_noise is False


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263.
    low, high = compute_wilson_interval(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@unhurried
@given(st.integers(1, 5000), st.data())
def test_the_interval_holds_the_share_and_stays_a_share(count: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, count)) / count
    low, high = compute_wilson_interval(share, count)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0


def test_the_worst_regression_comes_first() -> None:
    now = [_class("a", f1=0.9), _class("b", f1=0.5), _class("c", f1=0.7), _class("d", f1=0.2)]
    before = [_class("a", f1=0.99), _class("b", f1=0.5), _class("c", f1=0.6)]
    rows = build_class_rows(now, before)
    # c got better and d is new: behind those that got worse they stand by their own figure.
    assert [row.name for row in rows] == ["a", "d", "b", "c"]
    assert [format_change(row.change) for row in rows] == [
        f"▼ {MINUS}0.0900 worse",
        MISSING,
        "±0 same",
        "▲ +0.1000 better",
    ]


def test_without_a_baseline_the_weakest_class_comes_first() -> None:
    rows = build_class_rows([_class("a", f1=0.9), _class("b", f1=0.5), _class("c", support=3)], [])
    assert [row.name for row in rows] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"precision": 1.0, "f1": 1.0}, "f1"),
        ({"support": 3.0, "dice": 0.5}, "dice"),
        ({"support": 3.0}, None),
        ({}, None),
    ],
)
def test_classes_are_ranked_by_the_figure_that_says_most(
    figures: dict[str, float], expected: str | None
) -> None:
    assert find_ranking_metric([_class("a", **figures)]) == expected


def test_the_order_of_the_classes_is_said_in_words() -> None:
    assert describe_order(build_facts(a_run())) == "weakest first"
    assert describe_order(build_facts(a_run(), a_baseline())) == (
        "1 worse than the baseline, worst first"
    )
    assert describe_order(build_facts(a_run(), a_run())) == "none worse than the baseline"


def test_a_baseline_on_other_data_is_not_like_with_like() -> None:
    plan = a_plan("other", task="object-detection")
    plan["dataset"].update(hash="md5:" + "f" * 32, classes=["x"], finalSplit="val")
    other = a_run(plan, an_evaluation(), told(final={}))
    assert build_facts(a_run(), other).caveats == (
        "The baseline was measured on other data",
        "The baseline knows other classes",
        "The baseline was measured on another split",
        "The baseline has another task",
        "The baseline has no final figures",
    )
    assert build_facts(a_run(), a_baseline()).caveats == ()
