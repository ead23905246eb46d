"""Two images that belong together: an image and its mask, a low and a high resolution."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from vtspec.adapters.contract import Split
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.paired import read_pairs

from .class_names import read_class_names
from .file_tree import find_folder_pairs
from .layout import (
    DatasetIssue,
    Layout,
    SplitLayout,
    make_error,
    separate_defects,
    summarize_defects,
)

_TargetKind: TypeAlias = Literal["mask", "depth", "high-resolution"]

_KINDS: Final[Mapping[tuple[str, str], _TargetKind]] = {
    ("images", "masks"): "mask",
    ("images", "depth"): "depth",
    ("rgb", "depth"): "depth",
    ("low", "high"): "high-resolution",
    ("lr", "hr"): "high-resolution",
    ("input", "target"): "high-resolution",
}
"""What the second image is, by the names of the two folders."""

_TASKS: Final[Mapping[_TargetKind, str]] = {
    "mask": "semantic-segmentation",
    "depth": "depth-estimation",
    "high-resolution": "super-resolution",
}


def detect_pairs(tree: FileTree) -> Layout | None:
    """`images/<split>` with `masks/<split>` (or the other way round), and the like."""

    def have_images(first: str, second: str) -> bool:
        return bool(tree.list_images(first) and tree.list_images(second))

    for names, kind in _KINDS.items():
        folders = find_folder_pairs(tree, *names, have_images)
        if folders:
            return _build_layout(tree, kind, folders)
    return None


def _build_layout(
    tree: FileTree, kind: _TargetKind, folders: Mapping[str, tuple[str, str]]
) -> Layout:
    findings: list[DatasetIssue] = []
    first, second = next(iter(folders.values()))
    return Layout(
        format="masks" if kind == "mask" else "pairs",
        why=f"each image in {first}/ has one of the same name in {second}/",
        tasks=(_TASKS[kind],),
        classes=_read_classes(tree, findings) if kind == "mask" else (),
        splits={
            split: _build_split(tree, kind, split, pair, findings)
            for split, pair in folders.items()
        },
        findings=tuple(findings),
    )


def _read_classes(tree: FileTree, findings: list[DatasetIssue]) -> tuple[str, ...]:
    if not tree.has("classes.txt"):
        why = "there is no classes.txt with the names of the classes"
    else:
        try:
            return read_class_names(tree)
        except ValueError as error:
            why = f"classes.txt cannot be read: {error}"
    fix = "write one name a line into classes.txt: the first is that of pixel value 0"
    findings.append(make_error(why, fix))
    return ()


def _build_split(
    tree: FileTree,
    kind: _TargetKind,
    split: str,
    pair: tuple[str, str],
    findings: list[DatasetIssue],
) -> SplitLayout:
    source, target = pair
    where = Split(path=source, targets=target)
    items, defects = separate_defects(read_pairs(tree, split, where, kind))
    findings += summarize_defects(defects)
    return SplitLayout(path=source, targets=target, items=items)
