"""Answers as COCO's results: what `loadRes` of pycocotools and hotcoco reads.

The format is described at https://cocodataset.org/#format-results. Ids are those of a dataset's
own annotations where the images are of one, else counted from 1.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from vtspec.adapters.data.image_decoding import open_image, read_orientation
from vtspec.adapters.data.mask_rle import format_rle
from vtspec.pipelines.errors import Refused

from .answers import Answer, FoundObject, read_areas, read_objects

Entry: TypeAlias = dict[str, object]
"""One of COCO's results."""


_FIRST_LYING: Final = 5
"""The first of EXIF's orientations that exchange width and height."""


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


@dataclass(kw_only=True)
class CocoWriter:
    """Answers as COCO's results. Images of a split of the dataset have the ids of its own COCO
    file, named by `known`; else they are numbered from 1, in `images` with their names."""

    ids: CocoIds
    known: Path | None = None
    images: list[Mapping[str, object]] = field(default_factory=list)

    def list_entries(self, answer: Answer, pixels: Path) -> Iterator[Entry]:
        """The results of an answer about what the file `pixels` shows, which is numbered where it
        has no id."""
        if self.known is not None:
            return list_entries(answer, self.ids.images[str(answer["image_path"])], self.ids)
        number = len(self.images) + 1
        self.images.append(_describe_image(number, answer, pixels))
        return list_entries(answer, number, self.ids)

    def write_images(self, folder: Path) -> Path | None:
        """Write `images.json`, with the ids of numbered images and of classes; where those of a
        dataset were used, nothing."""
        if self.known is not None:
            return None
        points = {"keypoints": list(self.ids.points)} if self.ids.points else {}
        categories = [
            {"id": identity, "name": name, **points}
            for name, identity in self.ids.categories.items()
        ]
        told = {"images": self.images, "annotations": [], "categories": categories}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "images.json"
        path.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def _describe_image(number: int, answer: Answer, pixels: Path) -> Mapping[str, object]:
    with open_image(pixels) as image:
        turned = read_orientation(image) >= _FIRST_LYING
        width, height = image.size[::-1] if turned else image.size
    place = {key: answer[key] for key in ("frame", "time_s") if key in answer}
    name = str(answer["image_path"])
    return {"id": number, "file_name": name, **place, "width": width, "height": height}


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
