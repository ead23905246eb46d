"""What was found in a folder: its layout, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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
class Sample:
    """One image, from the data's root, and the class of each of its labels."""

    image: str
    classes: tuple[str, ...] = ()


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
    findings: tuple[DatasetIssue, ...] = field(default=())
