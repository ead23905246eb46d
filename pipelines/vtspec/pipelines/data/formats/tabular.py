"""csv and jsonl: a line an image, with its path and its label."""

import csv
import io
import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from .file_tree import FileTree, find_split
from .layout import DatasetIssue, Layout, Sample, SplitLayout

_TASK_OF_FIELD: Mapping[str, tuple[str, ...]] = {
    "label": ("image-classification",),
    "labels": ("multilabel-classification",),
    "text": ("ocr",),
    "caption": ("image-captioning",),
    "question": ("visual-question-answering",),
    "messages": ("text-generation",),
}
_PATH_ALIASES = ("image", "file", "filename", "file_name", "image_path", "filepath")


def detect_tables(tree: FileTree) -> Layout | None:
    """Files named after the splits (`train.csv`, `labels/val.jsonl`); None without such a file."""
    files = {
        split: file
        for file in tree.files
        if file.endswith((".csv", ".jsonl")) and (split := _find_split(file))
    }
    if "train" not in files:
        return None
    findings: list[DatasetIssue] = []
    tables = {
        split: list(_iter_rows(tree, file, findings)) for split, file in sorted(files.items())
    }
    fields = {key for rows in tables.values() for row in rows for key in row}
    tasks = [task for key, found in _TASK_OF_FIELD.items() if key in fields for task in found]
    if not tasks:
        return None
    parts: dict[str, SplitLayout] = {
        split: _build_split(tree, files[split], tables[split], findings)
        for split in ("train", "val", "test")
        if split in files
    }
    return Layout(
        format="csv" if files["train"].endswith(".csv") else "jsonl",
        why=f"{files['train']} has a line for each image",
        tasks=tuple(tasks),
        classes=tuple(
            sorted({c for part in parts.values() for i in part.items for c in i.classes})
        ),
        splits=parts,
        findings=tuple(findings),
    )


def _find_split(file: str) -> str | None:
    return find_split(posixpath.splitext(posixpath.basename(file))[0])


def _iter_rows(
    tree: FileTree, file: str, findings: list[DatasetIssue]
) -> Iterator[dict[str, Any]]:
    try:
        text = tree.read_text(file)
        if file.endswith(".csv"):
            yield from csv.DictReader(io.StringIO(text, newline=""))
            return
        for number, line in enumerate(text.splitlines(), 1):
            row = json.loads(line) if line.strip() else {}
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            if row:
                yield row
    except (ValueError, csv.Error, RecursionError) as error:
        findings.append(
            DatasetIssue(
                severity="error",
                message=f"{file} cannot be read: {error}",
                fix="write it in UTF-8, one image a line",
                files=(file,),
            )
        )


def _build_split(
    tree: FileTree, file: str, rows: list[dict[str, Any]], findings: list[DatasetIssue]
) -> SplitLayout:
    if rows and "path" not in rows[0]:
        findings.append(_make_no_path_issue(file, rows[0]))
        return SplitLayout(path=posixpath.dirname(file) or ".", annotations=file)
    named = [(str(row.get("path") or ""), row) for row in rows]
    folder = _guess_folder(tree, file, [path for path, _ in named[:50]])
    items, absent = [], []
    for path, row in named:
        whole = posixpath.normpath(posixpath.join(folder, path))
        if posixpath.isabs(path) or ".." in path.split("/") or not tree.has(whole):
            absent.append(path)
        else:
            items.append(Sample(image=whole, classes=_parse_classes(row)))
    if absent:
        findings.append(
            DatasetIssue(
                severity="error",
                message=f"{file} names {len(absent)} images that are not below {folder}",
                fix="correct the paths, or take the lines out",
                files=tuple(absent),
            )
        )
    return SplitLayout(path=folder, annotations=file, items=tuple(items))


def _make_no_path_issue(file: str, row: Mapping[str, Any]) -> DatasetIssue:
    alias = next((name for name in _PATH_ALIASES if name in row), None)
    fix = f"rename '{alias}' to 'path'" if alias else "add the column 'path'"
    return DatasetIssue(
        severity="error",
        message=f"{file} has no column 'path' but {', '.join(map(str, row))}",
        fix=fix,
        files=(file,),
    )


def _guess_folder(tree: FileTree, file: str, paths: list[str]) -> str:
    """The folder that most of the first paths start from."""
    stem = posixpath.splitext(posixpath.basename(file))[0]
    candidates = (posixpath.dirname(file) or ".", ".", "images", f"images/{stem}", stem)
    return max(
        candidates,
        key=lambda folder: sum(
            tree.has(posixpath.normpath(posixpath.join(folder, path))) for path in paths
        ),
    )


def _parse_classes(row: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(row.get("label"), str):
        return (row["label"],)
    labels = row.get("labels")
    if isinstance(labels, str):
        return tuple(word for word in labels.split() if word)
    return tuple(map(str, labels)) if isinstance(labels, list) else ()
