"""The division of data into splits depends on the data alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.pipelines.data.stratified_split import split_stratified

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}

items = st.lists(st.tuples(st.sampled_from("abc"), st.text("0123", min_size=1, max_size=3)))


@given(items)
def test_every_item_is_in_exactly_one_split(found: list[tuple[str, str]]) -> None:
    numbered = [(label, key, index) for index, (label, key) in enumerate(found)]
    split = split_stratified(numbered, SHARES)
    assert sorted(index for part in split.values() for index in part) == list(range(len(found)))


@given(items, st.randoms())
def test_the_order_of_the_items_changes_nothing(
    found: list[tuple[str, str]], chance: random.Random
) -> None:
    named = [(label, key, (label, key)) for label, key in found]
    mixed = list(named)
    chance.shuffle(mixed)
    assert {split: sorted(part) for split, part in split_stratified(named, SHARES).items()} == {
        split: sorted(part) for split, part in split_stratified(mixed, SHARES).items()
    }


@given(items)
def test_what_has_the_same_content_shares_a_split(found: list[tuple[str, str]]) -> None:
    # Whatever the class: a copy under another label leaks as well.
    split = split_stratified([(label, key, key) for label, key in found], SHARES)
    for one in split.values():
        for other in split.values():
            assert one is other or not set(one) & set(other)


def test_each_class_is_divided_in_the_ratio_that_is_asked() -> None:
    found = [
        (label, f"{label}{n:03}", (label, n))
        for label, c in (("a", 100), ("b", 10))
        for n in range(c)
    ]
    split = split_stratified(found, {"train": 80, "val": 10, "test": 10})
    counts = {
        name: [sum(label == of for label, _ in part) for of in "ab"]
        for name, part in split.items()
    }
    assert counts == {"train": [80, 8], "val": [10, 1], "test": [10, 1]}


@pytest.mark.parametrize("shares", [SHARES, {"train": 0.4, "val": 0.6}, {"train": 1, "val": 9}])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_class_of_a_few_goes_to_train_first(count: int, shares: dict[str, float]) -> None:
    split = split_stratified([("a", str(n), n) for n in range(count)], shares)
    assert split["train"]
