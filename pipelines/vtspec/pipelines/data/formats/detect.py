"""Which format a folder is in."""

from collections.abc import Callable, Sequence
from typing import Final

from vtspec.adapters.data.file_tree import FileTree
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.formatting import pluralize

from .coco import detect_coco
from .imagefolder import detect_imagefolder
from .layout import Layout
from .paired import detect_pairs
from .tabular import detect_tables
from .voc import detect_voc
from .yolo import detect_yolo

FORMATS: Final[Sequence[Callable[[FileTree], Layout | None]]] = (
    detect_coco,
    detect_voc,
    detect_yolo,
    detect_pairs,
    detect_tables,
    # Last, as the folders of every other format could be taken for classes.
    detect_imagefolder,
)


def detect_layout(tree: FileTree) -> Layout:
    """The layout of a folder, by the first format that fits. Raises `Permanent` without one."""
    for form in FORMATS:
        layout = form(tree)
        if layout is not None:
            return layout
    raise Permanent(
        f"{tree.root} is in no format that is known: {pluralize(len(tree.files), 'file')}, "
        f"{len(tree.images)} of them images, "
        f"in {', '.join(tree.list_folders()[:5]) or 'no folder'}",
        fix="put the images of each class into train/<class>/ and val/<class>/",
    )
