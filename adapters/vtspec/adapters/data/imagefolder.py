"""imagefolder: one folder a class below the split's folder, images at any depth beneath it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from vtspec.adapters.contract import Split

from .annotations import Sample
from .defects import Defect
from .file_tree import FileTree


def read_imagefolder(
    tree: FileTree, split: str, where: Split, classes: Sequence[str] | None = None
) -> Iterator[Sample | Defect]:
    """The images of a split, class by class in the order of the folders' names.

    A folder with an image in it is a class; one that is none of `classes` is an `unknown-class`
    before any image. Folders without images are passed over: a content hash does not know empty
    ones either. Images right in the split's folder are of no class and left out.
    """
    folder = posixpath.normpath(where.path)
    below, prefix = ("", "") if folder == "." else (folder, f"{folder}/")
    found = {name: tree.list_images(prefix + name) for name in tree.list_folders(below)}
    if classes is not None:
        for name in sorted({name for name, images in found.items() if images} - {*classes}):
            yield Defect(kind="unknown-class", file=prefix + name, detail=name)
    for name, images in found.items():
        for image in images:
            yield Sample(image=image, split=split, label=name)
