"""The neutral annotation model: one convention of pixels, and what other formats' mean in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.data.annotations import (
    Annotation,
    BoundingBox,
    Keypoint,
    OrientedBox,
    Polygon,
    Sample,
)

BOX = BoundingBox(x_min=10, y_min=20, x_max=30, y_max=60)
SIZE = (100, 200)


def test_a_box_is_the_same_in_every_format() -> None:
    assert BoundingBox.from_coco([10, 20, 20, 40]) == BOX
    shares = BoundingBox.from_yolo([0.2, 0.2, 0.2, 0.2], SIZE)
    assert shares.to_coco() == pytest.approx(BOX.to_coco())
    # Counted from 1 the first pixel inside is 11, the last one is 30.
    assert BoundingBox.from_voc([11, 21, 30, 60]) == BOX
    assert BOX.to_coco() == (10, 20, 20, 40)
    assert BOX.to_yolo(SIZE) == pytest.approx((0.2, 0.2, 0.2, 0.2))
    assert BOX.to_voc() == (11, 21, 30, 60)


def test_a_box_knows_its_sides_and_area() -> None:
    assert (BOX.width, BOX.height, BOX.area) == (20, 40, 800)


coordinate = st.floats(min_value=-1e4, max_value=1e4, allow_nan=False)


@given(st.tuples(coordinate, coordinate, coordinate, coordinate))
def test_a_box_survives_the_way_there_and_back(corners: tuple[float, ...]) -> None:
    x_min, y_min, x_max, y_max = corners
    box = BoundingBox(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)
    for back in (
        BoundingBox.from_coco(box.to_coco()),
        BoundingBox.from_voc(box.to_voc()),
        BoundingBox.from_yolo(box.to_yolo((640, 480)), (640, 480)),
    ):
        found = (back.x_min, back.y_min, back.x_max, back.y_max)
        assert found == pytest.approx(corners, abs=1e-6)


def test_an_oriented_box_keeps_the_order_of_its_corners() -> None:
    shares = (0.5, 0.1, 0.9, 0.2, 0.5, 0.3, 0.1, 0.2)
    box = OrientedBox.from_yolo(shares, SIZE)
    assert box.corners == pytest.approx((50, 20, 90, 40, 50, 60, 10, 40))
    assert box.to_yolo(SIZE) == pytest.approx(shares)
    upright = box.to_box()
    assert upright.to_coco() == pytest.approx((10, 20, 80, 40))


def test_a_hole_is_no_part_of_a_polygons_area() -> None:
    square = (0.0, 0.0, 10.0, 0.0, 10.0, 10.0, 0.0, 10.0)
    hole = (2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0, 2.0)
    assert Polygon(outer=square).area == 100
    assert Polygon(outer=square, holes=(hole,)).area == 96
    assert Polygon(outer=square, holes=(hole,)).to_box().to_coco() == (0, 0, 10, 10)


@pytest.mark.parametrize("visibility", [0, 1, 2])
def test_a_keypoint_is_unlabelled_hidden_or_seen(visibility: float) -> None:
    assert Keypoint.from_numbers(1, 2, visibility).visibility == visibility


@pytest.mark.parametrize("visibility", [3, -1, 0.5, float("nan")])
def test_another_visibility_is_refused(visibility: float) -> None:
    with pytest.raises(ValueError, match="not 0, 1 or 2"):
        Keypoint.from_numbers(1, 2, visibility)


def test_the_classes_of_a_sample_are_its_own_and_its_objects() -> None:
    objects = (Annotation(class_name="dog"), Annotation(text="STOP"), Annotation(class_name="cat"))
    assert Sample(image="a", split="train", annotations=objects).classes == ("dog", "cat")
    assert Sample(image="a", split="train", label="owl").classes == ("owl",)
    assert Sample(image="a", split="train", labels=("a", "b"), annotations=objects).classes == (
        "a",
        "b",
        "dog",
        "cat",
    )
