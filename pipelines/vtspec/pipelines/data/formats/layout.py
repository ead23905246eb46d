"""What was found in a folder: its layout, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from vtspec.adapters.data.annotations import Defect, Sample


@dataclass(frozen=True, kw_only=True)
class DatasetIssue:
    """Something a person should know of the data. An error keeps it from being added.

    `files` are all files concerned, from the data's root; `fix` says what to do.
    """

    severity: Literal["error", "warning"]
    message: str
    fix: str
    files: tuple[str, ...] = ()


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
    not split; `classes` are in index order.
    """

    format: str
    why: str
    tasks: tuple[str, ...]
    classes: tuple[str, ...]
    splits: Mapping[str, SplitLayout]
    findings: tuple[DatasetIssue, ...] = ()


def separate_defects(
    items: Iterable[Sample | Defect],
) -> tuple[tuple[Sample, ...], list[Defect]]:
    """The sound samples of a split, and what is wrong with the others."""
    samples: list[Sample] = []
    defects: list[Defect] = []
    for item in items:
        if isinstance(item, Defect):
            defects.append(item)
        else:
            samples.append(item)
    return tuple(samples), defects


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
