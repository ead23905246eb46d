"""A split of a job's dataset as samples of the neutral annotation model, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vtspec.adapters.contract import AdapterError, DatasetJob, Split
from vtspec.adapters.suggestions import suggest_fix
from vtspec.adapters.system_errors import explain_system_error

from .file_tree import FileTree, scan_files

if TYPE_CHECKING:
    from .annotations import Sample
    from .defects import Defect
    from .yolo import GetSize, RowForm


def read_split(
    data: DatasetJob,
    split: str,
    *,
    rows: RowForm = "boxes",
    get_size: GetSize = lambda image: None,
    pairs: Literal["depth", "high-resolution"] = "high-resolution",
) -> Iterator[Sample | Defect]:
    """The split's images in the order of its format, and what is wrong with them, as it is read.

    Files do not tell all: `rows` says what the numbers of a YOLO row are, `get_size` how large
    an image is (YOLO alone needs it), `pairs` what the second image of a pair is.

    Raises:
        AdapterError: the dataset has no such split, a folder or file of it is not there or
            cannot be read, or something in it is neither a file nor a folder.
    """
    where = data.splits.get(split)
    if where is None:
        raise AdapterError(
            f"the dataset has no split '{split}'", f"take one of {', '.join(data.splits)}"
        )
    # One reader is enough, and a validation that only asks an adapter for its params needs none.
    match data.format:
        case "imagefolder":
            from .imagefolder import read_imagefolder

            return read_imagefolder(_scan(data, where.path), split, where, data.all_classes)
        case "csv" | "jsonl":
            from .tabular import get_image_folder, read_table

            _check_file(data, where)
            return read_table(_scan(data, get_image_folder(where)), split, where)
        case "coco":
            from .coco import read_coco

            _check_file(data, where)
            return read_coco(_scan(data, where.path), split, where)
        case "yolo":
            from .yolo import YoloReader, find_label_folder

            tree = _scan(data, where.path, find_label_folder(where.path))
            reader = YoloReader(tree=tree, classes=data.all_classes, form=rows, get_size=get_size)
            return reader.read_split(split, where)
        case "voc":
            from .voc import ANNOTATIONS, IMAGES, VocReader

            return VocReader(_scan(data, IMAGES, ANNOTATIONS)).read_split(split, where)
        case _:
            from .paired import read_pairs

            tree = _scan(data, where.path, where.targets or where.path)
            return read_pairs(tree, split, where, "mask" if data.format == "masks" else pairs)


def make_defect_error(defect: Defect, data: DatasetJob) -> AdapterError:
    """What a person is told of a defect that a training cannot go on with."""
    fix = f"{defect.fix}; vtspec datasets inspect shows all"
    if defect.kind == "unknown-class":
        near = suggest_fix(defect.detail, data.all_classes, "")
        fix = f"{near} else {defect.fix}" if near else defect.fix
    return AdapterError(f"{data.root / defect.place}: {defect.message}", fix)


def _scan(data: DatasetJob, *folders: str) -> FileTree:
    first = data.root / folders[0]
    # A table names its images, so that each of them is missed by itself.
    if not first.is_dir() and data.format not in ("csv", "jsonl"):
        raise AdapterError(f"{first}: no such folder", "check the dataset's splits")
    try:
        tree = scan_files(data.root, folders)
    except OSError as error:
        told = f"{error.filename} cannot be read: {error.strerror}", None
        raise AdapterError(*(explain_system_error(error) or told)) from error
    if tree.unusable:
        # Followed or passed over in silence, it would make the pinned hash a lie.
        raise AdapterError(
            f"{data.root / tree.unusable[0]} is a link to a folder or to nothing, "
            "a pipe or a device, which no content hash covers",
            "put the files themselves there",
        )
    return tree


def _check_file(data: DatasetJob, where: Split) -> None:
    file: Path = data.root / (where.annotations or where.path)
    if not file.is_file():
        raise AdapterError(f"{file}: no such file", "check the dataset's splits")
