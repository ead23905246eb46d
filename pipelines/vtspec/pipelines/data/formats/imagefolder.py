"""A folder a class, with or without a folder a split above them."""

from vtspec.adapters.contract import Split
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.imagefolder import read_imagefolder

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
        findings=tuple(_check_loose_images(tree, [part.path for part in parts.values()])),
    )


def _build_split(tree: FileTree, split: str, folder: str) -> SplitLayout:
    items, _ = separate_defects(read_imagefolder(tree, split, Split(path=folder)))
    return SplitLayout(path=folder, items=items)


def _check_loose_images(tree: FileTree, folders: list[str]) -> list[DatasetIssue]:
    """Images that lie in no class, or in no split."""
    prefixes = ["" if folder == "." else f"{folder}/" for folder in folders]
    loose = []
    for image in tree.images:
        inside = next((prefix for prefix in prefixes if image.startswith(prefix)), None)
        if inside is None or "/" not in image.removeprefix(inside):
            loose.append(image)
    # Training passes over them in silence, so they are told here.
    if not loose:
        return []
    return [
        make_warning(
            f"{len(loose)} images lie outside the folders of the classes",
            "move them into the folder of their class, or delete them",
            loose,
        )
    ]
