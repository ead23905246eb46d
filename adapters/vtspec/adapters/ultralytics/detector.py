"""A YOLO detector at work: what it finds, how good that is, predictions and exports."""

from __future__ import annotations

import copy
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
from vtspec.adapters.pytorch.schedule import autocast, get_or_default

from .images import ImageDataset, ImageObjects, Item, iter_batches, join_items, read_images
from .recipe import sum_losses

if TYPE_CHECKING:
    import torch

EXPORTS: Final = ("safetensors", "onnx")

OUTPUTS: Final = ("boxes", "scores")
"""What an exported network gives: `(n, 4, places)`, by centre and size in pixels of what it was
shown, and `(n, classes, places)`."""

_CHECKED_IMAGES: Final = 4

_NO_LIMIT_S: Final = 1e9
"""The package gives up on the images of a batch that takes it long, and says nothing."""


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

    def __init__(self, network: Any, job: Job) -> None:
        self.network, self.job = network, job
        self.device: torch.device = next(network.parameters()).device

    def measure(self, images: Sequence[ImageObjects]) -> Measured:
        """Find the objects of labelled images, and hold them against the truth.

        Raises:
            AdapterError: an image is unreadable, or an output is not a number.
        """
        import torch

        data, size = ImageDataset(images, self.job), self.job.training.batch_size
        places = list(range(len(images)))
        batches = [places[start : start + size] for start in places[::size]]
        criterion = self.network.init_criterion()
        metrics, total = DetectionMetrics(self.job.dataset.classes), 0.0
        for items in iter_batches(data, batches, self.job):
            batch = join_items(items)
            found, heads = self._look(batch["img"])
            with torch.no_grad():
                total += float(sum_losses(criterion(heads, batch)[1])) * len(items)
            for item, rows in zip(items, found, strict=True):
                one = images[item.index]
                metrics.update(one.name, _make_truth(one), _make_found(rows, item))
        return Measured(metrics, total / len(images))

    def iter_predictions(self, paths: Iterable[Path]) -> Iterator[InferenceResult]:
        """The boxes that it finds in each image file, in order."""
        # Batch by batch: a folder to predict on may hold more than fits in memory.
        waiting = iter(paths)
        while group := list(islice(waiting, self.job.training.batch_size)):
            shown = read_images(group, self.job)
            items = [one for one in shown if isinstance(one, Item)]
            began = perf_counter()
            found = iter(self._look(join_items(items)["img"])[0] if items else ())
            # The network's time alone: decoding depends on the disk and not on the model.
            spent_ms = (perf_counter() - began) * 1000 / len(group)
            for path, one in zip(group, shown, strict=True):
                if isinstance(one, Item):
                    yield self._build_result(path, _make_found(next(found), one), spent_ms)
                else:
                    yield InferenceResult(
                        image_path=str(path),
                        task_type=self.job.task,
                        inference_time_ms=0.0,
                        error=one.reason,
                    )

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
                Outputs(OUTPUTS),
            )
        return written

    def _look(self, images: torch.Tensor) -> tuple[list[torch.Tensor], Any]:
        """Rows `(m, 6)` of each image: a box in the network's pixels, its confidence and class;
        and what the network's heads say, for its loss."""
        import torch
        from ultralytics.utils.nms import non_max_suppression

        params = self.job.params
        self.network.eval()
        with (
            translate_errors(),
            # Not `inference_mode`: the head keeps tensors that exports look at.
            torch.no_grad(),
            autocast(self.device, self.job.training.precision),
        ):
            told, heads = self.network(images.to(self.device).float() / 255)
        if not told.isfinite().all():
            raise AdapterError(
                "the network's outputs are no longer numbers",
                "lower training.learningRate, or set training.gradientClipping: 10.0",
            )
        found = non_max_suppression(
            told.float(),
            params["confidenceThreshold"],
            get_or_default(params["iouThreshold"], 0.7),
            nc=len(self.job.dataset.classes),
            agnostic=params["agnosticNms"],
            # A place may be of several classes, as average precision is of each class.
            multi_label=True,
            max_det=params["maxDetections"],
            max_time_img=_NO_LIMIT_S,
            end2end=params["endToEnd"],
        )
        return found, heads

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
            return torch.rand(size, generator=generator)
        data = ImageDataset(images, self.job)
        places = range(0, len(images), max(len(images) // _CHECKED_IMAGES, 1))
        batches = [[place] for place in places[:_CHECKED_IMAGES]]
        items = [item for (item,) in iter_batches(data, batches, self.job)]
        pixels: torch.Tensor = join_items(items)["img"]
        return pixels.float() / 255

    def _build_metadata(self) -> dict[str, str]:
        """What a reader of the weights needs to use them; values are JSON, save for names."""
        return {
            "framework": "ultralytics",
            "licence": "AGPL-3.0",
            "model": self.job.model.name,
            "task": self.job.task.value,
            # safetensors holds only texts as metadata.
            "classes": json.dumps(list(self.job.dataset.classes), ensure_ascii=False),
            "image_size": json.dumps(list(self.job.training.image_size)),
            "mean": json.dumps([0.0, 0.0, 0.0]),
            "std": json.dumps([1.0, 1.0, 1.0]),
            "resize": "letterbox",
            "scores": "sigmoid",
            "suppression": json.dumps(not self.job.params["endToEnd"]),
        }


def _make_truth(one: ImageObjects) -> Objects:
    import numpy as np

    return Objects(
        boxes=np.array(one.boxes, np.float64).reshape(-1, 4),
        classes=np.array(one.classes, np.int64),
        areas=np.array(one.areas, np.float64),
        crowd=np.array(one.crowd, bool),
    )


def _make_found(rows: torch.Tensor, item: Item) -> Objects:
    assert item.placement is not None
    table = rows.double().cpu().numpy()
    return Objects(
        boxes=item.placement.restore_boxes(table[:, :4]),
        classes=table[:, 5].astype("int64"),
        scores=table[:, 4],
    )


def _build_plain_network(network: Any) -> torch.nn.Module:
    """The network as a function of pixels to `OUTPUTS`, before anything is dropped."""
    import torch

    class PlainNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = copy.deepcopy(network)
            # Else it keeps the places of the last batch, and with them the number of images.
            self.network.model[-1].dynamic = True

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            head = self.network.model[-1]
            _, heads = self.network(images)
            told = (
                heads["one2one" if head.end2end else "one2many"] if "one2one" in heads else heads
            )
            boxes = head._get_decode_boxes(told)
            if head.end2end:
                low, high = boxes[:, :2], boxes[:, 2:]
                boxes = torch.cat([(low + high) / 2, high - low], dim=1)
            return boxes, told["scores"].sigmoid()

    return PlainNetwork()
