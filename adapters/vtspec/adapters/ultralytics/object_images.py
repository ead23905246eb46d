"""A split's images with the objects in them, whatever is known of each object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from vtspec.adapters.contract import AdapterError, DatasetJob
from vtspec.adapters.data.annotations import Annotation, BoundingBox, Sample, Size
from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.image_decoding import UnreadableImageError, open_image
from vtspec.adapters.data.split_reader import make_defect_error, read_split
from vtspec.adapters.pytorch.loading import UnreadableImage

if TYPE_CHECKING:
    from vtspec.adapters.data.yolo import RowForm

ReadShape: TypeAlias = Callable[[Annotation], Any]
"""What a task knows of an object beside its box. Raises `ValueError` with what is missing."""


@dataclass(frozen=True)
class ImageObjects:
    """An image and the objects in it that are of the job's classes, in pixels; `areas` are those
    of the objects themselves, where their shape is known, and `shapes` what the task reads."""

    path: Path
    name: str
    boxes: tuple[BoundingBox, ...] = ()
    classes: tuple[int, ...] = ()
    areas: tuple[float, ...] = ()
    crowd: tuple[bool, ...] = ()
    shapes: tuple[Any, ...] = ()

    @property
    def learnt(self) -> list[int]:
        """The places of the objects that are learnt: a crowd is no object that could be found."""
        return [place for place, crowd in enumerate(self.crowd) if not crowd]


def list_images(
    data: DatasetJob,
    split: str,
    warn: Callable[[str], None],
    read_shape: ReadShape = lambda each: None,
    rows: RowForm = "boxes",
) -> list[ImageObjects]:
    """The images of a split, those without an object too, in the order of its format.

    Raises:
        AdapterError: something in the split cannot be used.
    """
    index = {name: place for place, name in enumerate(data.classes)}
    found, empty = [], 0
    for item in read_split(
        data, split, rows=rows, get_size=lambda image: read_size(data.root / image)
    ):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        kept = []
        for each in item.annotations:
            if each.class_name not in index:
                continue
            box = _clip(_get_box(each, item), item.size)
            if box.width <= 0 or box.height <= 0:
                empty += 1
                continue
            try:
                shape = read_shape(each)
            except ValueError as error:
                raise _make_error(each, item, str(error)) from error
            area = _measure(each, box)
            kept.append((box, index[each.class_name], area, each.is_crowd, shape))
        columns: Any = zip(*kept, strict=True) if kept else ()
        found.append(ImageObjects(data.root / item.image, item.image, *columns))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    if empty:
        warn(f"split {split}: {empty} boxes without an area inside their image are left out")
    return found


def read_size(path: Path) -> Size:
    """The size of an image file. Raises `AdapterError` where it is none."""
    try:
        with open_image(path) as image:
            return image.size
    except UnreadableImageError as error:
        raise UnreadableImage(path, str(error)).to_error() from error


def _get_box(each: Annotation, item: Sample) -> BoundingBox:
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


def _clip(box: BoundingBox, size: Size | None) -> BoundingBox:
    if size is None:
        return box
    width, height = size
    return BoundingBox(
        max(box.x_min, 0.0),
        max(box.y_min, 0.0),
        min(box.x_max, float(width)),
        min(box.y_max, float(height)),
    )


def _measure(each: Annotation, box: BoundingBox) -> float:
    if each.mask is not None:
        return float(each.mask.area)
    return sum(polygon.area for polygon in each.polygons) or box.area
