"""A trained classifier at work: scores for a split, predictions for files, exports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import (
    AdapterError,
    ExportedFile,
    InferenceResult,
    Job,
    TrainingFailure,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import LOGITS, write_exports
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image, iter_batches
from vtspec.adapters.pytorch.schedule import autocast

from .data import build_eval_loader, build_eval_transform
from .labels import choose_labels

if TYPE_CHECKING:
    import torch

    from .labels import Images, Scores


_CHECKED_IMAGES: Final = 8


class Classifier:
    """A network with all that images go through before it, and classes behind it.

    `settings` are those of `resolve_settings`. Everything here is measured in `eval()` mode,
    in the job's precision; exports are float32.
    """

    def __init__(self, network: torch.nn.Module, settings: JsonObject, job: Job) -> None:
        self.network = network
        self.settings = settings
        self.job = job
        self.labels = choose_labels(job)
        self.device = next(network.parameters()).device

    def score_images(self, images: Images) -> Scores:
        """The outputs for labelled images against what they are labelled with.

        Raises:
            AdapterError: an image is unreadable, or an output is not a number.
        """
        import torch

        logits, targets = [], []
        loader = build_eval_loader(images, build_eval_transform(self.settings), self.job)
        for inputs, truth in iter_batches(iter(loader)):
            logits.append(self._compute_logits(inputs).cpu())
            # What a worker sent keeps a file open for as long as it is kept.
            targets.append(truth.clone())
        joined = torch.cat(logits)
        if not joined.isfinite().all():
            raise TrainingFailure(
                "not-a-number",
                "the network's outputs are no longer numbers",
                "lower training.learningRate, or set training.gradientClipping: 1.0",
            )
        return self.labels.score(joined, torch.cat(targets), images)

    def iter_predictions(self, paths: Iterable[Path]) -> Iterator[InferenceResult]:
        """What it says of each image file, in order, with a score for each class."""
        import torch

        transform = build_eval_transform(self.settings)
        # Batch by batch: a folder to predict on may hold more than fits in memory.
        waiting = iter(paths)
        while group := list(islice(waiting, self.job.training.batch_size)):
            images = [decode_image(path) for path in group]
            inputs = [transform(i) for i in images if not isinstance(i, UnreadableImage)]
            began = perf_counter()
            rows = iter(self._compute_scores(torch.stack(inputs)) if inputs else ())
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
                    yield self.labels.say(path, next(rows), spent_ms)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write `model.safetensors`, always, and `model.onnx` where asked for, into `folder`."""
        return write_exports(
            formats,
            folder,
            self.network,
            self._build_metadata(),
            lambda: (self.network, self._sample_images(), LOGITS),
        )

    def _compute_logits(self, inputs: torch.Tensor) -> torch.Tensor:
        import torch

        self.network.eval()
        layout = torch.channels_last if self.job.params["channelsLast"] else torch.preserve_format
        with (
            translate_errors(),
            torch.inference_mode(),
            autocast(self.device, self.job.training.precision),
        ):
            moved = inputs.to(self.device, non_blocking=True, memory_format=layout)
            logits: torch.Tensor = self.network(moved).float()
        return logits

    def _compute_scores(self, inputs: torch.Tensor) -> list[list[float]]:
        return self.labels.compute_scores(self._compute_logits(inputs)).cpu().tolist()

    def _sample_images(self) -> torch.Tensor:
        """A few images to hold an export against: of the val split, or noise where no data is."""
        import torch

        try:
            images = self.labels.list_images("val")
        except AdapterError:
            # Exporting needs no data at hand; noise of the normalised images' own spread will do.
            generator = torch.Generator().manual_seed(self.job.training.seed)
            return torch.randn(_CHECKED_IMAGES, *self.settings["input_size"], generator=generator)
        spread = images[:: max(len(images) // _CHECKED_IMAGES, 1)][:_CHECKED_IMAGES]
        loader = build_eval_loader(spread, build_eval_transform(self.settings), self.job)
        return torch.cat([inputs for inputs, _ in iter_batches(iter(loader))])

    def _build_metadata(self) -> dict[str, str]:
        """What a reader of the weights needs to use them; values are JSON, save for names."""
        settings = self.settings
        return {
            "framework": "timm",
            "model": self.job.model.name,
            "task": self.job.task.value,
            # safetensors holds only texts as metadata.
            "classes": json.dumps(list(self.job.dataset.classes), ensure_ascii=False),
            "image_size": json.dumps(list(settings["input_size"][1:])),
            "mean": json.dumps(list(settings["mean"])),
            "std": json.dumps(list(settings["std"])),
            "interpolation": settings["interpolation"],
            "crop_pct": json.dumps(settings["crop_pct"]),
            "crop_mode": settings["crop_mode"],
        }
