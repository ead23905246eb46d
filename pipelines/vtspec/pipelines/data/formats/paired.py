"""Two images that belong together: an image and its mask, a low and a high resolution."""

import posixpath
from collections.abc import Mapping
from typing import Final

from .file_tree import Tree, splits_among
from .layout import Finding, Item, Layout, Part

_KINDS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("images", "masks"): ("masks", "semantic-segmentation"),
    ("images", "depth"): ("pairs", "depth-estimation"),
    ("rgb", "depth"): ("pairs", "depth-estimation"),
    ("low", "high"): ("pairs", "super-resolution"),
    ("lr", "hr"): ("pairs", "super-resolution"),
    ("input", "target"): ("pairs", "super-resolution"),
}
"""Names of the two folders: format and task."""


def pairs(tree: Tree) -> Layout | None:
    """`images/<split>` with `masks/<split>` (or the other way round), and the like."""
    kind = next((kind for kind in _KINDS if _folders(tree, *kind)), None)
    if kind is None:
        return None
    folders = _folders(tree, *kind)
    form, task = _KINDS[kind]
    findings: list[Finding] = []
    first, second = next(iter(folders.values()))
    return Layout(
        format=form,
        why=f"each image in {first}/ has one of the same name in {second}/",
        tasks=(task,),
        classes=_classes(tree, findings) if form == "masks" else (),
        splits={split: _part(tree, *pair, findings) for split, pair in folders.items()},
        findings=tuple(findings),
    )


def _folders(tree: Tree, source: str, target: str) -> dict[str, tuple[str, str]]:
    top = tree.folders()
    if source in top and target in top:
        found = splits_among(tree.folders(source))
        pairs = {s: (f"{source}/{n}", f"{target}/{n}") for s, n in found.items()}
        pairs = pairs or {"all": (source, target)}
    else:
        pairs = {s: (f"{n}/{source}", f"{n}/{target}") for s, n in splits_among(top).items()}
    return {
        split: pair
        for split, pair in pairs.items()
        if tree.images_below(pair[0]) and tree.images_below(pair[1])
    }


def _classes(tree: Tree, findings: list[Finding]) -> tuple[str, ...]:
    if tree.has("classes.txt"):
        return tuple(
            line.strip() for line in tree.text("classes.txt").splitlines() if line.strip()
        )
    findings.append(
        Finding(
            severity="error",
            message="there is no classes.txt with the names of the classes",
            fix="write one name a line into classes.txt: the first is that of pixel value 0",
        )
    )
    return ()


def _part(tree: Tree, source: str, target: str, findings: list[Finding]) -> Part:
    def stem(image: str, folder: str) -> str:
        return posixpath.splitext(image.removeprefix(f"{folder}/"))[0]

    targets = {stem(image, target) for image in tree.images_below(target)}
    images = tree.images_below(source)
    alone = tuple(image for image in images if stem(image, source) not in targets)
    if alone:
        findings.append(
            Finding(
                severity="error",
                message=f"{len(alone)} images in {source}/ have no namesake in {target}/",
                fix="add what is missing, or take the images out",
                files=alone,
            )
        )
    items = tuple(Item(image=image) for image in images if image not in set(alone))
    return Part(path=source, targets=target, items=items)
