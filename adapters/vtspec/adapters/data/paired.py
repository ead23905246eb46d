"""masks and pairs: two folders of images, where those of one name belong together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

from vtspec.adapters.contract import Split

from .annotations import Defect, Sample, Target
from .file_tree import FileTree


def read_pairs(
    tree: FileTree, split: str, where: Split, kind: Literal["mask", "depth", "high-resolution"]
) -> Iterator[Sample | Defect]:
    """The images of a split, by path, each with the image of its name below `where.targets`.

    Names are compared without their endings: a photograph is a JPEG, its mask is a PNG.
    """
    source = posixpath.normpath(where.path)
    target = posixpath.normpath(where.targets or "")
    # Looked up, not zipped: one missing mask would shift all that follow.
    targets = {_get_stem(image, target): image for image in tree.list_images(target)}
    for image in tree.list_images(source):
        path = targets.get(_get_stem(image, source))
        if path is None:
            yield Defect(kind="missing-target", file=image, detail=target)
        else:
            yield Sample(image=image, split=split, target=Target(kind=kind, path=path))


def _get_stem(image: str, folder: str) -> str:
    return posixpath.splitext(image.removeprefix(f"{folder}/"))[0]
