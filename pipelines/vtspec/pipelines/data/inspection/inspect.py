"""Inspect a folder of data: format, counts, sizes, and everything that is wrong with it."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.content_hash import hash_content
from vtspec.adapters.data.file_tree import FileTree
from vtspec.pipelines.data.formats.detect import detect_layout
from vtspec.pipelines.data.formats.file_tree import scan_folder
from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout, make_error
from vtspec.pipelines.data.formats.yolo import get_row_form, read_yolo

from .checks import FAST, CheckResult, Examined, make_result, run_checks
from .class_checks import count_per_class
from .dataset_spec import check_spec
from .image_probe import ImageInfo, inspect_headers, inspect_images
from .mask_values import count_pixels
from .size_buckets import count_object_sizes, count_sides

Progress = Callable[[int, int], None]
"""Takes how many images were looked at, and of how many."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What `vtspec datasets inspect` knows of a folder.

    `looks` has every image once; `content_hash` is None where links keep it from being known,
    which is then among the findings, or where the inspection `is_fast`: headers of images were
    read, and no pixels. `checks` are all that apply to the format.
    """

    path: Path
    layout: Layout
    looks: Mapping[str, ImageInfo]
    files: int
    bytes: int
    content_hash: str | None
    checks: Sequence[CheckResult]
    findings: Sequence[DatasetIssue]
    is_fast: bool = False

    @property
    def errors(self) -> Sequence[DatasetIssue]:
        """What keeps the data from being added."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def count_readable(self, split: str) -> int:
        """Images of a split that can be decoded."""
        items = self.layout.splits[split].items
        return sum(self.looks[item.image].fault is None for item in items)

    def count_per_class(self, split: str) -> dict[str, int]:
        """Images (or objects) of each class in a split, in index order; nothing of masks whose
        pixels were not read."""
        if self.is_fast and self.layout.format == "masks":
            return {}
        return count_per_class(self.layout, self.layout.splits[split].items, self.looks)

    def count_pixels(self, split: str) -> dict[str, int]:
        """Pixels of each class in the masks of a split, in index order; nothing without masks."""
        if self.layout.format != "masks" or self.is_fast:
            return {}
        return count_pixels(self.layout.classes, self.layout.splits[split].items, self.looks)

    def compute_pixel_shares(self) -> dict[str, float]:
        """Each class's share (0 to 1) of all pixels that have a class; nothing without masks."""
        pixels = Counter[str]()
        for split in self.layout.splits:
            pixels.update(self.count_pixels(split))
        total = sum(pixels.values())
        return {name: count / total for name, count in pixels.items()} if total else {}

    def count_object_sizes(self, split: str) -> dict[str, int]:
        """Small, medium and large objects of a split; nothing where none has a place."""
        return count_object_sizes(self.layout.splits[split].items)

    def count_sides(self) -> list[tuple[int, int]]:
        """Images by their longer side, as `size_buckets.count_sides` has them."""
        return count_sides(self._iter_readable())

    def count_sizes(self) -> list[tuple[str, int]]:
        """`width x height` and how many images have it, the most frequent first."""
        return _count_values(f"{look.width} x {look.height}" for look in self._iter_readable())

    def count_modes(self) -> list[tuple[str, int]]:
        """Pillow's pixel modes (`RGB`, `L`, …), the most frequent first."""
        return _count_values(look.mode for look in self._iter_readable())

    def _iter_readable(self) -> Iterable[ImageInfo]:
        return (look for look in self.looks.values() if look.fault is None)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data, for `--output json`."""
        layout = self.layout
        return {
            "path": str(self.path),
            "fast": self.is_fast,
            "format": layout.format,
            "why": layout.why,
            "tasks": list(layout.tasks),
            "classes": list(layout.classes),
            "contentHash": self.content_hash,
            "files": self.files,
            "bytes": self.bytes,
            "splits": {
                split: {
                    "path": part.path,
                    "annotations": part.annotations,
                    "targets": part.targets,
                    "images": self.count_readable(split),
                    "perClass": self.count_per_class(split),
                    "pixelsPerClass": self.count_pixels(split),
                    "objectSizes": self.count_object_sizes(split),
                }
                for split, part in layout.splits.items()
            },
            "sizes": dict(self.count_sizes()),
            "sides": {str(side): count for side, count in self.count_sides()},
            "modes": dict(self.count_modes()),
            "checks": [
                {
                    "name": check.name,
                    "title": check.title,
                    "state": check.state,
                    "reason": check.reason,
                }
                for check in self.checks
            ],
            "findings": [
                {
                    "check": finding.check,
                    "severity": finding.severity,
                    "message": finding.message,
                    "fix": finding.fix,
                    "files": list(finding.files),
                }
                for finding in self.findings
            ],
        }


def inspect_dataset(
    path: Path, progress: Progress = lambda done, of: None, *, is_fast: bool = False
) -> Inspection:
    """Look at every file below `path`; fast, at the headers of images alone. Raises `Permanent`
    where no format fits."""
    tree = scan_folder(path)
    layout = detect_layout(tree)
    # Targets (masks, depth) are images that no split lists, and may be broken all the same.
    inputs = {item.image for part in layout.splits.values() for item in part.items}
    targets = set(tree.images) - inputs
    images = sorted(targets | inputs)
    looks = {}
    found = (
        inspect_headers(path, images)
        if is_fast
        else inspect_images(path, images, targets, _list_masks(layout))
    )
    for look in found:
        looks[look.image] = look
        progress(len(looks), len(images))
    layout = _place_yolo(tree, layout, looks)
    checks, findings = run_checks(Examined(tree, layout, looks, not is_fast))
    content_hash, faults = (None, []) if is_fast else _hash_content(tree)
    title, skipped = "a hash covers all of the data", FAST if is_fast else None
    checks.append(make_result("content-hash", title, faults, skipped))
    inspection = Inspection(
        path=path,
        layout=layout,
        looks=looks,
        files=len(tree.files),
        # A Path for each of millions of files takes as long as the question itself.
        bytes=sum(os.stat(f"{path}/{file}").st_size for file in tree.files),
        content_hash=content_hash,
        checks=checks,
        findings=[*findings, *faults],
        is_fast=is_fast,
    )
    return _finish(inspection)


def _finish(inspection: Inspection) -> Inspection:
    """The inspection with whether a spec can hold it, which only sound data is asked."""
    name, title = "spec", "a spec can hold what is in it"
    if inspection.errors:
        result = make_result(name, title, (), "the data has errors")
        return replace(inspection, checks=[*inspection.checks, result])
    found = [replace(issue, check=name) for issue in check_spec(inspection)]
    return replace(
        inspection,
        checks=[*inspection.checks, make_result(name, title, found)],
        findings=[*inspection.findings, *found],
    )


def _place_yolo(tree: FileTree, layout: Layout, looks: Mapping[str, ImageInfo]) -> Layout:
    """The layout with places in pixels: the shares of YOLO's rows mean some only now that the
    sizes of the images are known."""
    if layout.format != "yolo" or any(one.severity == "error" for one in layout.findings):
        return layout

    def get_size(image: str) -> Size | None:
        look = looks[image]
        return (look.width, look.height) if look.fault is None else None

    placed = read_yolo(tree, layout, get_row_form(layout), get_size)
    return replace(
        layout,
        splits={
            split: replace(part, items=tuple(placed[split]))
            for split, part in layout.splits.items()
        },
    )


def _list_masks(layout: Layout) -> dict[str, int]:
    """Every mask, with how many classes its values may mean."""
    return {
        item.target.path: len(layout.classes)
        for part in layout.splits.values()
        for item in part.items
        if item.target is not None and item.target.kind == "mask"
    }


def _hash_content(tree: FileTree) -> tuple[str | None, list[DatasetIssue]]:
    """The content hash, or why there is none that the checks have not told."""
    if tree.unusable:
        return None, []
    try:
        return hash_content(tree.root).hash, []
    except AdapterError as error:
        issue = make_error(str(error), error.fix or "remove it")
        return None, [replace(issue, check="content-hash")]


def _count_values(things: Iterable[str]) -> list[tuple[str, int]]:
    return Counter(things).most_common()
