"""csv and jsonl: `images/train`, and a table a split with a row for each image."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.tabular import LABEL_FIELDS
from vtspec.pipelines.data.conversion.omissions import Omissions
from vtspec.pipelines.errors import Refused

from .writer import PlacedImage, get_split_folder


@dataclass(frozen=True, kw_only=True)
class TableWriter:
    """Writes what is said of images; of several captions each in a row of its own. An image of
    which nothing is said has nothing in `field`."""

    form: Literal["csv", "jsonl"]
    field: str
    omissions: Omissions

    def get_image_folder(self, split: str) -> str:
        """`images/train`."""
        return get_split_folder("images", split)

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """The table of the split, with paths from the root."""
        folder = self.get_image_folder(split)
        rows = [
            {"path": f"{folder}/{image.name}", **self._complete(fields)}
            for image in images
            for fields in _iter_fields(image.sample)
        ]
        if self.form == "jsonl":
            # Half a surrogate pair has no UTF-8, and no reader takes it.
            lines = (json.dumps(row, ensure_ascii=False) for row in rows)
            yield f"{split}.jsonl", "".join(f"{line}\n" for line in lines).encode()
        else:
            yield f"{split}.csv", self._format_csv(rows).encode()

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Nothing: the tables say all."""
        yield from ()

    def _complete(self, fields: Mapping[str, object]) -> Mapping[str, object]:
        if any(name in fields for name in LABEL_FIELDS):
            return fields
        return {self.field: [] if self.field == "labels" else None, **fields}

    def _format_csv(self, rows: Sequence[Mapping[str, object]]) -> str:
        columns = dict.fromkeys(key for row in rows for key in row)
        written = io.StringIO()
        table = csv.writer(written, lineterminator="\n")
        table.writerow(columns)
        for row in rows:
            table.writerow([self._format_cell(row, key) for key in columns])
        return written.getvalue()

    def _format_cell(self, row: Mapping[str, object], key: str) -> str:
        value = row.get(key)
        if isinstance(value, str) and "\0" in value:
            raise Refused(f"'{key}' of {row['path']} has a NUL, and csv none", fix="--to jsonl")
        if value is None or isinstance(value, str):
            return value or ""
        if key == "labels" and isinstance(value, list):
            return " ".join(value)
        self.omissions.add("as-text", f"{row['path']}: {key}")
        return json.dumps(value, ensure_ascii=False)


def _iter_fields(sample: Sample) -> Iterator[dict[str, object]]:
    fields: dict[str, object] = {}
    if sample.label is not None:
        fields["label"] = sample.label
    if sample.labels:
        fields["labels"] = [*sample.labels]
    if sample.text is not None:
        fields["text"] = sample.text
    if sample.question is not None:
        fields["question"] = sample.question.text
        fields["answers"] = [*sample.question.answers]
    fields |= sample.attributes
    if not sample.captions:
        yield fields
    for caption in sample.captions:
        yield {**fields, "caption": caption}
