"""What came back is counted, and what did not."""

import pytest

from vtspec.adapters.data.annotations import Annotation, BoundingBox, Keypoint, Polygon, Sample
from vtspec.pipelines.data.conversion.fidelity import Fidelity, format_fidelity
from vtspec.pipelines.data.conversion.writers.writer import PlacedImage

BOX = BoundingBox(x_min=0, y_min=0, x_max=4, y_max=4)
CAT, DOG = (Annotation(class_name=name, box=BOX) for name in ("cat", "dog"))


def held(objects: list[Annotation], back: list[Annotation]) -> Fidelity:
    return held_sample(Sample(image="a.png", split="train", annotations=tuple(objects)), back)


def held_sample(sample: Sample, back: list[Annotation]) -> Fidelity:
    objects = [(one, one) for one in sample.annotations]
    image = PlacedImage(sample=sample, name="a.png", size=(8, 8), objects=objects)
    found = Fidelity()
    found.add(image, [Sample(image="a.png", split="train", annotations=tuple(back))], "coco")
    return found


def test_an_object_that_is_not_there_or_of_another_class_did_not_come_back() -> None:
    assert held([CAT, DOG], [CAT]).returned == 1
    assert held([CAT, DOG], [DOG, CAT]).returned == 0
    assert held([CAT, DOG], [CAT, DOG]).returned == 2


def test_what_is_said_of_the_image_is_looked_for() -> None:
    said = Sample(image="a.png", split="train", label="cat", captions=("one", "two"))
    found = held_sample(said, [])
    assert (found.labels, found.labels_returned) == (3, 0)


def test_distances_are_the_largest_and_overlaps_the_lowest() -> None:
    moved = BoundingBox(x_min=1, y_min=0, x_max=5, y_max=4)
    area = Polygon(outer=(0, 0, 4, 0, 4, 4, 0, 4))
    half = Polygon(outer=(0, 0, 4, 0, 4, 2, 0, 2))
    point, other = (Keypoint(x=x, y=1, visibility=2) for x in (1, 3.5))
    source = Annotation(class_name="cat", box=BOX, polygons=(area,), keypoints=(point, point))
    back = Annotation(class_name="cat", box=moved, polygons=(half,), keypoints=(point, other))
    found = held([source, CAT], [back, CAT])
    assert found.box_error == 1
    assert found.box_iou == pytest.approx(12 / 20)
    assert (found.areas, found.area_iou) == (1, 0.5)
    assert (found.points, found.point_error) == (2, 2.5)
    assert list(format_fidelity(found)) == [
        "2 of 2 objects",
        "sides of boxes within 1 px (IoU 0.600000 or more)",
        "areas with an IoU of 0.5000 or more, 0.5000 in the mean",
        "2 keypoints within 2.5 px",
    ]
