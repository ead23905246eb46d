"""COCO's average precision of boxes, turned boxes, masks or keypoints, by hotcoco.

The definitions are those of https://cocodataset.org/#detection-eval and of pycocotools, whose
arrays these are to the bit: 101 points of recall, ten overlaps, at most 100 detections (20 bodies)
of each image and class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from .matching import Pairs, get_thresholds, join_pairs, list_pairs, measure_box_overlap
from .objects import Columns

if TYPE_CHECKING:
    import numpy as np
    from hotcoco import COCO, COCOeval
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

Kind: TypeAlias = Literal["box", "oriented", "mask", "keypoints"]

IOU_TYPES: Final[dict[Kind, str]] = {
    "box": "bbox",
    "oriented": "obb",
    "mask": "segm",
    "keypoints": "keypoints",
}

SIZES: Final[dict[Kind, tuple[str, ...]]] = {
    "box": ("small", "medium", "large"),
    "oriented": ("small", "medium", "large"),
    "mask": ("small", "medium", "large"),
    "keypoints": ("medium", "large"),
}
"""Below 32², below 96², and above, in square pixels of the truth."""

MOST_DETECTIONS: Final[dict[Kind, int]] = {
    "box": 100,
    "oriented": 100,
    "mask": 100,
    "keypoints": 20,
}
"""The most of one image and class that count, the surest first."""

COCO_SIGMAS: Final = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
    *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""How far apart people put each of COCO's 17 points of a body, as a share of its size
(https://cocodataset.org/#keypoints-eval)."""


def choose_sigmas(points: int) -> tuple[float, ...]:
    """COCO's for its 17 points; of another skeleton, of which nobody measured them, a share of 1
    over the number of points each, as Ultralytics takes them."""
    return COCO_SIGMAS if points == len(COCO_SIGMAS) else (1 / points,) * points


def find_ignored(truth: Columns, kind: Kind) -> Bools:
    """The objects that nobody need find: crowds, and bodies without a labelled point."""
    if kind != "keypoints" or not len(truth.keypoints):
        return truth.crowd
    import numpy as np

    labelled = np.any(truth.keypoints[:, :, 2] > 0, axis=1)
    ignored: Bools = truth.crowd | ~labelled
    return ignored


def evaluate(truth: Columns, found: Columns, classes: int, images: int, kind: Kind) -> COCOeval:
    """Every detection held against every object, accumulated: `eval` has the arrays."""
    from hotcoco import COCOeval, Params

    true, detected = _build_datasets(truth, found, classes, images, kind)
    evaluation = COCOeval(true, detected, IOU_TYPES[kind])
    if kind == "keypoints":
        # Of a side without bodies nothing tells how many points they would have.
        points = max(each.keypoints.shape[1] for each in (truth, found)) or len(COCO_SIGMAS)
        params = Params(IOU_TYPES[kind])
        params.kpt_oks_sigmas = list(choose_sigmas(points))
        params.img_ids, params.cat_ids = evaluation.params.img_ids, evaluation.params.cat_ids
        evaluation.params = params
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def find_oriented_matches(truth: Columns, found: Columns, classes: int, images: int) -> Ints:
    """The object of each turned box at each overlap, as `match_pairs` gives it: by hotcoco, which
    alone knows how much two of them overlap."""
    import numpy as np
    from hotcoco import COCOeval

    evaluation = COCOeval(*_build_datasets(truth, found, classes, images, "oriented"), "obb")
    # Of all sizes together; the others would be four times the work.
    evaluation.params.area_rng, evaluation.params.area_rng_lbl = [[0.0, 1e10]], ["all"]
    evaluation.evaluate()
    matched = np.full((len(get_thresholds()), len(found.images)), -1, np.int64)
    for one in evaluation.eval_imgs:
        if one is not None and one["dtIds"]:
            # Numbered from 1, where 0 is none.
            matched[:, np.array(one["dtIds"]) - 1] = np.array(one["dtMatches"]) - 1
    return matched


def find_pairs(truth: Columns, found: Columns, classes: int, kind: Kind) -> Pairs:
    """The detections and objects of one image and class that overlap by a half or more."""
    groups, true_groups = (each.images * classes + each.classes for each in (found, truth))
    blocks = []
    for detections, objects in list_pairs(groups, true_groups):
        if kind == "box":
            overlaps = measure_box_overlap(
                found.boxes[detections], truth.boxes[objects], truth.crowd[objects]
            )
        elif kind == "mask":
            overlaps = _measure_mask_overlap(found, truth, detections, objects)
        else:
            overlaps = measure_oks(found.keypoints[detections], truth.pick(objects))
        close = overlaps >= 0.5
        blocks.append(Pairs(detections[close], objects[close], overlaps[close]))
    return join_pairs(blocks)


def measure_oks(points: Floats, truth: Columns) -> Floats:
    """The object keypoint similarity (0 to 1) of bodies, each with the one beside it.

    `points` is `(p, points, 3)`. Of a truth without a labelled point it is the similarity to the
    nearest place in twice its box, as in `computeOks` of pycocotools.
    """
    import numpy as np

    if not len(points):
        return np.zeros(0)
    variances = (np.array(choose_sigmas(points.shape[1])) * 2) ** 2
    labelled = truth.keypoints[:, :, 2] > 0
    known = np.any(labelled, axis=1)
    low = (truth.boxes[:, :2] - truth.boxes[:, 2:])[:, None]
    high = (truth.boxes[:, :2] + truth.boxes[:, 2:] * 2)[:, None]
    xy, true_xy = points[:, :, :2], truth.keypoints[:, :, :2]
    outside = (low - xy).clip(0) + (xy - high).clip(0)
    distance = np.where(known[:, None, None], xy - true_xy, outside)
    squares = (distance**2).sum(axis=2)
    scale = (truth.areas + np.spacing(1))[:, None]
    alike = np.exp(-(squares / variances / scale / 2))
    counted = labelled | ~known[:, None]
    similarity: Floats = (alike * counted).sum(axis=1) / counted.sum(axis=1)
    return similarity


def _build_datasets(
    truth: Columns, found: Columns, classes: int, images: int, kind: Kind
) -> tuple[COCO, COCO]:
    import numpy as np
    from hotcoco import COCO

    pictures = [{"id": n + 1, "width": 0, "height": 0} for n in range(images)]
    categories = [{"id": n + 1, "name": str(n)} for n in range(classes)]
    if kind in ("oriented", "keypoints"):
        rows = _list_rows(truth, kind)
        for number, row in enumerate(rows):
            row |= {"id": number + 1, "iscrowd": int(truth.crowd[number])}
        true = COCO({"images": pictures, "categories": categories, "annotations": rows})
        results = _list_rows(found, kind)
        for row, score in zip(results, found.scores.tolist(), strict=True):
            # COCO's own box and area are those of the points.
            del row["bbox"], row["area"]
            row["score"] = score
        return true, true.load_res(results)
    masks, detected_masks = (_list_masks(each, kind) for each in (truth, found))
    true = COCO.from_arrays(
        pictures,
        categories,
        truth.images + 1,
        truth.classes + 1,
        truth.boxes,
        area=truth.areas,
        iscrowd=truth.crowd,
        segmentation=masks,
    )
    table = np.column_stack([found.images + 1, found.boxes, found.scores, found.classes + 1])
    detected = true.load_res(table, segmentation=detected_masks)
    # By its mask a detection is small or large, as in results that have no boxes.
    detected.update_anns(ids=np.arange(1, len(table) + 1), area=found.areas)
    return true, detected


def _list_masks(columns: Columns, kind: Kind) -> list[dict[str, Any] | list[list[float]]] | None:
    return [*columns.masks] if kind == "mask" else None


def _list_rows(columns: Columns, kind: Kind) -> list[dict[str, Any]]:
    """The objects as COCO's JSON has them: what hotcoco takes no arrays of."""
    told: dict[str, list[Any]] = {
        "image_id": (columns.images + 1).tolist(),
        "category_id": (columns.classes + 1).tolist(),
        "bbox": columns.boxes.tolist(),
        "area": columns.areas.tolist(),
    }
    if kind == "oriented":
        told["obb"] = columns.turned.tolist()
    else:
        points = columns.keypoints
        told["keypoints"] = points.reshape(len(points), 3 * points.shape[1]).tolist()
        told["num_keypoints"] = (points[:, :, 2] > 0).sum(axis=1).tolist()
    return [dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True)]


def _measure_mask_overlap(
    found: Columns, truth: Columns, detections: NDArray[Any], objects: NDArray[Any]
) -> Floats:
    import numpy as np
    from hotcoco import mask

    overlaps = np.zeros(len(detections))
    if not len(detections):
        return overlaps
    # Masks far apart share nothing, which their boxes tell for less.
    boxes, true_boxes = (mask.to_bbox(list(each.masks)) for each in (found, truth))
    near = np.flatnonzero(
        measure_box_overlap(boxes[detections], true_boxes[objects], truth.crowd[objects])
    )
    order = near[np.argsort(objects[near], kind="stable")]
    for places in np.split(order, np.flatnonzero(np.diff(objects[order])) + 1):
        if len(places):
            one = int(objects[places[0]])
            overlaps[places] = mask.iou(
                [found.masks[place] for place in detections[places]],
                [truth.masks[one]],
                [bool(truth.crowd[one])],
            )[:, 0]
    return overlaps
