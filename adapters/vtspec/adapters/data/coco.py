"""COCO: a JSON file a split, with images, annotations and categories.

The format is described at https://cocodataset.org/#format-data. Category ids may start anywhere
and have gaps; a class's index is the place of its id among the sorted ids.
"""

from __future__ import annotations

import math
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from vtspec.adapters.contract import Split

from .annotations import (
    Annotation,
    BoundingBox,
    Keypoint,
    Polygon,
    Sample,
    Size,
    compute_ring_area,
)
from .defects import Defect, make_file_defect
from .file_tree import FileTree
from .mask_rle import parse_rle

Row: TypeAlias = Mapping[str, object]

Id: TypeAlias = "int | float | str"
"""What ties rows together; whole numbers in COCO itself, text in other tools' files."""

_READ: Final[Mapping[str, frozenset[str]]] = {
    "images": frozenset({"id", "file_name", "width", "height"}),
    "categories": frozenset({"id", "name", "keypoints"}),
    "annotations": frozenset(
        {
            *("id", "image_id", "category_id", "bbox", "segmentation", "keypoints", "caption"),
            *("iscrowd", "attributes", "area", "num_keypoints"),
        }
    ),
}
"""The fields of each table's rows that are read, or follow from those that are."""

_ID_TYPES: Final = frozenset({int, float, str})
_NUMBER_TYPES: Final = frozenset({int, float})

_NO_AREA: Final = 1e-6
_FARTHEST: Final = 1e9
"""Pixels from the origin beyond which no number of an annotation can lie."""


@dataclass(frozen=True, kw_only=True)
class CocoFile:
    """The rows of one file, each with its number in its table, by id; rows that share an id with
    an earlier one are not there. `names` are the categories in the order of the ids, `headings`
    those that others call their supercategory; `keypoints` are the names of the points of each
    category that has some, and `unread` the fields of the file that nothing here reads.
    `defects` are what is wrong with the tables."""

    images: Mapping[Id, tuple[int, Row]]
    annotations: Sequence[tuple[int, Row]]
    names: Mapping[Id, str]
    headings: frozenset[str] = frozenset()
    keypoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    defects: Sequence[Defect] = field(default_factory=tuple)

    @property
    def used(self) -> frozenset[str]:
        """The categories that an annotation is of."""
        ids = {
            key
            for _, row in self.annotations
            if (key := row.get("category_id")).__class__ in _ID_TYPES
        }
        return frozenset(name for key, name in self.names.items() if key in ids)


def is_coco(content: object) -> bool:
    """Whether a file's content has images and annotations, in whatever form."""
    return isinstance(content, dict) and "images" in content and "annotations" in content


def parse_coco(content: object, file: str) -> CocoFile:
    """The rows of a file's content. Raises `ValueError` where it is none."""
    if not isinstance(content, dict) or not is_coco(content):
        raise ValueError("it has no images and annotations")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key, []), list):
            raise ValueError(f"'{key}' is no list")
    defects: list[Defect] = []
    tables = {key: _list_rows(content, key, file, defects) for key in _READ}
    categories = _index_rows(tables["categories"], "categories", file, defects)
    _check_unique(tables["annotations"], "annotations", "id", file, defects)
    _check_unique(tables["images"], "images", "file_name", file, defects)
    # Padded, as ids may be text: 9 comes before 10.
    names: dict[Id, str] = {}
    for identity in sorted(categories, key=lambda identity: str(identity).zfill(12)):
        number, row = categories[identity]
        place, name = f"categories[{number}]", row.get("name")
        if not isinstance(name, str) or not name:
            defects.append(_malformed(file, f"{place}.name is no text, got {name!r:.40}"))
        elif name in names.values():
            defects.append(_repeated(file, f"{place}.name is '{name}', as that of another id"))
        else:
            names[identity] = name
    keypoints: dict[str, tuple[str, ...]] = {}
    for identity, name in names.items():
        number, row = categories[identity]
        points = row.get("keypoints") or []
        if isinstance(points, list) and all(
            isinstance(one, str) and one.strip() for one in points
        ):
            keypoints |= {name: tuple(points)} if points else {}
        else:
            defects.append(_malformed(file, f"categories[{number}].keypoints is no list of names"))
    return CocoFile(
        images=_index_rows(tables["images"], "images", file, defects),
        annotations=tables["annotations"],
        names=names,
        headings=frozenset(
            heading
            for _, row in categories.values()
            if isinstance(heading := row.get("supercategory"), str)
        ),
        keypoints=keypoints,
        unread=_find_unread(content, tables),
        defects=defects,
    )


def list_classes(files: Iterable[CocoFile]) -> tuple[str, ...]:
    """The classes of a dataset: the categories of its files in the order of their ids, those of
    the first file first. A category that is only a heading of others is none."""
    found = list(files)
    used = frozenset[str]().union(*(content.used for content in found))
    headings = frozenset[str]().union(*(content.headings for content in found)) - used
    names = dict.fromkeys(name for content in found for name in content.names.values())
    return tuple(name for name in names if name not in headings)


def read_coco(tree: FileTree, split: str, where: Split) -> Iterator[Sample | Defect]:
    """The images of a split, in the order of its file."""
    file = where.annotations or where.path
    try:
        content = parse_coco(tree.read_json(file), file)
    except ValueError as error:
        yield make_file_defect(file, error)
        return
    yield from iter_samples(tree, split, where, content)


def iter_samples(
    tree: FileTree, split: str, where: Split, content: CocoFile
) -> Iterator[Sample | Defect]:
    """The images of a file's rows: first what is wrong with its tables and annotations, then
    image by image. An annotation of an image or a category that is not there is left out."""
    file = where.annotations or where.path
    yield from content.defects
    images, names = content.images, content.names
    labels: dict[Id, list[Annotation]] = defaultdict(list)
    sizes = {key: _parse_size(row) for key, (_, row) in images.items()}
    for number, row in content.annotations:
        fault = _find_reference_fault(row, content)
        if fault is not None:
            detail = f"annotations[{number}]{fault}"
            yield Defect(kind="lost-annotation", file=file, detail=detail)
            continue
        # Ids, as no fault was found.
        image, category = cast("Id", row["image_id"]), cast("Id | None", row.get("category_id"))
        name = None if category is None else names[category]
        found = _parse_annotation(row, name, sizes[image])
        if isinstance(found, str):
            yield _malformed(file, f"annotations[{number}].{found}")
            # The class is known nevertheless, and counts.
            found = Annotation(class_name=name)
        labels[image].append(found)
    for key, placed in images.items():
        yield _build_sample(tree, split, where, placed, sizes[key], labels.get(key, ()))


def _find_reference_fault(row: Row, content: CocoFile) -> str | None:
    """Why an annotation is of no image or no category."""
    image, category = row.get("image_id"), row.get("category_id")
    # Python takes true for 1, so that types are looked at, and not only values.
    if image.__class__ not in _ID_TYPES:
        return f".image_id is no id, got {image!r:.40}"
    if image not in content.images:
        return f".image_id is {image!r:.40}, which is not in the file"
    if category.__class__ not in _ID_TYPES:
        # A caption has no category.
        if category is None and "caption" in row:
            return None
        return f".category_id is no id, got {category!r:.40}"
    if category not in content.names:
        return f".category_id is {category!r:.40}, which is not in the file"
    return None


def _build_sample(  # noqa: PLR0913 - all that one image is made of
    tree: FileTree,
    split: str,
    where: Split,
    placed: tuple[int, Row],
    size: Size | None,
    annotations: Sequence[Annotation],
) -> Sample | Defect:
    number, row = placed
    place = f"images[{number}]"
    name, file = row.get("file_name"), where.annotations or where.path
    if not isinstance(name, str) or not name:
        other = " (but a coco_url)" if "coco_url" in row else ""
        detail = f"{place} has no file_name{other}, got {name!r:.40}"
        return Defect(kind="no-path", file=file, detail=detail)
    sample = Sample(
        image=posixpath.normpath(posixpath.join(where.path, name)),
        split=split,
        size=size,
        captions=tuple([one.text for one in annotations if one.text is not None]),
        annotations=tuple(annotations),
        place=file,
    )
    if posixpath.isabs(name) or ".." in name.split("/"):
        return Defect(kind="path-outside", file=file, detail=name, sample=sample)
    if not tree.has(sample.image):
        return Defect(kind="missing-image", file=file, detail=sample.image, sample=sample)
    for key in () if size else ("width", "height"):
        if not _is_side(row.get(key)):
            detail = f"{place}.{key} is no number of pixels, got {row.get(key)!r:.40}"
            return Defect(kind="malformed-label", file=file, detail=detail, sample=sample)
    return sample


def _parse_annotation(row: Row, name: str | None, size: Size | None) -> Annotation | str:
    """The annotation of a row, or what is wrong with its numbers."""
    area, caption, attributes = row.get("segmentation"), row.get("caption"), row.get("attributes")
    try:
        if caption is not None and not isinstance(caption, str):
            raise ValueError("caption is no text")
        box = _parse_box(row.get("bbox"))
        points = _parse_keypoints(row.get("keypoints"))
        is_crowd = row.get("iscrowd") in (1, True)
        # Most objects are a box, and data sets have tens of millions.
        if not (area or points or attributes or caption is not None):
            found = Annotation(name, box, is_crowd=is_crowd) if is_crowd else Annotation(name, box)
        else:
            said = {**attributes} if isinstance(attributes, dict) else {}
            found = Annotation(
                class_name=name,
                box=box,
                polygons=() if isinstance(area, dict) else _parse_polygons(area),
                mask=parse_rle(area) if area and isinstance(area, dict) else None,
                keypoints=points,
                text=caption,
                is_crowd=is_crowd,
                # As Datumaro and CVAT write what VOC says of an object.
                is_difficult=said.pop("difficult", None) in (1, True),
                is_truncated=said.pop("truncated", None) in (1, True),
                attributes=said,
            )
    except ValueError as error:
        return str(error)
    return _find_place_fault(found, size) or found


def _find_place_fault(found: Annotation, size: Size | None) -> str | None:
    """What of an annotation lies nowhere in an image of this size."""
    if size is None:
        return None
    box = found.box
    if box is not None and not box.overlaps(size):
        return f"bbox lies outside of the image of {size[0]} x {size[1]}"
    if found.polygons and not all(one.to_box().overlaps(size) for one in found.polygons):
        return f"segmentation lies outside of the image of {size[0]} x {size[1]}"
    mask = found.mask
    if mask is not None and (mask.width, mask.height) != size:
        return f"segmentation is {mask.width} x {mask.height}, its image {size[0]} x {size[1]}"
    return None


def _parse_box(raw: object) -> BoundingBox | None:
    if raw is None:
        return None
    numbers = _parse_numbers(raw, "bbox")
    if len(numbers) != 4:
        raise ValueError(f"bbox has {len(numbers)} numbers, not 4")
    x, y, width, height = numbers
    if width <= 0 or height <= 0:
        raise ValueError(f"bbox is {width:g} wide and {height:g} high")
    return BoundingBox(x, y, x + width, y + height)


def _parse_polygons(raw: object) -> tuple[Polygon, ...]:
    if not raw:
        return ()
    if not isinstance(raw, list):
        raise ValueError("segmentation is neither a list nor an object")
    # COCO cannot say holes: every ring is a part of its own.
    rings = [_parse_numbers(ring, "segmentation") for ring in raw]
    if any(len(ring) < 6 or len(ring) % 2 for ring in rings):
        raise ValueError("segmentation has a ring that is not 3 or more pairs of numbers")
    if any(compute_ring_area(ring) < _NO_AREA for ring in rings):
        raise ValueError("segmentation has a ring without an area")
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
    if not isinstance(raw, list) or not {*map(type, raw)} <= _NUMBER_TYPES:
        raise ValueError(f"{field} is not a list of numbers")
    # Bounds instead of `isfinite`, which a whole number of 400 digits overflows.
    for value in raw:
        if not -_FARTHEST <= value <= _FARTHEST:
            raise ValueError(f"{field} has a number that is no place in an image")
    return tuple(raw)


def _list_rows(content: Row, key: str, file: str, defects: list[Defect]) -> list[tuple[int, Row]]:
    """The rows of a table, each with its number; one that is no object is a defect."""
    rows = content.get(key, [])
    found: list[tuple[int, Row]] = []
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            found.append((number, row))
        else:
            detail = f"{key}[{number}] is no object, got {row!r:.40}"
            defects.append(_malformed(file, detail))
    return found


def _index_rows(
    rows: Iterable[tuple[int, Row]], key: str, file: str, defects: list[Defect]
) -> dict[Id, tuple[int, Row]]:
    """The rows of a table by their ids; the first of several, as the last would win in silence."""
    found: dict[Id, tuple[int, Row]] = {}
    for number, row in rows:
        value = _get_id(row, "id")
        place = f"{key}[{number}]"
        if value is None:
            defects.append(_malformed(file, f"{place}.id is no id, got {row.get('id')!r:.40}"))
        elif value in found:
            first = f"{key}[{found[value][0]}]"
            defects.append(_repeated(file, f"{place}.id is {value!r:.40}, as that of {first}"))
        else:
            found[value] = number, row
    return found


def _find_unread(content: Row, tables: Mapping[str, Iterable[tuple[int, Row]]]) -> frozenset[str]:
    """`info`, `images.license` and the like, as far as they say something."""
    unread = {key for key in content if key not in _READ and content[key]}
    for table, read in _READ.items():
        # Rows are alike, and most have the same few fields.
        kinds = {*map(frozenset, (row for _, row in tables[table]))}
        unread |= {f"{table}.{key}" for keys in kinds for key in keys - read}
    return frozenset(unread)


def _check_unique(
    rows: Iterable[tuple[int, Row]], key: str, name: str, file: str, defects: list[Defect]
) -> None:
    """No two rows may have the same text or number in a field; they may do without it."""
    found = [
        (number, value) for number, row in rows if (value := row.get(name)).__class__ in _ID_TYPES
    ]
    if name == "file_name":
        found = [(number, posixpath.normpath(str(value))) for number, value in found]
    if len({value for _, value in found}) == len(found):
        return
    seen: dict[object, int] = {}
    for number, value in found:
        first = seen.setdefault(value, number)
        if first != number:
            detail = f"{key}[{number}].{name} is {value!r:.60}, as that of {key}[{first}]"
            defects.append(_repeated(file, detail))


def _malformed(file: str, detail: str) -> Defect:
    return Defect(kind="malformed-label", file=file, detail=detail)


def _repeated(file: str, detail: str) -> Defect:
    return Defect(kind="repeated", file=file, detail=detail)


def _get_id(row: Row, key: str) -> Id | None:
    value = row.get(key)
    return value if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None


def _is_side(value: object) -> bool:
    """Whether it is a width or a height; other tools write 0 or nothing where they know none."""
    if value is None or (isinstance(value, (int, float)) and value == 0):
        return True
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 < value <= _FARTHEST and value == math.floor(value)


def _parse_size(row: Row) -> Size | None:
    width, height = row.get("width"), row.get("height")
    if not (_is_side(width) and _is_side(height)):
        return None
    # `_is_side` has seen that they are numbers, or nothing.
    sides = [int(side) if isinstance(side, (int, float)) else 0 for side in (width, height)]
    return (sides[0], sides[1]) if min(sides) > 0 else None
