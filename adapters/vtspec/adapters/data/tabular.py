"""csv and jsonl: a row an image, with its path and what it shows.

csv has a header row (RFC 4180, with commas); jsonl has an object a line. `path` says where the
image lies below the split's folder; `ALIASES` are read as it is where it is not there. `label` is
the image's class, `labels` its classes (in csv with spaces between), `text` what is written in
it, `caption` a sentence about it, `question` is asked of it and `answers` (or one `answer`) are
right; all else stays in the sample's attributes.
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from vtspec.adapters.contract import Split

from .annotations import Question, Sample
from .defects import Defect, make_file_defect
from .file_tree import FileTree
from .json_source import parse_json

if TYPE_CHECKING:
    from typing import TypeGuard

ALIASES: Final = ("filename", "file_name", "image", "image_path", "filepath", "file")
"""Other names of the field `path`, as other tools write it."""

LABEL_FIELDS: Final = ("label", "labels", "text", "caption", "question", "messages")
"""What a row may say of its image; it must have one of them."""

_ANSWERS: Final = ("answers", "answer")

_OWN_FIELDS = frozenset({"path", "label", "labels", "text", "caption", "question", *_ANSWERS})


class Row(NamedTuple):
    """One row as it was written. `number` is that of its last line, from 1."""

    number: int
    fields: Mapping[str, object]


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
    """The rows of a table, one by one; a csv up to the first that cannot be read."""
    try:
        # Decoded as a whole, so that a complaint names a place in the file, not in a buffer.
        text = tree.read_text(file)
    except ValueError as error:
        yield make_file_defect(file, error)
        return
    if file.endswith(".csv"):
        yield from _iter_csv_rows(file, text)
        return
    # Not `splitlines`: a text of JSON may hold U+2028 and the like.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _parse_json_row(file, number, line)


def _iter_csv_rows(file: str, text: str) -> Iterator[Row | Defect]:
    # Strict: a quote that is never closed would swallow the rows after it.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _normalize_header(next(reader, []))
        fault = _find_header_fault(header)
        if fault:
            yield Defect(kind="malformed-file", file=file, detail=fault)
            return
        for cells in reader:
            if not cells:
                continue
            if len(cells) == len(header):
                yield Row(reader.line_num, dict(zip(header, cells, strict=True)))
            else:
                # A comma inside of a label would cut it, in silence.
                yield Defect(
                    kind="malformed-label",
                    file=file,
                    line=reader.line_num,
                    detail=f"has {len(cells)} cells, but the header has {len(header)}",
                )
    except csv.Error as error:
        yield make_file_defect(file, error, reader.line_num)


def _normalize_header(header: Sequence[str]) -> Sequence[str]:
    """The names of the columns; those that are read are known in any case."""
    known = ("path", *LABEL_FIELDS, *_ANSWERS, *ALIASES)
    return [name if (bare := name.strip().lower()) not in known else bare for name in header]


def _find_header_fault(header: Sequence[str]) -> str | None:
    if not header:
        return "it has no header: the first line names the columns, such as path,label"
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        return f"the header names the column '{twice}' more than once"
    missing = next(
        (
            choices[0]
            for choices in (("path", *ALIASES), LABEL_FIELDS)
            if not any(name in header for name in choices)
        ),
        None,
    )
    if missing is None:
        return None
    other = next((mark for mark in ";\t|" if mark in header[0]), None)
    if other is not None and len(header) == 1:
        return f"cells are divided by {other!r}, not by a comma"
    shown = ", ".join(header[:8]) + (" …" if len(header) > 8 else "")
    return f"the header has no column '{missing}' but {shown}"


def _parse_json_row(file: str, number: int, line: str) -> Row | Defect:
    try:
        content = parse_json(line)
    except ValueError as error:
        return make_file_defect(file, error, number)
    if isinstance(content, dict):
        return Row(number, content)
    return Defect(kind="malformed-file", file=file, line=number, detail="it is no object")


def parse_row(tree: FileTree, split: str, file: str, folder: str, row: Row) -> Sample | Defect:
    """The image of one row. A path that leads nowhere is a defect that keeps the sample, since
    a row of a class that nobody asked for does not matter."""
    fields, place = row.fields, f"{file}:{row.number}"
    name = get_path_field(fields)
    path = fields.get(name)
    if not isinstance(path, str) or not path:
        shown = f", got {path!r:.40}" if path else ""
        return Defect(
            kind="no-path", file=file, line=row.number, detail=f"'path' is missing{shown}"
        )
    # One spelling of each path, as two would be two images to whoever counts.
    image = posixpath.normpath(posixpath.join(folder, path))
    label, text, caption = fields.get("label"), fields.get("text"), fields.get("caption")
    sample = Sample(
        image=image,
        split=split,
        label=label if isinstance(label, str) else None,
        labels=_parse_labels(fields.get("labels")),
        text=text if isinstance(text, str) else None,
        captions=(caption,) if isinstance(caption, str) and caption else (),
        question=_parse_question(fields),
        attributes={key: fields[key] for key in fields if key not in _OWN_FIELDS and key != name},
        place=place,
    )
    # A table comes from whoever made the data; it must not reach outside of it.
    if posixpath.isabs(path) or ".." in path.split("/"):
        return Defect(kind="path-outside", file=file, line=row.number, detail=path, sample=sample)
    if not tree.has(image):
        return Defect(
            kind="missing-image", file=file, line=row.number, detail=image, sample=sample
        )
    if not any(name in fields for name in LABEL_FIELDS):
        detail = "'label' is missing"
        return Defect(kind="no-label", file=file, line=row.number, detail=detail, sample=sample)
    fault = _find_row_fault(fields)
    if fault:
        return Defect(
            kind="malformed-label", file=file, line=row.number, detail=fault, sample=sample
        )
    return sample


def get_path_field(fields: Mapping[str, object]) -> str:
    """The name of the field that says where the image lies."""
    return next((name for name in ("path", *ALIASES) if name in fields), "path")


def _find_row_fault(fields: Mapping[str, object]) -> str | None:
    for name in ("label", "text", "caption", "question"):
        if not isinstance(fields.get(name, ""), (str, type(None))):
            return f"'{name}' is no text, got {fields[name]!r:.40}"
    labels = fields.get("labels", "")
    if not isinstance(labels, (str, type(None))) and not _is_texts(labels):
        return f"'labels' is no list of texts, got {labels!r:.40}"
    return _find_question_fault(fields)


def _find_question_fault(fields: Mapping[str, object]) -> str | None:
    if not fields.get("question"):
        return None
    name = next((name for name in _ANSWERS if name in fields), None)
    if name is None:
        return "has a question and no 'answers'"
    answers = fields[name]
    if (isinstance(answers, str) or _is_texts(answers)) and answers:
        return None
    return f"'{name}' is neither a text nor a list of texts, got {answers!r:.40}"


def _parse_question(fields: Mapping[str, object]) -> Question | None:
    text = fields.get("question")
    answers = next((fields[name] for name in _ANSWERS if name in fields), None)
    if not isinstance(text, str) or not text:
        return None
    found = [answers] if isinstance(answers, str) else answers
    return Question(text=text, answers=tuple(found) if _is_texts(found) else ())


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _parse_labels(labels: object) -> tuple[str, ...]:
    if isinstance(labels, str):
        return tuple(labels.split())
    return tuple(labels) if _is_texts(labels) else ()
