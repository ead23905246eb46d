"""The objects of a split's images, for training what finds them and for measuring it.

A class's index is its place in the job's classes. Images without an object are listed, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, DatasetJob

from .annotations import BoundingBox, Size
from .defects import Defect
from .image_decoding import UnreadableImageError, open_image
from .split_reader import make_defect_error, read_split

if TYPE_CHECKING:
    from .annotations import Annotation, Sample
    from .yolo import RowForm


@dataclass(frozen=True)
class ImageObjects:
    """An image and the objects in it that are of the job's classes, in pixels; `areas` are those
    of the objects themselves, where their shape is known. `annotations` are what was read of
    each."""

    path: Path
    name: str
    boxes: tuple[BoundingBox, ...] = ()
    classes: tuple[int, ...] = ()
    areas: tuple[float, ...] = ()
    crowd: tuple[bool, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    def list_learnt(self) -> list[int]:
        """The places of those that can be found, each by itself: a crowd is no object."""
        return [place for place, crowd in enumerate(self.crowd) if not crowd]


def list_image_objects(  # noqa: PLR0913 - by keyword, but for where the images are
    data: DatasetJob,
    split: str,
    warn: Callable[[str], None],
    *,
    rows: RowForm = "boxes",
    clipped: bool = False,
    check: Callable[[Annotation], object] = lambda each: None,
) -> list[ImageObjects]:
    """The images of a split with their objects, in the order of its format; boxes end at their
    image's border where `clipped`, else they are as they were written. `rows` says what the
    numbers of YOLO's rows are. `check` is asked of each object and raises `ValueError` with what
    it lacks.

    Raises:
        AdapterError: something in the split cannot be used.
    """
    index = {name: place for place, name in enumerate(data.classes)}
    found, empty = [], 0
    samples = read_split(
        data, split, rows=rows, get_size=lambda image: _read_size(data.root / image)
    )
    for item in samples:
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        kept = []
        for each in item.annotations:
            if each.class_name not in index:
                continue
            box = _find_box(each, item)
            inside = box if item.size is None else clip_box(box, item.size)
            if inside.width <= 0 or inside.height <= 0:
                empty += 1
                continue
            box = inside if clipped else box
            try:
                check(each)
            except ValueError as error:
                raise _make_error(each, item, str(error)) from error
            kept.append((box, index[each.class_name], _measure(each, box), each.is_crowd, each))
        columns: Any = zip(*kept, strict=True) if kept else ()
        found.append(ImageObjects(data.root / item.image, item.image, *columns))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    if empty:
        warn(f"split {split}: {empty} boxes without an area inside their image are left out")
    return found


def clip_box(box: BoundingBox, size: Size) -> BoundingBox:
    """The part of a box inside of an image of this size; of one outside the sides are swapped."""
    width, height = size
    return BoundingBox(
        max(box.x_min, 0.0),
        max(box.y_min, 0.0),
        min(box.x_max, float(width)),
        min(box.y_max, float(height)),
    )


def _read_size(path: Path) -> Size:
    try:
        with open_image(path) as image:
            return image.size
    except UnreadableImageError as error:
        raise AdapterError(
            f"{path} cannot be read as an image: {error}",
            "repair or remove it; 'vtspec datasets inspect' on the dataset lists all like it",
        ) from error


def _find_box(each: Annotation, item: Sample) -> BoundingBox:
    if each.box is not None:
        return each.box
    if each.oriented_box is not None:
        return each.oriented_box.to_box()
    box = each.mask.to_box() if each.mask is not None else None
    if box is not None:
        return box
    points = [value for polygon in each.polygons for value in polygon.outer]
    if not points:
        raise _make_error(each, item, "has no box")
    return BoundingBox.around(points)


def _make_error(each: Annotation, item: Sample, what: str) -> AdapterError:
    return AdapterError(
        f"{item.place or item.image}: an object of class '{each.class_name}' {what}",
        "correct or remove it; vtspec datasets inspect shows all",
    )


def _measure(each: Annotation, box: BoundingBox) -> float:
    if each.mask is not None:
        return float(each.mask.area)
    return sum(polygon.area for polygon in each.polygons) or box.area
