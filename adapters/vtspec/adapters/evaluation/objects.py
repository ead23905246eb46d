"""The objects of images, true or detected, collected column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from vtspec.adapters.json_types import JsonObject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vtspec.adapters.data.annotations import Size
    from vtspec.adapters.data.image_objects import ImageObjects

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Rle: TypeAlias = dict[str, Any]
"""COCO's mask: `{"size": [height, width], "counts": text, bytes or list}`."""


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The objects of one image, in columns as long as each other.

    `boxes` are `(n, 4)`, `x_min y_min x_max y_max` in pixels; `classes` `(n,)` indices. `scores`
    (0 to 1) are those of detections. `areas`, in square pixels, decide which truth is small; where
    None, the mask's or else the box's. `crowd` are truths that stand for many objects. `masks` are
    COCO's runs, or pixels `(n, height, width)`. `keypoints` are `(n, points, 3)`: x, y, and of a
    truth COCO's visibility. `corners` are `(n, 8)`, `x0 y0 … x3 y3` around a turned rectangle,
    whose upright box is in `boxes`.
    """

    boxes: NDArray[Any]
    classes: NDArray[Any]
    scores: NDArray[Any] | None = None
    areas: NDArray[Any] | None = None
    crowd: NDArray[Any] | None = None
    masks: Sequence[Rle] | NDArray[Any] | None = None
    keypoints: NDArray[Any] | None = None
    corners: NDArray[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The objects of a split: `images` are the index of each one's image, rising. `boxes` are
    COCO's `x y width height`, `turned` are `(n, 5)`: centre, width, height and angle in radians.
    What a task does not have is empty."""

    images: Ints
    boxes: Floats
    classes: Ints
    scores: Floats
    areas: Floats
    crowd: Bools
    masks: Sequence[Rle]
    keypoints: Floats
    turned: Floats

    def pick(self, places: Ints) -> Columns:
        """The objects at these places."""
        return Columns(
            images=self.images[places],
            boxes=self.boxes[places],
            classes=self.classes[places],
            scores=self.scores[places],
            areas=self.areas[places],
            crowd=self.crowd[places],
            masks=[self.masks[place] for place in places] if self.masks else (),
            keypoints=self.keypoints[places] if len(self.keypoints) else self.keypoints,
            turned=self.turned[places] if len(self.turned) else self.turned,
        )


def make_truth(one: ImageObjects) -> Objects:
    """The objects of an image as they were annotated, by their boxes."""
    import numpy as np

    return Objects(
        boxes=np.array(one.boxes, np.float64).reshape(-1, 4),
        classes=np.array(one.classes, np.int64),
        areas=np.array(one.areas, np.float64),
        crowd=np.array(one.crowd, bool),
    )


def make_outlined_truth(one: ImageObjects, size: Size) -> Objects:
    """The objects of an image of this size as they were annotated, with their masks: polygons
    become pixels by COCO's rule, save those with holes, which COCO has none of."""
    from hotcoco import mask as runs

    from vtspec.adapters.data.mask_rle import format_rle
    from vtspec.adapters.data.rasters import encode_pixels, rasterize_object

    masks: list[Rle] = []
    for each in one.annotations:
        rings = [list(polygon.outer) for polygon in each.polygons if not polygon.holes]
        if each.mask is None and rings and len(rings) == len(each.polygons):
            masks.append(runs.merge(runs.frPyObjects(rings, size[1], size[0])))
            continue
        raster = rasterize_object(each, size)
        if raster is None:
            raise ValueError(f"{one.name}: an object without an outline of the image's size")
        masks.append(format_rle(encode_pixels(raster, size)))
    return replace(make_truth(one), masks=masks)


def find_mask_boxes(masks: Sequence[Rle]) -> Floats:
    """The upright boxes `(n, 4)` around masks, `x_min y_min x_max y_max`."""
    import numpy as np
    from hotcoco import mask as runs

    boxes = np.asarray(runs.toBbox(list(masks)) if masks else (), np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def list_object_records(found: Objects, classes: Sequence[str]) -> list[JsonObject]:
    """Detections as `predicted_boxes` of a result has them, each with its mask where there are
    masks: box, label, confidence."""
    assert found.scores is not None
    records: list[dict[str, Any]] = [
        {"box": box, "label": classes[label], "confidence": score}
        for box, label, score in zip(
            found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
        )
    ]
    for record, mask in zip(records, _encode(found.masks), strict=found.masks is not None):
        counts = mask["counts"]
        text = counts.decode("ascii") if isinstance(counts, bytes) else counts
        record["mask"] = {"size": list(mask["size"]), "counts": text}
    return [*records]


def encode_masks(objects: Objects) -> Objects:
    """The same with masks as runs, and with areas: those of the masks where there were none."""
    masks = _encode(objects.masks)
    areas = _measure_areas(masks) if objects.areas is None else objects.areas
    return replace(objects, masks=masks, areas=areas)


class ObjectTable:
    """Objects, image by image: some 80 bytes each, the runs of a mask (a few hundred), and a
    kilobyte an image."""

    def __init__(self) -> None:
        self._rows: list[Columns] = []

    def add(self, image: int, objects: Objects, classes: int) -> None:
        """Those of the image with this index, of so many classes.

        Raises `ValueError` where a column is not as long as the boxes, since one object would be
        measured with what is another's; where a class is none; where a box, score or point is no
        number.
        """
        import numpy as np

        if objects.masks is not None:
            objects = encode_masks(objects)
        boxes = np.asarray(objects.boxes, np.float64).reshape(-1, 4)
        count = len(boxes)
        boxes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        turned = np.zeros((0, 5)) if objects.corners is None else _turn(objects.corners)
        sides = boxes[:, 2:] if objects.corners is None else turned[:, 2:4]
        areas = sides[:, 0] * sides[:, 1] if objects.areas is None else objects.areas
        points = np.zeros((0, 0, 3)) if objects.keypoints is None else objects.keypoints
        row = Columns(
            images=np.full(count, image, np.int64),
            boxes=boxes,
            classes=np.asarray(objects.classes, np.int64),
            scores=np.ones(count) if objects.scores is None else _to_floats(objects.scores),
            areas=_to_floats(areas),
            crowd=np.zeros(count, bool)
            if objects.crowd is None
            else np.asarray(objects.crowd, bool),
            masks=() if objects.masks is None else list(objects.masks),
            keypoints=_to_floats(points),
            turned=turned,
        )
        told = [row.classes, row.scores, row.areas, row.crowd]
        given = (objects.masks, objects.keypoints, objects.corners)
        lengths = {len(column) for column in (*told, *given) if column is not None}
        if lengths != {count}:
            raise ValueError(f"{count} boxes beside columns of {sorted(lengths)}")
        if count and not 0 <= row.classes.min() <= row.classes.max() < classes:
            raise ValueError(f"a class is not one of 0 to {classes - 1}")
        for name in ("boxes", "scores", "keypoints", "turned"):
            if not np.isfinite(getattr(row, name)).all():
                raise ValueError(f"{name} that are no numbers")
        if count:
            self._rows.append(row)

    def join(self) -> Columns:
        """All of them."""
        import numpy as np

        rows = self._rows

        def stack(name: str, empty: NDArray[Any]) -> Any:
            found = [getattr(row, name) for row in rows if len(getattr(row, name))]
            return np.concatenate(found) if found else empty

        whole = np.zeros(0, np.int64)
        return Columns(
            images=stack("images", whole),
            boxes=stack("boxes", np.zeros((0, 4))),
            classes=stack("classes", whole),
            scores=stack("scores", np.zeros(0)),
            areas=stack("areas", np.zeros(0)),
            crowd=stack("crowd", np.zeros(0, bool)),
            masks=[mask for row in rows for mask in row.masks],
            keypoints=stack("keypoints", np.zeros((0, 0, 3))),
            turned=stack("turned", np.zeros((0, 5))),
        )


def _encode(masks: Sequence[Rle] | NDArray[Any] | None) -> Sequence[Rle]:
    import numpy as np

    if masks is None:
        return ()
    if not isinstance(masks, np.ndarray):
        return masks
    from hotcoco import mask

    return [mask.encode(np.asfortranarray(one, np.uint8)) for one in masks]


def _measure_areas(masks: Sequence[Rle]) -> NDArray[Any]:
    import numpy as np
    from hotcoco import mask

    return np.asarray(mask.area(list(masks)))


def _turn(corners: NDArray[Any]) -> Floats:
    """Centres, sides and angles of rectangles; of other quadrilaterals opposite sides are
    averaged, and the angle is that of the first and third."""
    import numpy as np

    around = np.asarray(corners, np.float64).reshape(-1, 4, 2)
    along = (around[:, 1] - around[:, 0] + around[:, 2] - around[:, 3]) / 2
    across = (around[:, 2] - around[:, 1] + around[:, 3] - around[:, 0]) / 2
    sides = [np.hypot(side[:, 0], side[:, 1]) for side in (along, across)]
    angle = np.arctan2(along[:, 1], along[:, 0])
    return np.column_stack([around.mean(axis=1), *sides, angle])


def _to_floats(column: NDArray[Any]) -> Floats:
    import numpy as np

    return np.asarray(column, np.float64)
