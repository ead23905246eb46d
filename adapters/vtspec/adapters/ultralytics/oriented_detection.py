"""Detection of turned boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import Job
from vtspec.adapters.data.annotations import Annotation, Size
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.json_types import JsonObject

from .detection import Detection
from .images import Item

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.data.image_objects import ImageObjects
    from vtspec.adapters.data.yolo import RowForm

_POINTS: Final = 100
"""Of the outline of a turned box, as the package has them."""


class OrientedDetection(Detection):
    """Rectangles at any angle."""

    word = "obb"
    network_class = "OBBModel"
    outputs: tuple[str, ...] = ("boxes", "scores", "angles")
    """As of upright boxes, and `(n, 1, places)`: by how much each is turned, in radians."""

    rows: RowForm = "corners"
    rotated = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.traits = {"use_obb": True}

    def read_shape(self, each: Annotation) -> tuple[float, ...]:
        """Its corners: of a turned box, or of an outline of four points, as COCO has them."""
        if each.oriented_box is not None:
            return each.oriented_box.corners
        if len(each.polygons) == 1 and len(each.polygons[0].outer) == 8:
            return each.polygons[0].outer
        raise ValueError("has no turned box, nor an outline of four points that would be one")

    def build_shapes(self, shapes: Sequence[Any], size: Size) -> dict[str, Any]:
        """Outlines of as many points each, as shares."""
        import numpy as np
        from ultralytics.utils.ops import resample_segments

        if not shapes:
            return {"segments": np.zeros((0, _POINTS, 2), np.float32)}
        rings = [np.array(shape, np.float32).reshape(4, 2) for shape in shapes]
        points = np.stack(resample_segments(rings, n=_POINTS))
        return {"segments": points / np.array(size, np.float32)}

    def list_form(self) -> dict[str, Any]:
        """Turned boxes."""
        return {"return_obb": True}

    def build_metrics(self) -> Any:
        """COCO's, over the overlap of turned boxes."""
        return DetectionMetrics(self.job.dataset.classes, "oriented")

    def make_truth(self, image: ImageObjects, size: Size) -> Objects:
        """The boxes that are there."""
        import numpy as np

        corners = np.array(
            [self.read_shape(each) for each in image.annotations], np.float64
        ).reshape(-1, 8)
        return replace(super().make_truth(image, size), corners=corners)

    def make_found(self, rows: torch.Tensor, item: Item, prototypes: Any) -> Objects:
        """Turned boxes in the image's own pixels, of which a part may lie outside of it; the
        upright ones around them are inside."""
        import numpy as np
        import torch
        from ultralytics.utils.ops import xywhr2xyxyxyxy

        placement = item.place()
        turned = torch.cat([rows[:, :4], rows[:, 6:7]], dim=1).double().cpu()
        corners = placement.restore_points(xywhr2xyxyxyxy(turned).numpy().reshape(-1, 4, 2))
        upright = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        return replace(
            super().make_found(rows, item, None),
            boxes=np.clip(upright, 0, np.array(placement.size * 2, np.float64)),
            corners=corners.reshape(-1, 8),
        )

    def tell_shapes(self, answer: Objects) -> Sequence[JsonObject]:
        """Corners `x0 y0 … x3 y3`, around the box."""
        assert answer.corners is not None
        return [{"corners": corners} for corners in answer.corners.tolist()]

    def give_shapes(self, head: Any, told: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
        """The angle of every place."""
        return (told["angle"],)
