"""The labelled images of a split, as imagefolder, csv or jsonl lays them out.

`imagefolder`: one folder a class below the split's folder, images at any depth beneath it.
`csv`: a header row with the columns `path` and `label`; `jsonl`: an object with `path` and
`label` on each line. Such a file is the split's `annotations`, with paths below the split's
folder; or it is the split's `path` itself, with paths below the folder it lies in. Other columns
and keys are left alone.

A class's index is its place in the job's classes, never that of its folder. Images are listed
class by class for an imagefolder (by path within one), else in the file's order.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from vtspec.adapters.contract import AdapterError, DatasetJob, Split

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
)
"""Endings of file names that are taken for images, in lower case."""

FORMATS = ("imagefolder", "csv", "jsonl")
"""The formats that are read here."""


class LabeledImage(NamedTuple):
    """One image on disk and the index of its class among the job's."""

    path: Path
    target: int


def list_labeled_images(data: DatasetJob, split: str) -> list[LabeledImage]:
    """The split's images of the job's classes; those of classes not asked for are left out.

    Raises:
        AdapterError: the split, a file or a class is not where the dataset says; a label or a
            folder is none of the dataset's classes; nothing is left.
    """
    if data.format not in FORMATS:
        raise AdapterError(
            f"images of format '{data.format}' cannot be read for classification",
            f"use a dataset of format {', '.join(FORMATS)}",
        )
    where = data.splits.get(split)
    if where is None:
        raise AdapterError(
            f"the dataset has no split '{split}'", f"take one of {', '.join(data.splits)}"
        )
    read = _iter_folder_images if data.format == "imagefolder" else _iter_file_images
    images = list(read(data, where))
    if not images:
        raise AdapterError(f"{data.root / where.path}: no image of the chosen classes")
    return images


def is_image(path: Path) -> bool:
    """Whether a file's name says that it is an image; hidden files never are."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def list_images(folder: Path) -> list[Path]:
    """Every image at any depth below a folder, in order of its path."""
    return sorted(path for path in folder.rglob("*") if is_image(path) and path.is_file())


def _iter_folder_images(data: DatasetJob, where: Split) -> Iterator[LabeledImage]:
    folder = data.root / where.path
    if not folder.is_dir():
        raise AdapterError(f"{folder}: no such folder", "check the dataset's splits")
    known = set(data.all_classes)
    for found in sorted(folder.iterdir()):
        if found.is_dir() and not found.name.startswith(".") and found.name not in known:
            raise _make_class_error(found.name, str(found), data.all_classes)
    for target, name in enumerate(data.classes):
        for path in list_images(folder / name):
            yield LabeledImage(path, target)


def _iter_file_images(data: DatasetJob, where: Split) -> Iterator[LabeledImage]:
    file = data.root / (where.annotations or where.path)
    images = data.root / where.path if where.annotations else file.parent
    if not file.is_file():
        raise AdapterError(f"{file}: no such file", "check the dataset's splits")
    targets = {name: target for target, name in enumerate(data.classes)}
    known = set(data.all_classes)
    for place, path, label in _iter_rows(file, data.format):
        if label not in known:
            raise _make_class_error(label, place, data.all_classes)
        if label in targets:
            yield LabeledImage(_resolve_path(images, path, place), targets[label])


def _iter_rows(file: Path, form: str) -> Iterator[tuple[str, str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines) if form == "csv" else map(_parse_line, lines)
            for number, row in enumerate(rows, start=2 if form == "csv" else 1):
                if row is None:
                    continue
                place = f"{file}:{number}"
                yield place, _get_field(row, "path", place), _get_field(row, "label", place)
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise AdapterError(f"{file}: not readable as {form}: {error}") from error


def _parse_line(line: str) -> Any:
    return json.loads(line) if line.strip() else None


def _get_field(row: Any, name: str, place: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str) or not value:
        raise AdapterError(f"{place}: '{name}' is missing", "give every image a path and a label")
    return value


def _resolve_path(folder: Path, path: str, place: str) -> Path:
    # A label file comes from whoever made the data; it must not reach outside of it.
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise AdapterError(
            f"{place}: '{path}' leads out of the dataset", f"give it below {folder}"
        )
    found = folder / relative
    if not found.is_file():
        raise AdapterError(f"{place}: {found} does not exist", "vtspec datasets inspect shows all")
    return found


def _make_class_error(name: str, place: str, classes: Sequence[str]) -> AdapterError:
    close = difflib.get_close_matches(name, classes, n=1)
    hint = f"did you mean '{close[0]}'? else " if close else ""
    return AdapterError(
        f"{place}: '{name}' is none of the dataset's {len(classes)} classes",
        f"{hint}add it to spec.classes of the dataset, or take it out of the data",
    )
