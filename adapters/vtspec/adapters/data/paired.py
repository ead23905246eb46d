"""masks and pairs: two folders of images, where those of one name belong together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

from vtspec.adapters.contract import Split

from .annotations import Sample, Target
from .defects import Defect
from .file_tree import FileTree


def read_pairs(
    tree: FileTree, split: str, where: Split, kind: Literal["mask", "depth", "high-resolution"]
) -> Iterator[Sample | Defect]:
    """The images of a split, by path, each with the image of its name below `where.targets`;
    last the targets that belong to no image.

    Names are compared without their endings: a photograph is a JPEG, its mask is a PNG.
    """
    source = posixpath.normpath(where.path)
    target = posixpath.normpath(where.targets or "")
    # Looked up, not zipped: one missing mask would shift all that follow.
    targets: dict[str, str] = {}
    for path in tree.list_images(target):
        if targets.setdefault(_get_stem(path, target), path) != path:
            detail = f"has the name of {targets[_get_stem(path, target)]}"
            yield Defect(kind="repeated", file=path, detail=detail)
    image_of: dict[str, str] = {}
    for image in tree.list_images(source):
        path = targets.get(stem := _get_stem(image, source), "")
        if image_of.setdefault(stem, image) != image:
            detail = f"has the name of {image_of[stem]}"
            yield Defect(kind="repeated", file=image, detail=detail)
        elif not path:
            yield Defect(kind="missing-target", file=image, detail=target)
        else:
            yield Sample(image=image, split=split, target=Target(kind=kind, path=path))
    for stem, path in targets.items():
        if stem not in image_of:
            yield Defect(kind="orphan-label", file=path, detail="belongs to no image")


def _get_stem(image: str, folder: str) -> str:
    return posixpath.splitext(image.removeprefix(f"{folder}/"))[0]
