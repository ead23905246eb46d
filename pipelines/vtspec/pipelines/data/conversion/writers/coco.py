"""COCO: `images/train`, and a JSON file a split in `annotations/`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vtspec.adapters.data.annotations import Annotation
from vtspec.adapters.data.mask_rle import format_rle

from .writer import UNSPLIT, PlacedImage, get_split_folder, require_size


@dataclass(frozen=True, kw_only=True)
class CocoWriter:
    """Writes every object, label and caption. `points` are the names of the keypoints of each
    class that has some."""

    classes: Sequence[str]
    points: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def get_image_folder(self, split: str) -> str:
        """`images/train`."""
        return get_split_folder("images", split)

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """The file of the split; ids count from 1, those of classes in index order."""
        ids = {name: number for number, name in enumerate(self.classes, 1)}
        rows, objects = [], []
        for number, image in enumerate(images, 1):
            width, height = require_size(image)
            rows.append({"id": number, "file_name": image.name, "width": width, "height": height})
            objects += [
                {
                    "image_id": number,
                    "category_id": ids[fitted.class_name or ""],
                    **_format_object(fitted),
                }
                for _, fitted in image.objects
            ]
            objects += [
                {"image_id": number, "category_id": ids[label]} for label in image.sample.labels
            ]
            objects += [
                {"image_id": number, "caption": caption} for caption in image.sample.captions
            ]
        content = {
            "images": rows,
            "annotations": [{"id": number, **row} for number, row in enumerate(objects, 1)],
            "categories": [
                {"id": number, "name": name}
                | ({"keypoints": [*self.points[name]]} if name in self.points else {})
                for name, number in ids.items()
            ],
        }
        stem = "instances" if self.classes else "captions"
        file = f"{stem}.json" if split == UNSPLIT else f"{stem}_{split}.json"
        yield f"annotations/{file}", json.dumps(content, ensure_ascii=False).encode()

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Nothing: the files of the splits say all."""
        yield from ()


def _format_object(found: Annotation) -> dict[str, object]:
    row: dict[str, object] = {}
    area = 0.0
    if found.box is not None:
        row["bbox"] = list(found.box.to_coco())
        area = found.box.area
    if found.mask is not None:
        # COCO writes the runs of crowds as a list, and readers tell them by that.
        row["segmentation"] = format_rle(found.mask, compressed=not found.is_crowd)
        area = found.mask.area
    elif found.polygons:
        row["segmentation"] = [list(polygon.outer) for polygon in found.polygons]
        area = sum(polygon.area for polygon in found.polygons)
    if found.keypoints:
        row["keypoints"] = [v for p in found.keypoints for v in (p.x, p.y, p.visibility)]
        row["num_keypoints"] = sum(point.visibility > 0 for point in found.keypoints)
    marks = {"difficult": found.is_difficult, "truncated": found.is_truncated}
    said = {**found.attributes, **{name: True for name, is_set in marks.items() if is_set}}
    if said:
        row["attributes"] = said
    return {**row, "area": area, "iscrowd": int(found.is_crowd)} if row else row
