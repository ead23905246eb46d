"""csv and jsonl: a row an image, with its path and what it shows.

csv has a header row; jsonl has an object a line. `path` says where the image lies below the
split's folder. `label` is its class, `labels` its classes (in csv with spaces between), `text`
what is written in it, `caption` a sentence about it; all else stays in the sample's attributes.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from vtspec.adapters.contract import Split

from .annotations import Defect, Sample
from .file_tree import FileTree

_OWN_FIELDS = frozenset({"path", "label", "labels", "text", "caption"})


class Row(NamedTuple):
    """One row as it was written. `number` counts rows, with a csv's header, from 1; the key None
    holds what a csv's row has beyond its header."""

    number: int
    fields: Mapping[str | None, object]


def read_table(tree: FileTree, split: str, where: Split) -> Iterator[Sample | Defect]:
    """The images of a split in the table's order.

    The table is the split's `annotations`, or its `path`; then paths start where it lies.
    """
    file = where.annotations or where.path
    folder = get_image_folder(where)
    for row in iter_rows(tree, file):
        yield row if isinstance(row, Defect) else parse_row(tree, split, file, folder, row)


def get_image_folder(where: Split) -> str:
    """The folder that the paths of a split's table start from; `.` is the root."""
    return posixpath.normpath(where.path if where.annotations else posixpath.dirname(where.path))


def iter_rows(tree: FileTree, file: str) -> Iterator[Row | Defect]:
    """The rows of a table, one by one, up to the first that cannot be read."""
    try:
        # Decoded as a whole, so that a complaint names a place in the file, not in a buffer.
        text = io.StringIO(tree.read_text(file), newline="")
        if file.endswith(".csv"):
            for number, fields in enumerate(csv.DictReader(text), start=2):
                yield Row(number, fields)
            return
        for number, line in enumerate(text, start=1):
            content = json.loads(line.rstrip("\r\n")) if line.strip() else None
            if isinstance(content, dict):
                yield Row(number, content)
            elif content is not None or line.strip():
                yield Defect(
                    kind="not-an-object",
                    file=file,
                    line=number,
                    detail=f"line {number} is no object",
                )
                return
    except (ValueError, csv.Error, RecursionError) as error:
        yield Defect(kind="unreadable-file", file=file, detail=str(error))


def parse_row(tree: FileTree, split: str, file: str, folder: str, row: Row) -> Sample | Defect:
    """The image of one row. A path that leads nowhere is a defect that keeps the sample, since
    a row of a class that nobody asked for does not matter."""
    fields = row.fields
    path = fields.get("path")
    if not isinstance(path, str) or not path:
        return Defect(kind="no-path", file=file, line=row.number, detail=str(path or ""))
    # One spelling of each path, as two would be two images to whoever counts.
    image = posixpath.normpath(posixpath.join(folder, path))
    label, text, caption = fields.get("label"), fields.get("text"), fields.get("caption")
    sample = Sample(
        image=image,
        split=split,
        label=label if isinstance(label, str) else None,
        labels=_parse_labels(fields.get("labels")),
        text=text if isinstance(text, str) else None,
        captions=(caption,) if isinstance(caption, str) else (),
        attributes={
            key: fields[key] for key in fields if key is not None and key not in _OWN_FIELDS
        },
        place=f"{file}:{row.number}",
    )
    # A table comes from whoever made the data; it must not reach outside of it.
    if posixpath.isabs(path) or ".." in path.split("/"):
        return Defect(kind="path-outside", file=file, line=row.number, detail=path, sample=sample)
    if not tree.has(image):
        return Defect(kind="missing-image", file=file, line=row.number, detail=path, sample=sample)
    return sample


def _parse_labels(labels: object) -> tuple[str, ...]:
    if isinstance(labels, str):
        return tuple(labels.split())
    return tuple(map(str, labels)) if isinstance(labels, list) else ()
