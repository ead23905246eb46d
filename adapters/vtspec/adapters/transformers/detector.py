"""A detector at work: its loss, what it finds, how good that is, predictions and exports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, ExportedFile, InferenceResult, Job
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import Objects
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import Outputs, export_onnx, export_safetensors
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.adapters.pytorch.schedule import autocast

from .images import ImageDataset, ImageObjects, Item, choose_normalization, iter_batches
from .network import get_family

if TYPE_CHECKING:
    import torch

EXPORTS: Final = ("safetensors", "onnx")

OUTPUTS: Final = ("logits", "boxes")
"""What an exported network gives: `(n, queries, classes)`, and `(n, queries, 4)` by centre and
size as shares of the image."""

_CHECKED_IMAGES: Final = 4


@dataclass(frozen=True)
class Measured:
    """What a split's images were worth, and the mean loss over them."""

    metrics: DetectionMetrics
    loss: float

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        return {**self.metrics.compute(), "loss": self.loss}


class Detector:
    """A network with all that images go through before it, and boxes behind it.

    Everything is measured in `eval()` mode, in the job's precision; exports are float32.
    """

    def __init__(self, network: torch.nn.Module, job: Job) -> None:
        self.network, self.job = network, job
        self.family = get_family(network)
        self.device = next(network.parameters()).device
        self.normalization = choose_normalization(job, normalized=self.family.normalized)

    def compute_loss(self, items: Sequence[Item]) -> torch.Tensor:
        """The network's own training loss of a batch, in the mode that it is in."""
        return self._run(items).loss.float()  # type: ignore[no-any-return]

    def measure(self, images: Sequence[ImageObjects]) -> Measured:
        """Find the objects of labelled images, and hold them against the truth.

        Raises:
            AdapterError: an image is unreadable, or an output is not a number.
        """
        import torch

        self.network.eval()
        data = ImageDataset(images, self.job, self.normalization, augment=False)
        size = self.job.training.batch_size
        batches = [
            list(range(start, min(start + size, len(images))))
            for start in range(0, len(images), size)
        ]
        metrics, total = DetectionMetrics(self.job.dataset.classes), 0.0
        with torch.inference_mode():
            for items in iter_batches(data, batches, self.job):
                output = self._run(items)
                if not output.logits.isfinite().all() or not output.pred_boxes.isfinite().all():
                    raise AdapterError(
                        "the network's outputs are no longer numbers",
                        "lower training.learningRate, or set training.gradientClipping: 1.0",
                    )
                total += float(output.loss) * len(items)
                found = self._decode(output.logits, output.pred_boxes, [i.size for i in items])
                for item, objects in zip(items, found, strict=True):
                    one = images[item.index]
                    metrics.update(one.name, _make_truth(one), objects)
        return Measured(metrics, total / len(images))

    def iter_predictions(self, paths: Iterable[Path]) -> Iterator[InferenceResult]:
        """The boxes that it finds in each image file, in order."""
        import torch

        self.network.eval()
        data = ImageDataset((), self.job, self.normalization, augment=False)
        # Batch by batch: a folder to predict on may hold more than fits in memory.
        waiting = iter(paths)
        while group := list(islice(waiting, self.job.training.batch_size)):
            images = [decode_image(path) for path in group]
            good = [image for image in images if not isinstance(image, UnreadableImage)]
            inputs = [data.prepare(image) for image in good]
            began = perf_counter()
            found: Iterator[Objects] = iter(())
            if inputs:
                with (
                    translate_errors(),
                    torch.inference_mode(),
                    autocast(self.device, self.job.training.precision),
                ):
                    output: Any = self.network(pixel_values=torch.stack(inputs).to(self.device))
                found = iter(
                    self._decode(output.logits, output.pred_boxes, [i.size for i in good])
                )
            # The network's time alone: decoding depends on the disk and not on the model.
            spent_ms = (perf_counter() - began) * 1000 / len(group)
            for path, image in zip(group, images, strict=True):
                if isinstance(image, UnreadableImage):
                    yield InferenceResult(
                        image_path=str(path),
                        task_type=self.job.task,
                        inference_time_ms=0.0,
                        error=image.reason,
                    )
                else:
                    yield self._build_result(path, next(found), spent_ms)

    def export(
        self, formats: Sequence[str], folder: Path, images: Sequence[ImageObjects]
    ) -> Mapping[str, ExportedFile]:
        """Write `model.safetensors`, always, and `model.onnx` where asked for, into `folder`.

        The latter is held against the network on some of `images`, else on noise.
        """
        unknown = [form for form in formats if form not in EXPORTS]
        if unknown:
            raise AdapterError(
                f"export.formats: '{unknown[0]}' cannot be written",
                f"take {' or '.join(EXPORTS)}",
            )
        metadata = self._build_metadata()
        written = {
            "safetensors": export_safetensors(self.network, folder / "model.safetensors", metadata)
        }
        if "onnx" in formats:
            written["onnx"] = export_onnx(
                _build_plain_network(self.network),
                self._sample_pixels(images),
                folder / "model.onnx",
                metadata,
                Outputs(
                    OUTPUTS,
                    any_batch=not self.family.two_stage,
                    is_ordered=not self.family.two_stage,
                ),
            )
        return written

    def _run(self, items: Sequence[Item]) -> Any:
        import torch

        labels = [
            {"class_labels": item.classes.to(self.device), "boxes": item.boxes.to(self.device)}
            for item in items
        ]
        pixels = torch.stack([item.pixels for item in items]).to(self.device)
        with translate_errors(), autocast(self.device, self.job.training.precision):
            return self.network(pixel_values=pixels, labels=labels)

    def _decode(
        self, logits: torch.Tensor, boxes: torch.Tensor, sizes: Sequence[tuple[int, int]]
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

    def _build_result(self, path: Path, found: Objects, spent_ms: float) -> InferenceResult:
        classes = self.job.dataset.classes
        assert found.scores is not None
        told = zip(
            found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
        )
        return InferenceResult(
            image_path=str(path),
            task_type=self.job.task,
            inference_time_ms=spent_ms,
            predicted_boxes=[
                {"box": box, "label": classes[label], "confidence": score}
                for box, label, score in told
            ],
        )

    def _sample_pixels(self, images: Sequence[ImageObjects]) -> torch.Tensor:
        import torch

        if not images:
            generator = torch.Generator().manual_seed(self.job.training.seed)
            size = (_CHECKED_IMAGES, 3, *self.job.training.image_size)
            return torch.randn(size, generator=generator)
        data = ImageDataset(images, self.job, self.normalization, augment=False)
        places = range(0, len(images), max(len(images) // _CHECKED_IMAGES, 1))
        batches = [[place] for place in places[:_CHECKED_IMAGES]]
        return torch.stack([items[0].pixels for items in iter_batches(data, batches, self.job)])

    def _build_metadata(self) -> dict[str, str]:
        """What a reader of the weights needs to use them; values are JSON, save for names."""
        mean, std = self.normalization
        return {
            "framework": "transformers",
            "model": self.job.model.name,
            "family": self.network.config.model_type,  # type: ignore[dict-item,union-attr]
            "task": self.job.task.value,
            # safetensors holds only texts as metadata.
            "classes": json.dumps(list(self.job.dataset.classes), ensure_ascii=False),
            "image_size": json.dumps(list(self.job.training.image_size)),
            "mean": json.dumps(list(mean)),
            "std": json.dumps(list(std)),
            "scores": "softmax" if self.family.softmax else "sigmoid",
        }


def _make_truth(one: ImageObjects) -> Objects:
    import numpy as np

    return Objects(
        boxes=np.array(one.boxes, np.float64).reshape(-1, 4),
        classes=np.array(one.classes, np.int64),
        areas=np.array(one.areas, np.float64),
        crowd=np.array(one.crowd, bool),
    )


def _build_plain_network(network: torch.nn.Module) -> torch.nn.Module:
    """The network as a function of pixels to `OUTPUTS`."""
    import torch

    class PlainNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            output: Any = self.network(pixel_values=images)
            return output.logits, output.pred_boxes

    return PlainNetwork()
