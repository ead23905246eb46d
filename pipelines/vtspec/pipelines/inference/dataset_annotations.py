"""The COCO file that a dataset has of images, where it lies in the workspace."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtspec.adapters.contract import Split
from vtspec.adapters.data.coco import CocoFile, parse_coco
from vtspec.adapters.data.json_source import parse_json
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import PlannedDataset


@dataclass(frozen=True, kw_only=True)
class SplitAnnotations:
    """The COCO file of a split: the ids of its images by path, those of its categories by name,
    and the rows of these as they stand there."""

    file: Path
    images: Mapping[str, object]
    categories: Mapping[str, object]
    rows: Sequence[Mapping[str, object]]

    def find_id(self, image: Path) -> object | None:
        """The id of the image, or None where the file has no such image."""
        return self.images.get(os.path.realpath(image))

    def find_points(self, names: Sequence[str]) -> Sequence[str]:
        """The names of a body's points in the file's order, where they are `names` in any order;
        else none."""
        for row in self.rows:
            told = row.get("keypoints")
            if isinstance(told, list) and set(names) == set(map(str, told)):
                return [str(name) for name in told]
        return ()


def read_annotations(dataset: PlannedDataset, root: Path) -> list[SplitAnnotations]:
    """The COCO files of a dataset below the repository's `root`; none of another format, or where
    they are not there or cannot be read."""
    source = dataset.source
    # What lies at the path of another repository's data is not that data.
    if dataset.format != "coco" or (isinstance(source, DvcSource) and source.repo):
        return []
    found = [_read_split(root / source.path, split) for split in dataset.splits.values()]
    return [each for each in found if each is not None]


def _read_split(data: Path, split: Split) -> SplitAnnotations | None:
    file = data / (split.annotations or split.path)
    try:
        content = parse_json(file.read_text(encoding="utf-8-sig"))
        table = parse_coco(content, file.name)
    except (OSError, ValueError):
        return None
    rows = content.get("categories") if isinstance(content, dict) else None
    return SplitAnnotations(
        file=file,
        images=_locate_images(data / split.path, table),
        categories={name: identity for identity, name in table.names.items()},
        rows=[row for row in rows or () if isinstance(row, dict)],
    )


def _locate_images(folder: Path, table: CocoFile) -> Mapping[str, object]:
    return {
        os.path.realpath(folder / name): identity
        for identity, (_, row) in table.images.items()
        if isinstance(name := row.get("file_name"), str)
    }
