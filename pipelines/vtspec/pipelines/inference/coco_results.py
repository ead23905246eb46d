"""Answers as COCO's results: what `loadRes` of pycocotools and hotcoco reads.

The format is described at https://cocodataset.org/#format-results. Ids are those of a dataset's
own annotations where the images are of one, else counted from 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from vtspec.adapters.data.mask_rle import format_rle
from vtspec.pipelines.errors import Refused

from .answers import Answer, FoundObject, read_areas, read_objects

Entry: TypeAlias = dict[str, object]
"""One of COCO's results."""


@dataclass(frozen=True, kw_only=True)
class CocoIds:
    """The ids of images, by what they are asked for by, and of classes; and the names of a body's
    points in the order in which results have them."""

    images: Mapping[str, object] = field(default_factory=dict)
    categories: Mapping[str, object]
    points: Sequence[str] = ()


def number_classes(classes: Sequence[str], points: Sequence[str]) -> CocoIds:
    """Ids from 1 of classes in their order, and of no images."""
    return CocoIds(
        categories={name: number for number, name in enumerate(classes, start=1)},
        points=tuple(points),
    )


def list_entries(answer: Answer, image: object, ids: CocoIds) -> Iterator[Entry]:
    """The results of one image with that id.

    Raises:
        Refused: the answer has no form in COCO, or is about a class or a point without an id.
    """
    objects, areas = read_objects(answer), read_areas(answer)
    if objects is not None:
        for one in objects:
            yield {"image_id": image, **_describe_object(one, ids)}
    elif areas is not None:
        for label, _, mask in areas:
            category = _find_category(label, ids)
            yield {"image_id": image, "category_id": category, "segmentation": format_rle(mask)}
    else:
        raise Refused(
            "COCO has no results of what this model says of an image", fix="add --output json"
        )


def _describe_object(one: FoundObject, ids: CocoIds) -> Entry:
    x_min, y_min, x_max, y_max = one.box
    told: Entry = {
        "category_id": _find_category(one.label, ids),
        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
        "score": one.confidence,
    }
    if one.mask is not None:
        told["segmentation"] = format_rle(one.mask)
    if one.corners:
        # COCO knows no turned boxes, but polygons.
        told["segmentation"] = [[value for corner in one.corners for value in corner]]
    if one.points is not None:
        lacking = [name for name in ids.points if name not in one.points]
        if lacking or not ids.points:
            raise Refused(
                "the points that this model knows are not those of the dataset's annotations",
                fix="ask about a copy of the images, outside of the dataset",
            )
        told["keypoints"] = [value for name in ids.points for value in one.points[name]]
    return told


def _find_category(label: str, ids: CocoIds) -> object:
    try:
        return ids.categories[label]
    except KeyError:
        raise Refused(
            f"the dataset's annotations have no category '{label}', which the model knows",
            fix="ask about a copy of the images, outside of the dataset",
        ) from None
