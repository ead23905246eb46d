"""Made-up objects and detections of them, and what pycocotools makes of the same."""

import contextlib
import io
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vtspec.adapters.evaluation.coco_evaluation import Kind
from vtspec.adapters.evaluation.objects import Objects

Row: TypeAlias = tuple[str, Objects, Objects]

WIDTH, HEIGHT, POINTS = 320, 240, 17


def make_detections(
    seed: int,
    images: int,
    classes: int,
    *,
    kind: Kind = "box",
    extra: int = 6,
) -> list[Row]:
    """Images with up to seven objects, most of them found about where they are, some twice, some
    as another class, and `extra` detections of nothing. Coarse scores, so that some are equal.
    Turned boxes are for the caller to turn."""
    random = np.random.default_rng(seed)
    return [(f"{n}.png", *_make_image(random, classes, kind, extra)) for n in range(images)]


def _make_image(
    random: np.random.Generator, classes: int, kind: str, extra: int
) -> tuple[Objects, Objects]:
    count = int(random.integers(0, 8))
    boxes = _place(random, count)
    names = random.integers(0, classes, count)
    places = random.permutation(np.concatenate([np.arange(count), np.arange(count // 3)]))
    found = boxes[places] + random.normal(0, 4, (len(places), 4))
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    called = np.where(
        random.random(len(places)) < 0.9,
        names[places],
        random.integers(0, classes, len(places)),
    )
    noise = _place(random, extra)
    found, called = (
        np.concatenate([found, noise]),
        np.concatenate([called, random.integers(0, classes, extra)]),
    )
    sure = np.concatenate([random.random(len(places)), 0.7 * random.random(extra)])
    truth = Objects(boxes=boxes, classes=names, crowd=random.random(count) < 0.1)
    guess = Objects(boxes=found, classes=called, scores=np.round(sure, 2))
    if kind == "mask":
        return _with_masks(truth), _with_masks(guess)
    if kind == "keypoints":
        return _with_points(random, truth, None), _with_points(random, guess, (places, truth))
    return truth, guess


def _place(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    corners = random.uniform((0, 0), (WIDTH - 40, HEIGHT - 40), (count, 2))
    sides = random.gamma(2.0, 35.0, (count, 2)) + 4
    far = np.minimum(corners + sides, (WIDTH, HEIGHT))
    return np.concatenate([corners, far], axis=1)


def _with_masks(objects: Objects) -> Objects:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    masks = np.zeros((len(objects.boxes), HEIGHT, WIDTH), bool)
    for mask, (x_min, y_min, x_max, y_max) in zip(masks, objects.boxes, strict=True):
        across = ((x - (x_min + x_max) / 2) / max((x_max - x_min) / 2, 1)) ** 2
        mask[:] = across + ((y - (y_min + y_max) / 2) / max((y_max - y_min) / 2, 1)) ** 2 <= 1
    return Objects(
        boxes=objects.boxes,
        classes=objects.classes,
        scores=objects.scores,
        crowd=objects.crowd,
        masks=masks,
    )


def _with_points(
    random: np.random.Generator, objects: Objects, source: tuple[NDArray[Any], Objects] | None
) -> Objects:
    low, high = objects.boxes[:, None, :2], objects.boxes[:, None, 2:]
    grid = np.linspace(0.1, 0.9, POINTS)
    places = low + np.stack([grid, grid[::-1]], axis=1) * (high - low)
    if source is None:
        seen = random.integers(0, 3, (len(objects.boxes), POINTS)) * (
            random.random((len(objects.boxes), 1)) < 0.9
        )
    else:
        places = places + random.normal(0, 2, places.shape)
        seen = np.full((len(objects.boxes), POINTS), 2)
    points = np.concatenate([places, seen[:, :, None]], axis=2)
    return Objects(
        boxes=objects.boxes,
        classes=objects.classes,
        scores=objects.scores,
        crowd=objects.crowd,
        areas=None
        if source
        else 0.9 * np.prod(objects.boxes[:, 2:] - objects.boxes[:, :2], axis=1),
        keypoints=points,
    )


def evaluate_with_pycocotools(
    rows: Sequence[Row], classes: int, iou_type: str, sigmas: Sequence[float] = ()
) -> Any:
    """Its `COCOeval` of these images, accumulated; `seconds` of the processor it took to evaluate
    and accumulate."""
    # Its annotations are narrower than what it takes.
    coco, cocoeval = (import_module(f"pycocotools.{name}") for name in ("coco", "cocoeval"))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = build_coco_dataset(rows, classes, iou_type)
        truth.createIndex()
        results = truth.loadRes(list_coco_results(rows, iou_type))
        evaluation = cocoeval.COCOeval(truth, results, iou_type)
        if len(sigmas):
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        began = time.process_time()
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.seconds = time.process_time() - began
    return evaluation


def build_coco_dataset(rows: Sequence[Row], classes: int, iou_type: str) -> dict[str, Any]:
    """The truth as COCO's JSON has it."""
    annotations = []
    for image, (_, truth, _) in enumerate(rows, start=1):
        for place, one in enumerate(_list_annotations(truth, iou_type)):
            crowd = truth.crowd is not None and bool(truth.crowd[place])
            annotations.append({**one, "image_id": image, "iscrowd": int(crowd)})
    for number, one in enumerate(annotations, start=1):
        one["id"] = number
    return {
        "images": [
            {"id": n + 1, "width": WIDTH, "height": HEIGHT, "file_name": row[0]}
            for n, row in enumerate(rows)
        ],
        "categories": [{"id": n + 1, "name": str(n)} for n in range(classes)],
        "annotations": annotations,
    }


def list_coco_results(rows: Sequence[Row], iou_type: str) -> list[dict[str, Any]]:
    """The detections as COCO's results have them."""
    results = []
    for image, (_, _, found) in enumerate(rows, start=1):
        assert found.scores is not None
        for one, score in zip(
            _list_annotations(found, iou_type), found.scores.tolist(), strict=True
        ):
            kept = {
                "bbox": ("bbox",),
                "segm": ("segmentation",),
                "keypoints": ("keypoints",),
            }[iou_type]
            results.append(
                {
                    "image_id": image,
                    "category_id": one["category_id"],
                    "score": score,
                    **{name: one[name] for name in kept},
                }
            )
    return results


def _list_annotations(objects: Objects, iou_type: str) -> list[dict[str, Any]]:
    mask = import_module("pycocotools.mask")
    rows: list[dict[str, Any]] = []
    for place, (x_min, y_min, x_max, y_max) in enumerate(objects.boxes.tolist()):
        width, height = x_max - x_min, y_max - y_min
        row: dict[str, Any] = {
            "category_id": int(objects.classes[place]) + 1,
            "bbox": [x_min, y_min, width, height],
            "area": width * height if objects.areas is None else float(objects.areas[place]),
        }
        if objects.masks is not None and iou_type == "segm":
            one = objects.masks[place]
            pixels = isinstance(one, np.ndarray)
            row["segmentation"] = mask.encode(np.asfortranarray(one, np.uint8)) if pixels else one
            row["area"] = int(mask.area(row["segmentation"]))
        if objects.keypoints is not None and iou_type == "keypoints":
            points = objects.keypoints[place]
            row["keypoints"] = points.reshape(-1).tolist()
            row["num_keypoints"] = int((points[:, 2] > 0).sum())
        rows.append(row)
    return rows


def average(precision: NDArray[Any]) -> float:
    """The mean of what was measured, as `summarize` of pycocotools takes it."""
    return float(precision[precision > -1].mean())


def list_matches(evaluation: Any, place: int) -> list[Mapping[str, Any]]:
    """What each image and class came to, for objects of one size range, in order."""
    ranges = len(evaluation.params.areaRng)
    images = len(evaluation.params.imgIds)
    per_class = len(evaluation.evalImgs) // (ranges * images)
    return [
        one
        for n in range(per_class)
        for one in evaluation.evalImgs[(n * ranges + place) * images :][:images]
        if one is not None
    ]
