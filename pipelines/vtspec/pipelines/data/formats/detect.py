"""Which format a folder is in."""

from collections.abc import Callable, Sequence
from typing import Final

from vtspec.pipelines.errors import Permanent

from .coco import coco
from .file_tree import Tree
from .imagefolder import imagefolder
from .layout import Layout
from .paired import pairs
from .tabular import tables
from .voc import voc
from .yolo import yolo

FORMATS: Final[Sequence[Callable[[Tree], Layout | None]]] = (
    coco,
    voc,
    yolo,
    pairs,
    tables,
    # Last, as the folders of every other format could be taken for classes.
    imagefolder,
)


def recognise(tree: Tree) -> Layout:
    """The layout of a folder, by the first format that fits. Raises `Permanent` without one."""
    for form in FORMATS:
        layout = form(tree)
        if layout is not None:
            return layout
    raise Permanent(
        f"{tree.root} is in no format that is known: {len(tree.files)} files, "
        f"{len(tree.images)} of them images, in {', '.join(tree.folders()[:5]) or 'no folder'}",
        fix="put the images of each class into train/<class>/ and val/<class>/",
    )
