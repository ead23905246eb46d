"""What is wrong with single images, and with places on them. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from vtspec.adapters.data.annotations import Annotation, BoundingBox, Size
from vtspec.pipelines.data.formats.layout import (
    DatasetIssue,
    Layout,
    make_error,
    make_warning,
)
from vtspec.pipelines.formatting import pluralize

from .image_probe import ImageInfo


def check_broken(looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that cannot be read."""
    by_fault: dict[str, list[str]] = defaultdict(list)
    for look in looks.values():
        if look.fault:
            # Pillow adds how many bytes are left, which differs from file to file.
            by_fault[re.sub(r" \(.*\)$", "", look.fault)].append(look.image)
    for fault, images in sorted(by_fault.items()):
        yield make_error(
            f"{pluralize(len(images), 'broken image')}: {fault}",
            "write them anew, or delete them",
            images,
        )


def check_sizes(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are of another size than their labels say."""
    other = [
        item.image
        for part in layout.splits.values()
        for item in part.items
        if item.size is not None and not _is_of_size(looks[item.image], item.size)
    ]
    if other:
        yield make_warning(
            f"{pluralize(len(other), 'image')} of another size than the labels say",
            "make the labels anew for the images as they are",
            other,
        )


def check_boxes(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Objects that reach outside of an image whose size is right."""
    outside = [
        item.image
        for part in layout.splits.values()
        for item in part.items
        if item.size is not None
        and _is_of_size(looks[item.image], item.size)
        and any(
            _reaches_outside(box, item.size) for a in item.annotations for box in _iter_boxes(a)
        )
    ]
    if outside:
        yield make_warning(
            f"{pluralize(len(outside), 'image')} with a box that reaches outside of the image",
            "cut the boxes off at the image's sides",
            outside,
        )


def _is_of_size(look: ImageInfo, size: Size) -> bool:
    """Whether it is so, or nobody knows: a broken image is told as such."""
    return look.fault is not None or size == (look.width, look.height)


def _iter_boxes(annotation: Annotation) -> Iterator[BoundingBox]:
    """The box of an object, or what stands in for it."""
    if annotation.box is not None:
        yield annotation.box
    elif annotation.oriented_box is not None:
        yield annotation.oriented_box.to_box()
    else:
        yield from (polygon.to_box() for polygon in annotation.polygons)


def _reaches_outside(box: BoundingBox, size: Size) -> bool:
    # Within a pixel it is rounding.
    return min(box.x_min, box.y_min, size[0] - box.x_max, size[1] - box.y_max) < -1


def check_orientation(looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are shown otherwise than their labels see them."""
    turned = [look.image for look in looks.values() if look.turned]
    if turned:
        yield make_warning(
            f"{pluralize(len(turned), 'image')} that EXIF turns, under labels that have a place",
            "turn the pixels themselves, so that both agree: mogrify -auto-orient FILE…",
            turned,
        )


def check_frames(looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images of which only a part is read."""
    animated = [look.image for look in looks.values() if look.animated]
    if animated:
        yield make_warning(
            f"{pluralize(len(animated), 'image')} of several frames: only the first is used",
            "save each frame that counts as an image of its own",
            animated,
        )


def check_visibility(looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that show nothing, or almost nothing, as they are read."""
    blank = [look.image for look in looks.values() if look.blank]
    if blank:
        yield make_warning(
            f"{pluralize(len(blank), 'image')} whose alpha, laid over white, leaves one colour",
            "lay them over another colour: mogrify -background black -alpha remove FILE…",
            blank,
        )
    dark = [look.image for look in looks.values() if look.dark]
    if dark:
        yield make_warning(
            f"{pluralize(len(dark), 'image')} of 16 bits that use the lowest 12 or fewer: "
            "they show almost black",
            "scale them so that white is 65535, all by the same factor",
            dark,
        )
