"""`evaluation.json` as adapters write it, well or badly."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hostile_text import unhurried
from report_data import an_evaluation
from vtspec.pipelines.reporting.evaluation import (
    ConfusionMatrix,
    EvaluationResults,
    Mistake,
    parse_results,
)

KEYS = [
    *("split", "images", "classes", "confusion", "confusionClasses", "confusionUnit"),
    *("perClass", "prCurves", "calibration", "errorTypes", "errors", "other"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_everything_told_is_there() -> None:
    found = parse_results(an_evaluation())
    assert (found.split, found.images, found.notes) == ("test", 120, ())
    assert found.confusion is not None
    assert found.confusion.counts == ((40, 1, 0), (0, 39, 1), (1, 0, 38))
    assert [one.name for one in found.classes] == ["0", "1", "2"]
    assert [curve.average_precision for curve in found.pr_curves] == [0.99, 0.98, 0.97]
    assert found.calibration is not None
    assert [one.count for one in found.calibration.bins] == [0, 120]
    assert [one.thumbnail for one in found.errors] == ["plots/errors/00.png"]


def test_nothing_told_is_nothing() -> None:
    assert parse_results({}) == EvaluationResults()


@unhurried
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        JSON,
    )
)
def test_no_evaluation_makes_it_raise(evaluation: dict[str, Any]) -> None:
    parse_results(evaluation)


@unhurried
@given(st.data())
def test_no_damage_to_a_good_evaluation_makes_it_raise(data: st.DataObject) -> None:
    evaluation = an_evaluation()
    key = data.draw(st.sampled_from(sorted(evaluation)))
    where = evaluation[key]
    if isinstance(where, list) and where and isinstance(where[0], dict):
        where[0][data.draw(st.sampled_from(sorted(where[0])))] = data.draw(JSON)
    else:
        evaluation[key] = data.draw(JSON)
    parse_results(evaluation)


def test_a_matrix_that_is_not_square_is_left_out_and_said_so() -> None:
    for matrix in ([[1, 2], [3]], [[1]], [[1, 2], [3, "x"]], [[1, 2], [3, -4]], "no", [1, 2]):
        found = parse_results({"classes": ["a", "b"], "confusion": matrix})
        assert found.confusion is None
        assert found.notes == ("the confusion matrix is not one row and column a class; left out",)


def test_a_matrix_that_was_left_out_on_purpose_is_not_complained_about() -> None:
    assert parse_results({"classes": ["a"], "confusion": None}).notes == ()


def test_a_curve_that_is_uneven_is_left_out_and_said_so() -> None:
    curves = {"a": {"recall": [0, 1], "precision": [1]}, "b": {"recall": [0], "precision": [1]}}
    found = parse_results({"prCurves": curves})
    assert [curve.name for curve in found.pr_curves] == ["b"]
    assert len(found.notes) == 1


def test_mistakes_are_the_most_frequent_first() -> None:
    matrix = ConfusionMatrix(classes=("a", "b", "c"), counts=((5, 1, 0), (3, 4, 0), (0, 3, 9)))
    assert matrix.find_mistakes(2) == (
        Mistake(true="b", predicted="a", count=3, of=7),
        Mistake(true="c", predicted="b", count=3, of=12),
    )


def test_at_most_twenty_four_sample_errors_are_shown() -> None:
    errors = [{"image": f"{n}.png", "true": "a", "predicted": "b"} for n in range(30)]
    assert len(parse_results({"errors": errors}).errors) == 24
