"""A folder a class, with or without a folder a split above them."""

from .file_tree import FileTree, find_splits
from .layout import DatasetIssue, Layout, Sample, SplitLayout


def detect_imagefolder(tree: FileTree) -> Layout | None:
    """`train/<class>/…`, or `<class>/…`; None where images lie otherwise."""
    if not tree.images:
        return None
    splits = find_splits(tree.list_folders())
    if "train" in splits:
        parts = {split: _build_split(tree, name) for split, name in splits.items()}
        why = f"images lie in {splits['train']}/<class>/"
    else:
        parts = {"all": _build_split(tree, "")}
        why = "images lie in <class>/, in no folder of a split"
    classes = sorted(
        {name for part in parts.values() for item in part.items for name in item.classes}
    )
    if not classes:
        return None
    return Layout(
        format="imagefolder",
        why=why,
        tasks=("image-classification",),
        classes=tuple(classes),
        splits=parts,
        findings=tuple(
            _check_loose_images(tree, list(splits.values()) if "train" in splits else [])
        ),
    )


def _build_split(tree: FileTree, folder: str) -> SplitLayout:
    prefix = f"{folder}/" if folder else ""
    items = tuple(
        Sample(image=image, classes=(image.removeprefix(prefix).split("/", 1)[0],))
        for name in tree.list_folders(folder)
        for image in tree.list_images(prefix + name)
    )
    return SplitLayout(path=folder or ".", items=items)


def _check_loose_images(tree: FileTree, splits: list[str]) -> list[DatasetIssue]:
    """Images that lie in no class, or in no split."""
    prefixes = [f"{name}/" for name in splits]
    loose = []
    for image in tree.images:
        inside = next((p for p in prefixes if image.startswith(p)), "" if not splits else None)
        if inside is None or "/" not in image.removeprefix(inside):
            loose.append(image)
    if not loose:
        return []
    return [
        DatasetIssue(
            severity="warning",
            message=f"{len(loose)} images lie outside the folders of the classes",
            fix="move them into the folder of their class, or delete them",
            files=tuple(loose),
        )
    ]
