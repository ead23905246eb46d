"""The adapter of timm: images of one class or of several, with any of timm's models.

A training is what one would write oneself around timm: `create_model`, `create_transform`, a
PyTorch loader, `create_optimizer_v2`, `create_scheduler_v2`. The weights that it ends with in one
process are those of such a loop, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.contract import (
    Evaluation,
    ExportedFile,
    InferenceResult,
    Job,
    MetricsResult,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.data.image_labels import LabeledImage, MultilabelImage
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.epoch_adapter import EpochAdapter
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, EpochProgress, plan_batches
from vtspec.adapters.pytorch.state import StateDict, get_random_states

from .classifier import Classifier
from .data import (
    build_part_loader,
    build_train_loader,
    build_train_transform,
    resolve_settings,
    resume_batches,
)
from .labels import choose_labels
from .network import build_network, freeze
from .params import PARAMS, complete_job, get_mixing_alphas
from .recipe import Recipe

if TYPE_CHECKING:
    import torch

    from vtspec.adapters.pytorch.loading import Batch

    from .labels import Images

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter"]

VERSION = "2"
"""Raised whenever the same job would end with other weights."""

TASKS = (TaskType.IMAGE_CLASSIFICATION, TaskType.MULTILABEL_CLASSIFICATION)


class Adapter(EpochAdapter[LabeledImage | MultilabelImage]):
    """timm behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    is_distributed = True

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(complete_job(job), callbacks)
        self.labels = choose_labels(self.job)

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        import torch
        from timm.layers import convert_sync_batchnorm
        from timm.utils import ModelEmaV3

        job, training = self.job, self.job.training
        device = self._prepare_process()
        network = build_network(job, self.callbacks.on_warning)
        self.model = self._sync_norms(network, convert_sync_batchnorm)
        self.still = freeze(self.model, training.freeze)
        layout = torch.channels_last if job.params["channelsLast"] else torch.preserve_format
        self.model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        ema = training.ema
        self.ema = ModelEmaV3(self.model, decay=ema.decay, use_warmup=ema.warmup) if ema else None
        self.settings = resolve_settings(self.model, job)

    def prepare_dataset(self) -> None:
        """List the splits and make the loader; images are decoded when they are used."""
        data = self.job.dataset
        listed = {
            name: self.labels.list_images(name)
            for name in dict.fromkeys(("train", "val", data.final_split))
        }
        counts = self._count_class_images(listed)
        self.images = {name: self._limit_images(images) for name, images in listed.items()}
        self._training = _Training(self, counts)
        self._warn(self._training.cut)

    @property
    def averaged(self) -> torch.nn.Module | None:
        """The network of averaged weights, where the job wants one."""
        return None if self.ema is None else self.ema.module

    def _describe_settings(self) -> JsonObject:
        return {name: self.job.params[name] for name in ("channelsLast", "gradientCheckpointing")}

    def _get_versions(self) -> dict[str, str]:
        import timm

        return {"timm": timm.__version__}

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        scored = self._build_classifier().score_images(self.images["val"])
        self.metrics = scored.compute()
        loss = self.metrics["loss"]
        self._require_training().recipe.record_metric(
            self.metrics.get(self.job.training.monitor, loss)
        )
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=loss,
            metrics=dict(self.metrics),
            class_metrics=scored.pick_class_metrics(),
        )

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full; where images have one class, write pictures of the worst
        mistakes."""
        if split not in self.images:
            self.images[split] = self._limit_images(self.labels.list_images(split))
        scored = self._build_classifier().score_images(self.images[split])
        return Evaluation(split=split, metrics=scored.compute(), details=scored.build_details())

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """What the model says of each image, in order, with a score for each class."""
        return self._build_classifier().iter_predictions(images)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the weights that were measured, and the ONNX form of them, checked."""
        return self._build_classifier().export(formats, folder)

    def _build_classifier(self) -> Classifier:
        return Classifier(self.measured, self.settings, self.job)

    def _count_class_images(self, listed: Mapping[str, Images]) -> tuple[int, ...]:
        """Train images of each class; tells of classes that a split lacks."""
        classes = self.job.dataset.classes
        counts: dict[str, list[int]] = {}
        for split, images in listed.items():
            found = Counter(target for image in images for target in image.targets)
            counts[split] = [found[target] for target in range(len(classes))]
            empty = [classes[target] for target, count in enumerate(counts[split]) if not count]
            if empty:
                self.callbacks.on_warning(f"split {split} has no images of {', '.join(empty)}")
        return tuple(counts["train"])

    def _warn(self, epoch: EpochBatches) -> None:
        training = self.job.training
        self._warn_of_left_out(epoch)
        if training.warmup_epochs >= training.epochs:
            self.callbacks.on_warning(
                f"a warm-up of {training.warmup_epochs:g} epochs in a training of "
                f"{training.epochs}: the learning rate never reaches {training.learning_rate:g}"
            )


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the recipe."""

    def __init__(self, adapter: Adapter, counts: tuple[int, ...]) -> None:
        import torch

        job, self.images = adapter.job, adapter.images["train"]
        self.job, self.group = job, adapter.group
        self.cut = plan_batches(
            len(self.images),
            job.training,
            mixed=any(get_mixing_alphas(job)),
            processes=self.group.count,
        )
        self.generator = torch.Generator().manual_seed(job.training.seed)
        self.transform = build_train_transform(adapter.settings, job)
        # What cannot be had is told before anything is trained.
        self._build_loader(1)
        self.recipe = Recipe(adapter.model, adapter.ema, job, self.cut.steps, counts)

    def get_start(self) -> StateDict:
        """The order of images and the workers' random states follow from all of them."""
        return get_random_states(self.generator)

    def iter_batches(
        self, epoch: int, course: EpochProgress
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of an epoch that come after the course's steps."""
        return resume_batches(course, self.cut, self._build_loader(epoch), self.generator)

    def step(
        self, batches: Iterator[tuple[torch.Tensor, torch.Tensor]], course: EpochProgress
    ) -> None:
        """One optimizer step: the gradients of its batches, then the update."""
        whole = self.cut.count_images(course.step)
        for _ in range(self.cut.count_batches(course.step)):
            images, targets = next(batches)
            # By its images: the last batch may have fewer than the others.
            loss = self.recipe.backward(images, targets, whole / len(targets))
            course.add(loss, self.recipe.sum_weights(targets))
        self.recipe.update()
        course.step += 1

    def _build_loader(self, epoch: int) -> torch.utils.data.DataLoader[Batch]:
        drop_last = self.cut.left_out > 0
        if self.group.is_shared:
            return build_part_loader(
                self.images,
                self.transform,
                self.job,
                self.generator,
                self.group,
                epoch,
                drop_last=drop_last,
            )
        return build_train_loader(
            self.images, self.transform, self.job, self.generator, drop_last=drop_last
        )
