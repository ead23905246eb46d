"""Figures of single classes, as an epoch tells them."""

from typing import Any

import numpy as np

from vtspec.adapters.evaluation.class_metrics import MOST_CLASSES, pick_class_metrics
from vtspec.adapters.evaluation.classification import SplitScores, list_class_rows


def test_one_figure_of_each_class_that_has_it_is_told() -> None:
    rows: list[dict[str, Any]] = [
        {"class": "cat", "ap50": 0.5},
        {"class": "a/b", "ap50": 1},
        {"class": "x", "ap50": None},
    ]
    assert pick_class_metrics(rows, "ap50") == {"ap50/cat": 0.5, "ap50/a/b": 1.0}


def test_of_very_many_classes_none_is_told() -> None:
    rows = [{"class": f"{n}", "f1": 0.5} for n in range(MOST_CLASSES + 1)]
    assert len(pick_class_metrics(rows[1:], "f1")) == MOST_CLASSES
    assert pick_class_metrics(rows, "f1") == {}


def test_a_classifiers_rows_make_them() -> None:
    scored = SplitScores(np.eye(3)[[0, 1, 1, 2]], np.array([0, 1, 0, 2]))
    told = pick_class_metrics(list_class_rows(scored, ["a", "b", "c"]), "f1")
    assert told == {"f1/a": 0.666667, "f1/b": 0.666667, "f1/c": 1.0}
