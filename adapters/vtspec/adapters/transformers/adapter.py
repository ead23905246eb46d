"""The adapter of Transformers: object detection, in one process on the CPU or one GPU.

The network and its loss are the library's; the loop is here, so that a training goes on after an
interruption as if there had been none. Augmentation and order follow from (seed, epoch, index).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    ExportedFile,
    InferenceResult,
    Job,
    MetricsResult,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.epoch_adapter import EpochAdapter
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, EpochProgress
from vtspec.adapters.pytorch.optimization import Optimization
from vtspec.adapters.pytorch.state import StateDict

from .detector import Detector
from .images import ImageDataset, ImageObjects, Item, iter_batches, list_images, order_batches
from .network import build_network, freeze
from .params import complete_job

if TYPE_CHECKING:
    import torch

VERSION = "1"
"""Raised whenever the same job would end with other weights."""

TASKS = (TaskType.OBJECT_DETECTION,)

_TOLD = ("freezeBatchNorm", "confidenceThreshold", "maxDetections")
"""Params that are told when training starts."""


class Adapter(EpochAdapter[ImageObjects]):
    """Transformers behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(complete_job(job), callbacks)

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        from timm.utils import ModelEmaV3

        job, training = self.job, self.job.training
        device = self._prepare_process()
        self.model = build_network(job, self.callbacks.on_warning)
        self.still = freeze(self.model, job)
        self.model.to(device)
        ema = training.ema
        self.ema = ModelEmaV3(self.model, decay=ema.decay, use_warmup=ema.warmup) if ema else None

    def prepare_dataset(self) -> None:
        """List the splits; images are decoded when they are used."""
        for name in dict.fromkeys(("train", "val", self.job.dataset.final_split)):
            self._list_split(name)
        self._warn_of_absent_classes()
        self._training = _Training(self)

    @property
    def averaged(self) -> torch.nn.Module | None:
        """The network of averaged weights, where the job wants one."""
        return None if self.ema is None else self.ema.module

    def _describe_settings(self) -> JsonObject:
        return {name: self.job.params[name] for name in _TOLD}

    def _get_versions(self) -> dict[str, str]:
        import transformers

        return {"transformers": transformers.__version__}

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        measured = self._build_detector().measure(self.images["val"])
        self.metrics = measured.compute()
        self._require_training().recipe.record_metric(
            self.metrics.get(self.job.training.monitor, measured.loss)
        )
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=measured.loss,
            metrics=dict(self.metrics),
            class_metrics=pick_class_metrics(measured.metrics.list_class_rows(), "ap50_95"),
        )

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full."""
        measured = self._build_detector().measure(self._list_split(split))
        return Evaluation(
            split=split, metrics=measured.compute(), details=measured.metrics.build_details()
        )

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """The objects that the model finds in each image, in order."""
        return self._build_detector().iter_predictions(images)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the weights that were measured, and the ONNX form of them, checked."""
        try:
            images = self._list_split("val") if "onnx" in formats else []
        except AdapterError:
            # Exporting needs no data at hand.
            images = []
        return self._build_detector().export(formats, folder, images)

    def _build_detector(self) -> Detector:
        return Detector(self.measured, self.job)

    def _list_split(self, split: str) -> Sequence[ImageObjects]:
        if split not in self.images:
            images = list_images(self.job.dataset, split, self.callbacks.on_warning)
            self.images[split] = self._limit_images(images)
        return self.images[split]

    def _warn_of_absent_classes(self) -> None:
        classes = self.job.dataset.classes
        for split, images in self.images.items():
            seen = {index for image in images for index in image.classes}
            empty = [name for index, name in enumerate(classes) if index not in seen]
            if empty:
                self.callbacks.on_warning(f"split {split} has no objects of {', '.join(empty)}")


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the optimizer."""

    def __init__(self, adapter: Adapter) -> None:
        import torch

        job, self.images = adapter.job, adapter.images["train"]
        if not any(image.classes for image in self.images):
            raise AdapterError(
                "the train split has no object of the classes that are to be learnt",
                "vtspec datasets inspect shows which there are",
            )
        self.job = job
        self.cut = EpochBatches(
            images=len(self.images),
            size=job.training.batch_size,
            accumulation=job.training.gradient_accumulation,
            left_out=0,
        )
        # Nothing draws from it; random states are kept together with that of a loader.
        self.generator = torch.Generator()
        self.detector = Detector(adapter.model, job)
        self.recipe = Optimization(adapter.model, adapter.ema, job, self.cut.steps)

    def get_start(self) -> StateDict:
        """None: nothing of an epoch follows from them."""
        return {}

    def iter_batches(self, epoch: int, course: EpochProgress) -> Iterator[list[Item]]:
        """The batches of an epoch that come after the course's steps."""
        data = ImageDataset(self.images, self.job, self.detector.normalization, augment=True)
        data.epoch = epoch
        order = order_batches(len(self.images), self.cut.size, self.job.training.seed, epoch)
        return iter_batches(data, order[course.step * self.cut.accumulation :], self.job)

    def step(self, batches: Iterator[list[Item]], course: EpochProgress) -> None:
        """One optimizer step, of as many batches as are accumulated."""
        images = self.cut.count_images(course.step)
        for _ in range(self.cut.count_batches(course.step)):
            items = next(batches)
            loss = self.detector.compute_loss(items)
            # Each batch's loss is a mean over its objects; batches count by their images.
            share = len(items) / images
            self.recipe.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            course.add(loss.detach(), len(items))
        self.recipe.update()
        course.step += 1
