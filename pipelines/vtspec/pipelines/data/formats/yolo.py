"""YOLO: a text file of numbers beside each image, class names in data.yaml."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .file_tree import FileTree, find_splits
from .layout import DatasetIssue, Layout, Sample, SplitLayout


def detect_yolo(tree: FileTree) -> Layout | None:
    """`images/<split>` with `labels/<split>`, or `<split>/images` with `<split>/labels`."""
    folders = _find_folders(tree)
    if not folders:
        return None
    settings, file = _read_settings(tree)
    classes = _parse_names(settings.get("names"))
    reader = _LabelReader(tree, classes)
    parts = {
        split: SplitLayout(path=images, items=tuple(_iter_samples(tree, images, labels, reader)))
        for split, (images, labels) in folders.items()
    }
    images, labels = next(iter(folders.values()))
    return Layout(
        format="yolo",
        why=f"each image in {images}/ has a text file of numbers in {labels}/",
        tasks=(_guess_task(reader.widths, "kpt_shape" in settings),),
        classes=classes,
        splits=parts,
        findings=(*([] if classes else [_make_no_names_issue(file)]), *reader.iter_issues()),
    )


def _find_folders(tree: FileTree) -> dict[str, tuple[str, str]]:
    """Folder of the images and folder of the labels of each split."""
    top = tree.list_folders()
    if "images" in top and "labels" in top:
        found = find_splits(tree.list_folders("images"))
        pairs = {s: (f"images/{name}", f"labels/{name}") for s, name in found.items()}
        pairs = pairs or {"all": ("images", "labels")}
    else:
        pairs = {s: (f"{n}/images", f"{n}/labels") for s, n in find_splits(top).items()}
    texts = {
        split: pair
        for split, pair in pairs.items()
        if tree.list_images(pair[0]) and any(f.endswith(".txt") for f in tree.list_below(pair[1]))
    }
    return texts if texts else {}


def _read_settings(tree: FileTree) -> tuple[Mapping[str, Any], str]:
    import yaml

    for file in tree.files:
        if "/" in file or not file.endswith((".yaml", ".yml")):
            continue
        try:
            text = tree.read_text(file)
            # A stranger's file: an alias can make it huge.
            content = None if "*" in text else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError, RecursionError):
            continue
        if isinstance(content, dict) and "names" in content:
            return content, file
    return {}, "data.yaml"


def _parse_names(names: Any) -> tuple[str, ...]:
    match names:
        case list():
            return tuple(str(name) for name in names)
        case dict() if all(isinstance(key, int) for key in names):
            return tuple(str(names[key]) for key in sorted(names))
        case _:
            return ()


def _make_no_names_issue(file: str) -> DatasetIssue:
    return DatasetIssue(
        severity="error",
        message="there is no data.yaml with the names of the classes",
        fix=f"write them into {file}, in index order: names: [cat, dog]",
    )


class _LabelReader:
    """Reads label files; `widths` are the lengths of rows, `faults` where which rows are wrong."""

    def __init__(self, tree: FileTree, classes: tuple[str, ...]) -> None:
        self.tree = tree
        self.classes = classes
        self.widths: set[int] = set()
        self.faults: dict[str, list[str]] = defaultdict(list)

    def read_labels(self, file: str) -> tuple[str, ...]:
        """The class of each row; a row that is no label is left out and noted."""
        if not self.tree.has(file):
            return ()
        try:
            rows = [
                line.split() for line in self.tree.read_text(file).splitlines() if line.strip()
            ]
        except ValueError as error:
            self.faults[f"cannot be read: {error}"].append(file)
            return ()
        found = []
        for number, row in enumerate(rows, 1):
            fault = self._find_fault(row)
            if fault:
                self.faults[fault].append(f"{file}:{number}")
                continue
            self.widths.add(len(row))
            found.append(self.classes[int(row[0])] if self.classes else row[0])
        return tuple(found)

    def _find_fault(self, row: list[str]) -> str | None:
        try:
            index, numbers = int(row[0]), [float(value) for value in row[1:]]
        except ValueError:
            return "is not a class index and numbers"
        if len(numbers) < 4:
            return f"has {len(numbers)} numbers, not 4 or more"
        if index < 0 or (self.classes and index >= len(self.classes)):
            return f"has class {index}, but there are {len(self.classes)} classes"
        # Written with few digits, a box at the border lies a little outside.
        if not all(-0.01 <= value <= 1.01 for value in numbers[:4]):
            return "has numbers outside 0 to 1: they are shares of the image's width and height"
        return None

    def iter_issues(self) -> Iterator[DatasetIssue]:
        """One for each kind of fault, with all places."""
        for fault, places in sorted(self.faults.items()):
            yield DatasetIssue(
                severity="error",
                message=f"{places[0]} {fault}"
                + (f"; {len(places) - 1:,} more rows like it" if len(places) > 1 else ""),
                fix="correct the rows, or take them out",
                files=tuple(places),
            )


def _iter_samples(
    tree: FileTree, images: str, labels: str, reader: _LabelReader
) -> Iterator[Sample]:
    for image in tree.list_images(images):
        file = posixpath.splitext(f"{labels}/{image.removeprefix(images + '/')}")[0] + ".txt"
        yield Sample(image=image, classes=reader.read_labels(file))


def _guess_task(widths: set[int], keypoints: bool) -> str:
    if keypoints:
        return "pose-estimation"
    if widths == {9}:
        return "oriented-detection"
    return "instance-segmentation" if any(width > 5 for width in widths) else "object-detection"
