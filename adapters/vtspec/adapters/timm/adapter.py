"""The adapter of timm: images of one class or of several, with any of timm's models.

A training is what one would write oneself around timm: `create_model`, `create_transform`, a
PyTorch loader, `create_optimizer_v2`, `create_scheduler_v2`, in one process on the CPU or one GPU.
The weights that it ends with are those of such a loop, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    ExportedFile,
    InferenceResult,
    Interrupted,
    Job,
    MetricsResult,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, EpochProgress, plan_batches
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.state import (
    choose_device,
    choose_kernels,
    get_random_states,
    load_state,
    load_weights,
    restore_random_states,
    save_state,
    save_weights,
    seed_everything,
)
from vtspec.adapters.training import checkpoints

from .classifier import Classifier
from .data import build_train_loader, build_train_transform, resolve_settings, resume_batches
from .labels import choose_labels
from .network import build_network, freeze
from .params import PARAMS, complete_job, get_mixing_alphas
from .recipe import Recipe

if TYPE_CHECKING:
    import torch

    from .labels import Images

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter"]

VERSION = "2"
"""Raised whenever the same job would end with other weights."""

TASKS = (TaskType.IMAGE_CLASSIFICATION, TaskType.MULTILABEL_CLASSIFICATION)

_LOSS_EVERY = 20
"""Optimizer steps between two looks at the loss: on a GPU each one waits for all before it."""


class Adapter:
    """timm behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.job = complete_job(job)
        self.callbacks = callbacks
        self.labels = choose_labels(self.job)
        self.images: dict[str, Images] = {}
        self.metrics: Mapping[str, float] = {}
        self._training: _Training | None = None
        # Random states are put back only when training goes on: building the network uses them up.
        self._resumed: JsonObject | None = None

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        import torch
        from timm.utils import ModelEmaV3

        job, training = self.job, self.job.training
        device = choose_device(job.gpus, training.precision)
        # In a container torch counts the host's cores, and its threads would fight over a few.
        torch.set_num_threads(job.cpus)
        choose_kernels(deterministic=training.deterministic)
        # Before the network is built: its first weights and the new head are drawn here.
        seed_everything(training.seed)
        self.model = build_network(job, self.callbacks.on_warning)
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

    def describe(self) -> JsonObject:
        """Device, parameters and how many of them learn, images of each split, steps an epoch."""
        import timm
        import torch

        parameters = list(self.model.parameters())
        device = parameters[0].device
        on_gpu = device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
            "threads": torch.get_num_threads(),
            "precision": self.job.training.precision,
            "channelsLast": self.job.params["channelsLast"],
            "gradientCheckpointing": self.job.params["gradientCheckpointing"],
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "images": {name: len(images) for name, images in self.images.items()},
            "stepsPerEpoch": self._require_training().cut.steps,
            "versions": {"timm": timm.__version__, "torch": str(torch.__version__)},
        }

    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train epoch `epoch`, or the rest of it after a resume."""
        training = self._require_training()
        course = self._make_progress(training)
        batches = resume_batches(course, training.cut, training.loader, training.generator)
        steps = training.cut.steps
        self.model.train()
        # `train()` sets every layer; frozen batch norms would go on counting statistics.
        for norm in self.still:
            norm.eval()
        while course.step < steps:
            with translate_errors():
                training.step(batches, course)
            # Also at the end: a loss that is no number is met in its own epoch.
            looks = course.step % _LOSS_EVERY == 0 or course.step == steps
            told = course.compute_recent_loss(epoch) if looks else None
            self.callbacks.on_step_end(epoch, course.step, steps, told)
            if self.callbacks.should_stop():
                path = self._write_checkpoint(epoch - 1, course)
                raise Interrupted(epoch - 1, course.step, path)
        return MetricsResult(
            epoch=epoch,
            train_loss=course.compute_mean_loss(),
            val_loss=None,
            learning_rate=training.recipe.learning_rate,
        )

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split, with the averaged weights where there are some."""
        scored = self._build_classifier().score_images(self.images["val"])
        self.metrics = scored.compute_metrics()
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

    def save_checkpoint(self, epoch: int) -> Path:
        """Write the whole state after `epoch`."""
        return self._write_checkpoint(epoch, None)

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        """Take up the weights, and after `prepare_dataset` everything that training needs."""
        try:
            load_weights(self.model, path / "model.safetensors")
            if self.ema is not None:
                # Both networks: averages cannot be made again from the weights of one moment.
                load_weights(self.ema.module, path / "ema.safetensors")
        except (RuntimeError, OSError) as error:
            raise AdapterError(
                f"{path} is no checkpoint of this network: {str(error).splitlines()[0]}",
                "take one of the same run",
            ) from error
        if self._training is not None:
            state = load_state(path / "state.pt")
            self._training.recipe.restore(state["recipe"])
            self.metrics = state["metrics"]
            self._resumed = state
        manifest = checkpoints.read_manifest(path)
        return manifest.epoch, manifest.step

    def evaluate(self, split: str) -> Evaluation:
        """Measure one split in full; where images have one class, write pictures of the worst
        mistakes."""
        if split not in self.images:
            self.images[split] = self._limit_images(self.labels.list_images(split))
        scored = self._build_classifier().score_images(self.images[split])
        return Evaluation(
            split=split, metrics=scored.compute_metrics(), details=scored.build_details()
        )

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """What the model says of each image, in order, with a score for each class."""
        return self._build_classifier().iter_predictions(images)

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write the weights that were measured, and the ONNX form of them, checked."""
        return self._build_classifier().export(formats, folder)

    def _build_classifier(self) -> Classifier:
        # What is validated is what is exported: the averaged weights, where there are some.
        network = self.model if self.ema is None else self.ema.module
        return Classifier(network, self.settings, self.job)

    def _require_training(self) -> _Training:
        if self._training is None:
            raise RuntimeError("prepare_dataset comes before training")
        return self._training

    def _make_progress(self, training: _Training) -> EpochProgress:
        state, self._resumed = self._resumed, None
        if state is not None:
            restore_random_states(state["random"], training.generator)
        if state is not None and state["course"] is not None:
            return EpochProgress.from_state(state["course"])
        return EpochProgress(get_random_states(training.generator))

    def _write_checkpoint(self, epoch: int, course: EpochProgress | None) -> Path:
        training = self._require_training()
        step = course.step if course else 0
        state = {
            "recipe": training.recipe.get_state(),
            "random": get_random_states(training.generator),
            "course": course.get_state() if course else None,
            "metrics": dict(self.metrics),
        }

        def fill(folder: Path) -> None:
            save_weights(self.model, folder / "model.safetensors")
            if self.ema is not None:
                save_weights(self.ema.module, folder / "ema.safetensors")
            save_state(state, folder / "state.pt")

        # In the middle of an epoch the figures at hand are those of the one before.
        metrics = {} if course else self.metrics
        return checkpoints.write(
            self.job.workdir / "checkpoints",
            checkpoints.format_name(epoch, step),
            {"epoch": epoch, "step": step, "metrics": metrics},
            fill,
        )

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

    def _limit_images(self, images: Images) -> Images:
        size = self.job.training.batch_size
        if not self.job.smoke or len(images) <= size:
            return images
        # Spread over the split, so that a smoke test meets every class if it can.
        return [images[place * len(images) // size] for place in range(size)]

    def _warn(self, epoch: EpochBatches) -> None:
        training = self.job.training
        if epoch.left_out:
            words = (
                "1 train image, another every time: it"
                if epoch.left_out == 1
                else f"{epoch.left_out} train images, others every time: they"
            )
            self.callbacks.on_warning(
                f"each epoch leaves out {words} would make a last batch that cannot be trained on"
            )
        if training.warmup_epochs >= training.epochs:
            self.callbacks.on_warning(
                f"a warm-up of {training.warmup_epochs:g} epochs in a training of "
                f"{training.epochs}: the learning rate never reaches {training.learning_rate:g}"
            )


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the recipe."""

    def __init__(self, adapter: Adapter, counts: tuple[int, ...]) -> None:
        import torch

        job, images = adapter.job, adapter.images["train"]
        self.cut = plan_batches(len(images), job.training, mixed=any(get_mixing_alphas(job)))
        self.generator = torch.Generator().manual_seed(job.training.seed)
        transform = build_train_transform(adapter.settings, job)
        self.loader = build_train_loader(
            images, transform, job, self.generator, drop_last=self.cut.left_out > 0
        )
        self.recipe = Recipe(adapter.model, adapter.ema, job, self.cut.steps, counts)

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
