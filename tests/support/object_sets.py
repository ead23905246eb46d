"""Small datasets of each kind of label, to be converted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dataset_mutants import Files, draw

NAMES = ("a", "b", "c")


def build_coco_set(objects: Sequence[Any], tables: Mapping[str, Any] | None = None) -> Files:
    """Three images a split, of 40 x 30; the first has the objects, by their fields but ids, the
    others have none. `tables`
    stand in place of those of the file."""
    files = {}
    size = 40, 30
    for split in ("train", "val"):
        rows = [
            {"id": n, "file_name": f"{name}.png", "width": size[0], "height": size[1]}
            for n, name in enumerate(NAMES)
        ]
        content = {
            "images": rows,
            "annotations": [
                {"id": n, "image_id": 0, "category_id": 1, **one} for n, one in enumerate(objects)
            ],
            "categories": [{"id": 1, "name": "zebra"}, {"id": 2, "name": "ant"}],
            **(tables or {}),
        }
        files[f"annotations/instances_{split}.json"] = json.dumps(content).encode()
        for n, name in enumerate(NAMES):
            files[f"images/{split}/{name}.png"] = draw(n + 10 * len(split), size=size)
    return files


def build_table_set(rows: Sequence[Mapping[str, Any]]) -> Files:
    """A table of JSON lines a split with these rows, each of an image of its own."""
    files = {}
    for split in ("train", "val"):
        lines = []
        for n, row in enumerate(rows):
            files[f"images/{split}/{n}.png"] = draw(n + 10 * len(split))
            lines.append(json.dumps({"path": f"images/{split}/{n}.png", **row}))
        files[f"{split}.jsonl"] = "\n".join(lines).encode()
    return files
