"""A trained YOLO network at work: what it says of images, how good that is, and exports."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, ExportedFile, InferenceResult
from vtspec.adapters.pytorch.batches import cut_batches, iter_item_batches
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import Outputs, write_exports
from vtspec.adapters.pytorch.schedule import autocast

from .images import Item
from .recipe import move_labels, scale_pixels, sum_losses
from .task import Metrics, VisionTask

if TYPE_CHECKING:
    import torch


_CHECKED_IMAGES: Final = 4


@dataclass(frozen=True)
class Measured:
    """What a split's images were worth, and the mean loss over them."""

    metrics: Metrics
    loss: float

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        return {**self.metrics.compute(), "loss": self.loss}


class Predictor:
    """A network with all that images go through before it, and answers behind it.

    Everything is measured in `eval()` mode, in the job's precision; exports are float32.
    """

    def __init__(self, network: Any, task: VisionTask) -> None:
        self.network, self.task, self.job = network, task, task.job
        self.device: torch.device = next(network.parameters()).device

    def measure(self, images: Sequence[Any]) -> Measured:
        """Answer for labelled images, and hold that against the truth.

        Raises:
            AdapterError: an image is unreadable, or an output is not a number.
        """
        import torch

        task, training = self.task, self.job.training
        batches = cut_batches(range(len(images)), training.batch_size)
        criterion = self.network.init_criterion()
        metrics, total = task.build_metrics(), 0.0
        for items in iter_item_batches(task.build_dataset(images), batches, training.workers):
            batch = task.join(items)
            outputs = self._look(batch["img"])
            with torch.no_grad():
                told = criterion(outputs, move_labels(batch, self.device))[1]
                total += float(sum_losses(told)) * len(items)
            answers = task.decode(outputs, items)
            for item, answer in zip(items, answers, strict=True):
                task.measure(metrics, images[item.index], item, answer)
        return Measured(metrics, total / len(images))

    def iter_predictions(self, paths: Iterable[Path]) -> Iterator[InferenceResult]:
        """What it says of each image file, in order."""
        task = self.task
        # Batch by batch: a folder to predict on may hold more than fits in memory.
        waiting = iter(paths)
        while group := list(islice(waiting, self.job.training.batch_size)):
            data = task.build_dataset(task.make_unlabelled(group))
            shown = [data[place] for place in range(len(data))]
            items = [one for one in shown if isinstance(one, Item)]
            began = perf_counter()
            outputs = self._look(task.join(items)["img"]) if items else None
            # The network's time alone: decoding depends on the disk and not on the model.
            spent_ms = (perf_counter() - began) * 1000 / len(group)
            answers = iter(task.decode(outputs, items) if items else ())
            for path, one in zip(group, shown, strict=True):
                if isinstance(one, Item):
                    yield InferenceResult(
                        image_path=str(path),
                        task_type=self.job.task,
                        inference_time_ms=spent_ms,
                        **task.tell(next(answers)),
                    )
                else:
                    yield InferenceResult(
                        image_path=str(path),
                        task_type=self.job.task,
                        inference_time_ms=0.0,
                        error=one.reason,
                    )

    def export(
        self, formats: Sequence[str], folder: Path, images: Sequence[Any]
    ) -> Mapping[str, ExportedFile]:
        """Write `model.safetensors`, always, and `model.onnx` where asked for, into `folder`.

        The latter is held against the network on some of `images`, else on noise.
        """
        return write_exports(
            formats,
            folder,
            self.network,
            self._build_metadata(),
            lambda: (
                _build_plain_network(self.network, self.task),
                self._sample_pixels(images),
                Outputs(self.task.outputs),
            ),
        )

    def _look(self, images: torch.Tensor) -> Any:
        """What the network says of images in `eval()`, which are numbers."""
        import torch

        self.network.eval()
        with (
            translate_errors(),
            # Not `inference_mode`: the head keeps tensors that exports look at.
            torch.no_grad(),
            autocast(self.device, self.job.training.precision),
        ):
            outputs = self.network(scale_pixels(images.to(self.device)))
        first = outputs
        while not isinstance(first, torch.Tensor):
            first = first[0]
        if not first.isfinite().all():
            raise AdapterError(
                "the network's outputs are no longer numbers",
                "lower training.learningRate, or set training.gradientClipping: 10.0",
            )
        return outputs

    def _sample_pixels(self, images: Sequence[Any]) -> torch.Tensor:
        import torch

        if not images:
            generator = torch.Generator().manual_seed(self.job.training.seed)
            size = (_CHECKED_IMAGES, 3, *self.job.training.image_size)
            return torch.rand(size, generator=generator)
        data = self.task.build_dataset(images)
        places = range(0, len(images), max(len(images) // _CHECKED_IMAGES, 1))
        batches = [[place] for place in places[:_CHECKED_IMAGES]]
        loaded = iter_item_batches(data, batches, self.job.training.workers)
        items = [item for (item,) in loaded]
        return scale_pixels(self.task.join(items)["img"])

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
            **self.task.describe(),
        }


def _build_plain_network(network: Any, task: VisionTask) -> torch.nn.Module:
    """The network as a function of pixels to what the task exports."""
    import torch

    class PlainNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = copy.deepcopy(network)

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return task.give_outputs(self.network, images)

    return PlainNetwork()
