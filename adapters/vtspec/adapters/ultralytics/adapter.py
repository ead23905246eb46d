"""The adapter of Ultralytics: the tasks of its YOLO networks, in one process on the CPU or a GPU.

Networks, losses and augmentation are the package's; the loop is here, since the package's own
trainer does not go on after an interruption as if there had been none. Augmentation and order
follow from (seed, epoch, index), so that several processes see what one would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    ExportedFile,
    InferenceResult,
    Job,
    MetricsResult,
    TrainingCallbacks,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import iter_item_batches, order_batches
from vtspec.adapters.pytorch.epoch_adapter import EpochAdapter
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, EpochProgress, plan_batches
from vtspec.adapters.pytorch.state import StateDict

from .augmentation import MIXING, choose_augmentation, count_closed_epochs
from .images import Item
from .isolation import isolate
from .network import build_network, freeze
from .params import complete_job
from .predictor import Predictor
from .recipe import Recipe, build_averages
from .tasks import TASKS as TASKS
from .tasks import build_task

if TYPE_CHECKING:
    import torch

VERSION = "1"
"""Raised whenever the same job would end with other weights."""


class Adapter(EpochAdapter[Any]):
    """Ultralytics behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    is_distributed = True

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(complete_job(job), callbacks)
        self.task = build_task(self.job)

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        isolate()

        job, training = self.job, self.job.training
        device = self._prepare_process()
        from torch.nn import SyncBatchNorm

        network = build_network(self.task, self.callbacks.on_warning)
        self.model = self._sync_norms(network, SyncBatchNorm.convert_sync_batchnorm)
        self.still = freeze(self.model, training.freeze)
        self.model.to(device)
        self.ema = build_averages(self.model, job)

    def prepare_dataset(self) -> None:
        """List the splits; images are decoded when they are used."""
        for name in dict.fromkeys(("train", "val", self.job.dataset.final_split)):
            self._list_split(name)
        self._training = _Training(self)
        self._warn(self._training.cut)

    @property
    def averaged(self) -> torch.nn.Module | None:
        """The network of averaged weights, where the job wants one."""
        return None if self.ema is None else self.ema.ema

    def _change_job(self, **changes: int) -> None:
        super()._change_job(**changes)
        # Its datasets and whoever measures by it read the job there.
        self.task.job = self.job

    def _describe_settings(self) -> JsonObject:
        told = {name: self.job.params[name] for name in self.task.list_told()}
        return {**told, "licence": "AGPL-3.0"}

    def _get_versions(self) -> dict[str, str]:
        import ultralytics

        return {"ultralytics": ultralytics.__version__}

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        measured = self._build_predictor().measure(self.images["val"])
        self.metrics = measured.compute()
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=measured.loss,
            metrics=dict(self.metrics),
            class_metrics=self.task.pick_class_metrics(measured.metrics),
        )

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full."""
        measured = self._build_predictor().measure(self._list_split(split))
        return Evaluation(
            split=split, metrics=measured.compute(), details=measured.metrics.build_details()
        )

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """What the model says of each image, in order."""
        return self._build_predictor().iter_predictions(images)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the weights that were measured, and the ONNX form of them, checked."""
        try:
            images = self._list_split("val") if "onnx" in formats else []
        except AdapterError:
            # Exporting needs no data at hand.
            images = []
        return self._build_predictor().export(formats, folder, images)

    def _build_predictor(self) -> Predictor:
        return Predictor(self.measured, self.task)

    def _list_split(self, split: str) -> Sequence[Any]:
        if split not in self.images:
            images = self.task.list_images(split, self.callbacks.on_warning)
            self.images[split] = self._limit_images(images)
        return self.images[split]

    def _warn(self, cut: EpochBatches) -> None:
        job, training, warn = self.job, self.job.training, self.callbacks.on_warning
        for split, images in self.images.items():
            if absent := self.task.list_absent(images):
                warn(f"split {split} has nothing of {', '.join(absent)}")
        self._warn_of_left_out(cut)
        mixes = [name for name in MIXING if name in job.params and choose_augmentation(job)[name]]
        if mixes and count_closed_epochs(job) >= training.epochs:
            warn(
                f"no images are mixed ({', '.join(mixes)}): params.closeMosaic is "
                f"{count_closed_epochs(job)}, and training.epochs {training.epochs}"
            )
        sums = not self.task.averages
        if sums and training.optimizer == "sgd" and training.gradient_clipping is None:
            warn(
                "the loss is summed over the images of a step, and Ultralytics clips its "
                "gradient: without training.gradientClipping: 10.0 sgd may diverge"
            )


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the recipe."""

    def __init__(self, adapter: Adapter) -> None:
        import torch

        job, self.images, self.task = adapter.job, adapter.images["train"], adapter.task
        absent = self.task.list_absent(self.images)
        if job.dataset.classes and len(absent) == len(job.dataset.classes):
            raise AdapterError(
                "the train split has nothing of the classes that are to be learnt",
                "vtspec datasets inspect shows which there are",
            )
        self.job, self.group = job, adapter.group
        self.cut = plan_batches(
            len(self.images), job.training, mixed=False, processes=self.group.count
        )
        # Nothing draws from it; random states are kept together with that of a loader.
        self.generator = torch.Generator()
        self.recipe = Recipe(adapter.model, adapter.ema, job, self.cut.steps)

    def get_start(self) -> StateDict:
        """None: nothing of an epoch follows from them."""
        return {}

    def iter_batches(self, epoch: int, course: EpochProgress) -> Iterator[list[Item]]:
        """The batches of an epoch that come after the course's steps."""
        self.recipe.begin_epoch(epoch)
        data = self.task.build_dataset(self.images, epoch)
        order = order_batches(len(self.images), self.cut.size, self.job.training.seed, epoch)
        left = order[: self.cut.batches][course.step * self.cut.accumulation :]
        own = [list(self.group.split(batch)) for batch in left]
        return iter_item_batches(data, own, self.job.training.workers)

    def step(self, batches: Iterator[list[Item]], course: EpochProgress) -> None:
        """One optimizer step, of as many batches as are accumulated."""
        images = self.cut.count_images(course.step)
        for _ in range(self.cut.count_batches(course.step)):
            items = next(batches)
            # A sum over the step's images, or their mean: as the task's loss has it.
            share = len(items) / images if self.task.averages else 1.0
            course.add(self.recipe.backward(self.task.join(items), share), len(items))
        self.recipe.update()
        course.step += 1
