"""A split's images that belong in pairs, as super-resolution and depth have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtspec.adapters.contract import AdapterError, DatasetJob

from .annotations import Size
from .defects import Defect
from .image_decoding import UnreadableImageError, open_image, read_orientation
from .split_reader import make_defect_error, read_split


@dataclass(frozen=True)
class ImagePair:
    """An image and the one that is to be told from it; `size` and `target_size` are what they
    show, width and height."""

    path: Path
    name: str
    target: Path
    size: Size
    target_size: Size


def list_image_pairs(
    data: DatasetJob, split: str, kind: Literal["depth", "high-resolution"]
) -> list[ImagePair]:
    """The pairs of a split, in order of their images' paths; only headers are read.

    Raises:
        AdapterError: something in the split cannot be used, or there are no pairs.
    """
    found = list(_iter_pairs(data, split, kind))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    return found


def _iter_pairs(
    data: DatasetJob, split: str, kind: Literal["depth", "high-resolution"]
) -> Iterator[ImagePair]:
    for item in read_split(data, split, pairs=kind):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        if item.target is None or item.target.kind != kind:
            raise AdapterError(
                f"split {split}: {item.image} has no second image of kind {kind}",
                "give a dataset of format pairs",
            )
        path, target = data.root / item.image, data.root / item.target.path
        yield ImagePair(path, item.image, target, _read_size(path), _read_size(target))


def _read_size(path: Path) -> Size:
    """Width and height of what an image shows. Raises `AdapterError` where it shows nothing."""
    try:
        with open_image(path) as image:
            width, height = image.size
            # 5 to 8 of EXIF lay it on its side.
            return (height, width) if read_orientation(image) >= 5 else (width, height)
    except UnreadableImageError as error:
        raise AdapterError(
            f"{path} cannot be read as an image: {error}",
            "repair or remove it; 'vtspec datasets inspect' on the dataset lists all like it",
        ) from error
