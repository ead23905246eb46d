"""The data that is to be converted, read as inspection and training read it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypeGuard

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.annotations import Annotation, Sample, Size
from vtspec.adapters.data.class_masks import IGNORED, read_indexes
from vtspec.adapters.data.content_hash import check_links
from vtspec.adapters.data.file_tree import FileTree, is_image
from vtspec.adapters.data.image_decoding import MAX_PIXELS, UnreadableImageError
from vtspec.adapters.data.rasters import Raster, encode_pixels
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.formats.detect import detect_layout
from vtspec.pipelines.data.formats.file_tree import scan_folder
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.data.formats.yolo import get_row_form, read_yolo
from vtspec.pipelines.data.inspection.checks import check_labels
from vtspec.pipelines.data.inspection.image_probe import inspect_images
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.formatting import pluralize

from .image_headers import ImageHeader, read_headers

Progress: TypeAlias = Callable[[int, int], None]
"""Takes how many images are done, and of how many."""


@dataclass(frozen=True, kw_only=True)
class SourceData:
    """A dataset as it was read: `headers` are those of the images whose size or format matters,
    `loose` the images that no split has, `broken` those that cannot be read and are in none any
    more, each with why. `old_folders` are those of the splits that it was divided into before."""

    tree: FileTree
    layout: Layout
    splits: Mapping[str, Sequence[Sample]]
    headers: Mapping[str, ImageHeader]
    loose: Sequence[str]
    broken: Mapping[str, str] = field(default_factory=dict)
    old_folders: Sequence[str] = ()


def read_layout(path: Path) -> tuple[FileTree, Layout]:
    """What lies in a folder, by its labels. Raises `Permanent` where inspection finds an error in
    them, or a link leads out of the folder."""
    tree = scan_folder(path)
    try:
        check_links(tree.root, tree.links)
    except AdapterError as error:
        raise Permanent(str(error), fix=error.fix) from error
    layout = detect_layout(tree)
    errors = [one for one in check_labels(tree, layout) if one.severity == "error"]
    if errors:
        more = f"; {pluralize(len(errors) - 1, 'more error')}" if len(errors) > 1 else ""
        inspect = format_command("vtspec", "datasets", "inspect", path)
        raise Permanent(
            f"{path} has errors, of which none is carried along: {errors[0].message}{more}",
            fix=f"{errors[0].fix}; {inspect} shows all",
        )
    return tree, layout


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How images are read: whether the target needs the size of each; whether the labels are
    trusted with it, so that no image of which they say one is opened, or else every image is
    decoded; and whether what cannot be read is left out, or ends it. Where all were decoded
    already, what is `broken` is said, with why."""

    needs_sizes: bool
    trusts_labels: bool = False
    skips_broken: bool = False
    broken: Mapping[str, str] | None = None


def read_source(
    tree: FileTree,
    layout: Layout,
    wish: ReadingOptions,
    progress: Progress = lambda done, of: None,
) -> SourceData:
    """Every image with its labels; with the size of each where the target needs it.

    Raises `Permanent` where an image cannot be read, unless those are to be skipped, or a mask
    cannot be used.
    """
    images = {item.image: item for part in layout.splits.values() for item in part.items}
    named = {*list_targets(layout)}
    is_needed = wish.needs_sizes or layout.format in ("yolo", "masks")
    headers = {
        image: ImageHeader(size=item.size, kind="")
        for image, item in images.items()
        if wish.trusts_labels and _is_trusted(item.size) and is_image(image)
    }
    opened, faults = read_headers(
        tree.root,
        [one for one in images if one not in headers and (is_needed or not is_image(one))],
    )
    headers |= opened
    # Masks are read in any case.
    pixels = named if wish.trusts_labels else {*images, *named}
    faults |= find_broken(tree.root, pixels, progress) if wish.broken is None else wish.broken
    if faults:
        layout = _leave_out(tree.root, layout, faults, is_wanted=wish.skips_broken)
    splits: Mapping[str, Sequence[Sample]] = {
        split: part.items for split, part in layout.splits.items()
    }
    if layout.format == "yolo":
        sizes = {image: header.size for image, header in headers.items()}
        splits = read_yolo(tree, layout, get_row_form(layout), sizes.get)
        splits = {
            split: [one for one in part if one.image not in faults]
            for split, part in splits.items()
        }
    elif layout.format == "masks":
        splits = read_masks(tree.root, layout, lambda image: headers[image].size)
    elif layout.tasks == ("multilabel-classification",):
        splits = {split: [*map(_take_labels, part)] for split, part in splits.items()}
    return SourceData(
        tree=tree,
        layout=layout,
        splits=splits,
        headers=headers,
        loose=[image for image in tree.images if image not in images and image not in named],
        broken=faults,
    )


def list_targets(layout: Layout) -> list[str]:
    """The second images of pairs."""
    return [
        item.target.path
        for part in layout.splits.values()
        for item in part.items
        if item.target is not None
    ]


def find_broken(root: Path, images: Iterable[str], progress: Progress) -> dict[str, str]:
    """The images that cannot be decoded, each with why."""
    wanted = [*dict.fromkeys(images)]
    faults = {}
    # As targets: how they are shown does not matter.
    for done, look in enumerate(inspect_images(root, wanted, wanted), 1):
        progress(done, len(wanted))
        if look.fault is not None:
            faults[look.image] = look.fault
    return faults


def _leave_out(
    root: Path, layout: Layout, faults: Mapping[str, str], *, is_wanted: bool
) -> Layout:
    """The layout without what is broken. Raises `Permanent` where nobody wants that."""
    if not is_wanted:
        named = ", ".join(f"{image}: {why}" for image, why in [*sorted(faults.items())][:3])
        more = f" and {len(faults) - 3:,} more" if len(faults) > 3 else ""
        inspect = format_command("vtspec", "datasets", "inspect", root)
        raise Permanent(
            f"{pluralize(len(faults), 'image')} cannot be read: {named}{more}",
            fix=f"{inspect} lists them, --skip-broken leaves them out",
        )
    return replace(
        layout,
        splits={
            split: replace(
                part, items=tuple(item for item in part.items if not _is_broken(item, faults))
            )
            for split, part in layout.splits.items()
        },
    )


def _is_broken(sample: Sample, faults: Mapping[str, str]) -> bool:
    return sample.image in faults or (sample.target is not None and sample.target.path in faults)


def _is_trusted(size: Size | None) -> TypeGuard[Size]:
    """Whether an image may be of the size that its labels say: what is drawn of it is as large."""
    return size is not None and size[0] * size[1] <= MAX_PIXELS


def _take_labels(sample: Sample) -> Sample:
    """The sample with classes that have no place as labels of the image, as tables have them."""
    return sample._replace(labels=tuple(dict.fromkeys(sample.classes)), annotations=())


def read_masks(
    root: Path, layout: Layout, get_size: Callable[[str], Size]
) -> dict[str, Sequence[Sample]]:
    """The images of a dataset of masks, with an object for each class that one shows: which
    pixels are of one thing, a mask does not say. Raises `Permanent`."""
    return {
        split: [
            one._replace(annotations=_read_areas(root, layout, one, get_size(one.image)))
            for one in part.items
        ]
        for split, part in layout.splits.items()
    }


def _read_areas(root: Path, layout: Layout, sample: Sample, size: Size) -> tuple[Annotation, ...]:
    assert sample.target is not None
    try:
        indexes = read_indexes(root / sample.target.path, layout.classes, size)
    except (ValueError, OSError, UnreadableImageError) as error:
        raise Permanent(
            f"{root / sample.target.path} {error}",
            fix="write the masks anew: a grey pixel is the index of its class",
        ) from error
    return tuple(
        Annotation(
            class_name=name,
            mask=encode_pixels(Raster(x=0, y=0, pixels=indexes == index), size),
        )
        for index, name in enumerate(layout.classes)
        if index != IGNORED and (indexes == index).any()
    )
