"""The labelled images of a split, for training a classifier of images with one class or several.

A class's index is its place in the job's classes, never that of its folder. Images are listed
class by class for an imagefolder (by path within one), else in the table's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vtspec.adapters.contract import AdapterError, DatasetJob

from .file_tree import is_image
from .split_reader import make_defect_error, read_split

if TYPE_CHECKING:
    from collections.abc import Collection

    from .annotations import Sample
    from .defects import Defect

FORMATS = ("imagefolder", "csv", "jsonl")
"""The formats that carry one class for each image."""

MULTILABEL_FORMATS = ("csv", "jsonl", "coco")
"""The formats that carry any number of classes for each image."""


class LabeledImage(NamedTuple):
    """One image on disk and the index of its class among the job's."""

    path: Path
    target: int

    @property
    def targets(self) -> tuple[int]:
        """Its class, as `MultilabelImage` has them."""
        return (self.target,)


class MultilabelImage(NamedTuple):
    """One image on disk and the indices of its classes among the job's, in order; there may be
    none."""

    path: Path
    targets: tuple[int, ...]


def list_labeled_images(data: DatasetJob, split: str) -> list[LabeledImage]:
    """The split's images of the job's classes; those of classes not asked for are left out.

    Raises:
        AdapterError: the split, a file or a class is not where the dataset says; a label or a
            folder is none of the dataset's classes; nothing is left, or of the train split
            nothing of one of the job's classes.
    """
    _refuse_format(data, FORMATS, "classification")
    targets = {name: target for target, name in enumerate(data.classes)}
    found = [(sample.image, targets[name]) for sample, name in _iter_chosen(data, split)]
    if data.format == "imagefolder":
        found = _sort_by_class(found)
    if not found:
        raise AdapterError(
            f"{data.root / data.splits[split].path}: no image of the chosen classes"
        )
    if split == "train":
        _refuse_missing_class(data.classes, {target for _, target in found})
    return [LabeledImage(data.root / image, target) for image, target in found]


def list_multilabel_images(data: DatasetJob, split: str) -> list[MultilabelImage]:
    """The split's images with their classes of the job's, in the order of the file. One that
    shows none of them is an image of none.

    Raises `AdapterError` as `list_labeled_images`.
    """
    from .defects import Defect

    _refuse_format(data, MULTILABEL_FORMATS, "multilabel classification")
    known, targets = set(data.all_classes), {name: at for at, name in enumerate(data.classes)}
    found: list[MultilabelImage] = []
    for item in read_split(data, split):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        unknown = next((name for name in item.classes if name not in known), None)
        if unknown is not None:
            raise make_defect_error(_make_label_defect(item, unknown), data)
        mine = sorted({targets[name] for name in item.classes if name in targets})
        found.append(MultilabelImage(data.root / item.image, tuple(mine)))
    if not found:
        raise AdapterError(f"{data.root / data.splits[split].path}: no image")
    if split == "train":
        _refuse_missing_class(data.classes, {at for one in found for at in one.targets})
    return found


def _refuse_format(data: DatasetJob, formats: Sequence[str], what: str) -> None:
    if data.format not in formats:
        raise AdapterError(
            f"images of format '{data.format}' cannot be read for {what}",
            f"use a dataset of format {', '.join(formats)}",
        )


def _refuse_missing_class(classes: Sequence[str], found: Collection[int]) -> None:
    absent = next((name for at, name in enumerate(classes) if at not in found), None)
    if absent is not None:
        raise AdapterError(
            f"the train split has no images of class '{absent}'",
            "add some, or leave the class out with dataset.classes",
        )


def find_label_defect(item: Sample | Defect, classes: Collection[str]) -> Defect | None:
    """What keeps an image from being one of a classifier's: what was wrong with it as it was
    read, no label, or one that is none of `classes`."""
    # Here, since asking an adapter for its params imports this module and reads no image.
    from .defects import Defect

    if isinstance(item, Defect):
        return item
    if item.label and item.label in classes:
        return None
    return _make_label_defect(item, item.label)


def _make_label_defect(item: Sample, label: str | None) -> Defect:
    from .defects import Defect

    file, _, line = item.place.rpartition(":")
    return Defect(
        kind="unknown-class" if label else "no-label",
        file=file or item.image,
        line=int(line) if file else None,
        detail=label or "'label' is missing",
        sample=item,
    )


def list_images(folder: Path) -> list[Path]:
    """Every image at any depth below a folder, in order of its path."""
    found = (path for path in folder.rglob("*") if is_image(path.name) and path.is_file())
    return sorted(found)


def _iter_chosen(data: DatasetJob, split: str) -> Iterator[tuple[Sample, str]]:
    """The images of the job's classes, each with its class, up to the first defect."""
    from .defects import Defect

    known, chosen = set(data.all_classes), set(data.classes)
    for item in read_split(data, split):
        defect = find_label_defect(item, known)
        sample = item.sample if isinstance(item, Defect) else item
        # Whether a row matters depends on its class, which it may still have.
        if sample is not None and sample.label in known - chosen:
            continue
        if defect is not None:
            raise make_defect_error(defect, data)
        if sample is not None and sample.label:
            yield sample, sample.label


def _sort_by_class(found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    # Part by part, as paths compare: `a/b` before `a-c`, which is the other way round as text.
    return sorted(found, key=lambda pair: (pair[1], pair[0].split("/")))
