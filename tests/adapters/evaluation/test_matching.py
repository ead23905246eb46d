"""Pairs of detections and objects, and who has whom, by hand and however they are cut."""

import numpy as np
import pytest

from vtspec.adapters.evaluation.matching import (
    Pairs,
    keep_best,
    list_pairs,
    match_pairs,
    measure_box_overlap,
)


@pytest.mark.parametrize("most", [1, 3, 7, 1000])
def test_every_pair_of_a_group_comes_once_however_they_are_cut(most: int) -> None:
    groups, true_groups = np.array([4, 1, 1, 9, 4, 2]), np.array([1, 4, 4, 7, 1, 1])
    blocks = list(list_pairs(groups, true_groups, most))
    pairs = [pair for block in blocks for pair in zip(*(c.tolist() for c in block), strict=True)]
    expected = [(d, o) for d in range(6) for o in range(6) if groups[d] == true_groups[o]]
    assert sorted(pairs) == expected
    assert (len(blocks) > 1) == (most < 10)


def test_nothing_pairs_with_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    for one, other in ((nothing, nothing), (np.array([1]), nothing), (nothing, np.array([1]))):
        assert list(list_pairs(one, other)) == []


def test_overlaps_of_boxes_are_iou_and_of_a_crowd_the_share_inside() -> None:
    boxes = np.array([[0.0, 0, 10, 10]] * 3 + [[0.0, 0, 0, 0]])
    true = np.array([[5.0, 0, 10, 10], [5, 0, 10, 10], [10, 0, 5, 5], [0, 0, 0, 0]])
    crowd = np.array([False, True, False, False])
    assert measure_box_overlap(boxes, true, crowd).tolist() == [50 / 150, 0.5, 0.0, 0.0]


def test_the_surest_detection_chooses_first_and_the_next_takes_what_is_left() -> None:
    pairs = Pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.6, 0.9, 0.8]))
    no = np.zeros(2, bool)
    first = match_pairs(pairs, np.array([0.9, 0.8]), no, no, [0.5])
    assert first.tolist() == [[1, -1]]
    last = match_pairs(pairs, np.array([0.8, 0.9]), no, no, [0.5, 0.85])
    assert last.tolist() == [[0, 1], [1, -1]]


def test_of_equal_overlaps_the_last_object_is_taken_as_coco_takes_it() -> None:
    pairs = Pairs(np.array([0, 0]), np.array([0, 1]), np.array([0.7, 0.7]))
    no = np.zeros(2, bool)
    assert match_pairs(pairs, np.array([0.9]), no, no, [0.5]).tolist() == [[1]]


def test_a_crowd_takes_any_number_and_only_those_that_have_nothing_else() -> None:
    pairs = Pairs(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), np.array([0.6, 1.0, 0.9, 0.7]))
    crowd = np.array([False, True])
    found = match_pairs(pairs, np.array([0.9, 0.8, 0.7]), crowd, crowd, [0.5])
    assert found.tolist() == [[0, 1, 1]]


def test_the_best_of_each_group_are_kept_in_their_order() -> None:
    groups, scores = np.array([1, 2, 1, 1, 2]), np.array([0.5, 0.1, 0.9, 0.5, 0.2])
    assert keep_best(groups, scores, 2).tolist() == [0, 1, 2, 4]
    assert keep_best(groups, scores, 1).tolist() == [2, 4]
