"""Two images that belong together: an image and its mask, a low and a high resolution."""

import posixpath
from collections.abc import Mapping
from typing import Final

from .file_tree import FileTree, find_splits
from .layout import DatasetIssue, Layout, Sample, SplitLayout

_KINDS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("images", "masks"): ("masks", "semantic-segmentation"),
    ("images", "depth"): ("pairs", "depth-estimation"),
    ("rgb", "depth"): ("pairs", "depth-estimation"),
    ("low", "high"): ("pairs", "super-resolution"),
    ("lr", "hr"): ("pairs", "super-resolution"),
    ("input", "target"): ("pairs", "super-resolution"),
}
"""Names of the two folders: format and task."""


def detect_pairs(tree: FileTree) -> Layout | None:
    """`images/<split>` with `masks/<split>` (or the other way round), and the like."""
    kind = next((kind for kind in _KINDS if _find_folders(tree, *kind)), None)
    if kind is None:
        return None
    folders = _find_folders(tree, *kind)
    form, task = _KINDS[kind]
    findings: list[DatasetIssue] = []
    first, second = next(iter(folders.values()))
    return Layout(
        format=form,
        why=f"each image in {first}/ has one of the same name in {second}/",
        tasks=(task,),
        classes=_read_classes(tree, findings) if form == "masks" else (),
        splits={split: _build_split(tree, *pair, findings) for split, pair in folders.items()},
        findings=tuple(findings),
    )


def _find_folders(tree: FileTree, source: str, target: str) -> dict[str, tuple[str, str]]:
    top = tree.list_folders()
    if source in top and target in top:
        found = find_splits(tree.list_folders(source))
        pairs = {s: (f"{source}/{n}", f"{target}/{n}") for s, n in found.items()}
        pairs = pairs or {"all": (source, target)}
    else:
        pairs = {s: (f"{n}/{source}", f"{n}/{target}") for s, n in find_splits(top).items()}
    return {
        split: pair
        for split, pair in pairs.items()
        if tree.list_images(pair[0]) and tree.list_images(pair[1])
    }


def _read_classes(tree: FileTree, findings: list[DatasetIssue]) -> tuple[str, ...]:
    if tree.has("classes.txt"):
        return tuple(
            line.strip() for line in tree.read_text("classes.txt").splitlines() if line.strip()
        )
    findings.append(
        DatasetIssue(
            severity="error",
            message="there is no classes.txt with the names of the classes",
            fix="write one name a line into classes.txt: the first is that of pixel value 0",
        )
    )
    return ()


def _build_split(
    tree: FileTree, source: str, target: str, findings: list[DatasetIssue]
) -> SplitLayout:
    def stem(image: str, folder: str) -> str:
        return posixpath.splitext(image.removeprefix(f"{folder}/"))[0]

    targets = {stem(image, target) for image in tree.list_images(target)}
    images = tree.list_images(source)
    alone = tuple(image for image in images if stem(image, source) not in targets)
    if alone:
        findings.append(
            DatasetIssue(
                severity="error",
                message=f"{len(alone)} images in {source}/ have no namesake in {target}/",
                fix="add what is missing, or take the images out",
                files=alone,
            )
        )
    items = tuple(Sample(image=image) for image in images if image not in set(alone))
    return SplitLayout(path=source, targets=target, items=items)
