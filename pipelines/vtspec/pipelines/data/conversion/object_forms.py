"""One object as each format can say it. Pure.

What is returned has what the format writes of an object and may have more; what had to be left out
or written otherwise is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from vtspec.adapters.data.annotations import (
    Annotation,
    BoundingBox,
    Keypoint,
    Polygon,
    Size,
    compute_ring_area,
)
from vtspec.adapters.data.rasters import encode_pixels, rasterize_object
from vtspec.adapters.data.yolo import FARTHEST_SHARE, NEAREST_SHARE, NO_AREA

from .omissions import Omissions
from .outlines import join_rings, trace_outline

ObjectForm: TypeAlias = Literal[
    "yolo-boxes", "yolo-corners", "yolo-polygons", "yolo-keypoints", "voc", "coco", "masks"
]
"""What a format writes of an object; YOLO one of four things."""


@dataclass(frozen=True, kw_only=True)
class ObjectFitter:
    """Makes objects fit a form. `points` is how many keypoints each has in YOLO."""

    form: ObjectForm
    omissions: Omissions
    points: int = 0

    def fit(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """The object as the form has it, in an image of this size; None where it is left out."""
        if found.class_name is None:
            # A caption is of its image, and told there.
            if found.text is None:
                self.omissions.add("no-class", place)
            return None
        if self.form != "coco":
            if found.is_crowd and self.form.startswith("yolo"):
                self.omissions.add("crowd", place)
                return None
            if found.is_crowd or found.is_difficult or found.is_truncated or found.attributes:
                self._count_marks(found, place)
        return _FITS[self.form](self, found, size, place)

    def _count_marks(self, found: Annotation, place: str) -> None:
        if found.is_crowd and self.form == "voc":
            self.omissions.add("crowd-as-difficult", place)
        if (found.is_difficult or found.is_truncated) and self.form != "voc":
            self.omissions.add("marks", place)
        if found.attributes and not (self.form == "voc" and _is_pose(found.attributes)):
            self.omissions.add("attributes", place)

    def fit_box(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """A box, its own or the one around it."""
        box = self._find_box(found, place)
        if box is None:
            return None
        if found.polygons or found.mask:
            self.omissions.add("area", place)
        if found.keypoints and self.form != "yolo-keypoints":
            self.omissions.add("points", place)
        if found.oriented_box is not None:
            self.omissions.add("turned", place)
        if self.form != "voc" and not _is_within(box, size):
            box = _cut_box(box, size)
            self.omissions.add("no-area" if box is None else "cut", place)
        elif not box.overlaps(size):
            box = None
            self.omissions.add("no-area", place)
        if box is None or box is found.box:
            return found if box else None
        return found._replace(box=box)

    def fit_corners(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """Four corners: those of a turned box, or of a polygon that has four."""
        if found.keypoints:
            self.omissions.add("points", place)
        if found.oriented_box is not None:
            corners = found.oriented_box.corners
        elif len(found.polygons) == 1 and len(found.polygons[0].outer) == 8:
            corners = found.polygons[0].outer
        else:
            box = self._find_box(found, place)
            if box is None:
                return None
            self.omissions.add("upright", place)
            corners = _list_corners(box)
        return self._fit_ring(found, corners, size, place)

    def fit_polygon(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """One ring around all of its area, or around its box."""
        if found.keypoints:
            self.omissions.add("points", place)
        parts = list(found.polygons)
        if found.mask is not None:
            raster = rasterize_object(found, size)
            parts = trace_outline(raster) if raster else []
            self.omissions.add("traced" if parts else "no-area", place)
            if not parts:
                return None
        elif found.oriented_box is not None:
            parts = [Polygon(outer=found.oriented_box.corners)]
            self.omissions.add("corners", place)
        elif not parts:
            box = self._find_box(found, place)
            if box is None:
                return None
            self.omissions.add("squared", place)
            parts = [Polygon(outer=_list_corners(box))]
        if len(parts) > 1:
            self.omissions.add("parts", place)
        if any(part.holes for part in parts):
            self.omissions.add("holes", place)
        is_one = len(parts) == 1 and not parts[0].holes
        ring = parts[0].outer if is_one else join_rings(parts)
        if found.box is not None and not _is_close(found.box, BoundingBox.around(ring)):
            self.omissions.add("box", place)
        return self._fit_ring(found, ring, size, place)

    def fit_keypoints(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """A box, and as many points as every object has."""
        fitted = self.fit_box(found, size, place)
        if fitted is None:
            return None
        points = tuple(_fit_point(point, size) for point in found.keypoints)
        if points != tuple(map(_clear_point, found.keypoints)):
            self.omissions.add("cut", place)
        if len(points) < self.points:
            self.omissions.add("padded", place)
            points += (Keypoint(x=0, y=0, visibility=0),) * (self.points - len(points))
        return fitted._replace(keypoints=points)

    def fit_coco(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """All of it, with a box; holes and turned boxes as COCO can say them."""
        if found.oriented_box is not None:
            self.omissions.add("corners", place)
            corners = Polygon(outer=found.oriented_box.corners)
            found = found._replace(oriented_box=None, polygons=(corners,))
        if any(polygon.holes for polygon in found.polygons):
            self.omissions.add("rastered", place)
            raster = rasterize_object(found, size)
            if raster is not None:
                found = found._replace(polygons=(), mask=encode_pixels(raster, size))
        if found.mask is not None and (found.mask.width, found.mask.height) != size:
            self.omissions.add("no-area", place)
            return None
        box = self._find_box(found, place)
        if box is None:
            return None
        if not box.overlaps(size) or any(not p.to_box().overlaps(size) for p in found.polygons):
            self.omissions.add("no-area", place)
            return None
        return found if box is found.box else found._replace(box=box)

    def fit_pixels(self, found: Annotation, size: Size, place: str) -> Annotation | None:
        """What can be drawn: its polygons or mask."""
        if found.keypoints:
            self.omissions.add("points", place)
        raster = rasterize_object(found, size)
        if raster is None or not raster.area:
            self.omissions.add("no-pixels" if raster is None else "no-area", place)
            return None
        return found

    def _find_box(self, found: Annotation, place: str) -> BoundingBox | None:
        """The object's own box, or the one around it; None, which is counted, without a place."""
        if found.box is not None:
            return found.box
        box = _derive_box(found)
        if box is None:
            self.omissions.add("no-place" if not _has_place(found) else "no-area", place)
        elif not (found.polygons or found.mask or found.oriented_box):
            # Around an area it is exact, around points a guess.
            self.omissions.add("derived", place)
        return box

    def _fit_ring(
        self, found: Annotation, ring: tuple[float, ...], size: Size, place: str
    ) -> Annotation | None:
        fitted = ring
        if not _is_ring_within(ring, size):
            fitted = tuple(min(max(v, 0.0), float(size[at % 2])) for at, v in enumerate(ring))
            self.omissions.add("cut", place)
        if compute_ring_area(fitted) < NO_AREA * size[0] * size[1]:
            self.omissions.add("no-area", place)
            return None
        # The usual polygon is of one part, and is not copied.
        if found.polygons and fitted is found.polygons[0].outer and len(found.polygons) == 1:
            return found
        return found._replace(
            mask=None, oriented_box=None, polygons=(Polygon(outer=fitted),), box=None
        )


_FITS: Final[
    dict[ObjectForm, Callable[[ObjectFitter, Annotation, Size, str], Annotation | None]]
] = {
    "yolo-boxes": ObjectFitter.fit_box,
    "yolo-corners": ObjectFitter.fit_corners,
    "yolo-polygons": ObjectFitter.fit_polygon,
    "yolo-keypoints": ObjectFitter.fit_keypoints,
    "voc": ObjectFitter.fit_box,
    "coco": ObjectFitter.fit_coco,
    "masks": ObjectFitter.fit_pixels,
}


def _is_pose(attributes: Mapping[str, object]) -> bool:
    """Whether all that is said of an object is what VOC calls its pose."""
    pose = attributes.get("pose")
    return attributes.keys() == {"pose"} and isinstance(pose, str) and pose.isprintable()


def _has_place(found: Annotation) -> bool:
    return bool(found.box or found.polygons or found.mask or found.oriented_box or found.keypoints)


def _derive_box(found: Annotation) -> BoundingBox | None:
    if found.oriented_box is not None:
        return found.oriented_box.to_box()
    if found.polygons:
        return BoundingBox.around([value for p in found.polygons for value in p.outer])
    if found.mask is not None:
        return found.mask.to_box()
    points = [value for p in found.keypoints if p.visibility for value in (p.x, p.y)]
    box = BoundingBox.around(points) if points else None
    return box if box and box.width > 0 and box.height > 0 else None


def _is_within(box: BoundingBox, size: Size) -> bool:
    """Whether YOLO's readers take the box: a little outside is rounding."""
    x_min, y_min, x_max, y_max = box
    # What lies inside is always taken, and most boxes do.
    if 0 <= x_min < x_max <= size[0] and 0 <= y_min < y_max <= size[1]:
        return True
    cx, cy, width, height = box.to_yolo(size)
    return (
        NEAREST_SHARE <= cx <= FARTHEST_SHARE
        and NEAREST_SHARE <= cy <= FARTHEST_SHARE
        and 0 < width <= FARTHEST_SHARE
        and 0 < height <= FARTHEST_SHARE
    )


def _is_ring_within(ring: Sequence[float], size: Size) -> bool:
    xs, ys = ring[::2], ring[1::2]
    width, height = size
    return (
        min(xs) >= NEAREST_SHARE * width
        and max(xs) <= FARTHEST_SHARE * width
        and min(ys) >= NEAREST_SHARE * height
        and max(ys) <= FARTHEST_SHARE * height
    )


def _cut_box(box: BoundingBox, size: Size) -> BoundingBox | None:
    width, height = size
    cut = BoundingBox(
        x_min=max(box.x_min, 0.0),
        y_min=max(box.y_min, 0.0),
        x_max=min(box.x_max, float(width)),
        y_max=min(box.y_max, float(height)),
    )
    return cut if cut.width > 0 and cut.height > 0 else None


def _list_corners(box: BoundingBox) -> tuple[float, ...]:
    return (
        *(box.x_min, box.y_min, box.x_max, box.y_min),
        *(box.x_max, box.y_max, box.x_min, box.y_max),
    )


def _is_close(first: BoundingBox, second: BoundingBox) -> bool:
    # Within a pixel it is rounding: COCO's own boxes are written with two decimals.
    pairs = zip(first.to_coco(), second.to_coco(), strict=True)
    return all(abs(one - other) <= 1 for one, other in pairs)


def _clear_point(point: Keypoint) -> Keypoint:
    """The point, at the origin where it is not labelled."""
    return point if point.visibility else Keypoint(x=0, y=0, visibility=0)


def _fit_point(point: Keypoint, size: Size) -> Keypoint:
    point = _clear_point(point)
    if _is_ring_within((point.x, point.y), size):
        return point
    return point._replace(
        x=min(max(point.x, 0.0), float(size[0])),
        y=min(max(point.y, 0.0), float(size[1])),
    )
