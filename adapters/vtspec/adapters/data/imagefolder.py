"""imagefolder: one folder a class below the split's folder, images at any depth beneath it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from vtspec.adapters.contract import Split

from .annotations import Defect, Sample
from .file_tree import FileTree


def read_imagefolder(
    tree: FileTree, split: str, where: Split, classes: Sequence[str] | None = None
) -> Iterator[Sample | Defect]:
    """The images of a split, class by class in the order of the folders' names.

    A folder that is none of `classes` is an `unknown-class` before any image; with None every
    folder with an image in it is a class. Images right in the split's folder are of no class and
    left out.
    """
    folder = posixpath.normpath(where.path)
    below, prefix = ("", "") if folder == "." else (folder, f"{folder}/")
    # Empty folders count: a misspelt one is a class that silently lost its images.
    if classes is not None:
        known = set(classes)
        for name in tree.list_all_folders(below):
            if name not in known:
                yield Defect(kind="unknown-class", file=prefix + name, detail=name)
    for name in tree.list_folders(below):
        for image in tree.list_images(prefix + name):
            yield Sample(image=image, split=split, label=name)
