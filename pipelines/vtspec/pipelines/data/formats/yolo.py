"""YOLO: a text file of numbers beside each image, class names in data.yaml."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .file_tree import Tree, splits_among
from .layout import Finding, Item, Layout, Part


def yolo(tree: Tree) -> Layout | None:
    """`images/<split>` with `labels/<split>`, or `<split>/images` with `<split>/labels`."""
    folders = _folders(tree)
    if not folders:
        return None
    settings, file = _settings(tree)
    classes = _names(settings.get("names"))
    reader = _Reader(tree, classes)
    parts = {
        split: Part(path=images, items=tuple(_items(tree, images, labels, reader)))
        for split, (images, labels) in folders.items()
    }
    images, labels = next(iter(folders.values()))
    return Layout(
        format="yolo",
        why=f"each image in {images}/ has a text file of numbers in {labels}/",
        tasks=(_task(reader.widths, "kpt_shape" in settings),),
        classes=classes,
        splits=parts,
        findings=(*([] if classes else [_nameless(file)]), *reader.findings()),
    )


def _folders(tree: Tree) -> dict[str, tuple[str, str]]:
    """Folder of the images and folder of the labels of each split."""
    top = tree.folders()
    if "images" in top and "labels" in top:
        found = splits_among(tree.folders("images"))
        pairs = {s: (f"images/{name}", f"labels/{name}") for s, name in found.items()}
        pairs = pairs or {"all": ("images", "labels")}
    else:
        pairs = {s: (f"{n}/images", f"{n}/labels") for s, n in splits_among(top).items()}
    texts = {
        split: pair
        for split, pair in pairs.items()
        if tree.images_below(pair[0]) and any(f.endswith(".txt") for f in tree.below(pair[1]))
    }
    return texts if texts else {}


def _settings(tree: Tree) -> tuple[Mapping[str, Any], str]:
    import yaml

    for file in tree.files:
        if "/" in file or not file.endswith((".yaml", ".yml")):
            continue
        try:
            text = tree.text(file)
            # A stranger's file: an alias can make it huge.
            content = None if "*" in text else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError, RecursionError):
            continue
        if isinstance(content, dict) and "names" in content:
            return content, file
    return {}, "data.yaml"


def _names(names: Any) -> tuple[str, ...]:
    match names:
        case list():
            return tuple(str(name) for name in names)
        case dict() if all(isinstance(key, int) for key in names):
            return tuple(str(names[key]) for key in sorted(names))
        case _:
            return ()


def _nameless(file: str) -> Finding:
    return Finding(
        severity="error",
        message="there is no data.yaml with the names of the classes",
        fix=f"write them into {file}, in index order: names: [cat, dog]",
    )


class _Reader:
    """Reads label files; `widths` are the lengths of rows, `faults` where which rows are wrong."""

    def __init__(self, tree: Tree, classes: tuple[str, ...]) -> None:
        self.tree = tree
        self.classes = classes
        self.widths: set[int] = set()
        self.faults: dict[str, list[str]] = defaultdict(list)

    def labels(self, file: str) -> tuple[str, ...]:
        """The class of each row; a row that is no label is left out and noted."""
        if not self.tree.has(file):
            return ()
        try:
            rows = [line.split() for line in self.tree.text(file).splitlines() if line.strip()]
        except ValueError as error:
            self.faults[f"cannot be read: {error}"].append(file)
            return ()
        found = []
        for number, row in enumerate(rows, 1):
            fault = self._fault(row)
            if fault:
                self.faults[fault].append(f"{file}:{number}")
                continue
            self.widths.add(len(row))
            found.append(self.classes[int(row[0])] if self.classes else row[0])
        return tuple(found)

    def _fault(self, row: list[str]) -> str | None:
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

    def findings(self) -> Iterator[Finding]:
        """One for each kind of fault, with all places."""
        for fault, places in sorted(self.faults.items()):
            yield Finding(
                severity="error",
                message=f"{places[0]} {fault}"
                + (f"; {len(places) - 1:,} more rows like it" if len(places) > 1 else ""),
                fix="correct the rows, or take them out",
                files=tuple(places),
            )


def _items(tree: Tree, images: str, labels: str, reader: _Reader) -> Iterator[Item]:
    for image in tree.images_below(images):
        file = posixpath.splitext(f"{labels}/{image.removeprefix(images + '/')}")[0] + ".txt"
        yield Item(image=image, classes=reader.labels(file))


def _task(widths: set[int], keypoints: bool) -> str:
    if keypoints:
        return "pose-estimation"
    if widths == {9}:
        return "oriented-detection"
    return "instance-segmentation" if any(width > 5 for width in widths) else "object-detection"
