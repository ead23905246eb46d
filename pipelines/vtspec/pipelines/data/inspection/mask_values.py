"""Masks and other target images beside their images: their sizes, and the values of masks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from vtspec.adapters.data.annotations import Sample, Target
from vtspec.adapters.data.class_masks import IGNORED, INDEXED_MODES, find_value_fault
from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout, make_error

if TYPE_CHECKING:
    from PIL import Image

    from .image_probe import ImageInfo

_MOST_STRANGERS: Final = 5
"""How many values beyond the classes are kept of a mask: a depth map has tens of thousands."""


def check_target_sizes(layout: Layout, looks: "Mapping[str, ImageInfo]") -> Iterator[DatasetIssue]:
    """Second images of pairs that do not fit the first in size."""
    faults = (
        (item.target.path, _find_size_fault(item.target, looks[item.image], look))
        for item, look in _iter_pairs(layout, looks)
        if item.target is not None
    )
    yield from _sum_up(faults, "write the images anew, in sizes that fit")


def check_masks(layout: Layout, looks: "Mapping[str, ImageInfo]") -> Iterator[DatasetIssue]:
    """Masks that hold something else than indexes of classes."""
    faults = (
        (look.image, _find_mask_fault(look, layout.classes))
        for item, look in _iter_pairs(layout, looks)
        if item.target is not None
        # Of one that does not fit, that alone is told.
        and _find_size_fault(item.target, looks[item.image], look) is None
    )
    yield from _sum_up(faults, "write the masks anew: a grey pixel is the index of its class")


def _iter_pairs(
    layout: Layout, looks: "Mapping[str, ImageInfo]"
) -> "Iterator[tuple[Sample, ImageInfo]]":
    """Images with their targets, where both can be read: others are told as broken."""
    for part in layout.splits.values():
        for item in part.items:
            if item.target is None:
                continue
            look = looks[item.target.path]
            if looks[item.image].fault is None and look.fault is None:
                yield item, look


def _sum_up(faults: Iterable[tuple[str, str | None]], fix: str) -> Iterator[DatasetIssue]:
    """An error for each fault, with the files that have it."""
    files_of: dict[str, list[str]] = {}
    for file, fault in faults:
        if fault is not None:
            files_of.setdefault(fault, []).append(file)
    for fault, files in files_of.items():
        more = f"; {len(files) - 1:,} more like it" if len(files) > 1 else ""
        yield make_error(f"{files[0]}: {fault}{more}", fix, files)


def count_values(mask: "Image.Image", classes: int) -> dict[int, int]:
    """Pixels by their value: all of those that mean one of so many classes or `IGNORED`, and the
    lowest few of the others. Nothing where the pixels are colours."""
    if mask.mode not in INDEXED_MODES:
        return {}
    counts = dict(_iter_values(mask))
    strange = sorted(value for value in counts if not 0 <= value < classes and value != IGNORED)
    for value in strange[_MOST_STRANGERS:]:
        del counts[value]
    return counts


def count_pixels(
    classes: Sequence[str], items: Iterable[Sample], looks: "Mapping[str, ImageInfo]"
) -> dict[str, int]:
    """Pixels of each class in the masks of these images, every class in index order."""
    pixels = Counter[int]()
    for item in items:
        if item.target is not None:
            pixels.update(looks[item.target.path].values)
    return {name: 0 if index == IGNORED else pixels[index] for index, name in enumerate(classes)}


def list_shown_classes(
    classes: Sequence[str], item: Sample, looks: "Mapping[str, ImageInfo]"
) -> list[str]:
    """The classes that have a pixel in the mask of an image."""
    values = {} if item.target is None else looks[item.target.path].values
    return [name for index, name in enumerate(classes) if index != IGNORED and index in values]


def _find_size_fault(target: Target, image: "ImageInfo", look: "ImageInfo") -> str | None:
    if target.kind == "high-resolution":
        times = look.width // image.width
        if (look.width, look.height) != (times * image.width, times * image.height):
            return "is no multiple of the size of its image"
    elif (image.width, image.height) != (look.width, look.height):
        return "is of another size than its image"
    return None


def _find_mask_fault(mask: "ImageInfo", classes: Sequence[str]) -> str | None:
    if mask.mode not in INDEXED_MODES:
        return f"is in colours (mode {mask.mode}), not in the indexes of classes"
    return find_value_fault(mask.values.keys(), classes)


def _iter_values(mask: "Image.Image") -> Iterator[tuple[int, int]]:
    if mask.mode in ("1", "L", "P"):
        # Pillow shows a set bit as 255.
        unit = 255 if mask.mode == "1" else 1
        counts = enumerate(mask.histogram()[:256])
        yield from ((value // unit, count) for value, count in counts if count)
        return
    found = mask.convert("I").getcolors(mask.width * mask.height) or []
    yield from ((value, count) for count, value in found if isinstance(value, int))
