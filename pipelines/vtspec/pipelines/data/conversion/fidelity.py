"""How much of the data comes back, object by object, when what was written is read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vtspec.adapters.data.annotations import Annotation, BoundingBox, Sample, Size
from vtspec.adapters.data.rasters import compute_iou, count_common, rasterize_object
from vtspec.pipelines.formatting import pluralize

from .object_forms import ObjectForm
from .writers.writer import PlacedImage, require_size

_EXACT = 1e-6
"""Pixels: within them a place is the same."""


@dataclass
class Fidelity:
    """The tally. `objects` and `labels` are those of the source, `returned` and
    `labels_returned` those that come back with their class and place; a label is what is said of
    an image as a whole. Errors are the largest distances in pixels, overlaps (IoU) the lowest and
    the sum. Of an object that was drawn into a mask the overlap is the share of its pixels that
    have its class."""

    images: int = 0
    images_returned: int = 0
    objects: int = 0
    returned: int = 0
    labels: int = 0
    labels_returned: int = 0
    boxes: int = 0
    box_error: float = 0.0
    box_iou: float = 1.0
    areas: int = 0
    area_iou: float = 1.0
    area_iou_sum: float = 0.0
    points: int = 0
    point_error: float = 0.0

    def to_json(self) -> dict[str, object]:
        """The figures as plain data."""
        return {
            "images": self.images,
            "imagesReturned": self.images_returned,
            "objects": self.objects,
            "objectsReturned": self.returned,
            "labels": self.labels,
            "labelsReturned": self.labels_returned,
            "boxes": {"count": self.boxes, "largestError": self.box_error, "iou": self.box_iou},
            "areas": {
                "count": self.areas,
                "iou": self.area_iou,
                "meanIou": self.area_iou_sum / self.areas if self.areas else None,
            },
            "points": {"count": self.points, "largestError": self.point_error},
        }

    def add(self, image: PlacedImage, back: Sequence[Sample], form: ObjectForm | None) -> None:
        """Hold one image against what was read of it, which may be several samples."""
        self.images += 1
        self.images_returned += bool(back)
        self._add_labels(image.sample, back)
        found = [one for sample in back for one in sample.annotations if one.class_name]
        self.objects += sum(a.class_name is not None for a in image.sample.annotations)
        if form == "masks":
            self._add_drawn(image, found)
            return
        for at, (source, _) in enumerate(image.objects):
            # Objects are written and read in one order; one that is not there shifts the rest.
            if at < len(found) and found[at].class_name == source.class_name:
                self.returned += 1
                self._add_places(source, found[at], require_size(image), form)

    def _add_labels(self, sample: Sample, back: Sequence[Sample]) -> None:
        for name in ("label", "text", "question"):
            value = getattr(sample, name)
            if value is not None:
                self.labels += 1
                self.labels_returned += any(getattr(one, name) == value for one in back)
        for name in ("labels", "captions"):
            values = getattr(sample, name)
            self.labels += len(values)
            known = {value for one in back for value in getattr(one, name)}
            if name == "labels":
                known |= {value for one in back for value in one.classes}
            self.labels_returned += sum(value in known for value in values)

    def _add_drawn(self, image: PlacedImage, found: Sequence[Annotation]) -> None:
        """Of each object the share of its pixels that have its class."""
        drawn = {
            one.class_name: raster
            for one in found
            if (raster := rasterize_object(one, require_size(image))) is not None
        }
        for source, _ in image.objects:
            raster = rasterize_object(source, require_size(image))
            if raster is not None and source.class_name in drawn:
                self.returned += 1
                self.areas += 1
                share = count_common(raster, drawn[source.class_name]) / raster.area
                self.area_iou = min(self.area_iou, share)
                self.area_iou_sum += share

    def _add_places(
        self, source: Annotation, back: Annotation, size: Size, form: ObjectForm | None
    ) -> None:
        if source.box is not None and back.box is not None:
            self.boxes += 1
            if source.box != back.box:
                self._add_box(source.box, back.box)
        if form not in ("yolo-boxes", "yolo-keypoints", "voc"):
            self._add_area(source, back, size)
        points = [
            (one, other)
            for one, other in zip(source.keypoints, back.keypoints, strict=False)
            if one.visibility
        ]
        for one, other in points:
            self.points += 1
            error = max(abs(one.x - other.x), abs(one.y - other.y))
            self.point_error = max(self.point_error, error)

    def _add_box(self, box: BoundingBox, back: BoundingBox) -> None:
        error = max(
            abs(box.x_min - back.x_min),
            abs(box.y_min - back.y_min),
            abs(box.x_max - back.x_max),
            abs(box.y_max - back.y_max),
        )
        self.box_error = max(self.box_error, error)
        if error > _EXACT:
            self.box_iou = min(self.box_iou, _compute_box_iou(box, back))

    def _add_area(self, source: Annotation, back: Annotation, size: Size) -> None:
        if not (source.polygons or source.mask or source.oriented_box):
            return
        self.areas += 1
        iou = 1.0
        if not _is_same_area(source, back):
            first, second = rasterize_object(source, size), rasterize_object(back, size)
            iou = compute_iou(first, second) if first and second else 0.0
        self.area_iou = min(self.area_iou, iou)
        self.area_iou_sum += iou


def _is_same_area(source: Annotation, back: Annotation) -> bool:
    """Whether polygons or masks agree number by number, so that no pixel needs to be counted."""
    if source.mask is not None or back.mask is not None:
        return source.mask == back.mask
    first, second = _list_rings(source), _list_rings(back)
    return [len(ring) for ring in first] == [len(ring) for ring in second] and all(
        abs(one - other) <= _EXACT
        for ring, ring_back in zip(first, second, strict=True)
        for one, other in zip(ring, ring_back, strict=True)
    )


def _list_rings(found: Annotation) -> list[tuple[float, ...]]:
    if found.oriented_box is not None:
        return [found.oriented_box.corners]
    return [ring for polygon in found.polygons for ring in (polygon.outer, *polygon.holes)]


def _compute_box_iou(first: BoundingBox, second: BoundingBox) -> float:
    width = min(first.x_max, second.x_max) - max(first.x_min, second.x_min)
    height = min(first.y_max, second.y_max) - max(first.y_min, second.y_min)
    both = max(width, 0.0) * max(height, 0.0)
    return both / (first.area + second.area - both)


def format_fidelity(found: Fidelity) -> Iterator[str]:
    """The figures in words, one for each kind of thing that there is."""
    if found.objects:
        yield f"{found.returned:,} of {pluralize(found.objects, 'object')}"
    if found.labels:
        yield f"{found.labels_returned:,} of {pluralize(found.labels, 'label')} of images"
    if found.boxes:
        yield f"sides of boxes within {found.box_error:.2g} px (IoU {found.box_iou:.6f} or more)"
    if found.areas:
        mean = found.area_iou_sum / found.areas
        yield f"areas with an IoU of {found.area_iou:.4f} or more, {mean:.4f} in the mean"
    if found.points:
        yield f"{pluralize(found.points, 'keypoint')} within {found.point_error:.2g} px"
