"""A detector at work: its loss, what it finds, how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import Job
from vtspec.adapters.data.image_objects import ImageObjects
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects, list_object_records, make_truth
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.export import Outputs
from vtspec.adapters.transformers.task_network import Shown, TaskNetwork, refuse_no_numbers

from .architectures import DetectorFamily
from .images import DetectionImages, DetectionItem

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from vtspec.adapters.data.annotations import Size

OUTPUTS: Final = ("logits", "boxes")
"""What an exported network gives: `(n, queries, classes)`, and `(n, queries, 4)` by centre and
size as shares of the image."""


class Detector(TaskNetwork[ImageObjects, DetectionItem]):
    """A network that finds objects."""

    family: DetectorFamily

    def __init__(self, network: torch.nn.Module, family: DetectorFamily, job: Job) -> None:
        super().__init__(network, family, job)
        one = family.two_stage
        self.outputs = Outputs(OUTPUTS, any_batch=not one, is_ordered=not one)

    def make_dataset(
        self, images: Sequence[ImageObjects], *, epoch: int | None = None
    ) -> DetectionImages:
        """The items of images with their boxes."""
        return DetectionImages(images, self.job, self.normalize, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image stretched to the network's size."""
        from torchvision.transforms.v2 import functional

        size = list(self.job.training.image_size)
        pixels = functional.resize(functional.pil_to_tensor(image), size, antialias=True)
        return self.normalize(pixels)

    def compute_loss(self, items: Sequence[DetectionItem]) -> torch.Tensor:
        """The network's own training loss of a batch, in the mode that it is in."""
        return self._look(items).loss.float()  # type: ignore[no-any-return]

    def start_metrics(self) -> DetectionMetrics:
        """COCO's, by boxes."""
        return DetectionMetrics(self.job.dataset.classes)

    def measure_batch(
        self,
        items: Sequence[DetectionItem],
        images: Sequence[ImageObjects],
        metrics: DetectionMetrics,
    ) -> float:
        """Hold what is found against the truth."""
        output = self._look(items)
        refuse_no_numbers(output.logits, output.pred_boxes)
        found = self._decode(output.logits, output.pred_boxes, [one.size for one in items])
        for one, objects in zip(images, found, strict=True):
            metrics.update(one.name, make_truth(one), objects)
        return float(output.loss)

    def pick_class_metrics(self, metrics: DetectionMetrics) -> Mapping[str, float]:
        """The average precision of each class."""
        return pick_class_metrics(metrics.list_class_rows(), "ap50_95")

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """The boxes that it finds in each image."""
        output = self.run([one.pixels for one in shown])
        found = self._decode(output.logits, output.pred_boxes, [one.size for one in shown])
        classes = self.job.dataset.classes
        return [{"predicted_boxes": list_object_records(one, classes)} for one in found]

    def describe(self) -> Mapping[str, str]:
        """What makes scores of the logits."""
        return {"scores": "softmax" if self.family.softmax else "sigmoid"}

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """The parts of `outputs`."""
        return output.logits, output.pred_boxes

    def _look(self, items: Sequence[DetectionItem]) -> Any:
        labels = [
            {"class_labels": item.classes.to(self.device), "boxes": item.boxes.to(self.device)}
            for item in items
        ]
        return self.run([item.pixels for item in items], labels=labels)

    def _decode(
        self, logits: torch.Tensor, boxes: torch.Tensor, sizes: Sequence[Size]
    ) -> list[Objects]:
        """The best detections of each image, surest first, in pixels of images of `sizes`."""
        import torch

        most = self.job.params["maxDetections"]
        least = self.job.params["confidenceThreshold"]
        classes = len(self.job.dataset.classes)
        logits = logits.double()
        scores = logits.softmax(-1)[..., :classes] if self.family.softmax else logits.sigmoid()
        # Of a softmax a query is one object; else it may be of several classes, as in
        # deformable DETR (https://arxiv.org/abs/2010.04159).
        if self.family.softmax:
            best, labels = scores.max(-1)
            best, places = best.topk(min(most, best.shape[1]), dim=1)
            labels = labels.gather(1, places)
        else:
            best, flat = scores.flatten(1).topk(min(most, scores[0].numel()), dim=1)
            labels, places = flat % classes, flat // classes
        boxes = boxes.double()
        centre, half = boxes[..., :2], boxes[..., 2:] / 2
        corners = torch.cat([centre - half, centre + half], dim=-1).clamp(0, 1)
        corners = corners.gather(1, places[..., None].expand(-1, -1, 4))
        found = []
        for row, (width, height) in enumerate(sizes):
            kept = best[row] >= least
            scale = torch.tensor([width, height, width, height], device=corners.device)
            found.append(
                Objects(
                    boxes=(corners[row][kept] * scale).cpu().numpy(),
                    classes=labels[row][kept].cpu().numpy(),
                    scores=best[row][kept].cpu().numpy(),
                )
            )
        return found
