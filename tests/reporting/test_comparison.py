"""Figures against the baseline's: direction, chance, and the worst regressions first."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from report_data import (
    a_baseline,
    a_plan,
    a_run,
    an_evaluation,
    told,
    write_markdown,
    write_page,
)
from vtspec.cli.views.report import format_comparison, format_report, format_result
from vtspec.pipelines.formatting import MINUS, MISSING
from vtspec.pipelines.reporting.comparison import (
    MetricRow,
    build_class_rows,
    build_metric_rows,
    find_ranking_metric,
)
from vtspec.pipelines.reporting.evaluation import ClassMetrics, EvaluationResults
from vtspec.pipelines.reporting.evidence import Evidence, Measurement, weigh_evidence
from vtspec.pipelines.reporting.facts import Facts, RunData, build_facts
from vtspec.pipelines.reporting.judgement_phrases import (
    describe_order,
    format_change,
    format_difference,
)
from vtspec.pipelines.reporting.run_comparison import build_comparison, render_comparison

TASK = "image-classification"
NOTHING_KEPT = EvaluationResults()


def _class(name: str, **values: float) -> ClassMetrics:
    return ClassMetrics(name=name, values=values)


def _measured(results: EvaluationResults = NOTHING_KEPT, **metrics: float) -> Measurement:
    return Measurement(metrics=metrics, results=results)


def _judge(task: str, new: Measurement, old: Measurement) -> tuple[MetricRow, ...]:
    return build_metric_rows(task, new, old, weigh_evidence(new, old, "seed"))


def _on(images: int, **metrics: float) -> Measurement:
    return _measured(EvaluationResults(images=images), **metrics)


def test_more_accuracy_is_better_and_less_is_worse_where_images_show_it() -> None:
    good, bad = _on(500, accuracy=0.9), _on(500, accuracy=0.8)
    assert [format_difference(row) for row in _judge(TASK, good, bad)] == ["▲ +0.1000 better"]
    assert [format_difference(row) for row in _judge(TASK, bad, good)] == [
        f"▼ {MINUS}0.1000 worse"
    ]


def test_an_equal_value_is_the_same_and_a_missing_one_is_not_judged() -> None:
    rows = _judge(TASK, _measured(accuracy=0.9, loss=0.1), _measured(accuracy=0.9, ece=0.1))
    assert [(row.name, row.judgement, format_difference(row)) for row in rows] == [
        ("accuracy", "same", "±0 same"),
        ("ece", None, MISSING),
        ("loss", None, MISSING),
    ]


def test_the_tasks_own_metrics_come_first_and_unknown_ones_are_not_judged() -> None:
    rows = _judge(TASK, _measured(zeal=2.0, loss=0.1, accuracy=0.9), _measured(zeal=1.0))
    assert [row.name for row in rows] == ["accuracy", "loss", "zeal"]
    assert (rows[2].judgement, format_difference(rows[2])) == (None, "▲ +1.0000")


def test_a_task_that_is_not_known_still_has_its_figures() -> None:
    rows = build_metric_rows("levitation", _measured(height=1.5))
    assert [(row.name, row.value, row.help) for row in rows] == [("height", 1.5, "")]


@pytest.mark.parametrize("name", ["accuracy", "top5_accuracy"])
def test_a_small_difference_on_few_images_is_none_that_they_can_show(name: str) -> None:
    few = _judge(TASK, _on(60, **{name: 0.95}), _on(60, **{name: 0.9}))
    many = _judge(TASK, _on(6_000, **{name: 0.95}), _on(6_000, **{name: 0.9}))
    assert format_difference(few[0]) == "▲ +0.0500, no difference that 60 images can show"
    assert format_difference(many[0]) == "▲ +0.0500 better"


@pytest.mark.parametrize("name", ["macro_f1", "ece", "loss", "macro_recall"])
def test_a_figure_of_which_nothing_single_was_kept_is_not_judged(name: str) -> None:
    rows = _judge(TASK, _on(360, **{name: 0.9}), _on(360, **{name: 0.5}))
    assert format_difference(rows[0]) == "▲ +0.4000, not judged"


def test_the_worst_regression_comes_first() -> None:
    now = [_class("a", f1=0.9), _class("b", f1=0.5), _class("c", f1=0.7), _class("d", f1=0.2)]
    before = [_class("a", f1=0.99), _class("b", f1=0.5), _class("c", f1=0.6)]
    shown = Evidence(classes={"a": -1, "b": 0, "c": 1})
    rows = build_class_rows(now, before, shown)
    # c got better and d is new: behind those that got worse they stand by their own figure.
    assert [row.name for row in rows] == ["a", "d", "b", "c"]
    assert [format_change(row) for row in rows] == [
        f"▼ {MINUS}0.0900 worse",
        MISSING,
        "±0 same",
        "▲ +0.1000 better",
    ]


def test_without_a_baseline_the_weakest_class_comes_first() -> None:
    rows = build_class_rows([_class("a", f1=0.9), _class("b", f1=0.5), _class("c", support=3)])
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
    assert describe_order(build_facts(a_run(), a_run())) == ("none shown to be worse")
    assert describe_order(build_facts(a_baseline(), a_run())) == ("1 worse, worst first")
    # Of an older run only the counts are known, which are not those of its figures here.
    old = a_run(a_plan("old"), an_evaluation())
    worse = a_run(evaluation=an_evaluation(perClass=[{"class": "0", "f1": 0.1}]))
    assert describe_order(build_facts(worse, old)) == ("not judged, largest loss first")


UNLIKE = {
    "data": (lambda plan: plan["dataset"].update(hash="md5:" + "f" * 32), "on other data"),
    "classes": (lambda plan: plan["dataset"].update(classes=["x"]), "other classes"),
    "split": (lambda plan: plan["dataset"].update(finalSplit="val"), "on another split"),
    "task": (lambda plan: plan.update(task="object-detection"), "another task"),
}


@pytest.mark.parametrize(("change", "words"), UNLIKE.values(), ids=UNLIKE)
def test_runs_that_measured_different_things_are_not_called_better(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    plan = a_plan("other")
    change(plan)
    baseline = a_baseline()
    other = RunData(
        name="other", plan=plan, events=baseline.events, evaluation=baseline.evaluation
    )
    facts = build_facts(a_run(), other)
    assert words in facts.caveats[0].en
    assert facts.caveats[1].en == "No difference is called better or worse"
    assert {row.judgement for row in facts.metrics} == {"not judged"}
    assert {row.judgement for row in facts.classes} <= {"not judged", "same"}
    for text in (write_markdown(facts), render_comparison(facts), _read_terminal(facts)):
        assert " better" not in text.replace("better or worse", "")


def _read_terminal(facts: Facts) -> str:
    lines = [*format_report(facts, 100), *format_comparison(facts, 100)]
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_a_baseline_on_other_data_is_not_like_with_like() -> None:
    plan = a_plan("other", task="object-detection")
    plan["dataset"].update(hash="md5:" + "f" * 32, classes=["x"], finalSplit="val")
    other = a_run(plan, an_evaluation(), told(final={}))
    assert tuple(one.en for one in build_facts(a_run(), other).caveats) == (
        "The baseline was measured on other data",
        "The baseline knows other classes",
        "The baseline was measured on another split",
        "The baseline has another task",
        "No difference is called better or worse",
        "The baseline has no final figures",
    )
    assert build_facts(a_run(), a_baseline()).caveats == ()


def test_several_deciding_fields_that_differ_are_named_everywhere() -> None:
    plan = a_plan(model={"name": "resnet10t", "parameters": 1, "weights": None})
    plan["training"].update(epochs=9, batchSize=16)
    facts = build_facts(a_run(), a_run(plan))
    # A model with its weights is one choice, whatever follows from it.
    assert facts.deciding == ("model", "training.batchSize", "training.epochs")
    said = "The difference cannot be laid to one of them."
    for text in (write_markdown(facts), render_comparison(facts), _read_terminal(facts)):
        assert "3 deciding fields differ" in " ".join(text.split())
        assert said in " ".join(text.split())
    assert build_comparison(facts)["deciding"] == list(facts.deciding)


@pytest.mark.parametrize("changes", [{}, {"training": {"epochs": 9, "batchSize": 64}}], ids=str)
def test_one_deciding_field_or_none_is_not_warned_of(changes: dict[str, Any]) -> None:
    plan = a_plan(**changes)
    plan["training"] = {**a_plan()["training"], **changes.get("training", {})}
    assert "deciding fields" not in write_markdown(build_facts(a_run(), a_run(plan)))


def test_every_view_judges_a_difference_in_the_same_words() -> None:
    facts = build_facts(a_run(), a_baseline())
    # Nothing drawn differs from one look to the next.
    assert facts.metrics == build_facts(a_run(), a_baseline()).metrics
    judged = {row.name: format_difference(row) for row in facts.metrics}
    assert judged == {
        "accuracy": "▲ +0.0667 better",
        "macro_f1": "▲ +0.0684 better",
        "ece": "▲ +0.0100, no difference that 120 images can show",
        "loss": f"▼ {MINUS}0.1800 better",
    }
    views = [
        write_markdown(facts),
        write_page(facts, {}, [None]),
        render_comparison(facts),
        _read_terminal(facts),
        "\n".join("".join(text for text, _ in line) for line in format_result(facts, 100)),
    ]
    for view, words in itertools.product(views, judged.values()):
        assert words in view


@pytest.mark.parametrize(
    ("classes", "gates", "is_shown"),
    [
        (3, [], False),
        (5, [], False),
        (6, [], True),
        # An older spec may have such a gate, which is held against the figure.
        (3, ["top5_accuracy >= 0.9"], True),
    ],
)
def test_a_figure_that_can_only_be_one_is_left_out(
    classes: int, gates: list[str], is_shown: bool
) -> None:
    plan = a_plan(report={"baseline": None, "gates": gates})
    plan["dataset"]["classes"] = [str(n) for n in range(classes)]
    figures = {"accuracy": 0.9, "top5_accuracy": 1.0}
    runs = [a_run(plan, an_evaluation(), told(final=figures)) for _ in range(2)]
    facts = build_facts(*runs)
    names = [row.name for row in facts.metrics]
    assert names == ["accuracy", "top5_accuracy"][: 1 + is_shown]
    assert [gate.passed for gate in facts.verdict.gates] == [True] * len(gates)
