"""What was found in a folder: its layout, and what is wrong with it."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.defects import Defect

_ABSENT: Final = ("missing-image", "path-outside")
"""Kinds of defects whose image is not there."""


@dataclass(frozen=True, kw_only=True)
class DatasetIssue:
    """Something a person should know of the data. An error keeps it from being added.

    `files` are all files concerned, from the data's root; `fix` says what to do; `check` is the
    name of the check of an inspection that found it.
    """

    severity: Literal["error", "warning"]
    message: str
    fix: str
    files: tuple[str, ...] = ()
    check: str = ""


@dataclass(frozen=True, kw_only=True)
class SplitLayout:
    """One split: where it lies, as a spec's `Split` says it, and its images."""

    path: str
    annotations: str | None = None
    targets: str | None = None
    items: tuple[Sample, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a folder's images and labels lie, and why it is taken for that.

    `splits` are `train`, `val` and `test` as far as they are there, or `all` where the data is
    not split; `classes` are in index order. `keypoints` are the names of the points of each class
    that has some, `numbers_per_keypoint` how many YOLO writes of one, and `unread` the fields of
    the label files that are read by nothing.
    """

    format: str
    why: str
    tasks: tuple[str, ...]
    classes: tuple[str, ...]
    splits: Mapping[str, SplitLayout]
    findings: tuple[DatasetIssue, ...] = ()
    keypoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers_per_keypoint: Literal[2, 3] = 3
    unread: frozenset[str] = frozenset()


def separate_defects(
    items: Iterable[Sample | Defect],
) -> tuple[tuple[Sample, ...], list[Defect]]:
    """The images of a split that are there, and what is wrong with them or their labels."""
    samples: list[Sample] = []
    defects: list[Defect] = []
    for item in items:
        if isinstance(item, Defect):
            defects.append(item)
            if item.sample is not None and item.kind not in _ABSENT:
                samples.append(item.sample)
        else:
            samples.append(item)
    return tuple(samples), defects


def summarize_defects(defects: Iterable[Defect]) -> Iterator[DatasetIssue]:
    """One error for all defects of a kind in a folder, with every place: a wrong converter spoils
    every file alike."""
    groups: dict[tuple[str, ...], list[Defect]] = defaultdict(list)
    for defect in defects:
        groups[_get_group(defect)].append(defect)
    for found in groups.values():
        first = found[0]
        more = f"; {len(found) - 1:,} more like it" if len(found) > 1 else ""
        yield make_error(
            f"{first.place}: {first.message}{more}",
            first.fix,
            dict.fromkeys(d.detail if d.kind in _ABSENT else d.place for d in found),
        )


def _get_group(defect: Defect) -> tuple[str, ...]:
    # Tables are few and each is named; files of labels are as many as images.
    where = posixpath.dirname(defect.file) if _is_one_of_many(defect.file) else defect.file
    # What differs from place to place: numbers, and what is quoted.
    detail = re.sub(r"'[^']*'|[0-9][0-9.]*", "", defect.detail)
    return (defect.kind, where, "" if defect.kind in _ABSENT else detail)


def _is_one_of_many(file: str) -> bool:
    return not file.endswith((".json", ".csv", ".jsonl"))


def list_classes(splits: Mapping[str, SplitLayout]) -> tuple[str, ...]:
    """Every class that an image of the splits shows, sorted."""
    return tuple(
        sorted({name for part in splits.values() for item in part.items for name in item.classes})
    )


def make_error(message: str, fix: str, files: Iterable[str] = ()) -> DatasetIssue:
    """An issue that keeps the data from being added."""
    return DatasetIssue(severity="error", message=message, fix=fix, files=tuple(files))


def make_warning(message: str, fix: str, files: Iterable[str] = ()) -> DatasetIssue:
    """An issue that a person may accept."""
    return DatasetIssue(severity="warning", message=message, fix=fix, files=tuple(files))
