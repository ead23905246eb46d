"""Toy adapters, each broken in one way that a check of the conformance suite must see."""

import dataclasses
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import broken_importer
from vtspec.adapters.conformance import Check, evaluation, interface, resuming
from vtspec.adapters.conformance import training as learning
from vtspec.adapters.contract import (
    AdapterError,
    Evaluation,
    ExportedFile,
    InferenceResult,
    Job,
    MetricsResult,
    Param,
    TaskType,
    TrainingCallbacks,
)
from vtspec.adapters.toy import adapter as toy
from vtspec.adapters.toy import safetensors


class _Silent(toy.Adapter):
    """Tells of no step, and never asks whether to stop."""

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(job, cast(TrainingCallbacks, _Deaf(callbacks)))


class _Deaf:
    """Callbacks that pass on nothing of a step, and all else through `__getattr__`."""

    def __init__(self, callbacks: TrainingCallbacks) -> None:
        self._callbacks = callbacks

    def on_step_end(self, *_: object) -> None:
        """Nothing."""

    def should_stop(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callbacks, name)


class _Unstoppable(toy.Adapter):
    """Tells of its steps, but never heeds whether to stop."""

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        super().__init__(job, cast(TrainingCallbacks, _Stubborn(callbacks)))


class _Deserting(toy.Adapter):
    """Leaves at once when it is told to terminate, as some frameworks do."""

    def prepare_dataset(self) -> None:
        super().prepare_dataset()
        if self.job.workdir.name == "sigterm":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class _Stubborn(_Deaf):
    """Callbacks that never say to stop."""

    def on_step_end(self, *told: Any) -> None:
        self._callbacks.on_step_end(*told)
        self._callbacks.should_stop()


class _Climbing(toy.Adapter):
    """Goes up the loss instead of down."""

    def train_epoch(self, epoch: int) -> MetricsResult:
        self.job = dataclasses.replace(
            self.job,
            training=dataclasses.replace(self.job.training, learning_rate=-0.05),
        )
        return super().train_epoch(epoch)


class _Misattributing(toy.Adapter):
    """Has figures of a class that it was not given."""

    def validate(self, epoch: int) -> MetricsResult:
        return dataclasses.replace(super().validate(epoch), class_metrics={"f1/nobody": 0.5})


class _Renaming(toy.Adapter):
    """Calls accuracy acc."""

    def evaluate(self, split: str) -> Evaluation:
        found = super().evaluate(split)
        return dataclasses.replace(found, metrics={**found.metrics, "acc": 1.0})


class _NeverEnding(toy.Adapter):
    """Takes no notice of a smoke run."""

    def prepare_dataset(self) -> None:
        self.job = dataclasses.replace(self.job, smoke=False)
        super().prepare_dataset()


class _Erratic(toy.Adapter):
    """Draws its weights from a seed of its own, another one each time."""

    def prepare_model(self) -> None:
        _reseed(self, int.from_bytes(os.urandom(4), "little"))
        super().prepare_model()


class _Stiff(toy.Adapter):
    """Takes no notice of the seed."""

    def prepare_model(self) -> None:
        _reseed(self, 0)
        super().prepare_model()


def _reseed(adapter: toy.Adapter, seed: int) -> None:
    training = dataclasses.replace(adapter.job.training, seed=seed)
    adapter.job = dataclasses.replace(adapter.job, training=training)


class _Alphabetical(toy.Adapter):
    """Calls classes by their place in the alphabet, not in the job."""

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        ordered = sorted(self.job.dataset.classes)
        for result in super().predict(images):
            scores = dict(zip(ordered, (result.scores or {}).values(), strict=True))
            label = max(scores, key=lambda name: scores[name])
            yield dataclasses.replace(result, predicted_label=label, scores=scores)


class _Inattentive(toy.Adapter):
    """Never reads one of its params."""

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.asked = job.params
        super().__init__(job, callbacks)

    def prepare_model(self) -> None:
        params = {"initStd": 0.01, "pixelMean": self.asked["pixelMean"]}
        self.job = dataclasses.replace(self.job, params=params)
        super().prepare_model()


class _Pretending(_Inattentive):
    """Reads it, and then does as it likes."""

    def prepare_model(self) -> None:
        assert self.asked["initStd"] is not None
        super().prepare_model()


class _Forgetful(toy.Adapter):
    """Goes on without its momentum."""

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        before = self.model.get_momentum()
        position = super().load_checkpoint(path)
        self.model.load_momentum(before)
        return position


class _Repeating(toy.Adapter):
    """Begins an epoch anew, from the weights that it had in its middle."""

    def load_checkpoint(self, path: Path) -> tuple[int, int]:
        position = super().load_checkpoint(path)
        self.step = 0
        return position


class _Wiping(toy.Adapter):
    """Makes room for a checkpoint by throwing the others away."""

    def save_checkpoint(self, epoch: int) -> Path:
        for path in (self.job.workdir / "checkpoints").glob("epoch-*"):
            shutil.rmtree(path)
        time.sleep(0.2)
        return super().save_checkpoint(epoch)


class _Partial(toy.Adapter):
    """Validates on half of the split."""

    def validate(self, epoch: int) -> MetricsResult:
        whole = self.splits["val"]
        self.splits["val"] = whole[: len(whole) // 2]
        try:
            return super().validate(epoch)
        finally:
            self.splits["val"] = whole


class _Bright(toy.Adapter):
    """Predicts on pixels of another range than it was trained on."""

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        params = {**self.job.params, "pixelMean": 0.0}
        self.job = dataclasses.replace(self.job, params=params)
        return super().predict(images)


class _Stumbling(toy.Adapter):
    """Gives up at the first image that cannot be read."""

    def predict(self, images: Iterable[Path]) -> Iterator[InferenceResult]:
        for result in super().predict(images):
            if result.error is not None:
                raise AdapterError(f"{result.image_path}: {result.error}")
            yield result


class _Unbiased(toy.Adapter):
    """Exports the weights with a bias of zero."""

    def export(self, formats: Sequence[str], folder: Path) -> Mapping[str, ExportedFile]:
        written = super().export(formats, folder)
        path = written["safetensors"].path
        found = safetensors.read(path)
        bias = found["bias"]
        for index in range(len(bias.values)):
            bias.values[index] = 0.0
        safetensors.write(path, found)
        return written


class _Terse(toy.Adapter):
    """Leaves the table of classes out."""

    def evaluate(self, split: str) -> Evaluation:
        found = super().evaluate(split)
        details = {name: value for name, value in found.details.items() if name != "perClass"}
        return dataclasses.replace(found, details=details)


class _Careless(toy.Adapter):
    """Keeps the records of its images in another order than what it said of them."""

    def evaluate(self, split: str) -> Evaluation:
        found = super().evaluate(split)
        samples = dict(found.details["samples"])
        samples["predicted"] = [*samples["predicted"][1:], samples["predicted"][0]]
        return dataclasses.replace(found, details={**found.details, "samples": samples})


class _Versatile(toy.Adapter):
    """Tells its params; not broken at all."""

    def __init__(self, job: Job, callbacks: TrainingCallbacks) -> None:
        self.told = dict(job.params)
        own = {name: job.params[name] for name in toy.PARAMS}
        job = dataclasses.replace(job, params=own)
        super().__init__(job, callbacks)

    def describe(self) -> Mapping[str, Any]:
        return {**super().describe(), "params": self.told}


class _Dependent(_Versatile):
    """Has a strength that does nothing while it is off."""

    def describe(self) -> Mapping[str, Any]:
        return {"on": self.told["on"], "strength": self.told["on"] * self.told["strength"]}


class _Refusing(_Versatile):
    """Does not know its own param together with the others."""

    def describe(self) -> Mapping[str, Any]:
        if self.told["rare"] is not None:
            raise AdapterError("params.rare: not with this model", "leave it out")
        return {}


def _module(adapter: type[toy.Adapter], **changes: Any) -> Any:
    parts = {"Adapter": adapter, "PARAMS": toy.PARAMS, "VERSION": "1", "TASKS": toy.TASKS}
    return SimpleNamespace(**{**parts, **changes})


_BEYOND: Final = Param(type="float", default=2.0, help="Never mind.", minimum=0.0, maximum=1.0)

silent = _module(_Silent)
unstoppable = _module(_Unstoppable)
deserting = _module(_Deserting)
climbing = _module(_Climbing)
misattributing = _module(_Misattributing)
renaming = _module(_Renaming)
never_ending = _module(_NeverEnding)
erratic = _module(_Erratic)
stiff = _module(_Stiff)
alphabetical = _module(_Alphabetical)
inattentive = _module(_Inattentive)
pretending = _module(_Pretending)
forgetful = _module(_Forgetful)
repeating = _module(_Repeating)
wiping = _module(_Wiping)
partial = _module(_Partial)
bright = _module(_Bright)
stumbling = _module(_Stumbling)
unbiased = _module(_Unbiased)
terse = _module(_Terse)
careless = _module(_Careless)
versatile = _module(
    _Versatile,
    PARAMS={
        **toy.PARAMS,
        "flag": Param(type="bool", default=False, help="A flag."),
        "choice": Param(type="str", default="a", help="A choice.", choices=("a", "b")),
        "text": Param(type="str", default=None, help="A text."),
        "count": Param(type="int", default=9, help="A count.", minimum=1, maximum=9),
        "share": Param(type="float", default=None, help="A share.", minimum=0.5, maximum=1.0),
        "boxes": Param(type="int", default=1, help="Of boxes.", tasks=(TaskType.OCR,)),
    },
)
dependent = _module(
    _Dependent,
    PARAMS={
        **toy.PARAMS,
        "on": Param(type="bool", default=False, help="A switch."),
        "strength": Param(type="float", default=1.0, help="How much, where it is on."),
    },
)
refusing = _module(
    _Refusing,
    PARAMS={**toy.PARAMS, "rare": Param(type="int", default=None, help="For some models.")},
)
early_importer = _module(broken_importer.Adapter)
out_of_range = _module(toy.Adapter, PARAMS={**toy.PARAMS, "never": _BEYOND})

BROKEN: Final[Mapping[str, Check]] = {
    "out_of_range": interface.it_declares_itself,
    "early_importer": interface.it_imports_without_its_framework,
    "silent": learning.it_trains,
    "climbing": learning.its_loss_falls,
    "misattributing": learning.metrics_have_the_standard_names,
    "renaming": learning.metrics_have_the_standard_names,
    "never_ending": learning.smoke_is_one_batch,
    "erratic": learning.the_same_seed_gives_the_same_weights,
    "stiff": learning.another_seed_gives_other_weights,
    "alphabetical": learning.chosen_classes_are_the_ones_it_learns,
    "inattentive": learning.every_param_is_read,
    "pretending": learning.every_param_changes_something,
    "forgetful": resuming.it_resumes_after_an_epoch_as_if_unbroken,
    "repeating": resuming.it_resumes_within_an_epoch_as_if_unbroken,
    "unstoppable": resuming.it_resumes_within_an_epoch_as_if_unbroken,
    "deserting": resuming.it_leaves_a_checkpoint_on_sigterm,
    "wiping": resuming.it_survives_kill_9,
    "partial": evaluation.validate_agrees_with_evaluate,
    "bright": evaluation.predict_agrees_with_evaluate,
    "stumbling": evaluation.predict_goes_on_after_an_unreadable_image,
    "unbiased": evaluation.an_export_gives_the_same_outputs,
    "terse": evaluation.details_are_what_a_report_needs,
    "careless": evaluation.details_are_what_a_report_needs,
}
"""Each broken adapter, and the check that must see it."""
