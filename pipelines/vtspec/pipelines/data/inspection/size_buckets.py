"""Images and objects by how large they are. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from vtspec.adapters.data.annotations import Annotation, Sample, compute_ring_area

from .image_probe import ImageInfo

_SMALL: Final = 32**2
_MEDIUM: Final = 96**2
"""Square pixels from which an object is no longer small or medium, as COCO's metrics have it
(https://cocodataset.org/#detection-eval)."""

OBJECT_SIZES: Final = ("small", "medium", "large")


def count_object_sizes(items: Iterable[Sample]) -> dict[str, int]:
    """Objects that are small (below 32² square pixels of the image as it is stored), medium
    (below 96²) and large; nothing where no object has a place."""
    areas = (_measure(annotation) for item in items for annotation in item.annotations)
    counts = Counter(_name_area(area) for area in areas if area is not None)
    return {name: counts[name] for name in OBJECT_SIZES} if counts else {}


def count_sides(images: Iterable[ImageInfo]) -> list[tuple[int, int]]:
    """Images by their longer side: the least power of two that it does not exceed, and how many
    there are, the smallest first."""
    counts = Counter(1 << (max(one.width, one.height) - 1).bit_length() for one in images)
    return sorted(counts.items())


def _measure(annotation: Annotation) -> float | None:
    """Square pixels of an object, by the finest that is known of it."""
    if annotation.mask is not None:
        return annotation.mask.area
    if annotation.polygons:
        return sum(polygon.area for polygon in annotation.polygons)
    if annotation.oriented_box is not None:
        return compute_ring_area(annotation.oriented_box.corners)
    return None if annotation.box is None else annotation.box.area


def _name_area(area: float) -> str:
    return "small" if area < _SMALL else "medium" if area < _MEDIUM else "large"
