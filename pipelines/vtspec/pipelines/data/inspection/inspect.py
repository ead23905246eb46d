"""Inspect a folder of data: format, counts, sizes, and everything that is wrong with it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import hash_content
from vtspec.adapters.data.file_tree import FileTree
from vtspec.pipelines.data.formats.detect import detect_layout
from vtspec.pipelines.data.formats.file_tree import scan_folder
from vtspec.pipelines.data.formats.layout import DatasetIssue, Layout, make_error

from .checks import check_dataset, count_per_class
from .dataset_spec import check_spec
from .image_probe import ImageInfo, inspect_images
from .mask_values import check_targets, count_pixels

Progress = Callable[[int, int], None]
"""Takes how many images were looked at, and of how many."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What `vtspec datasets inspect` knows of a folder.

    `looks` has every image once; `content_hash` is None where links keep it from being known,
    which is then among the findings.
    """

    path: Path
    layout: Layout
    looks: Mapping[str, ImageInfo]
    files: int
    bytes: int
    content_hash: str | None
    findings: Sequence[DatasetIssue]

    @property
    def errors(self) -> Sequence[DatasetIssue]:
        """What keeps the data from being added."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def count_readable(self, split: str) -> int:
        """Images of a split that can be decoded."""
        items = self.layout.splits[split].items
        return sum(self.looks[item.image].fault is None for item in items)

    def count_per_class(self, split: str) -> dict[str, int]:
        """Images (or objects) of each class in a split, in index order."""
        return count_per_class(self.layout, self.layout.splits[split].items, self.looks)

    def count_pixels(self, split: str) -> dict[str, int]:
        """Pixels of each class in the masks of a split, in index order; nothing without masks."""
        if self.layout.format != "masks":
            return {}
        return count_pixels(self.layout.classes, self.layout.splits[split].items, self.looks)

    def compute_pixel_shares(self) -> dict[str, float]:
        """Each class's share (0 to 1) of all pixels that have a class; nothing without masks."""
        pixels = Counter[str]()
        for split in self.layout.splits:
            pixels.update(self.count_pixels(split))
        total = sum(pixels.values())
        return {name: count / total for name, count in pixels.items()} if total else {}

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
                }
                for split, part in layout.splits.items()
            },
            "sizes": dict(self.count_sizes()),
            "modes": dict(self.count_modes()),
            "findings": [
                {
                    "severity": finding.severity,
                    "message": finding.message,
                    "fix": finding.fix,
                    "files": list(finding.files),
                }
                for finding in self.findings
            ],
        }


def inspect_dataset(path: Path, progress: Progress = lambda done, of: None) -> Inspection:
    """Look at every file below `path`. Raises `Permanent` where no format fits."""
    tree = scan_folder(path)
    layout = detect_layout(tree)
    # Targets (masks, depth) are images that no split lists, and may be broken all the same.
    inputs = {item.image for part in layout.splits.values() for item in part.items}
    targets = set(tree.images) - inputs
    images = sorted(targets | inputs)
    looks = {}
    for look in inspect_images(path, images, targets, _list_masks(layout)):
        looks[look.image] = look
        progress(len(looks), len(images))
    findings = list(check_dataset(tree, layout, list(looks.values())))
    findings += check_targets(layout, looks)
    inspection = Inspection(
        path=path,
        layout=layout,
        looks=looks,
        files=len(tree.files),
        bytes=sum((path / file).stat().st_size for file in tree.files),
        content_hash=_hash_content(tree, findings),
        findings=findings,
    )
    if not inspection.errors:
        findings += check_spec(inspection)
    return inspection


def _list_masks(layout: Layout) -> dict[str, int]:
    """Every mask, with how many classes its values may mean."""
    return {
        item.target.path: len(layout.classes)
        for part in layout.splits.values()
        for item in part.items
        if item.target is not None and item.target.kind == "mask"
    }


def _hash_content(tree: FileTree, findings: list[DatasetIssue]) -> str | None:
    if tree.unusable:
        return None
    try:
        return hash_content(tree.root).hash
    except AdapterError as error:
        findings.append(make_error(str(error), error.fix or "remove it"))
        return None


def _count_values(things: Iterable[str]) -> list[tuple[str, int]]:
    return Counter(things).most_common()
