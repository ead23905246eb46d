"""Masks as runs: COCO's definition, exact both ways, whatever the mask."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.data.annotations import BoundingBox, RleMask
from vtspec.adapters.data.mask_rle import (
    compress_counts,
    decode_mask,
    decompress_counts,
    encode_mask,
    format_rle,
    parse_rle,
)


def pixels(*rows: str) -> bytes:
    return bytes(int(cell == "#") for row in rows for cell in row)


L = pixels(
    "#...",
    "#...",
    "##..",
)
L_MASK = RleMask(width=4, height=3, counts=(0, 3, 2, 1, 6))


def test_runs_go_down_the_columns_and_begin_outside() -> None:
    assert encode_mask(L, 4, 3) == L_MASK
    assert decode_mask(L_MASK) == L


def test_any_value_but_zero_is_inside() -> None:
    assert encode_mask(bytes(value * 200 for value in L), 4, 3) == L_MASK


def test_area_and_box_follow_from_the_runs() -> None:
    assert L_MASK.area == 4
    assert L_MASK.to_box() == BoundingBox(x_min=0, y_min=0, x_max=2, y_max=3)
    assert RleMask(width=4, height=3, counts=(12,)).to_box() is None
    assert RleMask(width=4, height=3, counts=(7, 1, 4)).to_box() == BoundingBox(
        x_min=2, y_min=1, x_max=3, y_max=2
    )


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((), ""),
        ((4, 44), "4\\1"),
        # 17 needs a second character, or its topmost bit would be a sign.
        ((17,), "a0"),
        # The third run is itself, the fourth the difference to the second.
        ((5, 5, 5, 3), "555N"),
        ((0, 3, 2, 1, 6), "032N4"),
    ],
)
def test_the_string_is_cocos(counts: tuple[int, ...], text: str) -> None:
    assert compress_counts(counts) == text
    assert decompress_counts(text) == counts


@given(st.lists(st.integers(min_value=0, max_value=10**9)))
def test_runs_survive_the_string(counts: list[int]) -> None:
    assert decompress_counts(compress_counts(counts)) == tuple(counts)


@given(st.integers(0, 12), st.integers(0, 12), st.randoms(use_true_random=False))
def test_pixels_survive_the_runs(width: int, height: int, random: Random) -> None:
    cells = bytes(random.choice((0, 0, 1)) for _ in range(width * height))
    mask = encode_mask(cells, width, height)
    assert decode_mask(mask) == cells
    assert mask.area == sum(cells)
    for compressed in (True, False):
        assert parse_rle(format_rle(mask, compressed=compressed)) == mask
    box = mask.to_box()
    inside = [(at % width, at // width) for at, cell in enumerate(cells) if cell]
    if box is None:
        assert not inside
    else:
        xs, ys = zip(*inside, strict=True)
        assert (box.x_min, box.y_min) == (min(xs), min(ys))
        assert (box.x_max, box.y_max) == (max(xs) + 1, max(ys) + 1)


def test_pixels_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="11 pixels are not 4 x 3"):
        encode_mask(L[1:], 4, 3)


@pytest.mark.parametrize(
    "segmentation",
    [
        {},
        [[1, 2]],
        {"size": [3, 4], "counts": [11]},
        {"size": [3, 4], "counts": [13, -1]},
        {"size": [3, 4], "counts": [11.5, 0.5]},
        {"size": [3, 4], "counts": "0"},
        {"size": [3, 4], "counts": "\x7f"},
        {"size": [3, 4], "counts": "a"},
        {"size": [-3, -4], "counts": [12]},
        {"size": [3], "counts": [12]},
    ],
)
def test_what_is_no_mask_is_refused(segmentation: object) -> None:
    with pytest.raises(ValueError, match=r"size|run|character|mask"):
        parse_rle(segmentation)
