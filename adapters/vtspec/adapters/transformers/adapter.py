"""The adapter of Transformers, on the CPU or GPUs; see `tasks` for what it does.

Networks are the library's; the loop is here, so that a training goes on after an
interruption as if there had been none. Augmentation and order follow from (seed, epoch, index),
so that several processes see what one would.
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
from vtspec.adapters.pytorch.optimization import Optimization
from vtspec.adapters.pytorch.state import StateDict

from .network import build_network, freeze, get_family
from .params import complete_job
from .task_network import TaskNetwork
from .task_part import LabeledImage
from .tasks import get_part, list_tasks

if TYPE_CHECKING:
    import torch

VERSION = "1"
"""Raised whenever the same job would end with other weights."""

TASKS = list_tasks()


class Adapter(EpochAdapter[LabeledImage]):
    """Transformers behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    is_distributed = True

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(complete_job(job), callbacks)
        self.part = get_part(job.task)

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        from timm.layers import convert_sync_batchnorm
        from timm.utils import ModelEmaV3

        job, training = self.job, self.job.training
        device = self._prepare_process()
        network = build_network(job, self.callbacks.on_warning)
        self.model = self._sync_norms(network, convert_sync_batchnorm)
        self.family = get_family(job, self.model.config)
        self.still = freeze(self.model, self.family, job)
        self.model.to(device)
        ema = training.ema
        self.ema = ModelEmaV3(self.model, decay=ema.decay, use_warmup=ema.warmup) if ema else None

    def prepare_dataset(self) -> None:
        """List the splits; images are decoded when they are used."""
        for name in dict.fromkeys(("train", "val", self.job.dataset.final_split)):
            self._list_split(name)
        self.part.check_images(self.images, self.job, self.callbacks.on_warning)
        self._training = _Training(self)
        self._warn_of_left_out(self._training.cut)

    @property
    def averaged(self) -> torch.nn.Module | None:
        """The network of averaged weights, where the job wants one."""
        return None if self.ema is None else self.ema.module

    def _describe_settings(self) -> JsonObject:
        return {name: self.job.params[name] for name in ("freezeBatchNorm", *self.part.told)}

    def _get_versions(self) -> dict[str, str]:
        import transformers

        return {"transformers": transformers.__version__}

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        measured = self.set_up(self.measured).measure(self.images["val"])
        self.metrics = measured.compute()
        self._require_training().recipe.record_metric(
            self.metrics.get(self.job.training.monitor, measured.loss)
        )
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=measured.loss,
            metrics=dict(self.metrics),
            class_metrics=measured.class_metrics,
        )

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full."""
        measured = self.set_up(self.measured).measure(self._list_split(split))
        return Evaluation(
            split=split, metrics=measured.compute(), details=measured.metrics.build_details()
        )

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """What the model says of each image, in order."""
        return self.set_up(self.measured).iter_predictions(images)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the weights that were measured, and the ONNX form of them, checked."""
        try:
            images = self._list_split("val") if "onnx" in formats else []
        except AdapterError:
            # Exporting needs no data at hand.
            images = []
        return self.set_up(self.measured).export(formats, folder, images)

    def set_up(self, network: torch.nn.Module) -> TaskNetwork[Any, Any]:
        """A network of the job's at work on its task."""
        return self.part.set_up(network, self.family, self.job)

    def _list_split(self, split: str) -> Sequence[LabeledImage]:
        if split not in self.images:
            images = self.part.list_images(self.job, split, self.callbacks.on_warning)
            self.images[split] = self._limit_images(images)
        return self.images[split]


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the optimizer."""

    def __init__(self, adapter: Adapter) -> None:
        import torch

        job, self.images = adapter.job, adapter.images["train"]
        self.job, self.group = job, adapter.group
        self.cut = (
            plan_batches(len(self.images), job.training, mixed=False, processes=self.group.count)
            if self.group.is_shared
            # A last batch of one image counts here.
            else EpochBatches(
                images=len(self.images),
                size=job.training.batch_size,
                accumulation=job.training.gradient_accumulation,
                left_out=0,
            )
        )
        # Nothing draws from it; random states are kept together with that of a loader.
        self.generator = torch.Generator()
        self.network = adapter.set_up(adapter.model)
        self.network.start_training(self.images, adapter.callbacks.on_warning)
        self.recipe = Optimization(adapter.model, adapter.ema, job, self.cut.steps)

    def get_start(self) -> StateDict:
        """None: nothing of an epoch follows from them."""
        return {}

    def iter_batches(self, epoch: int, course: EpochProgress) -> Iterator[list[Any]]:
        """The batches of an epoch that come after the course's steps."""
        data, training = self.network.make_dataset(self.images, epoch=epoch), self.job.training
        order = order_batches(len(self.images), self.cut.size, training.seed, epoch)
        left = order[: self.cut.batches][course.step * self.cut.accumulation :]
        parts = [self.group.split(batch) for batch in left]
        return iter_item_batches(data, parts, training.workers)

    def step(self, batches: Iterator[list[Any]], course: EpochProgress) -> None:
        """One optimizer step, of as many batches as are accumulated."""
        images = self.cut.count_images(course.step)
        for _ in range(self.cut.count_batches(course.step)):
            items = next(batches)
            loss = self.network.compute_loss(items)
            # Each batch's loss is a mean over its objects; batches count by their images.
            share = len(items) / images
            self.recipe.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            course.add(loss.detach(), len(items))
        self.recipe.update()
        course.step += 1
