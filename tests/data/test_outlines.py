"""The outline of a mask, as areas with holes or as one ring, is the mask to the pixel."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from vtspec.adapters.data.annotations import Polygon
from vtspec.adapters.data.mask_rle import encode_mask
from vtspec.adapters.data.rasters import (
    Raster,
    compute_iou,
    encode_pixels,
    rasterize_mask,
    rasterize_polygons,
)
from vtspec.pipelines.data.conversion.outlines import join_rings, trace_outline

Pixels = NDArray[np.bool_]


def mask(*rows: str) -> Pixels:
    return np.array([[char == "#" for char in row] for row in rows])


def of(pixels: Pixels) -> Raster:
    return Raster(x=0, y=0, pixels=pixels)


def assert_outline_is_mask(pixels: Pixels) -> None:
    raster, size = of(pixels), (pixels.shape[1], pixels.shape[0])
    found = trace_outline(raster)
    assert compute_iou(rasterize_polygons(found, size), raster) == 1
    assert sum(polygon.area for polygon in found) == raster.area
    one = Polygon(outer=join_rings(found))
    assert compute_iou(rasterize_polygons([one], size), raster) == 1
    assert one.area == raster.area


def test_an_outline_runs_along_the_sides_of_pixels() -> None:
    (found,) = trace_outline(of(mask("....", ".##.", ".#..")))
    assert sorted(zip(found.outer[::2], found.outer[1::2], strict=True)) == [
        *((1, 1), (1, 3), (2, 2), (2, 3), (3, 1), (3, 2)),
    ]


def test_holes_and_what_lies_in_them_are_told_apart() -> None:
    ring = mask("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######")
    outer, inner = sorted(trace_outline(of(ring)), key=lambda polygon: -polygon.area)
    assert (len(outer.holes), len(inner.holes)) == (1, 1)
    assert (outer.area, inner.area) == (24, 8)


def test_pixels_that_touch_at_a_corner_are_two_areas() -> None:
    assert len(trace_outline(of(mask("#.", ".#")))) == 2
    assert len(trace_outline(of(mask(".#", "#.")))) == 2
    # And a hole that touches another one is not one with it.
    (found,) = trace_outline(of(mask("####", "#.##", "##.#", "####")))
    assert len(found.holes) == 1


@pytest.mark.parametrize("seed", range(0, 300, 30))
def test_any_mask_is_what_its_outline_is(seed: int) -> None:
    for number in range(seed, seed + 30):
        chance = np.random.default_rng(number)
        shape = tuple(chance.integers(1, 12, 2))
        pixels = chance.random(shape) < chance.random()
        if pixels.any():
            assert_outline_is_mask(pixels)


def test_runs_are_those_of_the_plain_encoder() -> None:
    chance = random.Random(1)
    for _ in range(100):
        width, height = chance.randrange(1, 9), chance.randrange(1, 9)
        values = bytes(chance.choice((0, 1)) for _ in range(width * height))
        pixels = np.frombuffer(values, np.uint8).reshape(height, width) > 0
        found = encode_pixels(of(pixels), (width, height))
        assert found == encode_mask(values, width, height)
        assert rasterize_mask(found).area == sum(values)


def test_a_pixel_is_inside_where_its_centre_is() -> None:
    for right, columns in ((2.4, 2), (2.6, 3)):
        ring = (0.0, 0.0, right, 0.0, right, 1.4, 0.0, 1.4)
        found = rasterize_polygons([Polygon(outer=ring)], (5, 5))
        assert (found.x, found.y, found.area) == (0, 0, columns)
    beyond = rasterize_polygons([Polygon(outer=(3, 3, 9, 3, 9, 9, 3, 9))], (5, 5))
    assert (beyond.x, beyond.y, beyond.area) == (3, 3, 4)
    outside = rasterize_polygons([Polygon(outer=(-9, -9, -1, -9, -1, -1))], (5, 5))
    assert outside.area == 0


def test_parts_lie_over_each_other_and_holes_are_holes() -> None:
    square = (0, 0, 4, 0, 4, 4, 0, 4)
    hole = (1, 1, 3, 1, 3, 3, 1, 3)
    assert rasterize_polygons([Polygon(outer=square, holes=(hole,))], (8, 8)).area == 12
    assert rasterize_polygons([Polygon(outer=square), Polygon(outer=hole)], (8, 8)).area == 16
