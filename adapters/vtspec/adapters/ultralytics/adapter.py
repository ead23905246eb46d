"""The adapter of Ultralytics: object detection, in one process on the CPU or one GPU.

Networks, losses and augmentation are the package's; the loop is here, since the package's own
trainer does not go on after an interruption as if there had been none. Augmentation and order
follow from (seed, epoch, index).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

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
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
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

from .detector import Detector
from .images import (
    ImageDataset,
    ImageObjects,
    Item,
    iter_batches,
    join_items,
    list_images,
    order_batches,
)
from .isolation import isolate
from .network import build_network, freeze
from .params import MIXING, choose_augmentation, complete_job, count_closed_epochs
from .recipe import Recipe, build_averages

VERSION = "1"
"""Raised whenever the same job would end with other weights."""

TASKS = (TaskType.OBJECT_DETECTION,)

_TOLD = ("confidenceThreshold", "iouThreshold", "agnosticNms", "endToEnd", "maxDetections")
"""Params that are told when training starts."""

_LOSS_EVERY = 20
"""Optimizer steps between two looks at the loss: on a GPU each one waits for all before it."""


class Adapter:
    """Ultralytics behind the methods of `TrainingAdapter`.

    Raises `AdapterError` at once for params that this job has no use for.
    """

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.job = complete_job(job)
        self.callbacks = callbacks
        self.images: dict[str, list[ImageObjects]] = {}
        self.metrics: Mapping[str, float] = {}
        self._training: _Training | None = None
        # Random states are put back only when training goes on: building the network uses them up.
        self._resumed: JsonObject | None = None

    def prepare_model(self) -> None:
        """Build the network from the job's seed, with its start weights, on its device."""
        isolate()
        import torch

        job, training = self.job, self.job.training
        device = choose_device(job.gpus, training.precision)
        # In a container torch counts the host's cores, and its threads would fight over a few.
        torch.set_num_threads(job.cpus)
        choose_kernels(deterministic=training.deterministic)
        # Before the network is built: its first weights and new heads are drawn here.
        seed_everything(training.seed)
        self.model = build_network(job, self.callbacks.on_warning)
        self.still = freeze(self.model, training.freeze)
        self.model.to(device)
        self.ema = build_averages(self.model, job)

    def prepare_dataset(self) -> None:
        """List the splits; images are decoded when they are used."""
        for name in dict.fromkeys(("train", "val", self.job.dataset.final_split)):
            self._list_split(name)
        self._training = _Training(self)
        self._warn(self._training.cut)

    def describe(self) -> JsonObject:
        """Device, parameters and how many of them learn, images of each split, steps an epoch."""
        import torch
        import ultralytics

        parameters = list(self.model.parameters())
        device = parameters[0].device
        on_gpu = device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
            "threads": torch.get_num_threads(),
            "precision": self.job.training.precision,
            "closeMosaic": self.job.params["closeMosaic"],
            **{name: self.job.params[name] for name in _TOLD},
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "images": {name: len(images) for name, images in self.images.items()},
            "stepsPerEpoch": self._require_training().cut.steps,
            "licence": "AGPL-3.0",
            "versions": {
                "ultralytics": ultralytics.__version__,
                "torch": str(torch.__version__),
            },
        }

    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train epoch `epoch`, or the rest of it after a resume."""
        training = self._require_training()
        course = self._make_progress(training)
        batches = training.iter_batches(epoch, course.step)
        steps = training.cut.steps
        training.recipe.begin_epoch(epoch)
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
        measured = self._build_detector().measure(self.images["val"])
        self.metrics = measured.compute()
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=measured.loss,
            metrics=dict(self.metrics),
            class_metrics=pick_class_metrics(measured.metrics.list_class_rows(), "ap50_95"),
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
                load_weights(self.ema.ema, path / "ema.safetensors")
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
        # What is validated is what is exported: the averaged weights, where there are some.
        return Detector(self.model if self.ema is None else self.ema.ema, self.job)

    def _list_split(self, split: str) -> list[ImageObjects]:
        if split not in self.images:
            images = list_images(self.job.dataset, split, self.callbacks.on_warning)
            size = self.job.training.batch_size
            if self.job.smoke and len(images) > size:
                # Spread over the split, so that a smoke test meets every class if it can.
                images = [images[place * len(images) // size] for place in range(size)]
            self.images[split] = images
        return self.images[split]

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
        # Nothing of an epoch follows from the states at its start.
        return EpochProgress({})

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
                save_weights(self.ema.ema, folder / "ema.safetensors")
            save_state(state, folder / "state.pt")

        # In the middle of an epoch the figures at hand are those of the one before.
        metrics = {} if course else self.metrics
        return checkpoints.write(
            self.job.workdir / "checkpoints",
            checkpoints.format_name(epoch, step),
            {"epoch": epoch, "step": step, "metrics": metrics},
            fill,
        )

    def _warn(self, cut: EpochBatches) -> None:
        job, training, warn = self.job, self.job.training, self.callbacks.on_warning
        for split, images in self.images.items():
            seen = {index for image in images for index in image.classes}
            empty = [name for index, name in enumerate(job.dataset.classes) if index not in seen]
            if empty:
                warn(f"split {split} has no objects of {', '.join(empty)}")
        if cut.left_out:
            warn(
                "each epoch leaves out 1 train image, another every time: it would make a last "
                "batch that cannot be trained on"
            )
        mixes = [name for name in MIXING if choose_augmentation(job)[name]]
        if mixes and count_closed_epochs(job) >= training.epochs:
            warn(
                f"no images are mixed ({', '.join(mixes)}): params.closeMosaic is "
                f"{count_closed_epochs(job)}, and training.epochs {training.epochs}"
            )
        if training.optimizer == "sgd" and training.gradient_clipping is None:
            warn(
                "the loss is summed over the images of a step, and Ultralytics clips its "
                "gradient: without training.gradientClipping: 10.0 sgd may diverge"
            )


class _Training:
    """What an adapter needs to train beside its network: data in batches, and the recipe."""

    def __init__(self, adapter: Adapter) -> None:
        import torch

        job, self.images = adapter.job, adapter.images["train"]
        if not any(image.classes for image in self.images):
            raise AdapterError(
                "the train split has no object of the classes that are to be learnt",
                "vtspec datasets inspect shows which there are",
            )
        self.job = job
        self.cut = plan_batches(len(self.images), job.training, mixed=False)
        # Nothing draws from it; random states are kept together with that of a loader.
        self.generator = torch.Generator()
        self.recipe = Recipe(adapter.model, adapter.ema, job, self.cut.steps)

    def iter_batches(self, epoch: int, step: int) -> Iterator[list[Item]]:
        """The batches of an epoch that come after `step` of its optimizer steps."""
        data = ImageDataset(self.images, self.job, epoch=epoch)
        order = order_batches(len(self.images), self.cut.size, self.job.training.seed, epoch)
        kept = order[: self.cut.batches]
        return iter_batches(data, kept[step * self.cut.accumulation :], self.job)

    def step(self, batches: Iterator[list[Item]], course: EpochProgress) -> None:
        """One optimizer step, of as many batches as are accumulated."""
        for _ in range(self.cut.count_batches(course.step)):
            items = next(batches)
            course.add(self.recipe.backward(join_items(items)), len(items))
        self.recipe.update()
        course.step += 1
