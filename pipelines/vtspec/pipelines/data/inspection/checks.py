"""What is wrong with data whose layout is known. Pure."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from vtspec.pipelines.data.formats.file_tree import Tree
from vtspec.pipelines.data.formats.layout import Finding, Item, Layout
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS

from .image_probe import Look

IMBALANCE: Final = 10
"""From how many times the rarest class's images on the most frequent one is called imbalanced."""

_HARMLESS: Final = (".txt", ".md", ".json", ".jsonl", ".csv", ".yaml", ".yml", ".xml", ".cache")


def check(tree: Tree, layout: Layout, looks: Sequence[Look]) -> Iterator[Finding]:
    """Everything wrong, errors and warnings, the layout's own findings first."""
    yield from layout.findings
    yield from _splits(layout)
    yield from _unusable(tree)
    yield from _broken(looks)
    yield from _duplicates(layout, {look.image: look for look in looks})
    yield from _classes(layout)
    yield from _names(tree)
    yield from _turned(looks)


def per_class(layout: Layout, items: Iterable[Item]) -> dict[str, int]:
    """Labels of each class, every class of the layout in index order."""
    counts = Counter(name for item in items for name in item.classes)
    return {name: counts[name] for name in layout.classes}


def _splits(layout: Layout) -> Iterator[Finding]:
    if "all" in layout.splits:
        yield _error(
            "the data is not split into train and val",
            "vtspec datasets split PATH NEW_PATH    (copies it, 80 % train, 10 % val, 10 % test)"
            if layout.format == "imagefolder"
            else "put the images and labels of each split into folders train and val",
        )
        return
    for split in ("train", "val"):
        if split not in layout.splits:
            yield _error(
                f"there is no split '{split}'",
                f"move a part of the images and labels to '{split}'; it must not be in another",
            )
        elif not layout.splits[split].items:
            yield _error(f"split '{split}' has no images", "add some, or correct its paths")


def _unusable(tree: Tree) -> Iterator[Finding]:
    if tree.unusable:
        yield _error(
            f"{_counted('thing', tree.unusable)} that no content hash covers: links to folders or "
            "to nothing, pipes, devices",
            "put the files themselves there",
            tree.unusable,
        )


def _broken(looks: Sequence[Look]) -> Iterator[Finding]:
    by_fault: dict[str, list[str]] = defaultdict(list)
    for look in looks:
        if look.fault:
            # Pillow adds how many bytes are left, which differs from file to file.
            by_fault[re.sub(r" \(.*\)$", "", look.fault)].append(look.image)
    for fault, images in sorted(by_fault.items()):
        yield _error(
            f"{_counted('broken image', images)}: {fault}",
            "write them anew, or delete them",
            images,
        )


def _duplicates(layout: Layout, looks: Mapping[str, Look]) -> Iterator[Finding]:
    same: dict[str, list[tuple[str, Item]]] = defaultdict(list)
    for split, part in layout.splits.items():
        for item in part.items:
            look = looks.get(item.image)
            if look is not None and look.pixels:
                same[look.pixels].append((split, item))
    groups = [group for group in same.values() if len(group) > 1]
    leaks = [group for group in groups if len({split for split, _ in group}) > 1]
    if leaks:
        yield _warning(
            f"{_counted('image', leaks)} in more than one split: figures will flatter",
            "keep each of them in one split only",
            [item.image for group in leaks for _, item in group],
        )
    torn = [group for group in groups if len({item.classes for _, item in group}) > 1]
    if torn and layout.format in ("imagefolder", "csv", "jsonl"):
        yield _warning(
            f"{_counted('image', torn)} with more than one label",
            "decide which label is right, and delete the other copies",
            [item.image for group in torn for _, item in group],
        )
    within = [group for group in groups if group not in leaks]
    if within:
        yield _warning(
            f"{_counted('image', within)} more than once in a split",
            "delete the copies, unless they are meant to weigh more",
            [item.image for group in within for _, item in group],
        )


def _classes(layout: Layout) -> Iterator[Finding]:
    if set(layout.tasks) <= CLASSLESS_TASKS or layout.format == "masks":
        return
    if layout.tasks == ("image-classification",):
        yield from _too_few(layout)
    for split, part in layout.splits.items():
        counts = per_class(layout, part.items)
        empty = [name for name, count in counts.items() if not count]
        if empty and part.items:
            found = _error if split == "train" and layout.format == "imagefolder" else _warning
            yield found(
                f"split '{split}' has nothing of {_some(empty)}",
                "add images of it, or take the class out of every split",
            )
    train = layout.splits.get("train") or layout.splits.get("all")
    counts = {n: c for n, c in per_class(layout, train.items).items() if c} if train else {}
    if counts and max(counts.values()) >= IMBALANCE * min(counts.values()):
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield _warning(
            f"classes are imbalanced: {counts[most]} of {most!r}, {counts[least]} of {least!r}",
            "add images of the rare classes, or set training.classWeights to balanced",
        )


def _too_few(layout: Layout) -> Iterator[Finding]:
    if len(layout.classes) == 1:
        yield _error(
            f"there is one class, {layout.classes[0]!r}: nothing to tell apart",
            "add images of another class",
        )
    elif not layout.classes and any(part.items for part in layout.splits.values()):
        yield _error("no image has a label", "write the name of its class, as text, beside each")


def _names(tree: Tree) -> Iterator[Finding]:
    lower: dict[str, list[str]] = defaultdict(list)
    for file in tree.files:
        lower[file.casefold()].append(file)
    collisions = [file for group in lower.values() if len(group) > 1 for file in group]
    if collisions:
        yield _warning(
            f"{_counted('name', collisions)} that differ only in case: macOS takes them for one",
            "rename them",
            collisions,
        )
    other = [file for file in tree.files if not _expected(tree, file)]
    if other:
        yield _warning(
            f"{_counted('file', other)} other than images and labels",
            "delete what does not belong to the data: it is hashed and stored with it",
            other,
        )
    strange = [file for file in tree.files if not file.isprintable()]
    if strange:
        yield _error(
            f"{_counted('name', strange)} with characters that cannot be shown",
            "rename them",
            strange,
        )


def _expected(tree: Tree, file: str) -> bool:
    name = posixpath.basename(file)
    stem, suffix = posixpath.splitext(name.lower())
    return (
        file in tree.image_set or suffix in _HARMLESS or stem in ("readme", "license", "licence")
    )


def _turned(looks: Sequence[Look]) -> Iterator[Finding]:
    turned = [look.image for look in looks if look.turned]
    if turned:
        yield _warning(
            f"{_counted('image', turned)} that EXIF asks to turn; training does not",
            "turn the pixels themselves: mogrify -auto-orient FILE…",
            turned,
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more classes"


def _counted(word: str, things: Sequence[object]) -> str:
    return f"{len(things):,} {word}" if len(things) == 1 else f"{len(things):,} {word}s"


def _error(message: str, fix: str, files: Iterable[str] = ()) -> Finding:
    return Finding(severity="error", message=message, fix=fix, files=tuple(files))


def _warning(message: str, fix: str, files: Iterable[str] = ()) -> Finding:
    return Finding(severity="warning", message=message, fix=fix, files=tuple(files))
