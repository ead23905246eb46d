"""The labelled images of a split, for training a classifier.

A class's index is its place in the job's classes, never that of its folder. Images are listed
class by class for an imagefolder (by path within one), else in the table's order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vtspec.adapters.contract import AdapterError, DatasetJob

from .file_tree import is_image
from .split_reader import make_class_error, make_defect_error, make_field_error, read_split

if TYPE_CHECKING:
    from .annotations import Sample

FORMATS = ("imagefolder", "csv", "jsonl")
"""The formats that carry one class for each image."""


class LabeledImage(NamedTuple):
    """One image on disk and the index of its class among the job's."""

    path: Path
    target: int


def list_labeled_images(data: DatasetJob, split: str) -> list[LabeledImage]:
    """The split's images of the job's classes; those of classes not asked for are left out.

    Raises:
        AdapterError: the split, a file or a class is not where the dataset says; a label or a
            folder is none of the dataset's classes; nothing is left.
    """
    if data.format not in FORMATS:
        raise AdapterError(
            f"images of format '{data.format}' cannot be read for classification",
            f"use a dataset of format {', '.join(FORMATS)}",
        )
    targets = {name: target for target, name in enumerate(data.classes)}
    found = [(sample.image, targets[name]) for sample, name in _iter_chosen(data, split)]
    if data.format == "imagefolder":
        found = _sort_by_class(found)
    if not found:
        raise AdapterError(
            f"{data.root / data.splits[split].path}: no image of the chosen classes"
        )
    return [LabeledImage(data.root / image, target) for image, target in found]


def list_images(folder: Path) -> list[Path]:
    """Every image at any depth below a folder, in order of its path."""
    found = (path for path in folder.rglob("*") if is_image(path.name) and path.is_file())
    return sorted(found)


def _iter_chosen(data: DatasetJob, split: str) -> Iterator[tuple[Sample, str]]:
    """The images of the job's classes, each with its class, up to the first defect."""
    # Here, since asking an adapter for its params imports this module and reads no image.
    from .annotations import Defect

    known, chosen = set(data.all_classes), set(data.classes)
    for item in read_split(data, split):
        if isinstance(item, Defect):
            # Whether a row matters depends on its class, which it may still have.
            if item.sample is None:
                raise make_defect_error(item, data, split)
            sample = item.sample
        else:
            sample = item
        if not sample.label:
            raise make_field_error("label", str(data.root / sample.place))
        if sample.label not in known:
            raise make_class_error(sample.label, str(data.root / sample.place), data)
        if sample.label not in chosen:
            continue
        if isinstance(item, Defect):
            # Of a class that is trained on, so that it must be mended.
            raise make_defect_error(item, data, split)
        yield sample, sample.label


def _sort_by_class(found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    # Part by part, as paths compare: `a/b` before `a-c`, which is the other way round as text.
    return sorted(found, key=lambda pair: (pair[1], pair[0].split("/")))
