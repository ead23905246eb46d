"""The neutral annotation model: what every dataset format is read into.

Coordinates are floats in pixels of the stored image, as `x, y`: x to the right, y downwards, the
origin at the outer corner of the first pixel. Pixel `(0, 0)` thus covers 0 to 1, and a box's
width is `x_max - x_min`, as in COCO (https://cocodataset.org/#format-data). Sizes are
`(width, height)`. EXIF orientation is not applied: a pixel is where the file has it.

Nothing here checks that a box lies inside its image: whoever reads says what was written, and
whoever inspects judges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

Size: TypeAlias = tuple[int, int]
"""Width and height of an image, in pixels."""

_NOTHING: Final[Mapping[str, object]] = {}
"""Shared by all that have no attributes; a plain dict, as processes hand samples to each other."""

_VISIBILITIES: tuple[Literal[0], Literal[1], Literal[2]] = (0, 1, 2)


class BoundingBox(NamedTuple):
    """An upright rectangle in pixels; the maxima are exclusive, so `area` needs no `+ 1`.

    A tuple, as keypoints, annotations and samples are: a data set has tens of millions, and a
    frozen dataclass takes four times as long to make."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @classmethod
    def from_coco(cls, xywh: Sequence[float]) -> BoundingBox:
        """Of COCO's `[x, y, width, height]` in pixels."""
        x, y, width, height = xywh
        return cls(x_min=x, y_min=y, x_max=x + width, y_max=y + height)

    @classmethod
    def from_yolo(cls, cxcywh: Sequence[float], size: Size) -> BoundingBox:
        """Of YOLO's `cx cy w h`: centre and extent as shares (0 to 1) of the image's `size`."""
        cx, cy, share_x, share_y = cxcywh
        width, height = size
        return cls(
            x_min=(cx - share_x / 2) * width,
            y_min=(cy - share_y / 2) * height,
            x_max=(cx + share_x / 2) * width,
            y_max=(cy + share_y / 2) * height,
        )

    @classmethod
    def from_voc(cls, corners: Sequence[float]) -> BoundingBox:
        """Of VOC's `xmin ymin xmax ymax`: pixels counted from 1, the last one inside the box
        (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html)."""
        x_min, y_min, x_max, y_max = corners
        # The last pixel's number from 1 is the coordinate of its far side from 0.
        return cls(x_min=x_min - 1, y_min=y_min - 1, x_max=x_max, y_max=y_max)

    @classmethod
    def around(cls, xy: Sequence[float]) -> BoundingBox:
        """The least box around points `x0 y0 x1 y1 …`. Raises `ValueError` where there is none."""
        return cls(
            x_min=min(xy[::2]), y_min=min(xy[1::2]), x_max=max(xy[::2]), y_max=max(xy[1::2])
        )

    def to_coco(self) -> tuple[float, float, float, float]:
        """`(x, y, width, height)` in pixels."""
        return self.x_min, self.y_min, self.width, self.height

    def to_yolo(self, size: Size) -> tuple[float, float, float, float]:
        """`(cx, cy, w, h)` as shares of the image's `size`."""
        x_min, y_min, x_max, y_max = self
        width, height = size
        return (
            (x_min + x_max) / 2 / width,
            (y_min + y_max) / 2 / height,
            (x_max - x_min) / width,
            (y_max - y_min) / height,
        )

    def to_voc(self) -> tuple[float, float, float, float]:
        """`(xmin, ymin, xmax, ymax)`, counted from 1, the last pixel inside."""
        return self.x_min + 1, self.y_min + 1, self.x_max, self.y_max

    def overlaps(self, size: Size) -> bool:
        """Whether a part of it lies inside an image of this size."""
        x_min, y_min, x_max, y_max = self
        return x_min < size[0] and y_min < size[1] and x_max > 0 and y_max > 0

    @property
    def width(self) -> float:
        """Pixels from the left side to the right one; negative where they are swapped."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Pixels from the upper side to the lower one; negative where they are swapped."""
        return self.y_max - self.y_min

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


@dataclass(frozen=True, kw_only=True, slots=True)
class OrientedBox:
    """A turned rectangle: its four corners `x0 y0 … x3 y3` in pixels, in order around it.

    Which corner comes first says where the object's front is in some data sets (DOTA), so the
    order is kept as it was written.
    """

    corners: tuple[float, ...]

    @classmethod
    def from_yolo(cls, shares: Sequence[float], size: Size) -> OrientedBox:
        """Of the eight shares of a YOLO row (https://docs.ultralytics.com/datasets/obb/)."""
        return cls(corners=scale_points(shares, size))

    def to_yolo(self, size: Size) -> tuple[float, ...]:
        """Eight shares of the image's `size`."""
        width, height = size
        return scale_points(self.corners, (1 / width, 1 / height))

    def to_box(self) -> BoundingBox:
        """The upright box around it."""
        return BoundingBox.around(self.corners)


@dataclass(frozen=True, kw_only=True, slots=True)
class Polygon:
    """One area with straight sides, and the holes in it: rings `x0 y0 x1 y1 …` in pixels.

    A ring is closed without repeating its first point, and may run either way round. Rings are
    flat, as COCO and YOLO write them: a data set has tens of millions of points.
    """

    outer: tuple[float, ...]
    holes: tuple[tuple[float, ...], ...] = ()

    @property
    def area(self) -> float:
        """Square pixels of the outer ring without those of the holes."""
        return compute_ring_area(self.outer) - sum(map(compute_ring_area, self.holes))

    def to_box(self) -> BoundingBox:
        """The upright box around the outer ring."""
        return BoundingBox.around(self.outer)


@dataclass(frozen=True, kw_only=True, slots=True)
class RleMask:
    """A mask as runs of pixels, column by column: COCO's run-length encoding.

    `counts` are the lengths of the runs, those outside and inside the mask by turns, first the
    outside (0 where the first pixel is inside). They add up to `width * height`. What makes and
    reads them is in `mask_rle`.
    """

    width: int
    height: int
    counts: tuple[int, ...]

    @property
    def area(self) -> int:
        """How many pixels are inside."""
        return sum(self.counts[1::2])

    def to_box(self) -> BoundingBox | None:
        """The upright box around what is inside; None where nothing is."""
        start, xs, ys = 0, [], []
        for place, count in enumerate(self.counts):
            if place % 2 and count:
                (first_x, first_y), (last_x, last_y) = (
                    divmod(pixel, self.height) for pixel in (start, start + count - 1)
                )
                xs += [first_x, last_x + 1]
                # A run over the end of a column touches the last row and the first one.
                ys += [first_y, last_y + 1] if first_x == last_x else [0, self.height]
            start += count
        if not xs:
            return None
        return BoundingBox(x_min=min(xs), y_min=min(ys), x_max=max(xs), y_max=max(ys))


class Keypoint(NamedTuple):
    """One named point of a body, in pixels; its name follows from its place in the class's list.

    `visibility` is COCO's: 0 not labelled (x and y mean nothing), 1 labelled but hidden,
    2 labelled and seen.
    """

    x: float
    y: float
    visibility: Literal[0, 1, 2]

    @classmethod
    def from_numbers(cls, x: float, y: float, visibility: float) -> Keypoint:
        """Of three numbers. Raises `ValueError` where the last is not 0, 1 or 2."""
        for known in _VISIBILITIES:
            if visibility == known:
                return cls(x=x, y=y, visibility=known)
        raise ValueError(f"visibility is {visibility:g}, not 0, 1 or 2")


class Annotation(NamedTuple):
    """One object of an image. What a format does not have stays None or empty.

    `polygons` are the parts of one object that something in front of it cuts apart. `text` is
    what is written there (ocr) or said of it. A crowd is many objects under one annotation, which
    COCO's metrics neither demand nor punish; `is_difficult` objects are left out by VOC's.
    """

    class_name: str | None = None
    box: BoundingBox | None = None
    oriented_box: OrientedBox | None = None
    polygons: tuple[Polygon, ...] = ()
    mask: RleMask | None = None
    keypoints: tuple[Keypoint, ...] = ()
    text: str | None = None
    is_crowd: bool = False
    is_difficult: bool = False
    is_truncated: bool = False
    attributes: Mapping[str, object] = _NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of an image, and the answers that count as right: one of each person who was
    asked, so that one may stand there several times."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A second image that is the label of the first, of the same or (`high-resolution`) a
    multiple of its size. A `mask` has the index of a class in each pixel; a `depth` map has
    distances in the unit that the dataset says; `path` is from the dataset's root."""

    kind: Literal["mask", "depth", "high-resolution"]
    path: str


class Sample(NamedTuple):
    """One image with everything that is known of it.

    `image` is its path from the dataset's root, with forward slashes, normalised. `size` is None
    where neither the format nor the caller knows it. `label` is the one class of the image,
    `labels` are those of an image that may show several; `text` is what is written in it,
    `captions` are sentences about it, `question` is asked of it. `attributes` are what else the
    format said of the image. `place` is the file that says all this, with the line
    of a table (`train.csv:3`), or empty where nothing does but the image's own path.
    """

    image: str
    split: str
    size: Size | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    text: str | None = None
    captions: tuple[str, ...] = ()
    question: Question | None = None
    annotations: tuple[Annotation, ...] = ()
    target: Target | None = None
    attributes: Mapping[str, object] = _NOTHING
    place: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class of each label, the image's own first, then those of its objects, in order."""
        # Most samples of a classification have no objects, and there are millions.
        own = self.labels if self.label is None else (self.label,)
        if not self.annotations:
            return own
        return (*own, *(a.class_name for a in self.annotations if a.class_name is not None))


def scale_points(xy: Sequence[float], scale: tuple[float, float]) -> tuple[float, ...]:
    """Points `x0 y0 x1 y1 …` with each x and each y multiplied by its factor."""
    return tuple(value * scale[place % 2] for place, value in enumerate(xy))


def compute_ring_area(ring: Sequence[float]) -> float:
    """Square pixels inside a ring `x0 y0 x1 y1 …`, whichever way it runs (shoelace formula)."""
    xs, ys = ring[::2], ring[1::2]
    ahead = zip([*xs[1:], *xs[:1]], [*ys[1:], *ys[:1]], strict=True)
    doubled = sum(x * y_on - x_on * y for x, y, (x_on, y_on) in zip(xs, ys, ahead, strict=True))
    return abs(doubled) / 2
