"""COCO: a JSON file a split, with images, annotations and categories.

The format is described at https://cocodataset.org/#format-data. Category ids may start anywhere
and have gaps; a class's index is the place of its id among the sorted ids.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from vtspec.adapters.contract import Split

from .annotations import Annotation, BoundingBox, Defect, Keypoint, Polygon, Sample, Size
from .file_tree import FileTree
from .mask_rle import parse_rle

Rows: TypeAlias = Sequence[Mapping[str, object]]

Id: TypeAlias = "int | float | str | None"
"""What ties rows together; whole numbers in COCO itself, text in other tools' files."""


@dataclass(frozen=True, kw_only=True)
class CocoFile:
    """The rows of one file. `names` are the categories by id, in the order of the ids."""

    images: Rows
    annotations: Rows
    names: Mapping[Id, str]


def parse_coco(content: object) -> CocoFile | None:
    """The rows of a file's content; None where it has no images or no annotations."""
    if not isinstance(content, dict) or "annotations" not in content:
        return None
    images = _get_rows(content, "images")
    if not images:
        return None
    return CocoFile(
        images=images,
        annotations=_get_rows(content, "annotations"),
        names=_parse_categories(_get_rows(content, "categories")),
    )


def read_coco(tree: FileTree, split: str, where: Split) -> Iterator[Sample | Defect]:
    """The images of a split, in the order of its file."""
    file = where.annotations or where.path
    try:
        content = parse_coco(tree.read_json(file))
    except ValueError as error:
        yield Defect(kind="unreadable-file", file=file, detail=str(error))
        return
    if content is None:
        detail = "it has no images and annotations"
        yield Defect(kind="unreadable-file", file=file, detail=detail)
        return
    yield from iter_samples(tree, split, where, content)


def iter_samples(
    tree: FileTree, split: str, where: Split, content: CocoFile
) -> Iterator[Sample | Defect]:
    """The images of a file's rows: first what is wrong with annotations, then image by image.

    An annotation of an image or a category that the file does not have is left out.
    """
    file = where.annotations or where.path
    # Of images that share an id, the last one counts, at the place of the first.
    images = {_get_id(row, "id"): row for row in content.images}
    labels: dict[Id, list[Annotation]] = defaultdict(list)
    for row in content.annotations:
        image, category = _get_id(row, "image_id"), _get_id(row, "category_id")
        if image not in images or (content.names and category not in content.names):
            yield Defect(kind="lost-annotation", file=file, detail=str(row.get("id")))
            continue
        found = _parse_annotation(row, content.names.get(category))
        if isinstance(found, str):
            yield Defect(
                kind="malformed-label", file=file, detail=f"annotation {row.get('id')}: {found}"
            )
            # The class is known nevertheless, and counts.
            found = Annotation(class_name=content.names.get(category))
        labels[image].append(found)
    for key, row in images.items():
        yield _build_sample(tree, split, where, row, labels.get(key, ()))


def _build_sample(
    tree: FileTree,
    split: str,
    where: Split,
    row: Mapping[str, object],
    annotations: Sequence[Annotation],
) -> Sample | Defect:
    name, file = str(row.get("file_name")), where.annotations or where.path
    sample = Sample(
        image=posixpath.normpath(posixpath.join(where.path, name)),
        split=split,
        size=_parse_size(row),
        captions=tuple(a.text for a in annotations if a.text is not None),
        annotations=tuple(annotations),
        place=file,
    )
    if tree.has(sample.image):
        return sample
    return Defect(kind="missing-image", file=file, detail=sample.image, sample=sample)


def _parse_annotation(row: Mapping[str, object], name: str | None) -> Annotation | str:
    """The annotation of a row, or what is wrong with its numbers."""
    try:
        area = row.get("segmentation")
        attributes, caption = row.get("attributes"), row.get("caption")
        return Annotation(
            class_name=name,
            box=_parse_box(row.get("bbox")),
            polygons=() if isinstance(area, dict) else _parse_polygons(area),
            mask=parse_rle(area) if area and isinstance(area, dict) else None,
            keypoints=_parse_keypoints(row.get("keypoints")),
            text=caption if isinstance(caption, str) else None,
            is_crowd=row.get("iscrowd") in (1, True),
            attributes=attributes if isinstance(attributes, dict) else {},
        )
    except ValueError as error:
        return str(error)


def _parse_box(raw: object) -> BoundingBox | None:
    if not raw:
        return None
    numbers = _parse_numbers(raw, "bbox")
    if len(numbers) != 4:
        raise ValueError(f"bbox has {len(numbers)} numbers, not 4")
    return BoundingBox.from_coco(numbers)


def _parse_polygons(raw: object) -> tuple[Polygon, ...]:
    if not raw:
        return ()
    if not isinstance(raw, list):
        raise ValueError("segmentation is neither a list nor an object")
    # COCO cannot say holes: every ring is a part of its own.
    rings = [_parse_numbers(ring, "segmentation") for ring in raw]
    if any(len(ring) < 6 or len(ring) % 2 for ring in rings):
        raise ValueError("segmentation has a ring that is not 3 or more pairs of numbers")
    return tuple(Polygon(outer=ring) for ring in rings)


def _parse_keypoints(raw: object) -> tuple[Keypoint, ...]:
    if not raw:
        return ()
    numbers = _parse_numbers(raw, "keypoints")
    if len(numbers) % 3:
        raise ValueError(f"keypoints has {len(numbers)} numbers, not 3 for each point")
    points = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return tuple(Keypoint.from_numbers(*point) for point in points)


def _parse_numbers(raw: object, field: str) -> tuple[float, ...]:
    # Types as a set, and numbers as they are: an object may have thousands of points.
    if not isinstance(raw, list) or not {*map(type, raw)} <= {int, float}:
        raise ValueError(f"{field} is not a list of numbers")
    return tuple(raw)


def _get_rows(content: Mapping[str, object], key: str) -> Rows:
    rows = content.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _get_id(row: Mapping[str, object], key: str) -> Id:
    value = row.get(key)
    return value if isinstance(value, (int, float, str)) else None


def _parse_categories(rows: Rows) -> dict[Id, str]:
    # Padded, as ids may be text: 9 comes before 10.
    ordered = sorted(rows, key=lambda row: str(row.get("id")).zfill(12))
    return {_get_id(row, "id"): str(row.get("name")) for row in ordered}


def _parse_size(row: Mapping[str, object]) -> Size | None:
    width, height = row.get("width"), row.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None
