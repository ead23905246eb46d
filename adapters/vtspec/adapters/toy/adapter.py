"""The smallest complete adapter: softmax regression on small gray pictures, in plain Python.

It needs nothing installed and trains in a second, so that everything around an adapter can be
tried in a test. What it cannot do it refuses. The learning itself is in `softmax`.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    ExportedFile,
    InferenceResult,
    Interrupted,
    Job,
    MetricsResult,
    Param,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.data.image_labels import list_labeled_images
from vtspec.adapters.data.json_source import parse_class_names
from vtspec.adapters.evaluation.class_metrics import pick_class_metrics
from vtspec.adapters.evaluation.sample_records import build_sample_records
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.training import checkpoints

from . import plain_metrics, png, safetensors
from .softmax import Example, SoftmaxRegression, compute_learning_rate, log_sum_exp, softmax

VERSION: Final = "1"

TASKS: Final = (TaskType.IMAGE_CLASSIFICATION,)

PARAMS: Final[Mapping[str, Param]] = {
    "pixelMean": Param(
        type="float",
        default=0.5,
        help="Subtracted from every pixel, which lies between 0 and 1.",
        minimum=0.0,
        maximum=1.0,
    ),
    "initStd": Param(
        type="float",
        default=0.01,
        help="Standard deviation of the random start weights.",
        minimum=0.0,
        maximum=10.0,
    ),
}

SUPPORTED: Final[Mapping[str, tuple[object, ...]]] = {
    "resources.gpus": (0,),
    "training.optimizer": ("sgd",),
    "training.scheduler": ("cosine", "constant", "linear"),
    "training.augmentation": ("none",),
    "training.precision": ("fp32",),
    "training.freeze": ("none",),
    "training.ema": (None,),
    "training.onOutOfMemory": ("stop",),
    "training.onNan": ("stop",),
    "training.onTimeLimit": ("stop",),
    "export.formats": ("safetensors",),
}
"""What can be done of fields of a spec; of one that is left out the first, where the usual default
is not among them. `images/toy/image.yaml` says the same to who plans."""

_MODEL: Final = "softmax-regression"
_LARGEST_THUMBNAIL: Final = 96
_MOST_ERRORS: Final = 24


class Adapter:
    """Softmax regression behind the adapter contract."""

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        _check_supported(job)
        self.job = job
        self.callbacks = callbacks
        self.height, self.width = job.training.image_size
        self.splits: dict[str, list[Example]] = {}
        self.measured: Mapping[str, float] = {}
        self.step = 0
        self.loss_sum = 0.0

    def prepare_model(self) -> None:
        """Draw the start weights, or read them."""
        self.model = SoftmaxRegression.from_seed(
            classes=len(self.job.dataset.classes),
            features=self.height * self.width,
            std=self.job.params["initStd"],
            seed=self.job.training.seed,
        )
        if self.job.model.weights is not None:
            self._load_start_weights(self.job.model.weights)

    def prepare_dataset(self) -> None:
        """Read every picture of every split."""
        root = self.job.dataset.root
        for name in self.job.dataset.splits:
            images = list_labeled_images(self.job.dataset, name)
            if self.job.smoke:
                # Spread over the split, which is sorted by class: a smoke test meets them all.
                images = images[:: max(1, len(images) // self.job.training.batch_size)]
                images = images[: self.job.training.batch_size]
            self.splits[name] = [
                Example(
                    name=image.path.relative_to(root).as_posix(),
                    target=image.target,
                    features=self._read_features(image.path),
                )
                for image in images
            ]
        self.model.class_weights = self._compute_class_weights()

    def describe(self) -> JsonObject:
        """The device, the parameters and the images of each split."""
        return {
            "device": "cpu",
            "parameters": self.model.parameters,
            "images": {name: len(pictures) for name, pictures in self.splits.items()},
        }

    def train_epoch(self, epoch: int) -> MetricsResult:
        """Train the steps of the epoch that are not done yet."""
        batches = self._make_batches(epoch)
        training, steps = self.job.training, len(batches)
        while self.step < steps:
            batch = batches[self.step]
            rate = compute_learning_rate(training, (epoch - 1) * steps + self.step, steps)
            loss = self.model.update(batch, rate, training)
            self.loss_sum += loss * len(batch)
            self.step += 1
            self.callbacks.on_step_end(epoch, self.step, steps, loss)
            if self.callbacks.should_stop():
                raise Interrupted(
                    epoch - 1, self.step, self._write_checkpoint(epoch - 1, self.step)
                )
        train_loss = self.loss_sum / sum(map(len, batches))
        # Only a whole epoch starts anew: an interruption leaves both for the checkpoint.
        self.step, self.loss_sum = 0, 0.0
        return MetricsResult(
            epoch=epoch,
            train_loss=train_loss,
            val_loss=None,
            learning_rate=compute_learning_rate(training, epoch * steps - 1, steps),
        )

    def validate(self, epoch: int) -> MetricsResult:
        """Measure the val split."""
        calls, losses = self._predict_split("val")
        self.measured = plain_metrics.compute_metrics(calls, losses)
        names = self.job.dataset.classes
        table = plain_metrics.compute_confusion(calls, len(names))
        return MetricsResult(
            epoch=epoch,
            train_loss=None,
            val_loss=self.measured["loss"],
            metrics=self.measured,
            class_metrics=pick_class_metrics(
                plain_metrics.compute_class_scores(table, names), "f1"
            ),
        )

    def save_checkpoint(self, epoch: int) -> Path:
        """Write the state after an epoch."""
        return self._write_checkpoint(epoch, 0)

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        """Take up a state that `save_checkpoint` or an interruption wrote."""
        self.model.load_weights(safetensors.read(path / "model.safetensors"), str(path))
        self.model.load_momentum(safetensors.read(path / "momentum.safetensors"))
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        self.loss_sum, self.step = state["lossSum"], state["step"]
        return state["epoch"], state["step"]

    def evaluate(self, split: str) -> Evaluation:
        """Measure a split, with everything that the report shows."""
        calls, losses = self._predict_split(split)
        names = self.job.dataset.classes
        table = plain_metrics.compute_confusion(calls, len(names))
        details = {
            "images": len(calls),
            "classes": list(names),
            "confusion": table,
            "perClass": plain_metrics.compute_class_scores(table, names),
            "prCurves": {
                name: plain_metrics.compute_pr_curve(calls, k) for k, name in enumerate(names)
            },
            "calibration": plain_metrics.compute_calibration(calls),
            "errors": self._collect_errors(split, calls),
            "samples": build_sample_records(
                [picture.name for picture in self.splits[split]],
                [call.target for call in calls],
                [call.predicted for call in calls],
                [call.confidence for call in calls],
                {
                    "top5_accuracy": [plain_metrics.is_in_top5(call) for call in calls],
                    "loss": losses,
                },
            ),
        }
        return Evaluation(
            split=split, metrics=plain_metrics.compute_metrics(calls, losses), details=details
        )

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        """Classify pictures one by one."""
        for path in images:
            try:
                features = self._read_features(path)
            except AdapterError as error:
                yield InferenceResult(
                    image_path=str(path),
                    task_type=TaskType.IMAGE_CLASSIFICATION,
                    inference_time_ms=0.0,
                    error=str(error).removeprefix(f"{path}: "),
                )
                continue
            started_at = time.perf_counter()
            # The target is not known, and nothing here looks at it.
            call = plain_metrics.Prediction(softmax(self.model.compute_logits(features)), 0)
            yield InferenceResult(
                image_path=str(path),
                task_type=TaskType.IMAGE_CLASSIFICATION,
                inference_time_ms=(time.perf_counter() - started_at) * 1000,
                predicted_label=self.job.dataset.classes[call.predicted],
                confidence=call.confidence,
                scores=dict(zip(self.job.dataset.classes, call.scores, strict=True)),
            )

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        """Write `model.safetensors`, and read it back."""
        for form in formats:
            if form not in SUPPORTED["export.formats"]:
                raise AdapterError(
                    f"export.formats: the toy adapter cannot write {form}",
                    "set export.formats: [safetensors]",
                )
        path = folder / "model.safetensors"
        safetensors.write(path, self.model.get_weights(), self._get_metadata())
        # Cheap at this size, and it shows what an adapter owes: an export that was checked.
        if safetensors.read(path) != self.model.get_weights():
            raise AdapterError(f"{path}: was not written as it is", "look at the disk")
        return {"safetensors": ExportedFile(path=path)}

    def _load_start_weights(self, path: Path) -> None:
        """Take up the rows of the job's classes, by name where the file says whose they are."""
        found, wanted = safetensors.read(path), self.job.dataset.classes
        for name, tensor in found.items():
            if not all(map(math.isfinite, tensor.values)):
                raise AdapterError(
                    f"{path}: '{name}' holds what is no number, which nothing can be trained from",
                    "give other weights, or leave model.weights out",
                )
        named = safetensors.read_metadata(path).get("classes")
        if named is None:
            self.callbacks.on_warning(
                f"{path.name} does not say its classes: its rows are taken in the data's order"
            )
        else:
            names = parse_class_names(named, path)
            missing = [name for name in wanted if name not in names]
            if missing:
                raise AdapterError(
                    f"{path}: was trained for {', '.join(names)}, and has no weights for "
                    f"class '{missing[0]}'",
                    "take weights of the same classes, or leave model.weights out",
                )
            found = safetensors.select_rows(found, [names.index(name) for name in wanted])
        self.model.load_weights(found, str(path))

    def _get_metadata(self) -> dict[str, str]:
        return {"classes": json.dumps(list(self.job.dataset.classes), ensure_ascii=False)}

    def _read_features(self, path: Path) -> list[float]:
        mean = self.job.params["pixelMean"]
        picture = png.resize(png.read(path), self.height, self.width)
        return [pixel / 255 - mean for pixel in picture.pixels]

    def _make_batches(self, epoch: int) -> list[list[Example]]:
        # Drawn from the seed and the epoch alone, so that a resume needs no random state.
        pictures = list(self.splits["train"])
        random.Random(f"order {self.job.training.seed} {epoch}").shuffle(pictures)
        size = self.job.training.batch_size * self.job.training.gradient_accumulation
        return [pictures[start : start + size] for start in range(0, len(pictures), size)]

    def _predict_split(self, split: str) -> tuple[list[plain_metrics.Prediction], list[float]]:
        calls, losses = [], []
        for picture in self.splits[split]:
            logits = self.model.compute_logits(picture.features)
            calls.append(plain_metrics.Prediction(softmax(logits), picture.target))
            losses.append(log_sum_exp(logits) - logits[picture.target])
        return calls, losses

    def _collect_errors(
        self, split: str, calls: Sequence[plain_metrics.Prediction]
    ) -> list[JsonObject]:
        pairs = zip(self.splits[split], calls, strict=True)
        wrong = [(picture, call) for picture, call in pairs if call.predicted != call.target]
        wrong.sort(key=lambda pair: (-pair[1].confidence, pair[0].name))
        folder = self.job.workdir / "plots" / "errors"
        folder.mkdir(parents=True, exist_ok=True)
        names = self.job.dataset.classes
        found: list[JsonObject] = []
        for number, (picture, call) in enumerate(wrong[:_MOST_ERRORS]):
            thumbnail = folder / f"{number:02d}.png"
            png.write(thumbnail, _make_thumbnail(self.job.dataset.root / picture.name))
            found.append(
                {
                    "image": picture.name,
                    "true": names[call.target],
                    "predicted": names[call.predicted],
                    "confidence": call.confidence,
                    "thumbnail": thumbnail.relative_to(self.job.workdir).as_posix(),
                }
            )
        return found

    def _compute_class_weights(self) -> list[float]:
        names, given = self.job.dataset.classes, self.job.training.class_weights
        if given is None:
            return [1.0] * len(names)
        if given == "balanced":
            targets = [picture.target for picture in self.splits["train"]]
            counts = [max(1, targets.count(index)) for index in range(len(names))]
            return [len(targets) / (len(names) * count) for count in counts]
        missing = [name for name in names if name not in given]
        if missing:
            raise AdapterError(
                f"training.classWeights: class '{missing[0]}' has no weight",
                "give one for every class, or set classWeights: balanced",
            )
        return [given[name] for name in names]

    def _write_checkpoint(self, epoch: int, step: int) -> Path:
        def fill(folder: Path) -> None:
            safetensors.write(
                folder / "model.safetensors", self.model.get_weights(), self._get_metadata()
            )
            safetensors.write(folder / "momentum.safetensors", self.model.get_momentum())
            state = {"epoch": epoch, "step": step, "lossSum": self.loss_sum}
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

        return checkpoints.write(
            self.job.workdir / "checkpoints",
            checkpoints.format_name(epoch, step),
            {"epoch": epoch, "step": step, "metrics": {} if step else self.measured},
            fill,
        )


def _check_supported(job: Job) -> None:
    training = job.training
    asked: tuple[tuple[str, object, tuple[object, ...]], ...] = (
        ("model.name", job.model.name, (_MODEL,)),
        ("model.pretrained", job.model.pretrained, (False,)),
        ("resources.gpus", job.gpus, SUPPORTED["resources.gpus"]),
        *(
            (f"training.{name}", getattr(training, name), SUPPORTED[f"training.{name}"])
            for name in ("optimizer", "scheduler", "augmentation", "precision", "freeze", "ema")
        ),
        ("training.onOutOfMemory", training.on_out_of_memory, SUPPORTED["training.onOutOfMemory"]),
        ("training.onNan", training.on_nan, SUPPORTED["training.onNan"]),
        ("training.onTimeLimit", training.on_time_limit, SUPPORTED["training.onTimeLimit"]),
    )
    for path, value, possible in asked:
        if value not in possible:
            what = "that" if possible == (None,) else repr(value)
            raise AdapterError(
                f"{path}: the toy adapter cannot do {what}",
                f"set it to {' or '.join(json.dumps(choice) for choice in possible)}",
            )


def _make_thumbnail(path: Path) -> png.GrayImage:
    picture = png.read(path)
    ratio = min(1.0, _LARGEST_THUMBNAIL / max(picture.width, picture.height))
    height, width = (max(1, round(side * ratio)) for side in (picture.height, picture.width))
    return png.resize(picture, height, width)
