"""What class each pixel of an image is of: masks of indexes, and objects drawn as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import AdapterError, DatasetJob

from .annotations import Annotation, Size
from .defects import Defect
from .image_decoding import open_image
from .split_reader import make_defect_error, read_split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IGNORED: Final = 255
"""The value of pixels that belong to no class, by the habit of VOC and Cityscapes."""

INDEXED_MODES: Final = ("1", "L", "P", "I;16", "I")
"""Pillow's modes whose pixels are numbers, and no colours."""


@dataclass(frozen=True)
class MaskedImage:
    """An image, and the mask that it has or the objects that are drawn as one."""

    path: Path
    name: str
    mask: Path | None
    objects: tuple[Annotation, ...]


def list_masked_images(
    data: DatasetJob, split: str, warn: Callable[[str], None]
) -> list[MaskedImage]:
    """The images of a split, in the order of its format.

    Raises:
        AdapterError: something in the split cannot be used, or a mask has no room for the classes.
    """
    if len(data.all_classes) > IGNORED:
        raise AdapterError(
            f"a mask has room for 255 classes, and the data has {len(data.all_classes)}",
            "join some of its classes",
        )
    found = []
    for item in read_split(data, split, rows="polygons"):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        mask = None if item.target is None else data.root / item.target.path
        found.append(MaskedImage(data.root / item.image, item.image, mask, item.annotations))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    if any(one.mask is None for one in found):
        warn(f"split {split}: what no object covers is of no class, neither learnt nor counted")
    return found


def read_class_mask(one: MaskedImage, size: Size, data: DatasetJob) -> NDArray[np.uint8]:
    """The class of each pixel `(height, width)` of an image of this size, by its place among the
    job's classes; `IGNORED` where it is none of them.

    Raises:
        ValueError: the mask does not fit, or an object has no outline.
        UnreadableImageError: the mask is no image.
    """
    import numpy as np

    if one.mask is not None:
        indexes = read_indexes(one.mask, data.all_classes, size)
    else:
        indexes = _draw(one.objects, size, data.all_classes)
    place = {name: index for index, name in enumerate(data.classes)}
    table = np.full(IGNORED + 1, IGNORED, np.uint8)
    table[: len(data.all_classes)] = [place.get(name, IGNORED) for name in data.all_classes]
    chosen: NDArray[np.uint8] = table[indexes]
    return chosen


def read_indexes(path: Path, classes: Sequence[str], size: Size) -> NDArray[np.integer]:
    """The values of a mask `(height, width)`: indexes of classes, or `IGNORED`.

    Raises `ValueError` where it is no such mask, `UnreadableImageError` where it is no image.
    """
    import numpy as np

    with open_image(path) as mask:
        mode, found = mask.mode, mask.size
        # Of one bit, numpy has true and false.
        indexes = np.asarray(mask).astype(np.int64)
    if found != size:
        raise ValueError("is of another size than its image")
    if mode not in INDEXED_MODES:
        raise ValueError(f"is in colours (mode {mode}), not in the indexes of classes")
    fault = find_value_fault({*np.unique(indexes).tolist()}, classes)
    if fault:
        raise ValueError(fault)
    return indexes


def find_value_fault(values: Set[int], classes: Sequence[str]) -> str | None:
    """Which of a mask's values are no index of a class, in words; None where all are, or where
    the classes are not known."""
    beyond = sorted(values - {*range(len(classes)), IGNORED})
    if not classes or not beyond:
        return None
    shown = ", ".join(map(str, beyond[:5]))
    several = "es" * (len(classes) != 1)
    return (
        f"has the value{'s' * (len(beyond) != 1)} {shown}, "
        f"and the data {len(classes):,} class{several}"
    )


def _draw(
    objects: Sequence[Annotation], size: Size, classes: Sequence[str]
) -> NDArray[np.integer]:
    """Objects in their order, later ones over earlier ones."""
    import numpy as np

    from .rasters import rasterize_object

    drawn = np.full((size[1], size[0]), IGNORED, np.int64)
    for each in objects:
        raster = rasterize_object(each, size)
        if raster is None or each.class_name is None:
            raise ValueError(f"has an object of class '{each.class_name}' without an outline")
        height, width = raster.pixels.shape
        area = drawn[raster.y : raster.y + height, raster.x : raster.x + width]
        area[raster.pixels] = classes.index(each.class_name)
    return drawn
