"""A network that outlines objects, at work: its loss, what it finds, how good that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.instance_segmentation import InstanceSegmentationMetrics
from vtspec.adapters.evaluation.objects import (
    Objects,
    find_mask_boxes,
    list_object_records,
    make_outlined_truth,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import derive_seed
from vtspec.adapters.pytorch.export import Outputs
from vtspec.adapters.transformers.task_network import Shown, TaskNetwork, refuse_no_numbers

from .images import OutlineImages, OutlineItem

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from vtspec.adapters.data.annotations import Size

_MOST_VALUES: Final = 2**26
"""Of mask logits that are made as large as an image at a time."""


class Outliner(TaskNetwork[ImageObjects, OutlineItem]):
    """A network that outlines objects.

    What an export gives are `logits` `(n, queries, classes + 1)`, the last of which is of no
    object, and `masks` `(n, queries, h / 4, w / 4)`, the logits of pixels.
    """

    outputs = Outputs(("logits", "masks"), any_batch=False)

    def make_dataset(
        self, images: Sequence[ImageObjects], *, epoch: int | None = None
    ) -> OutlineImages:
        """The items of images with the outlines of their objects."""
        return OutlineImages(images, self.job, self.normalize, self.mean, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image stretched to the network's size."""
        from torchvision.transforms.v2 import functional

        size = list(self.job.training.image_size)
        pixels = functional.resize(functional.pil_to_tensor(image), size, antialias=True)
        return self.normalize(pixels)

    def compute_loss(self, items: Sequence[OutlineItem]) -> torch.Tensor:
        """The network's own training loss of a batch, at points that PyTorch's random state
        gives."""
        return self._look(items).loss.float()  # type: ignore[no-any-return]

    def start_metrics(self) -> InstanceSegmentationMetrics:
        """COCO's, by masks and by boxes."""
        return InstanceSegmentationMetrics(self.job.dataset.classes)

    def measure_batch(
        self,
        items: Sequence[OutlineItem],
        images: Sequence[ImageObjects],
        metrics: InstanceSegmentationMetrics,
    ) -> float:
        """Hold what is found against the truth."""
        import torch

        # The loss looks at random points: at the same ones whenever it is measured, and training
        # goes on as if it had not been.
        on_gpu = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=on_gpu):
            torch.manual_seed(derive_seed(self.job.training.seed, 0, items[0].index))
            output = self._look(items)
        refuse_no_numbers(output.class_queries_logits, output.masks_queries_logits)
        for row, (item, image) in enumerate(zip(items, images, strict=True)):
            truth = make_outlined_truth(image, item.size)
            metrics.update(image.name, truth, self._decode(output, row, item.size))
        return float(output.loss)

    def pick_class_metrics(self, metrics: InstanceSegmentationMetrics) -> Mapping[str, float]:
        """The average precision of each class, by masks."""
        return pick_class_metrics(metrics.masks.list_class_rows(), "mask_ap50_95")

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The objects that it finds in each image, with their boxes and masks."""
        output, classes = self.run([one.pixels for one in shown]), self.job.dataset.classes
        found = [self._decode(output, row, one.size) for row, one in enumerate(shown)]
        return [{"predicted_boxes": list_object_records(one, classes)} for one in found]

    def describe(self) -> Mapping[str, str]:
        """What makes scores of the logits."""
        return {"scores": "softmax"}

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The parts of `outputs`."""
        return output.class_queries_logits, output.masks_queries_logits

    def _look(self, items: Sequence[OutlineItem]) -> Any:
        return self.run(
            [one.pixels for one in items],
            mask_labels=[one.masks.to(self.device).float() for one in items],
            class_labels=[one.classes.to(self.device) for one in items],
        )

    def _decode(self, output: Any, row: int, size: Size) -> Objects:
        """The best detections of an image of this size, surest first, as Mask2Former has them
        (https://arxiv.org/abs/2112.01527): the probability of the class times the mean one of the
        pixels that belong to the object."""
        import numpy as np
        import torch
        from hotcoco import mask as runs

        params, classes = self.job.params, len(self.job.dataset.classes)
        logits = output.masks_queries_logits[row].float()
        scores = output.class_queries_logits[row].double().softmax(-1)[:, :classes]
        best, flat = scores.flatten().topk(min(params["maxDetections"], scores.numel()))
        level = math.log(params["maskThreshold"] / (1 - params["maskThreshold"]))
        width, height = size
        step = max(1, _MOST_VALUES // (width * height))
        coded, kept = [], []
        for start in range(0, len(flat), step):
            some = flat[start : start + step]
            wide = torch.nn.functional.interpolate(
                logits[None, some // classes], (height, width), mode="bilinear"
            )[0]
            inside = wide > level
            area = inside.flatten(1).sum(1)
            sure = (wide.sigmoid() * inside).flatten(1).sum(1).double() / area.clamp(min=1)
            score = best[start : start + step] * sure
            for place in torch.nonzero((area > 0) & (score >= params["confidenceThreshold"]))[
                :, 0
            ]:
                pixels = inside[place].cpu().numpy()
                coded.append(runs.encode(np.asfortranarray(pixels, np.uint8)))
                kept.append((int(some[place] % classes), float(score[place])))
        order = sorted(range(len(kept)), key=lambda place: -kept[place][1])
        masks = [coded[place] for place in order]
        return Objects(
            boxes=find_mask_boxes(masks),
            classes=np.array([kept[place][0] for place in order], np.int64),
            scores=np.array([kept[place][1] for place in order], np.float64),
            masks=masks,
        )
