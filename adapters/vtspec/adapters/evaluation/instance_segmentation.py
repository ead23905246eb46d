"""What a model that finds objects and their outlines is worth: by mask, and by box beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vtspec.adapters.json_types import JsonObject

from .detection import DetectionMetrics
from .objects import Objects, encode_masks
from .sample_records import build_value_records


class InstanceSegmentationMetrics:
    """The masks of a split against those of its objects, image by image; see `DetectionMetrics`.

    `mask_iou` is the mean IoU of the masks that are right, those that share at least half with
    their object.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.masks = DetectionMetrics(classes, "mask")
        self.boxes = DetectionMetrics(classes)

    def update(self, image: str, truth: Objects, found: Objects) -> None:
        """One image, by its name; both have masks."""
        if truth.masks is None or found.masks is None:
            raise ValueError(f"{image}: objects without masks")
        # By its mask a truth is small or large, also where boxes are measured, as COCO has it.
        truth, found = encode_masks(truth), encode_masks(found)
        self.masks.update(image, truth, found)
        self.boxes.update(
            image, replace(truth, masks=None), replace(found, masks=None, areas=None)
        )

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        return {**self.masks.compute(), **self.boxes.compute()}

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics; curves, confusion and errors are by mask, those
        by box under `boxes`."""
        details, boxes = self.masks.build_details(), self.boxes.build_details()
        rows = zip(details["perClass"], boxes["perClass"], strict=True)
        told = ("images", "classes", "perClass", "samples")
        return {
            **details,
            "perClass": [{**row, **other} for row, other in rows],
            "boxes": {name: part for name, part in boxes.items() if name not in told},
            "samples": build_value_records(
                self.masks.images,
                {**self.masks.compute_values(), **self.boxes.compute_values()},
            ),
        }
