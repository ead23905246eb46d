"""What is checked, and the runs that the checks share."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vtspec.adapters.contract import (
    Adaptation,
    InferenceResult,
    Interrupted,
    Job,
    MetricsResult,
    TaskType,
    TrainingAdapter,
    TrainingSummary,
)
from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.image_labels import list_labeled_images, list_multilabel_images
from vtspec.adapters.data.split_reader import read_split
from vtspec.adapters.discovery import AdapterModule
from vtspec.adapters.job import build_job, resolve_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.loop import fit


class Nonconformance(AssertionError):
    """What an adapter does that the contract does not allow, or does not do that it asks for."""


def demand(holds: bool, otherwise: str) -> None:
    """Raise `Nonconformance` with the sentence `otherwise` unless something holds."""
    if not holds:
        raise Nonconformance(otherwise)


class TrackedParams(Mapping[str, object]):
    """A job's params that remember which of them were read."""

    def __init__(self, values: JsonObject) -> None:
        self._values = dict(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> object:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass
class RecordingCallbacks:
    """Callbacks that keep what they are told, and ask to stop once `stop_at` was reached.

    `stop_at` is (epoch, step): the step counts within the epoch, 0 for the epoch's end.
    """

    stop_at: tuple[int, int] | None = None
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    epochs: list[MetricsResult] = field(default_factory=list)
    configs: list[JsonObject] = field(default_factory=list)
    ends: int = 0
    polls: int = 0
    _reached: bool = False

    def on_train_begin(self, config: JsonObject) -> None:
        """Keep what training said it starts from."""
        self.configs.append(config)

    def on_step_end(self, epoch: int, step: int, steps: int, loss: float | None) -> None:
        """Keep the position, and see whether it is `stop_at`."""
        self.steps.append((epoch, step, steps))
        self._reached |= self.stop_at == (epoch, step)

    def on_epoch_end(self, epoch: int, metrics: MetricsResult) -> None:
        """Keep what the epoch measured, and see whether it ends at `stop_at`."""
        self.epochs.append(metrics)
        self._reached |= self.stop_at == (epoch, 0)

    def on_checkpoint(self, path: Path, epoch: int, step: int, *, best: bool) -> None:
        """Nothing: what is on disk is looked at."""

    def on_train_end(
        self, final_metrics: Mapping[str, float], summary: TrainingSummary | None = None
    ) -> None:
        """Count how often training was said to be complete."""
        self.ends += 1

    def on_warning(self, message: str) -> None:
        """Nothing: a warning is no fault."""

    def on_data_wait(
        self, seconds: float, measure_gpu_memory: Callable[[], int] | None = None
    ) -> None:
        """Nothing: how long it takes is no fault."""

    def on_adapted(self, adaptation: Adaptation) -> None:
        """Nothing: the suite asks for none."""

    def should_stop(self) -> bool:
        """Whether `stop_at` was reached."""
        self.polls += 1
        return self._reached


Weights = Mapping[str, tuple[str, tuple[int, ...], bytes]]
"""Each tensor's type, shape and bytes."""


@dataclass(frozen=True)
class TrainingRun:
    """One training in this process."""

    job: Job
    heard: RecordingCallbacks
    interrupted: Interrupted | None

    def read_weights(self) -> Weights:
        """The weights of the newest checkpoint."""
        found = checkpoints.find_resumable(self.job.workdir / "checkpoints")
        if found is None:
            raise Nonconformance("training left no checkpoint that can be read")
        return read_checkpoint_weights(found[0])

    def count_epoch_steps(self) -> int:
        """Optimizer steps of an epoch, as the adapter tells them."""
        demand(bool(self.heard.steps), "on_step_end was never called")
        steps = self.heard.steps[0][2]
        demand(steps >= 2, "the plan is too small to check with: two steps an epoch or more")
        return steps

    def list_epoch_metrics(
        self,
    ) -> list[tuple[float, float | None, float | None, Mapping[str, float]]]:
        """What each epoch measured, without its times."""
        # Compared bit for bit between runs, which seconds and rates of work never are.
        return [(m.epoch, m.train_loss, m.val_loss, m.metrics) for m in self.heard.epochs]


@dataclass(kw_only=True)
class Subject:
    """An adapter and a small job for it.

    `module` is what `vtspec.adapters.discovery.load_adapter` gives for the plan's
    `framework.adapter`; `folder` is empty and takes the runs; `environment` is added to the
    variables of the processes that are started. `other_values` gives a second value for a param
    where one cannot be told from its `Param`; `companions` gives the other params without which
    one has no effect.
    """

    module: AdapterModule
    plan: JsonObject
    data_root: Path
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    other_values: JsonObject = field(default_factory=dict)
    companions: Mapping[str, JsonObject] = field(default_factory=dict)

    @cached_property
    def unbroken(self) -> TrainingRun:
        """The run that all others are held against; trained once."""
        run = self.train("unbroken")
        demand(
            run.job.training.epochs >= 3, "the plan is too small to check with: 3 epochs or more"
        )
        return run

    def make_job(self, name: str, plan: JsonObject | None = None, *, smoke: bool = False) -> Job:
        """A job whose work folder is `folder / name`; its params are `TrackedParams`."""
        workdir = self.folder / name
        workdir.mkdir(parents=True, exist_ok=True)
        job = build_job(
            self.plan if plan is None else plan,
            run=name,
            attempt=1,
            data_root=self.data_root,
            workdir=workdir,
            smoke=smoke,
        )
        params = resolve_params(job.params, self.module.PARAMS, job.task)
        return dataclasses.replace(job, params=TrackedParams(params))

    def train(
        self,
        name: str,
        plan: JsonObject | None = None,
        *,
        stop_at: tuple[int, int] | None = None,
        resume: bool = False,
        smoke: bool = False,
    ) -> TrainingRun:
        """Train in this process, with an adapter of its own."""
        job, heard = self.make_job(name, plan, smoke=smoke), RecordingCallbacks(stop_at=stop_at)
        interrupted = None
        try:
            fit(self.module.Adapter(job, heard), job, heard, resume)
        except Interrupted as stop:
            interrupted = stop
        return TrainingRun(job, heard, interrupted)

    def load_predictor(self, run: TrainingRun) -> TrainingAdapter:
        """A fresh adapter that holds the best weights of a run, without its data."""
        path = checkpoints.find_best(run.job.workdir / "checkpoints")
        if path is None:
            raise Nonconformance("no checkpoint is called the best after training")
        # A fresh one: what training left in memory must not be what makes it right.
        adapter: TrainingAdapter = self.module.Adapter(run.job, RecordingCallbacks())
        adapter.prepare_model()
        adapter.load_checkpoint(path)
        return adapter

    def load_evaluator(self, run: TrainingRun) -> TrainingAdapter:
        """The same, with its data, so that it can evaluate."""
        path = checkpoints.find_best(run.job.workdir / "checkpoints")
        if path is None:
            raise Nonconformance("no checkpoint is called the best after training")
        adapter: TrainingAdapter = self.module.Adapter(run.job, RecordingCallbacks())
        adapter.prepare_model()
        adapter.prepare_dataset()
        adapter.load_checkpoint(path)
        return adapter

    def with_training(self, **changes: object) -> JsonObject:
        """The plan with other fields of `training`."""
        return {**self.plan, "training": {**self.plan["training"], **changes}}


LABEL_METRICS: Mapping[TaskType, str] = {
    TaskType.IMAGE_CLASSIFICATION: "accuracy",
    TaskType.MULTILABEL_CLASSIFICATION: "micro_f1",
}
"""The tasks that give images labels, each with the metric that is the micro F1 of what is said:
the accuracy, where each image has one label and is said to have one."""


def demand_agreement(
    told: Sequence[tuple[frozenset[str], InferenceResult]], metrics: Mapping[str, float]
) -> None:
    """What `predict` says of labels, by their names, is what `evaluate` counted.

    One image may fall to the other side of a tie; the mean loss over the scores must be equal to
    1 in 1,000, as it is only where both see the same pixels.
    """
    pairs = [(truth, _get_labels(result)) for truth, result in told]
    count = sum(len(truth) + len(said) for truth, said in pairs)
    right = 2 * sum(len(truth & said) for truth, said in pairs) / max(count, 1)
    counted = metrics[LABEL_METRICS[told[0][1].task_type]]
    demand(
        abs(right - counted) <= 1 / len(told),
        f"predict is right in {right:.4f} of the labels, evaluate in {counted:.4f}",
    )
    loss = math.fsum(_compute_loss(truth, result) for truth, result in told) / len(told)
    demand(
        math.isclose(loss, metrics["loss"], rel_tol=1e-3, abs_tol=1e-5),
        f"the loss of what predict says is {loss}, evaluate says {metrics['loss']}",
    )


def _compute_loss(truth: frozenset[str], result: InferenceResult) -> float:
    scores = result.scores or {}
    own = [scores.get(name, 0.0) for name in truth]
    # Where an image may show several classes, each that it does not show is an answer, too.
    if result.task_type is TaskType.MULTILABEL_CLASSIFICATION:
        own += [1 - score for name, score in scores.items() if name not in truth]
    demand(min(own) > 0.0, f"predict gives {result.image_path}'s own classes no score")
    return -math.fsum(map(math.log, own)) / len(own)


def _get_labels(result: InferenceResult) -> frozenset[str]:
    one, several = result.predicted_label, result.predicted_labels
    return frozenset(several or () if one is None else (one,))


def predict_split(
    adapter: TrainingAdapter, job: Job, split: str
) -> list[tuple[frozenset[str], InferenceResult]]:
    """(true classes, what `predict` says) of every image of a split, as `list_split` has them."""
    images = list_split(job, split)
    results = list(adapter.predict(path for path, _ in images))
    demand(
        [result.image_path for result in results] == [str(path) for path, _ in images],
        "predict does not give one result an image, in the order of the images",
    )
    return [(labels, result) for (_, labels), result in zip(images, results, strict=True)]


def list_split(job: Job, split: str) -> list[tuple[Path, frozenset[str]]]:
    """The images of a split, each with its classes, which are none where the task is no
    classification of images."""
    data = job.dataset
    if job.task not in LABEL_METRICS:
        samples = [one for one in read_split(data, split) if isinstance(one, Sample)]
        return [(data.root / one.image, frozenset()) for one in samples]
    one = job.task is TaskType.IMAGE_CLASSIFICATION
    images = list_labeled_images(data, split) if one else list_multilabel_images(data, split)
    return [
        (image.path, frozenset(data.classes[target] for target in image.targets))
        for image in images
    ]


def read_checkpoint_weights(path: Path) -> Weights:
    """What a checkpoint's `model.safetensors` holds."""
    file = path / "model.safetensors"
    demand(file.is_file(), f"{path.name} has no model.safetensors")
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    # Classes and versions, which may differ where the weights do not.
    header.pop("__metadata__", None)
    body = data[8 + length :]
    return {
        name: (
            entry["dtype"],
            tuple(entry["shape"]),
            body[entry["data_offsets"][0] : entry["data_offsets"][1]],
        )
        for name, entry in header.items()
    }
