"""What the adapters share that train by PyTorch, epoch by epoch, and go on as if unbroken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from vtspec.adapters.contract import (
    AdapterError,
    Interrupted,
    Job,
    MetricsResult,
    TrainingCallbacks,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.training import checkpoints

from .epoch_progress import EpochBatches, EpochProgress
from .errors import translate_errors
from .state import (
    StateDict,
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

if TYPE_CHECKING:
    import torch

_LOSS_EVERY = 20
"""Optimizer steps between two looks at the loss: on a GPU each one waits for all before it."""

_Image = TypeVar("_Image")


class Recipe(Protocol):
    """What turns batches into better weights; its state is part of a checkpoint."""

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        ...

    def record_metric(self, value: float) -> None:
        """What an epoch was judged by, for schedules that wait for it."""
        ...

    def get_state(self) -> StateDict:
        """All that it needs to go on."""
        ...

    def restore(self, state: StateDict) -> None:
        """Go on from there."""
        ...


class EpochTraining(Protocol):
    """What an adapter needs to train beside its network: data in batches, and the recipe.
    `generator` is the one whose state is kept beside those of the process."""

    cut: EpochBatches
    generator: torch.Generator

    @property
    def recipe(self) -> Recipe:
        """What turns batches into better weights."""
        ...

    def get_start(self) -> StateDict:
        """The random states that an epoch which begins now follows from, as far as it does."""
        ...

    def iter_batches(self, epoch: int, course: EpochProgress) -> Iterator[Any]:
        """The batches of an epoch that come after the course's steps."""
        ...

    def step(self, batches: Iterator[Any], course: EpochProgress) -> None:
        """One optimizer step, of as many batches as are accumulated."""
        ...


class EpochAdapter(ABC, Generic[_Image]):
    """The methods of `TrainingAdapter` that are the same whatever network is trained.

    `prepare_model` sets `model` and `still`, the batch norms whose statistics stay;
    `prepare_dataset` sets `images` and `_training`.
    """

    model: torch.nn.Module
    still: Sequence[torch.nn.Module]

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.job = job
        self.callbacks = callbacks
        self.images: dict[str, Sequence[_Image]] = {}
        self.metrics: Mapping[str, float] = {}
        self._training: EpochTraining | None = None
        # Random states are put back only when training goes on: building the network uses them up.
        self._resumed: JsonObject | None = None

    @property
    @abstractmethod
    def averaged(self) -> torch.nn.Module | None:
        """The network of averaged weights, where the job wants one."""

    @property
    def measured(self) -> torch.nn.Module:
        """What is validated and exported: the averaged weights, where there are some."""
        return self.model if self.averaged is None else self.averaged

    @abstractmethod
    def _describe_settings(self) -> JsonObject:
        """What of the framework's settings is told when training starts."""

    @abstractmethod
    def _get_versions(self) -> dict[str, str]:
        """The framework's version, by its name."""

    def describe(self) -> JsonObject:
        """Device, parameters and how many of them learn, images of each split, steps an epoch."""
        import torch

        parameters = list(self.model.parameters())
        device = parameters[0].device
        on_gpu = device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
            "threads": torch.get_num_threads(),
            "precision": self.job.training.precision,
            **self._describe_settings(),
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "images": {name: len(images) for name, images in self.images.items()},
            "stepsPerEpoch": self._require_training().cut.steps,
            "versions": {**self._get_versions(), "torch": str(torch.__version__)},
        }

    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train epoch `epoch`, or the rest of it after a resume."""
        training = self._require_training()
        course = self._make_progress(training)
        batches = training.iter_batches(epoch, course)
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

    def save_checkpoint(self, epoch: int) -> Path:
        """Write the whole state after `epoch`."""
        return self._write_checkpoint(epoch, None)

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        """Take up the weights, and after `prepare_dataset` everything that training needs."""
        try:
            load_weights(self.model, path / "model.safetensors")
            if self.averaged is not None:
                # Both networks: averages cannot be made again from the weights of one moment.
                load_weights(self.averaged, path / "ema.safetensors")
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

    def _prepare_process(self) -> torch.device:
        """The job's device; its threads, kernels and seed are set before the network is built,
        whose first weights are drawn."""
        import torch

        training = self.job.training
        device = choose_device(self.job.gpus, training.precision)
        # In a container torch counts the host's cores, and its threads would fight over a few.
        torch.set_num_threads(self.job.cpus)
        choose_kernels(deterministic=training.deterministic)
        seed_everything(training.seed)
        return device

    def _limit_images(self, images: Sequence[_Image]) -> Sequence[_Image]:
        size = self.job.training.batch_size
        if not self.job.smoke or len(images) <= size:
            return images
        # Spread over the split, so that a smoke test meets every class if it can.
        return [images[place * len(images) // size] for place in range(size)]

    def _require_training(self) -> EpochTraining:
        if self._training is None:
            raise RuntimeError("prepare_dataset comes before training")
        return self._training

    def _make_progress(self, training: EpochTraining) -> EpochProgress:
        state, self._resumed = self._resumed, None
        if state is not None:
            restore_random_states(state["random"], training.generator)
        if state is not None and state["course"] is not None:
            return EpochProgress.from_state(state["course"])
        return EpochProgress(training.get_start())

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
            if self.averaged is not None:
                save_weights(self.averaged, folder / "ema.safetensors")
            save_state(state, folder / "state.pt")

        # In the middle of an epoch the figures at hand are those of the one before.
        metrics = {} if course else self.metrics
        return checkpoints.write(
            self.job.workdir / "checkpoints",
            checkpoints.format_name(epoch, step),
            {"epoch": epoch, "step": step, "metrics": metrics},
            fill,
        )
