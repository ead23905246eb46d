"""What is wrong with data whose layout is known. Pure."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.data.annotations import BoundingBox, Sample, Size
from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.formats.layout import (
    DatasetIssue,
    Layout,
    make_error,
    make_warning,
)
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.project.spec_names import make_name
from vtspec.schema.kinds.patterns import TEMPLATE
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS
from vtspec.schema.yaml_source.decoding import UNPRINTABLE

from .duplicates import check_duplicates
from .image_probe import ImageInfo
from .mask_values import list_shown_classes

IMBALANCE: Final = 10
"""From how many times the rarest class's images on the most frequent one is called imbalanced."""

LONGEST_CLASS_NAME: Final = 100
"""Characters that a class name of a spec may have."""

_HARMLESS: Final = (".txt", ".md", ".json", ".jsonl", ".csv", ".yaml", ".yml", ".xml", ".cache")

_WITH_PLACES: Final = ("coco", "yolo", "voc", "masks", "pairs")
"""The formats whose labels are at places of the stored pixels."""


def check_dataset(
    tree: FileTree, layout: Layout, looks: Sequence[ImageInfo]
) -> Iterator[DatasetIssue]:
    """Everything wrong, errors and warnings, the layout's own findings first."""
    seen = {look.image: look for look in looks}
    yield from layout.findings
    yield from _check_splits(tree, layout)
    yield from _check_unusable(tree)
    yield from _check_broken(looks)
    yield from check_duplicates(layout, seen)
    yield from _check_classes(layout, seen)
    yield from _check_class_names(layout)
    yield from _check_sizes(layout, seen)
    if not any(finding.severity == "error" for finding in layout.findings):
        # What a label file that cannot be read would have named is not told once more.
        yield from _check_unread(tree, layout)
    yield from _check_names(tree)
    yield from _check_printable(tree)
    yield from _check_shown(layout, looks)


def check_labels(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    """What is wrong whatever the images show, and whether or not the data is split."""
    yield from layout.findings
    yield from _check_unusable(tree)
    yield from _check_class_names(layout)
    yield from _check_printable(tree)


def count_per_class(
    layout: Layout, items: Iterable[Sample], looks: Mapping[str, ImageInfo]
) -> dict[str, int]:
    """Labels of each class on images that can be decoded, every class in index order."""
    counts = Counter(
        name
        for item in items
        if looks[item.image].fault is None
        for name in list_labels(layout, item, looks)
    )
    return {name: counts[name] for name in layout.classes}


def list_labels(layout: Layout, item: Sample, looks: Mapping[str, ImageInfo]) -> Sequence[str]:
    """The class of each label of an image. A mask has one label of each class that has a pixel
    in it: which pixels are of one thing, it does not say."""
    if layout.format == "masks":
        return list_shown_classes(layout.classes, item, looks)
    return item.classes


def _check_splits(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    if "all" in layout.splits:
        # Somewhere else than where it lies, and where a repository keeps its data.
        target = f"data/{make_name(tree.root.name, otherwise='NAME')}"
        target = f"{target}-split" if tree.root.as_posix().endswith(target) else target
        split = format_command("vtspec", "datasets", "split", tree.root, target)
        yield make_error(
            "the data is not split into train and val",
            f"{split}    (copies it, 80 % train, 10 % val, 10 % test)"
            if layout.format == "imagefolder"
            else "put the images and labels of each split into folders train and val",
        )
        return
    for split in ("train", "val"):
        if split not in layout.splits:
            yield make_error(
                f"there is no split '{split}'",
                f"move a part of the images and labels to '{split}'; it must not be in another",
            )
        elif not layout.splits[split].items:
            yield make_error(f"split '{split}' has no images", "add some, or correct its paths")


def _check_unusable(tree: FileTree) -> Iterator[DatasetIssue]:
    if tree.unusable:
        yield make_error(
            f"{pluralize(len(tree.unusable), 'thing')} that no content hash covers: "
            "links to folders or to nothing, pipes, devices",
            "put the files themselves there",
            tree.unusable,
        )


def _check_broken(looks: Sequence[ImageInfo]) -> Iterator[DatasetIssue]:
    by_fault: dict[str, list[str]] = defaultdict(list)
    for look in looks:
        if look.fault:
            # Pillow adds how many bytes are left, which differs from file to file.
            by_fault[re.sub(r" \(.*\)$", "", look.fault)].append(look.image)
    for fault, images in sorted(by_fault.items()):
        yield make_error(
            f"{pluralize(len(images), 'broken image')}: {fault}",
            "write them anew, or delete them",
            images,
        )


def _check_classes(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    if set(layout.tasks) <= CLASSLESS_TASKS:
        return
    if layout.tasks == ("image-classification",):
        yield from _check_class_count(layout)
    for split, part in layout.splits.items():
        counts = count_per_class(layout, part.items, looks)
        empty = [name for name, count in counts.items() if not count]
        if empty and part.items:
            # A classifier is refused such a split; a detector learns that there is nothing.
            is_refused = split == "train" and "image-classification" in layout.tasks
            make_issue = make_error if is_refused else make_warning
            yield make_issue(
                f"split '{split}' has nothing of {_format_names(empty)}",
                "add images of it, or take the class out of every split",
            )
    train = layout.splits.get("train") or layout.splits.get("all")
    found = count_per_class(layout, train.items, looks) if train else {}
    counts = {name: count for name, count in found.items() if count}
    if counts and max(counts.values()) >= IMBALANCE * min(counts.values()):
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield make_warning(
            f"classes are imbalanced: {counts[most]} of {most!r}, {counts[least]} of {least!r}",
            "add images of the rare classes, or set training.classWeights to balanced",
        )


def _check_class_count(layout: Layout) -> Iterator[DatasetIssue]:
    if len(layout.classes) == 1:
        yield make_error(
            f"there is one class, {layout.classes[0]!r}: nothing to tell apart",
            "add images of another class",
        )
    elif not layout.classes and any(part.items for part in layout.splits.values()):
        yield make_error(
            "no image has a label", "write the name of its class, as text, beside each"
        )


def _check_class_names(layout: Layout) -> Iterator[DatasetIssue]:
    """Names that a spec cannot hold, each with the first place where it stands."""
    for name in layout.classes:
        fault = _find_name_fault(name)
        if fault:
            items = (item for part in layout.splits.values() for item in part.items)
            first = next((i.place or i.image for i in items if name in i.classes), None)
            yield make_error(
                f"the class name {ascii(name)[:80]} {fault}",
                "rename the class in the data",
                [first] if first else [],
            )


def _find_name_fault(name: str) -> str | None:
    strange = UNPRINTABLE.search(name)
    if strange:
        return f"has the character U+{ord(strange[0]):04X}, which cannot be shown"
    if not name.strip() or name != name.strip():
        return "begins or ends with a blank"
    if len(name) > LONGEST_CLASS_NAME:
        return f"has more than {LONGEST_CLASS_NAME} characters"
    if re.search(TEMPLATE, name):
        return "has '{{', the mark of a template"
    return "is more than one line" if "\n" in name or "\r" in name else None


def _check_sizes(layout: Layout, looks: Mapping[str, ImageInfo]) -> Iterator[DatasetIssue]:
    """Images that are of another size than their labels say, and boxes that reach outside."""
    other, outside = [], []
    for part in layout.splits.values():
        for item in part.items:
            look = looks[item.image]
            if item.size is None or look.fault:
                continue
            if item.size != (look.width, look.height):
                other.append(item.image)
            elif any(_reaches_outside(a.box, item.size) for a in item.annotations if a.box):
                outside.append(item.image)
    if other:
        yield make_warning(
            f"{pluralize(len(other), 'image')} of another size than the labels say",
            "make the labels anew for the images as they are",
            other,
        )
    if outside:
        yield make_warning(
            f"{pluralize(len(outside), 'image')} with a box that reaches outside of the image",
            "cut the boxes off at the image's sides",
            outside,
        )


def _reaches_outside(box: BoundingBox, size: Size) -> bool:
    # Within a pixel it is rounding.
    return min(box.x_min, box.y_min, size[0] - box.x_max, size[1] - box.y_max) < -1


def _check_unread(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    """Images and tables that no split has: training passes over them in silence."""
    items = [item for part in layout.splits.values() for item in part.items]
    read = {item.image for item in items} | {item.target.path for item in items if item.target}
    loose = [image for image in tree.images if image not in read]
    if loose:
        where = (
            "outside the folders of the classes"
            if layout.format == "imagefolder"
            else "in no split, or have no label there"
        )
        yield make_warning(
            f"{pluralize(len(loose), 'image')} {where}",
            "add them to a split, or delete them",
            loose,
        )
    tables = [file for file in tree.files if _is_table(file)]
    if tables and layout.format not in ("csv", "jsonl"):
        yield make_warning(
            f"{pluralize(len(tables), 'table')} not read: the format is {layout.format}",
            "name a table train.csv to have it read, or delete them",
            tables,
        )


def _is_table(file: str) -> bool:
    return posixpath.splitext(file)[1] in (".csv", ".jsonl") and not is_hidden(file)


def _check_names(tree: FileTree) -> Iterator[DatasetIssue]:
    lower: dict[str, list[str]] = defaultdict(list)
    for file in tree.files:
        # Checked out on macOS, one would overwrite the other.
        lower[file.casefold()].append(file)
    collisions = [file for group in lower.values() if len(group) > 1 for file in group]
    if collisions:
        yield make_warning(
            f"{pluralize(len(collisions), 'name')} that differ only in case: "
            "macOS takes them for one",
            "rename them",
            collisions,
        )
    other = [file for file in tree.files if not _is_expected(tree, file)]
    if other:
        yield make_warning(
            f"{pluralize(len(other), 'file')} other than images and labels",
            "delete what does not belong to the data: it is hashed and stored with it",
            other,
        )


def _check_printable(tree: FileTree) -> Iterator[DatasetIssue]:
    strange = [file for file in tree.files if not file.isprintable()]
    if strange:
        yield make_error(
            f"{pluralize(len(strange), 'name')} with characters that cannot be shown",
            "rename them",
            strange,
        )


def _is_expected(tree: FileTree, file: str) -> bool:
    name = posixpath.basename(file)
    stem, suffix = posixpath.splitext(name.lower())
    return (
        file in tree.image_set or suffix in _HARMLESS or stem in ("readme", "license", "licence")
    )


def _check_shown(layout: Layout, looks: Sequence[ImageInfo]) -> Iterator[DatasetIssue]:
    turned = [look.image for look in looks if look.turned]
    if turned and layout.format in _WITH_PLACES:
        yield make_warning(
            f"{pluralize(len(turned), 'image')} that EXIF turns, under labels that have a place",
            "turn the pixels themselves, so that both agree: mogrify -auto-orient FILE…",
            turned,
        )
    animated = [look.image for look in looks if look.animated]
    if animated:
        yield make_warning(
            f"{pluralize(len(animated), 'image')} of several frames: only the first is used",
            "save each frame that counts as an image of its own",
            animated,
        )
    blank = [look.image for look in looks if look.blank]
    if blank:
        yield make_warning(
            f"{pluralize(len(blank), 'image')} whose alpha, laid over white, leaves one colour",
            "lay them over another colour: mogrify -background black -alpha remove FILE…",
            blank,
        )
    dark = [look.image for look in looks if look.dark]
    if dark:
        yield make_warning(
            f"{pluralize(len(dark), 'image')} of 16 bits that use the lowest 12 or fewer: "
            "they show almost black",
            "scale them so that white is 65535, all by the same factor",
            dark,
        )


def _format_names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    more = pluralize(len(names) - 5, "more class", "more classes")
    return shown if len(names) <= 5 else f"{shown} and {more}"
