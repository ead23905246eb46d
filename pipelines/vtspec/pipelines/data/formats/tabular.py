"""csv and jsonl: a line an image, with its path and its label."""

import posixpath
from collections.abc import Mapping

from vtspec.adapters.data.annotations import Defect, Sample
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.tabular import Row, iter_rows, parse_row

from .file_tree import find_split, guess_folder
from .layout import DatasetIssue, Layout, SplitLayout, list_classes, make_error, separate_defects

_TASK_OF_FIELD: Mapping[str, str] = {
    "label": "image-classification",
    "labels": "multilabel-classification",
    "text": "ocr",
    "caption": "image-captioning",
    "question": "visual-question-answering",
    "messages": "text-generation",
}
_PATH_ALIASES = ("image", "file", "filename", "file_name", "image_path", "filepath")


def detect_tables(tree: FileTree) -> Layout | None:
    """Files named after the splits (`train.csv`, `labels/val.jsonl`); None without such a file."""
    files = {
        split: file
        for file in tree.files
        if file.endswith((".csv", ".jsonl")) and (split := find_split(_get_stem(file)))
    }
    if "train" not in files:
        return None
    findings: list[DatasetIssue] = []
    tables = {split: _read_rows(tree, file, findings) for split, file in sorted(files.items())}
    fields = {key for rows in tables.values() for row in rows for key in row.fields}
    tasks = tuple(task for field, task in _TASK_OF_FIELD.items() if field in fields)
    if not tasks:
        return None
    parts: dict[str, SplitLayout] = {
        split: _build_split(tree, split, files[split], tables[split], findings)
        for split in ("train", "val", "test")
        if split in files
    }
    return Layout(
        format="csv" if files["train"].endswith(".csv") else "jsonl",
        why=f"{files['train']} has a line for each image",
        tasks=tasks,
        classes=list_classes(parts),
        splits=parts,
        findings=tuple(findings),
    )


def _get_stem(file: str) -> str:
    return posixpath.splitext(posixpath.basename(file))[0]


def _read_rows(tree: FileTree, file: str, findings: list[DatasetIssue]) -> list[Row]:
    """The rows that can be read; what keeps the others from it is a finding."""
    rows = []
    for row in iter_rows(tree, file):
        if isinstance(row, Defect):
            findings.append(
                make_error(
                    f"{file} cannot be read: {row.detail}",
                    "write it in UTF-8, one image a line",
                    [file],
                )
            )
        # An empty object is a line that somebody blanked out.
        elif row.fields:
            rows.append(row)
    return rows


def _build_split(
    tree: FileTree, split: str, file: str, rows: list[Row], findings: list[DatasetIssue]
) -> SplitLayout:
    here = posixpath.dirname(file) or "."
    # Without it every row would be told of; the header is the one mistake.
    if rows and "path" not in rows[0].fields:
        findings.append(_make_no_path_issue(file, rows[0]))
        return SplitLayout(path=here, annotations=file)
    stem = _get_stem(file)
    folder = guess_folder(
        tree,
        # Most tables lie beside their images; others name them from the data's root.
        (here, ".", "images", f"images/{stem}", stem),
        # The first rows tell it as well as millions do.
        [str(row.fields.get("path") or "") for row in rows[:50]],
    )
    items: tuple[Sample, ...]
    items, absent = separate_defects(parse_row(tree, split, file, folder, row) for row in rows)
    if absent:
        findings.append(
            make_error(
                f"{file} names {len(absent)} images that are not below {folder}",
                "correct the paths, or take the lines out",
                [defect.detail for defect in absent],
            )
        )
    return SplitLayout(path=folder, annotations=file, items=items)


def _make_no_path_issue(file: str, row: Row) -> DatasetIssue:
    alias = next((name for name in _PATH_ALIASES if name in row.fields), None)
    return make_error(
        f"{file} has no column 'path' but {', '.join(map(str, row.fields))}",
        f"rename '{alias}' to 'path'" if alias else "add the column 'path'",
        [file],
    )
