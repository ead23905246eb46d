"""A folder a class, with or without a folder a split above them."""

import posixpath
from collections.abc import Iterable, Iterator

from vtspec.adapters.contract import Split
from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.adapters.data.imagefolder import read_imagefolder
from vtspec.pipelines.formatting import pluralize

from .file_tree import find_splits
from .layout import DatasetIssue, Layout, SplitLayout, list_classes, make_warning, separate_defects


def detect_imagefolder(tree: FileTree) -> Layout | None:
    """`train/<class>/…`, or `<class>/…`; None where images lie otherwise."""
    if not tree.images:
        return None
    splits = find_splits(tree.list_folders())
    if "train" in splits:
        why = f"images lie in {splits['train']}/<class>/"
    else:
        splits = {"all": "."}
        why = "images lie in <class>/, in no folder of a split"
    parts = {split: _build_split(tree, split, folder) for split, folder in splits.items()}
    classes = list_classes(parts)
    if not classes:
        return None
    return Layout(
        format="imagefolder",
        why=why,
        tasks=("image-classification",),
        classes=classes,
        splits=parts,
        findings=tuple(_check_empty_folders(tree, [part.path for part in parts.values()])),
    )


def _build_split(tree: FileTree, split: str, folder: str) -> SplitLayout:
    items, _ = separate_defects(read_imagefolder(tree, split, Split(path=folder)))
    return SplitLayout(path=folder, items=items)


def _check_empty_folders(tree: FileTree, splits: Iterable[str]) -> Iterator[DatasetIssue]:
    """Folders where a class is looked for, and that hold no image."""
    empty = [path for split in splits for path in _list_empty_folders(tree, split)]
    if empty:
        # Training passes over them in silence, so they are told here.
        yield make_warning(
            f"no class is made of {pluralize(len(empty), 'folder')} without an image "
            f"(of the endings png, jpg, …): {', '.join(empty[:5])}",
            "put its images in, or delete the folder",
            empty,
        )


def _list_empty_folders(tree: FileTree, split: str) -> list[str]:
    below = tree.root if split == "." else tree.root / split
    # The list of files does not know a folder that has none.
    found = (item for item in below.iterdir() if item.is_dir() and not item.is_symlink())
    names = sorted(item.name for item in found if not is_hidden(item.name))
    paths = (posixpath.normpath(f"{split}/{name}") for name in names)
    return [path for path in paths if not tree.list_images(path)]
