"""csv and jsonl: a line an image, with its path and its label."""

import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.adapters.data.image_labels import find_label_defect
from vtspec.adapters.data.tabular import Row, get_path_field, iter_rows, parse_row

from .file_tree import find_split, guess_folder
from .layout import (
    DatasetIssue,
    Layout,
    SplitLayout,
    list_classes,
    make_error,
    separate_defects,
    summarize_defects,
)

TASK_OF_FIELD: Final[Mapping[str, str]] = {
    "label": "image-classification",
    "labels": "multilabel-classification",
    "text": "ocr",
    "caption": "image-captioning",
    "question": "visual-question-answering",
    "messages": "text-generation",
}
"""What a table with a field can train."""


def detect_tables(tree: FileTree) -> Layout | None:
    """Files named after the splits (`train.csv`, `labels/val.jsonl`); None without such a file."""
    files: dict[str, list[str]] = defaultdict(list)
    for file in tree.files:
        split = find_split(_get_stem(file))
        if file.endswith((".csv", ".jsonl")) and split and not is_hidden(file):
            files[split].append(file)
    if "train" not in files:
        return None
    chosen = {s: files[s][0] for s in ("train", "val", "test") if s in files}
    findings = [*_check_files(files)]
    rows = {split: list(iter_rows(tree, file)) for split, file in chosen.items()}
    read = (row for part in rows.values() for row in part if isinstance(row, Row))
    fields = {key for row in read for key in row.fields}
    tasks = tuple(task for field, task in TASK_OF_FIELD.items() if field in fields)
    parts: dict[str, SplitLayout] = {}
    for split, file in chosen.items():
        parts[split], defects = _build_split(tree, split, file, rows[split], "label" in fields)
        findings += summarize_defects(defects)
    return Layout(
        format="csv" if chosen["train"].endswith(".csv") else "jsonl",
        why=f"{chosen['train']} has a line for each image",
        tasks=tasks or ("image-classification",),
        classes=list_classes(parts),
        splits=parts,
        findings=tuple(findings),
    )


def _get_stem(file: str) -> str:
    return posixpath.splitext(posixpath.basename(file))[0]


def _check_files(files: Mapping[str, Sequence[str]]) -> list[DatasetIssue]:
    """A dataset has one table a split, all of one format."""
    findings = [
        make_error(
            f"{len(found)} tables are of one split ({split}): {', '.join(found)}",
            "put them together into one",
            found,
        )
        for split, found in files.items()
        if len(found) > 1
    ]
    every = [file for found in files.values() for file in found]
    if len({posixpath.splitext(file)[1] for file in every}) > 1:
        findings.append(
            make_error(
                f"the tables are of two formats: {', '.join(every)}",
                "write all of them as csv, or all as jsonl",
                every,
            )
        )
    return findings


def _build_split(
    tree: FileTree, split: str, file: str, rows: Sequence[Row | Defect], is_labeled: bool
) -> tuple[SplitLayout, list[Defect]]:
    stem, here = _get_stem(file), posixpath.dirname(file) or "."
    # The first rows tell it as well as millions do.
    first = [row.fields for row in rows[:50] if isinstance(row, Row)]
    folder = guess_folder(
        tree,
        # Most tables lie beside their images; others name them from the data's root.
        (here, ".", "images", f"images/{stem}", stem),
        [str(fields.get(get_path_field(fields)) or "") for fields in first],
    )
    # `parse_row` is what `read_table` does with each row, once the folder is known.
    found = [
        row if isinstance(row, Defect) else parse_row(tree, split, file, folder, row)
        for row in rows
    ]
    items, defects = separate_defects(found)
    if is_labeled:
        known = {item.label for item in items if item.label}
        defects = [defect for item in found if (defect := find_label_defect(item, known))]
    return SplitLayout(path=folder, annotations=file, items=items), defects
