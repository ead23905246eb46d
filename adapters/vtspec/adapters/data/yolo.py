"""YOLO: a text file of numbers for each image, `labels/…/x.txt` for `images/…/x.jpg`.

A row is a class index and shares (0 to 1) of the image's width and height, as described at
https://docs.ultralytics.com/datasets/detect/. What the shares are the files do not tell: `RowForm`
does. The names of the classes are in `data.yaml`, which whoever calls has read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from vtspec.adapters.contract import Split

from .annotations import (
    Annotation,
    BoundingBox,
    Defect,
    Keypoint,
    OrientedBox,
    Polygon,
    Sample,
    Size,
    scale_points,
)
from .file_tree import FileTree

RowForm: TypeAlias = Literal["boxes", "corners", "polygons", "keypoints"]
"""What follows the class index: `cx cy w h`; four corners; a ring of three points or more; or
`cx cy w h` and then `x y` or `x y visibility` for each keypoint."""

GetSize: TypeAlias = Callable[[str], "Size | None"]
"""Takes an image's path from the dataset's root, and says its size where it is known."""


class LabelRow(NamedTuple):
    """One row: number of the class, and its shares."""

    class_index: int
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class YoloReader:
    """Reads the splits of a YOLO dataset.

    Without classes the index of each row is taken for its class's name. Shares become pixels
    only where `get_size` knows the image's size; else annotations have a class alone.
    `numbers_per_keypoint` is the second number of `kpt_shape` in data.yaml. `widths` are the
    lengths of the rows that were read so far, the class index counted.
    """

    tree: FileTree
    classes: Sequence[str] = ()
    form: RowForm = "boxes"
    numbers_per_keypoint: Literal[2, 3] = 3
    get_size: GetSize = lambda image: None
    widths: set[int] = field(default_factory=set)

    def read_split(self, split: str, where: Split) -> Iterator[Sample | Defect]:
        """The images below the split's folder, in order of their paths; before each the rows of
        its file that are no labels. An image without a file shows nothing of any class."""
        images = posixpath.normpath(where.path)
        labels = find_label_folder(images)
        for image in self.tree.list_images(images):
            below = image if images == "." else image[len(images) + 1 :]
            file = posixpath.normpath(
                posixpath.join(labels, posixpath.splitext(below)[0] + ".txt")
            )
            size = self.get_size(image)
            annotations = []
            for row in self._iter_rows(file):
                if isinstance(row, Defect):
                    yield row
                else:
                    annotations.append(self._parse_row(row, size))
            yield Sample(
                image=image, split=split, size=size, annotations=tuple(annotations), place=file
            )

    def _iter_rows(self, file: str) -> Iterator[LabelRow | Defect]:
        if not self.tree.has(file):
            return
        try:
            lines = self.tree.read_text(file).splitlines()
        except ValueError as error:
            yield Defect(kind="unreadable-file", file=file, detail=f"cannot be read: {error}")
            return
        rows = [words for line in lines if (words := line.split())]
        for number, words in enumerate(rows, 1):
            row = self._check_row(words)
            if isinstance(row, str):
                yield Defect(kind="malformed-label", file=file, line=number, detail=row)
            else:
                self.widths.add(len(words))
                yield row

    def _check_row(self, words: Sequence[str]) -> LabelRow | str:
        """The row, or what is wrong with it."""
        try:
            row = LabelRow(int(words[0]), tuple(map(float, words[1:])))
        except ValueError:
            return "is not a class index and numbers"
        if len(row.shares) < 4:
            return f"has {len(row.shares)} numbers, not 4 or more"
        if row.class_index < 0 or (self.classes and row.class_index >= len(self.classes)):
            return f"has class {row.class_index}, but there are {len(self.classes)} classes"
        # Written with few digits, a box at the border lies a little outside.
        if not all(-0.01 <= value <= 1.01 for value in row.shares[:4]):
            return "has numbers outside 0 to 1: they are shares of the image's width and height"
        return row

    def _parse_row(self, row: LabelRow, size: Size | None) -> Annotation:
        name = self.classes[row.class_index] if self.classes else str(row.class_index)
        if size is None:
            return Annotation(class_name=name)
        shares = row.shares
        if self.form == "corners" and len(shares) == 8:
            return Annotation(class_name=name, oriented_box=OrientedBox.from_yolo(shares, size))
        # A file of polygons may have rows of boxes in it.
        if self.form == "polygons" and len(shares) >= 6:
            ring = scale_points(shares[: len(shares) // 2 * 2], size)
            return Annotation(class_name=name, polygons=(Polygon(outer=ring),))
        return Annotation(
            class_name=name,
            box=BoundingBox.from_yolo(shares[:4], size),
            keypoints=self._parse_keypoints(shares[4:], size) if self.form == "keypoints" else (),
        )

    def _parse_keypoints(self, shares: Sequence[float], size: Size) -> tuple[Keypoint, ...]:
        step = self.numbers_per_keypoint
        points = (shares[at : at + step] for at in range(0, len(shares) - step + 1, step))
        return tuple(_scale_keypoint(point, size) for point in points)


def find_label_folder(images: str) -> str:
    """The folder of the labels of a folder of images: the last `images` in its path becomes
    `labels`, as in Ultralytics; without one, the labels lie beside the images."""
    parts = images.split("/")
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            return "/".join([*parts[:place], "labels", *parts[place + 1 :]])
    return images


def _scale_keypoint(point: Sequence[float], size: Size) -> Keypoint:
    x, y = scale_points(point[:2], size)
    # Without a third number, a point at the origin is one that was not labelled.
    seen = point[2] if len(point) == 3 else 2 * any(point)
    return Keypoint.from_numbers(x, y, 2 if seen > 1 else 1 if seen > 0 else 0)
