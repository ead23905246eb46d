"""What the adapters share that train by PyTorch, epoch by epoch, and go on as if unbroken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from vtspec.adapters.contract import (
    Adaptation,
    AdapterError,
    FailureCause,
    Interrupted,
    Job,
    MetricsResult,
    TrainingCallbacks,
    TrainingFailure,
)
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.event_stream import describe_adaptation

from .adaptation import StepUndo, read_adaptation
from .batches import derive_seed
from .epoch_progress import EpochBatches, EpochProgress
from .errors import translate_errors
from .loading import TimedIterator
from .process_group import ProcessGroup, has_norms
from .state import (
    StateDict,
    choose_device,
    choose_kernels,
    get_random_states,
    load_state,
    make_gpu_memory_measure,
    read_weights,
    restore_random_states,
    save_state,
    save_weights,
    seed_everything,
)

if TYPE_CHECKING:
    import torch

_LOSS_EVERY = 20
"""Optimizer steps between two looks at the loss: on a GPU each one waits for all before it."""

_LOWERED = 0.5
"""What a rollback multiplies learning rates by. To lower them and to start again from an earlier
checkpoint is what brought OPT-175B over its divergences (Zhang et al. 2022, arXiv:2205.01068,
section 2.5)."""

_Image = TypeVar("_Image")
_Adapter = TypeVar("_Adapter", bound="EpochAdapter[Any]")
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Recipe(Protocol):
    """What turns batches into better weights; its state is part of a checkpoint. What it does
    beside that when training goes otherwise than planned, `AdaptableRecipe` does for it. Before
    an update it has its `group` sum the gradients."""

    updates: int
    group: ProcessGroup

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        ...

    def discard(self) -> None:
        """Drop the gradients of a step that was not finished."""
        ...

    def lower_rates(self, factor: float) -> None:
        """Multiply every learning rate, of now and of the schedule from now on."""
        ...

    def compress(self, planned: int, end: int) -> None:
        """Have the schedule of `planned` steps be gone through by step `end`."""
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
    `generator` is the one whose state is kept beside those of the process. `job` and `cut` are set
    anew where training is adapted; batches are of the `cut` that there is."""

    job: Job
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


def _together(
    method: Callable[Concatenate[_Adapter, _P], _R],
) -> Callable[Concatenate[_Adapter, _P], _R]:
    """What the loop asks of rank 0, and all processes of a group do."""

    name = method.__name__

    def tell_and_do(self: _Adapter, /, *values: _P.args, **named: _P.kwargs) -> _R:
        self.group.tell(name, *values)
        return method(self, *values, **named)

    update_wrapper(tell_and_do, method)
    return tell_and_do


class EpochAdapter(ABC, Generic[_Image]):
    """The methods of `TrainingAdapter` that are the same whatever network is trained.

    `prepare_model` sets `model` and `still`, the batch norms whose statistics stay;
    `prepare_dataset` sets `images` and `_training`. One that `is_distributed` takes its part of
    every batch by `group`.
    """

    is_distributed = False
    model: torch.nn.Module
    still: Sequence[torch.nn.Module]

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.job = self.planned = job
        self.callbacks = callbacks
        self.group = ProcessGroup(job.process, callbacks.should_stop)
        self.adaptations: list[Adaptation] = []
        self.rollbacks = 0
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
    def prepare_model(self) -> None:
        """Build the network, as `TrainingAdapter` says."""

    @abstractmethod
    def prepare_dataset(self) -> None:
        """Open the splits, as `TrainingAdapter` says."""

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
            **({"processes": self.group.count} if self.group.is_shared else {}),
            **self._describe_settings(),
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "images": {name: len(images) for name, images in self.images.items()},
            "stepsPerEpoch": self._require_training().cut.steps,
            "versions": {**self._get_versions(), "torch": str(torch.__version__)},
        }

    def follow(self) -> int:
        """Do what rank 0 tells, until it tells the exit code that all end with."""
        self.prepare_model()
        self.prepare_dataset()
        # Each draws otherwise what the network draws, such as dropout.
        seed_everything(derive_seed(self.job.training.seed, 0, -1 - self.group.rank))
        while True:
            method, values = self.group.hear()
            if method == "end":
                return int(values[0])
            try:
                getattr(self, method)(*values)
            except Interrupted:
                continue
            except TrainingFailure as failure:
                # Rank 0 has met the same, and tells what follows.
                if self.group.is_broken or failure.cause != "not-a-number":
                    raise

    @_together
    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train epoch `epoch`, or the rest of it after a resume."""
        training = self._require_training()
        training.recipe.group = self.group
        course = self._make_progress(training)
        undo = self._prepare_undo(training, course)
        batches = TimedIterator(training.iter_batches(epoch, course))
        measure_gpu = make_gpu_memory_measure(next(self.model.parameters()).device)
        steps = training.cut.steps
        self.model.train()
        # `train()` sets every layer; frozen batch norms would go on counting statistics.
        for norm in self.still:
            norm.eval()
        while course.step < steps:
            if undo is None:
                self._take_step(training, batches, course)
            elif (message := self._try_step(training, batches, course)) is not None:
                # Its workers go with it.
                batches = TimedIterator(iter(()))
                undo.undo(course)
                training.recipe.discard()
                self._divide_batch(epoch - 1, course.step, message)
                batches = TimedIterator(training.iter_batches(epoch, course))
                continue
            else:
                undo.note(course)
            # Also at the end: a loss that is no number is met in its own epoch.
            looks = course.step % _LOSS_EVERY == 0 or course.step == steps
            told = course.compute_recent_loss(epoch) if looks else None
            self.callbacks.on_data_wait(batches.take_seconds(), measure_gpu)
            self.callbacks.on_step_end(epoch, course.step, steps, told)
            if self.group.stops if self.group.is_shared else self.callbacks.should_stop():
                path = self._write_checkpoint(epoch - 1, course)
                raise Interrupted(epoch - 1, course.step, path)
        return MetricsResult(
            epoch=epoch,
            train_loss=course.compute_mean_loss(),
            val_loss=None,
            learning_rate=training.recipe.learning_rate,
        )

    @_together
    def save_checkpoint(self, epoch: int) -> Path:
        """Write the whole state after `epoch`."""
        return self._write_checkpoint(epoch, None)

    @_together
    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        """Take up the weights, and after `prepare_dataset` everything that training needs."""
        return self._take_up(path)

    def record_metric(self, value: float) -> None:
        """What rank 0 measured, for schedules that wait for it."""
        self._require_training().recipe.record_metric(value)

    @property
    def epochs(self) -> int:
        """How many epochs the training has, as it was shortened."""
        return self.job.training.epochs

    @_together
    def halve_batch(self, epoch: int, failure: TrainingFailure) -> None:
        """Smaller batches from now on, for measuring too; raises where there is none smaller."""
        self._divide_batch(epoch, 0, str(failure))

    @_together
    def roll_back(self, path: Path, failure: TrainingFailure) -> tuple[int, int]:
        """Take up the checkpoint and train on at a lower learning rate; its position."""
        count = self.rollbacks + 1
        epoch, step = self._take_up(path)
        lowered = _LOWERED ** (count - self.rollbacks)
        # A checkpoint of before the last rollback has its higher rates.
        self._require_training().recipe.lower_rates(lowered)
        self.rollbacks = count
        rate = self.planned.training.learning_rate
        self._adapt(
            "not-a-number",
            (epoch, step),
            {"training.learningRate": (rate * _LOWERED ** (count - 1), rate * _LOWERED**count)},
            f"{failure}: back to {path.name}, and on at {_LOWERED:g} times the learning rate",
        )
        return epoch, step

    @_together
    def shorten(self, epoch: int, epochs: int, message: str) -> None:
        """Have the schedule that is left after `epoch` end with epoch `epochs`."""
        training, before = self._require_training(), self.epochs
        steps = training.cut.steps
        if epochs > epoch:
            training.recipe.compress(self.planned.training.epochs * steps, epochs * steps)
        self._change_job(epochs=epochs)
        changes = {"training.epochs": (float(before), float(epochs))}
        self._adapt("time-limit", (epoch, 0), changes, message)

    def _prepare_undo(self, training: EpochTraining, course: EpochProgress) -> StepUndo | None:
        if self.job.training.on_out_of_memory == "stop":
            return None
        undo = StepUndo(self.model, training.generator)
        undo.note(course)
        return undo

    def _try_step(
        self, training: EpochTraining, batches: Iterator[Any], course: EpochProgress
    ) -> str | None:
        """Take a step; what it said where it ran out of memory, before anything was updated."""
        count = training.cut.count_batches(course.step)
        try:
            self._take_step(training, batches, course)
        # Only its words are kept: the error holds what the step had in memory.
        except TrainingFailure as failure:
            if failure.cause != "out-of-memory" or self.group.is_broken:
                raise
            if course.added >= count and failure is not self.group.agreed:
                raise TrainingFailure(
                    failure.cause,
                    f"{failure}; it was full at the update of the weights, which takes as much "
                    "with smaller batches",
                    "take a smaller model, or an optimizer that keeps less: sgd",
                ) from failure
            return str(failure)
        return None

    def _take_step(
        self, training: EpochTraining, batches: Iterator[Any], course: EpochProgress
    ) -> None:
        group = self.group
        group.begin_step()
        # What is summed over processes is what this step added.
        before = course.take_sums() if group.is_shared else (0.0, 0.0)
        try:
            with translate_errors():
                training.step(batches, course)
        except TrainingFailure as failure:
            agreed = group.agree_on(failure)
            if agreed is failure:
                raise
            raise agreed from failure
        if group.is_shared:
            added = group.sum_numbers(*course.take_sums())
            course.add_sums(*before)
            course.add_sums(added[0], added[1])

    def _divide_batch(self, epoch: int, step: int, message: str) -> None:
        training = self._require_training()
        before, after = training.cut, training.cut.divide()
        if after is None:
            raise TrainingFailure(
                "out-of-memory",
                f"{message}, with batches of {before.size}, which cannot be halved",
                "take a smaller model, a smaller training.imageSize, or a larger GPU",
            )
        training.cut = after
        self._change_job(batch_size=after.size, gradient_accumulation=after.accumulation)
        changes = {
            "training.batchSize": (float(before.size), float(after.size)),
            "training.gradientAccumulation": (
                float(before.accumulation),
                float(after.accumulation),
            ),
        }
        words = f"{message}: on with batches of {after.size}, {after.accumulation} to a step"
        self._adapt("out-of-memory", (epoch, step), changes, words)

    def _change_job(self, **changes: int) -> None:
        training = replace(self.job.training, **changes)  # type: ignore[arg-type]
        self.job = self._require_training().job = replace(self.job, training=training)

    def _adapt(
        self,
        cause: FailureCause,
        position: tuple[int, int],
        changes: Mapping[str, tuple[float, float]],
        message: str,
    ) -> None:
        epoch, step = position
        adaptation = Adaptation(
            cause=cause, epoch=epoch, step=step, changes=changes, message=message
        )
        self.adaptations.append(adaptation)
        self.callbacks.on_adapted(adaptation)

    def _get_adaptations(self) -> StateDict | None:
        if not self.adaptations:
            return None
        cut = self._require_training().cut
        return {
            "size": cut.size,
            "epochs": self.epochs,
            "rollbacks": self.rollbacks,
            "told": [describe_adaptation(one) for one in self.adaptations],
        }

    def _restore_adaptations(self, state: StateDict | None) -> None:
        training, kept = self._require_training(), state or {}
        self.rollbacks = kept.get("rollbacks", 0)
        # Set back within a process, training knows more than the checkpoint: what did not fit
        # into memory does not fit now.
        if not self.adaptations:
            self.adaptations = [read_adaptation(one) for one in kept.get("told", ())]
        while training.cut.size > kept.get("size", training.cut.size):
            smaller = training.cut.divide()
            assert smaller is not None
            training.cut = smaller
        cut = training.cut
        self._change_job(
            batch_size=cut.size,
            gradient_accumulation=cut.accumulation,
            epochs=kept.get("epochs", self.planned.training.epochs),
        )

    def _prepare_process(self) -> torch.device:
        """The job's device; its threads, kernels and seed are set before the network is built,
        whose first weights are drawn."""
        import torch

        training, process = self.job.training, self.job.process
        device = choose_device(
            self.job.gpus if process is None else min(self.job.gpus, 1), training.precision
        )
        # In a container torch counts the host's cores, and its threads would fight over a few.
        torch.set_num_threads(max(self.job.cpus // (process.local if process else 1), 1))
        choose_kernels(deterministic=training.deterministic)
        seed_everything(training.seed)
        self.group.join(device)
        return device

    def _sync_norms(
        self,
        model: torch.nn.Module,
        convert: Callable[[torch.nn.Module], torch.nn.Module],
    ) -> torch.nn.Module:
        """Have batch norms count the images of all GPUs, by a framework's `convert`; called before
        they are frozen. Without GPUs there is no such layer, and each process counts its own.

        Raises:
            AdapterError: the job asks for what cannot be agreed on within such a layer.
        """
        self.group.model = model
        if not (self.group.is_shared and self.job.gpus and has_norms(model)):
            return model
        if self.job.training.on_out_of_memory == "halve":
            raise AdapterError(
                "training.onOutOfMemory: batch norms over several GPUs wait for one another, and "
                "cannot wait for one whose memory is full",
                "leave it out, take a network without batch norms, or one GPU",
            )
        self.group.syncs_norms = True
        self.group.model = convert(model)
        return self.group.model

    def _limit_images(self, images: Sequence[_Image]) -> Sequence[_Image]:
        size = self.job.training.batch_size
        if not self.job.smoke or len(images) <= size:
            return images
        # Spread over the split, so that a smoke test meets every class if it can.
        return [images[place * len(images) // size] for place in range(size)]

    def _warn_of_left_out(self, cut: EpochBatches) -> None:
        if cut.left_out:
            words = (
                "1 train image, another every time: it"
                if cut.left_out == 1
                else f"{cut.left_out} train images, others every time: they"
            )
            self.callbacks.on_warning(
                f"each epoch leaves out {words} would make a last batch that cannot be trained on"
            )

    def _require_training(self) -> EpochTraining:
        if self._training is None:
            raise RuntimeError("prepare_dataset comes before training")
        return self._training

    def _make_progress(self, training: EpochTraining) -> EpochProgress:
        state, self._resumed = self._resumed, None
        if state is not None:
            self._restore_random_states(state, training.generator)
        if state is not None and state["course"] is not None:
            return EpochProgress.from_state(state["course"])
        return EpochProgress(training.get_start())

    def _restore_random_states(self, state: StateDict, generator: torch.Generator) -> None:
        others = state.get("others")
        count = None if others is None else len(others) + 1
        if count != (self.group.count if self.group.is_shared else None):
            raise AdapterError(
                f"the checkpoint is of {count or 1} process{'es' * (count not in (None, 1))}, and "
                f"{self.group.count} train{'s' * (self.group.count == 1)} here",
                "go on with as many GPUs as it was begun with, or train anew",
            )
        restore_random_states([state["random"], *(others or ())][self.group.rank], generator)

    def _take_up(self, path: Path) -> tuple[int, int]:
        # Read once, by rank 0: on another machine there is no such file.
        held = self.group.share(self._read_checkpoint(path) if self.group.leads else None)
        try:
            self.model.load_state_dict(held["model"])
            if self.averaged is not None:
                self.averaged.load_state_dict(held["averaged"])
        except RuntimeError as error:
            raise _make_misfit(path, error) from error
        if self._training is not None:
            state = held["state"]
            self._training.recipe.restore(state["recipe"])
            self._restore_adaptations(state.get("adapted"))
            self.metrics = state["metrics"]
            self._resumed = state
        epoch, step = held["position"]
        return epoch, step

    def _read_checkpoint(self, path: Path) -> StateDict:
        try:
            # Both networks: averages cannot be made again from the weights of one moment.
            weights = {
                "model": read_weights(path / "model.safetensors"),
                "averaged": None
                if self.averaged is None
                else read_weights(path / "ema.safetensors"),
            }
        except (RuntimeError, OSError) as error:
            raise _make_misfit(path, error) from error
        manifest = checkpoints.read_manifest(path)
        return {
            **weights,
            "state": None if self._training is None else load_state(path / "state.pt"),
            "position": (manifest.epoch, manifest.step),
        }

    def _write_checkpoint(self, epoch: int, course: EpochProgress | None) -> Path:
        training = self._require_training()
        step = course.step if course else 0
        folder, name = self.job.workdir / "checkpoints", checkpoints.format_name(epoch, step)
        random, *others = self.group.gather(get_random_states(training.generator))
        if not self.group.leads:
            return folder / name
        state = {
            "recipe": training.recipe.get_state(),
            "random": random,
            "course": course.get_state() if course else None,
            "metrics": dict(self.metrics),
            **({"others": others} if self.group.is_shared else {}),
        }
        if (adapted := self._get_adaptations()) is not None:
            state["adapted"] = adapted

        def fill(folder: Path) -> None:
            save_weights(self.model, folder / "model.safetensors")
            if self.averaged is not None:
                save_weights(self.averaged, folder / "ema.safetensors")
            save_state(state, folder / "state.pt")

        # In the middle of an epoch the figures at hand are those of the one before.
        metrics = {} if course else self.metrics
        return checkpoints.write(
            folder, name, {"epoch": epoch, "step": step, "metrics": metrics}, fill
        )


def _make_misfit(path: Path, error: Exception) -> AdapterError:
    return AdapterError(
        f"{path} is no checkpoint of this network: {str(error).splitlines()[0]}",
        "take one of the same run",
    )
