"""Answers, held against what the paper's definition gives by hand."""

import itertools
import json

import pytest

from vtspec.adapters.contract import TaskType
from vtspec.adapters.evaluation.question_answering import (
    QuestionAnsweringMetrics,
    compute_agreement,
    simplify_answer,
)
from vtspec.adapters.metrics import METRICS


@pytest.mark.parametrize("agreeing", range(11))
def test_agreement_is_the_mean_over_all_nine_of_ten_people(agreeing: int) -> None:
    answers = ["yes"] * agreeing + ["no"] * (10 - agreeing)
    scores = [min(nine.count("yes") / 3, 1) for nine in itertools.combinations(answers, 9)]
    assert compute_agreement(answers, "yes") == pytest.approx(sum(scores) / 10)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(["yes"], 1.0), (["no"], 0.0), (["yes", "yes"], 1.0), (["yes", "no"], 0.5)],
)
def test_fewer_people_have_to_agree_all(answers: list[str], expected: float) -> None:
    assert compute_agreement(answers, "yes") == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Cat.", "cat"),
        ("two", "2"),
        ("none", "0"),
        ("don't", "dont"),
        ("1,000", "1000"),
        ("red/blue", "red blue"),
        ("U.S.A.", "usa"),
        ("  an   umbrella ", "umbrella"),
    ],
)
def test_spellings_of_one_answer_are_one(one: str, other: str) -> None:
    assert simplify_answer(one) == simplify_answer(other)


@pytest.mark.parametrize(("one", "other"), [("1.5", "15"), ("cat", "cats"), ("10", "1")])
def test_other_answers_stay_others(one: str, other: str) -> None:
    assert simplify_answer(one) != simplify_answer(other)


def test_both_metrics_are_means_over_questions() -> None:
    metrics = QuestionAnsweringMetrics()
    metrics.update("a.png#0", ["Red"] * 6 + ["blue"] * 4, "red")
    metrics.update("a.png#1", ["2"] * 10, "2")
    assert metrics.compute() == {"vqa_accuracy": 1.0, "exact_match": 0.5}
    assert set(metrics.compute()) == {
        one.name for one in METRICS[TaskType.VISUAL_QUESTION_ANSWERING]
    } - {"loss"}
    details = metrics.build_details()
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert details["samples"] == {
        "images": ["a.png#0", "a.png#1"],
        "values": {"vqa_accuracy": [1.0, 1.0], "exact_match": [0.0, 1.0]},
    }


def test_a_question_that_nobody_answered_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.png#0: no answer"):
        QuestionAnsweringMetrics().update("a.png#0", [], "red")
