"""Instance segmentation: a mask of each object, a mix of the image's prototypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vtspec.adapters.data.annotations import Annotation, Polygon, RleMask, Size
from vtspec.adapters.data.mask_rle import decode_mask
from vtspec.adapters.evaluation.instance_segmentation import InstanceSegmentationMetrics
from vtspec.adapters.evaluation.objects import Objects, Rle, make_outlined_truth
from vtspec.adapters.json_types import JsonObject

from .detection import Detection
from .images import Item

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from vtspec.adapters.data.image_objects import ImageObjects
    from vtspec.adapters.data.yolo import RowForm

    from .images import Placement

Outline: TypeAlias = RleMask | tuple[Polygon, ...]
"""The pixels of an object, as its dataset has them."""

_POINTS: Final = 1000
"""Of an outline, as the package has them."""

_MASKS_AT_ONCE: Final = 16
"""Of how many objects masks are held in full: their runs are a thousandth of that."""


class InstanceSegmentation(Detection):
    """Boxes and masks."""

    word = "segment"
    network_class = "SegmentationModel"
    outputs: tuple[str, ...] = ("boxes", "scores", "coefficients", "prototypes")
    """After boxes and scores `(n, 32, places)` and `(n, 32, h, w)`, whose product is the logits of
    masks, a quarter of the side in size."""

    columns: tuple[str, ...] = (*Detection.columns, "masks", "sem_masks")
    rows: RowForm = "polygons"
    class_figure = "mask_ap50_95"

    def read_shape(self, each: Annotation) -> Outline:
        """Its mask or polygons."""
        if each.mask is not None:
            return each.mask
        if not each.polygons:
            raise ValueError("has no outline, which instance segmentation needs")
        return each.polygons

    def build_shapes(self, shapes: Sequence[Outline], size: Size) -> dict[str, Any]:
        """Outlines of as many points each; the parts of one are joined by bridges without width,
        as the package joins them."""
        import numpy as np
        from ultralytics.utils.ops import resample_segments

        if not shapes:
            return {}
        rings = [_join_rings(_list_rings(shape)) for shape in shapes]
        count = max(_POINTS, *(len(ring) + 1 for ring in rings))
        return {
            "segments": np.stack(resample_segments(rings, n=count)) / np.array(size, np.float32)
        }

    def list_form(self) -> dict[str, Any]:
        """Masks."""
        params = self.job.params
        return {
            "return_mask": True,
            "mask_ratio": params["maskRatio"],
            "mask_overlap": params["overlapMasks"],
        }

    def build_metrics(self) -> Any:
        """COCO's, of masks and boxes."""
        return InstanceSegmentationMetrics(self.job.dataset.classes)

    def get_class_rows(self, metrics: Any) -> list[JsonObject]:
        """The figures of each class by mask."""
        return super().get_class_rows(metrics.masks)

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[Objects]:
        """The objects of each image, the surest first."""
        told, prototypes = outputs[0]
        return [
            self.make_found(rows, item, own)
            for rows, item, own in zip(self.suppress(told), items, prototypes, strict=True)
        ]

    def make_truth(self, image: ImageObjects, size: Size) -> Objects:
        """The objects that are there, with their masks."""
        return make_outlined_truth(image, size)

    def make_found(self, rows: torch.Tensor, item: Item, prototypes: Any) -> Objects:
        """The objects of an image with masks in its own pixels, each within its box."""
        found = super().make_found(rows, item, None)
        masks = _encode_masks(rows[:, 6:], prototypes, found.boxes, item.place())
        return replace(found, masks=masks)

    def give_shapes(self, head: Any, told: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
        """Coefficients and prototypes."""
        return told["mask_coefficient"], told["proto"]


def _list_rings(outline: Outline) -> list[NDArray[np.float32]]:
    """The rings of an outline, `(points, 2)` each, those of holes too."""
    import numpy as np

    if not isinstance(outline, RleMask):
        return [np.array(one.outer, np.float32).reshape(-1, 2) for one in outline]
    import cv2

    shape = outline.height, outline.width
    pixels = np.frombuffer(decode_mask(outline), np.uint8).reshape(shape)
    found, _ = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [ring.reshape(-1, 2).astype(np.float32) for ring in found]


def _join_rings(rings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    import numpy as np
    from ultralytics.data.converter import merge_multi_segment

    if len(rings) == 1:
        return rings[0]
    if not rings:
        # A mask without a pixel, whose box says that there is something.
        return np.zeros((1, 2), np.float32)
    return np.concatenate(merge_multi_segment([ring.reshape(-1).tolist() for ring in rings]))


def _encode_masks(
    coefficients: torch.Tensor,
    prototypes: torch.Tensor,
    boxes: NDArray[np.float64],
    placement: Placement,
) -> list[Rle]:
    import numpy as np
    from hotcoco import mask
    from torch.nn.functional import interpolate

    channels, height, width = prototypes.shape
    flat, side = prototypes.float().reshape(channels, -1), placement.side
    masks: list[Rle] = []
    for start in range(0, len(boxes), _MASKS_AT_ONCE):
        part = slice(start, start + _MASKS_AT_ONCE)
        logits = (coefficients[part].float() @ flat).reshape(-1, height, width)
        shown = interpolate(logits[None], size=(side, side), mode="bilinear")[0]
        inside = (placement.restore_map(shown) > 0).cpu().numpy()
        for pixels, (x_min, y_min, x_max, y_max) in zip(inside, boxes[part], strict=True):
            # A pixel is in a box where its centre is.
            rows, columns = (
                slice(max(round(low), 0), max(round(high), 0))
                for low, high in ((y_min, y_max), (x_min, x_max))
            )
            cropped = np.zeros(pixels.shape, np.uint8)
            cropped[rows, columns] = pixels[rows, columns]
            masks.append(mask.encode(np.asfortranarray(cropped)))
    return masks
