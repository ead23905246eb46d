"""Masks and boxes of one model, held against pycocotools and a case by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detections import average, evaluate_with_pycocotools, make_detections
from vtspec.adapters.contract import TaskType
from vtspec.adapters.data.annotations import Annotation, BoundingBox, Polygon
from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.data.mask_rle import encode_mask
from vtspec.adapters.evaluation.instance_segmentation import InstanceSegmentationMetrics
from vtspec.adapters.evaluation.objects import Objects, make_outlined_truth
from vtspec.adapters.metrics import METRICS

NAMES = ("cat", "dog")


def test_masks_and_boxes_are_measured_as_pycocotools_measures_each() -> None:
    rows = make_detections(3, 25, 2, kind="mask")
    metrics = InstanceSegmentationMetrics(NAMES)
    for row in rows:
        metrics.update(*row)
    found, details = metrics.compute(), metrics.build_details()
    assert set(found) <= {one.name for one in METRICS[TaskType.INSTANCE_SEGMENTATION]}
    for prefix, iou_type in (("mask_", "segm"), ("", "bbox")):
        told = evaluate_with_pycocotools(rows, 2, iou_type).eval["precision"][..., -1]
        assert found[f"{prefix}mAP50-95"] == average(told[..., 0])
        cat = told[:, :, 0, 0].mean()
        assert details["perClass"][0][f"{prefix}ap50_95"] == pytest.approx(cat, abs=1e-6)
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert {"mask_mAP50-95", "mask_iou", "mAP50"} <= set(details["samples"]["values"])
    for name, column in details["samples"]["values"].items():
        assert np.mean(column) == pytest.approx(found[name], abs=1e-5)
    assert details["errorTypes"] != details["boxes"]["errorTypes"]


def paint(*areas: tuple[int, int, int, int]) -> Any:
    masks = np.zeros((len(areas), 20, 20), bool)
    for mask, (x_min, y_min, x_max, y_max) in zip(masks, areas, strict=True):
        mask[y_min:y_max, x_min:x_max] = True
    return masks


def test_an_object_is_small_by_its_mask_also_where_boxes_are_measured() -> None:
    # A thin diagonal in a box of 100 x 100 is a small object to COCO.
    mask = np.eye(100, dtype=bool)[None]
    one = Objects(boxes=np.array([[0, 0, 100, 100]]), classes=np.array([0]), masks=mask)
    sure = Objects(boxes=one.boxes, classes=one.classes, masks=mask, scores=np.array([0.9]))
    metrics = InstanceSegmentationMetrics(NAMES)
    metrics.update("a.png", one, sure)
    assert metrics.compute()["mAP_small"] == pytest.approx(1.0)
    assert "mAP_large" not in metrics.compute()


def test_the_mask_iou_is_the_mean_over_the_masks_that_are_right() -> None:
    areas = ((0, 0, 10, 10), (10, 10, 20, 20), (0, 12, 4, 16))
    truth = Objects(boxes=np.array(areas), classes=np.array([0, 1, 1]), masks=paint(*areas))
    # 80 of 100 pixels, 60 of 100, and one that shares a fifth with its object.
    guesses = ((0, 0, 8, 10), (10, 10, 20, 16), (0, 15, 4, 17))
    found = Objects(
        boxes=np.array(guesses),
        classes=np.array([0, 1, 1]),
        scores=np.array([0.9, 0.3, 0.8]),
        masks=paint(*guesses),
    )
    metrics = InstanceSegmentationMetrics(NAMES)
    metrics.update("a.png", truth, found)
    assert metrics.compute()["mask_iou"] == pytest.approx((0.8 + 0.6) / 2)


def test_objects_without_masks_are_refused() -> None:
    one = Objects(boxes=np.array([[0, 0, 10, 10]]), classes=np.array([0]))
    with pytest.raises(ValueError, match=r"a\.png: objects without masks"):
        InstanceSegmentationMetrics(NAMES).update("a.png", one, one)


def test_an_outline_is_measured_to_the_pixel() -> None:
    from hotcoco import mask

    squares = tuple(
        Polygon(outer=(x, y, x + 4, y, x + 4, y + 4, x, y + 4)) for x, y in ((1, 1), (9, 3))
    )
    pixels = np.zeros((10, 16), np.uint8)
    pixels[1:5, 1:5] = pixels[3:7, 9:13] = 1
    drawn = (Annotation(polygons=squares), Annotation(mask=encode_mask(pixels.tobytes(), 16, 10)))
    image = ImageObjects(
        path=Path("a.png"),
        name="a.png",
        boxes=(BoundingBox(1, 1, 13, 7),) * 2,
        classes=(0, 1),
        areas=(32.0, 32.0),
        crowd=(False, False),
        annotations=drawn,
    )
    masks = make_outlined_truth(image, (16, 10)).masks
    assert masks is not None
    for one in masks:
        counts = one["counts"].encode() if isinstance(one["counts"], str) else one["counts"]
        assert np.array_equal(mask.decode({**one, "counts": counts}), pixels)
