"""The checks of an inspection: what each asks, what it needs to know, what it found. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from vtspec.adapters.data.file_tree import FileTree
from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS

from .class_checks import check_balance, check_class_names, check_coverage
from .duplicates import (
    check_copies,
    check_labels_of_copies,
    check_leaks,
    check_near_leaks,
    check_rows,
)
from .file_checks import (
    check_names,
    check_other_files,
    check_splits,
    check_unread,
    check_unusable,
)
from .image_checks import (
    check_boxes,
    check_broken,
    check_frames,
    check_orientation,
    check_sizes,
    check_visibility,
)
from .image_probe import ImageInfo
from .mask_values import check_masks, check_target_sizes

Need: TypeAlias = Literal["labels", "headers", "pixels"]
"""What of the data must have been read: label files alone, headers of images, or pixels."""

FAST: Final = "--fast reads headers alone"
"""Why a check of pixels was not made."""

State: TypeAlias = Literal["passed", "warning", "error", "skipped"]


class Examined(NamedTuple):
    """What checks are made of; `looks` has every image once, of `has_pixels` decoded."""

    tree: FileTree
    layout: Layout
    looks: Mapping[str, ImageInfo]
    has_pixels: bool = True


@dataclass(frozen=True)
class Check:
    """One thing that is looked for. `title` is what holds where nothing is found; where it does
    not apply to a format, it is not even mentioned. Without sound labels some would tell once
    more what is wrong with those."""

    name: str
    title: str
    needs: Need
    find: Callable[[Examined], Iterable[DatasetIssue]]
    applies: Callable[[Layout], bool] = lambda layout: True
    needs_sound_labels: bool = False
    needs_of_masks: Need | None = None
    """What it needs instead where classes are counted by the pixels of masks."""
    passes_with: Need = "labels"
    """What must have been read for it to pass: with less it may find something, and no more."""

    def get_need(self, layout: Layout) -> Need:
        """What must have been read of data that lies so."""
        return self.needs_of_masks or self.needs if layout.format == "masks" else self.needs


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What became of a check: the worst that it found, or why it was `skipped`."""

    name: str
    title: str
    state: State
    reason: str | None = None


def _is_of(*formats: str) -> Callable[[Layout], bool]:
    return lambda layout: layout.format in formats


def _has_classes(layout: Layout) -> bool:
    return not set(layout.tasks) <= CLASSLESS_TASKS


CHECKS: Final[Sequence[Check]] = (
    Check(
        "labels",
        "label files can be read, and their images are there",
        "labels",
        lambda one: one.layout.findings,
    ),
    Check(
        "splits",
        "there are train and val, with images",
        "labels",
        lambda one: check_splits(one.tree, one.layout),
    ),
    Check(
        "links",
        "there are files and folders alone",
        "labels",
        lambda one: check_unusable(one.tree),
    ),
    Check(
        "broken-images",
        "every image can be read",
        "headers",
        lambda one: check_broken(one.looks),
        passes_with="pixels",
    ),
    Check(
        "duplicates-across-splits",
        "no image is in two splits",
        "pixels",
        lambda one: check_leaks(one.layout, one.looks),
    ),
    Check(
        "near-duplicates-across-splits",
        "no image is nearly the same as one of another split",
        "pixels",
        lambda one: check_near_leaks(one.layout, one.looks),
    ),
    Check(
        "conflicting-labels",
        "the same image has the same label",
        "pixels",
        lambda one: check_labels_of_copies(one.layout, one.looks),
        # In the other formats an image may show several classes, in any order.
        _is_of("imagefolder", "csv", "jsonl"),
    ),
    Check(
        "duplicates-within-split",
        "no image is twice in a split",
        "pixels",
        lambda one: check_copies(one.layout, one.looks),
    ),
    Check(
        "repeated-rows",
        "no row says the same as another one",
        "labels",
        lambda one: check_rows(one.layout),
        _is_of("csv", "jsonl"),
    ),
    Check(
        "class-coverage",
        "every split has something of every class",
        "headers",
        lambda one: check_coverage(one.layout, one.looks),
        _has_classes,
        needs_of_masks="pixels",
    ),
    Check(
        "class-imbalance",
        "no class is ten times as frequent as another one",
        "headers",
        lambda one: check_balance(one.layout, one.looks),
        _has_classes,
        needs_of_masks="pixels",
    ),
    Check(
        "class-names",
        "a spec can hold the names of the classes",
        "labels",
        lambda one: check_class_names(one.layout),
    ),
    Check(
        "image-sizes",
        "images are of the size that their labels say",
        "headers",
        lambda one: check_sizes(one.layout, one.looks),
        _is_of("coco", "voc"),
    ),
    Check(
        "boxes-outside",
        "no box reaches outside of its image",
        "headers",
        lambda one: check_boxes(one.layout, one.looks),
        _is_of("coco", "yolo", "voc"),
    ),
    Check(
        "target-sizes",
        "the second image of a pair fits the first",
        "headers",
        lambda one: check_target_sizes(one.layout, one.looks),
        _is_of("masks", "pairs"),
    ),
    Check(
        "mask-values",
        "masks hold indexes of classes alone",
        "pixels",
        lambda one: check_masks(one.layout, one.looks),
        _is_of("masks"),
    ),
    Check(
        "unread-files",
        "every image and table is read",
        "labels",
        lambda one: check_unread(one.tree, one.layout),
        needs_sound_labels=True,
    ),
    Check(
        "file-names",
        "names can be shown, and differ on every system",
        "labels",
        lambda one: check_names(one.tree),
    ),
    Check(
        "other-files",
        "there are images and labels alone",
        "labels",
        lambda one: check_other_files(one.tree),
    ),
    Check(
        "orientation",
        "EXIF turns no image whose labels have a place",
        "pixels",
        lambda one: check_orientation(one.looks),
        _is_of("coco", "yolo", "voc", "masks", "pairs"),
    ),
    Check(
        "frames",
        "no image has more frames than the first",
        "pixels",
        lambda one: check_frames(one.looks),
    ),
    Check(
        "visibility",
        "every image shows something",
        "pixels",
        lambda one: check_visibility(one.looks),
    ),
)


def run_checks(examined: Examined) -> tuple[list[CheckResult], list[DatasetIssue]]:
    """What became of each check that applies, and everything that is wrong, in their order."""
    results: list[CheckResult] = []
    issues: list[DatasetIssue] = []
    for check in CHECKS:
        if not check.applies(examined.layout):
            continue
        if check.needs_sound_labels and _find_state(issues, "labels") == "error":
            results.append(make_result(check.name, check.title, (), "labels have errors"))
            continue
        if check.get_need(examined.layout) == "pixels" and not examined.has_pixels:
            results.append(make_result(check.name, check.title, (), FAST))
            continue
        found = [replace(issue, check=check.name) for issue in check.find(examined)]
        is_half = check.passes_with == "pixels" and not examined.has_pixels
        skipped = FAST if is_half and not found else None
        results.append(make_result(check.name, check.title, found, skipped))
        issues += found
    return results, issues


def make_result(
    name: str, title: str, found: Iterable[DatasetIssue], skipped: str | None = None
) -> CheckResult:
    """What became of a check that found this, or was skipped for a reason."""
    state: State = "skipped" if skipped else _find_state(found, name)
    return CheckResult(name=name, title=title, state=state, reason=skipped)


def _find_state(issues: Iterable[DatasetIssue], name: str) -> State:
    severities = {issue.severity for issue in issues if issue.check == name}
    return "error" if "error" in severities else "warning" if severities else "passed"


def check_labels(tree: FileTree, layout: Layout) -> Iterator[DatasetIssue]:
    """What is wrong whatever the images show, and whether or not the data is split."""
    yield from layout.findings
    yield from check_unusable(tree)
    yield from check_class_names(layout)
    yield from check_names(tree)
