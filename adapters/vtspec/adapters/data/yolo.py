"""YOLO: a text file of numbers for each image, `labels/…/x.txt` for `images/…/x.jpg`.

A row is a class index and shares (0 to 1) of the image's width and height, as described at
https://docs.ultralytics.com/datasets/detect/. What the shares are the files do not tell: `RowForm`
does. The names of the classes are in `data.yaml`, which whoever calls has read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from vtspec.adapters.contract import Split

from .annotations import (
    Annotation,
    BoundingBox,
    Keypoint,
    OrientedBox,
    Polygon,
    Sample,
    Size,
    compute_ring_area,
    scale_points,
)
from .defects import Defect, make_file_defect
from .file_tree import FileTree, is_hidden

RowForm: TypeAlias = Literal["boxes", "corners", "polygons", "keypoints"]
"""What follows the class index: `cx cy w h`; four corners; a ring of three points or more; or
`cx cy w h` and then `x y` or `x y visibility` for each keypoint."""

# `int` and `float` alone would take `1_0`, `nan` and the digits of any script.
_INDEX: Final = re.compile(r"-?[0-9]{1,9}")
_NUMBER: Final = re.compile(
    r"[-+]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][-+]?[0-9]{1,3})?"
)

NO_AREA: Final = 1e-9
"""Of an image's area: what a ring must have at least."""

NEAREST_SHARE: Final = -0.01
FARTHEST_SHARE: Final = 1.01
"""Between these shares lie: written with few digits, a box at the border lies a little outside."""

_NOT_LABELS: Final = ("classes.txt", "notes.txt")
"""What tools write beside label files."""

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
    `keypoints` and `numbers_per_keypoint` are the numbers of `kpt_shape` in data.yaml; without
    the first, rows may have any number of keypoints. `widths` are the
    lengths of the rows that were read so far, the class index counted; `unlabeled` the images
    that have no file.
    """

    tree: FileTree
    classes: Sequence[str] = ()
    form: RowForm = "boxes"
    numbers_per_keypoint: Literal[2, 3] = 3
    keypoints: int | None = None
    get_size: GetSize = lambda image: None
    widths: set[int] = field(default_factory=set)
    unlabeled: list[str] = field(default_factory=list)

    def read_split(self, split: str, where: Split) -> Iterator[Sample | Defect]:
        """The images below the split's folder, in order of their paths; before each the rows of
        its file that are no labels, and last the files that belong to no image. An image without
        a file shows nothing of any class."""
        images = posixpath.normpath(where.path)
        labels = find_label_folder(images)
        image_of: dict[str, str] = {}
        for image in self.tree.list_images(images):
            file = find_label_file(image, images)
            if image_of.setdefault(file, image) != image:
                # Which of the two it was written for, nobody knows.
                detail = f"is the label file of {image_of[file]} and of {image}"
                yield Defect(kind="repeated", file=file, detail=detail)
            if not self.tree.has(file):
                self.unlabeled.append(image)
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
        for file in self.tree.files if labels == "." else self.tree.list_below(labels):
            if file not in image_of and _is_label_file(file):
                yield Defect(kind="orphan-label", file=file, detail="belongs to no image")

    def _iter_rows(self, file: str) -> Iterator[LabelRow | Defect]:
        if not self.tree.has(file):
            return
        try:
            lines = self.tree.read_lines(file)
        except ValueError as error:
            yield make_file_defect(file, error)
            return
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words:
                continue
            row = self._check_row(words)
            if isinstance(row, str):
                yield Defect(kind="malformed-label", file=file, line=number, detail=row)
            else:
                self.widths.add(len(words))
                yield row

    def _check_row(self, words: Sequence[str]) -> LabelRow | str:
        """The row, or what is wrong with it."""
        if not _INDEX.fullmatch(words[0]) or not all(map(_NUMBER.fullmatch, words[1:])):
            return "is not a class index and numbers"
        row = LabelRow(int(words[0]), tuple(map(float, words[1:])))
        if row.class_index < 0 or (self.classes and row.class_index >= len(self.classes)):
            return f"has class {row.class_index}, and the last one is {len(self.classes) - 1}"
        return self._find_share_fault(row.shares) or row

    def _find_share_fault(self, shares: Sequence[float]) -> str | None:
        """What is wrong with the numbers after the class: a box of four, with keypoints where
        rows have them, or else a ring of three points or more."""
        box, points = shares[:4], shares[4:]
        step = self.numbers_per_keypoint
        if self.form == "keypoints":
            if len(box) < 4 or len(points) % step:
                return f"has {len(shares)} numbers, not 4 and {step} for each keypoint"
            if self.keypoints is not None and len(points) != self.keypoints * step:
                return f"has {len(points) // step} keypoints, and kpt_shape says {self.keypoints}"
            # The third number of a keypoint is no share.
            places = [*box, *(value for at, value in enumerate(points) if at % step < 2)]
            seen = points[2::3] if step == 3 else ()
            if any(value not in (0, 1, 2) for value in seen):
                return "has a keypoint whose visibility is not 0, 1 or 2"
        elif len(shares) != 4 and (len(shares) < 6 or len(shares) % 2):
            return f"has {len(shares)} numbers: a box has 4, a polygon 3 or more pairs"
        else:
            places = [*shares]
        if not all(NEAREST_SHARE <= value <= FARTHEST_SHARE for value in places):
            return "has numbers outside 0 to 1: they are shares of the image's width and height"
        is_ring = self.form != "keypoints" and len(shares) > 4
        if compute_ring_area(shares) < NO_AREA if is_ring else min(box[2:]) <= 0:
            return "has no area"
        return None

    def _parse_row(self, row: LabelRow, size: Size | None) -> Annotation:
        name = self.classes[row.class_index] if self.classes else str(row.class_index)
        if size is None:
            return Annotation(class_name=name)
        shares = row.shares
        if self.form == "corners" and len(shares) == 8:
            return Annotation(class_name=name, oriented_box=OrientedBox.from_yolo(shares, size))
        # A file of polygons may have rows of boxes in it.
        if self.form == "polygons" and len(shares) >= 6:
            ring = scale_points(shares, size)
            return Annotation(class_name=name, polygons=(Polygon(outer=ring),))
        if self.form == "boxes" and len(shares) >= 6:
            ring = scale_points(shares, size)
            return Annotation(class_name=name, box=BoundingBox.around(ring))
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


def find_label_file(image: str, images: str) -> str:
    """The file with the labels of an image that lies below the folder `images`."""
    below = image if images == "." else image[len(images) + 1 :]
    file = posixpath.join(find_label_folder(images), posixpath.splitext(below)[0] + ".txt")
    return posixpath.normpath(file)


def _is_label_file(file: str) -> bool:
    name = posixpath.basename(file)
    stem = name.lower().partition(".")[0]
    return (
        name.endswith(".txt")
        and not is_hidden(file)
        and name not in _NOT_LABELS
        and not stem.startswith(("readme", "license", "licence"))
    )


def _scale_keypoint(point: Sequence[float], size: Size) -> Keypoint:
    x, y = scale_points(point[:2], size)
    # Without a third number, a point at the origin is one that was not labelled.
    seen = point[2] if len(point) == 3 else 2 * any(point)
    return Keypoint.from_numbers(x, y, 2 if seen > 1 else 1 if seen > 0 else 0)
