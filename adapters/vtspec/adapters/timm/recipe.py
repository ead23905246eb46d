"""How a timm network learns: loss, optimizer, schedule, mixing, averaging, number formats.

One `Recipe` holds everything that an optimizer step needs beside the network and a batch, and
its state is part of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.metrics import find_metric
from vtspec.adapters.pytorch.state import StateDict

from .params import get_mixing_alphas

if TYPE_CHECKING:
    import torch
    from timm.data import Mixup
    from timm.utils import ModelEmaV3

_T = TypeVar("_T")

SCHEDULERS: Final[Mapping[str, str]] = {
    "cosine": "cosine",
    "linear": "poly",
    "polynomial": "poly",
    "step": "step",
    "constant": "constant",
}
"""timm's name of each schedule that is a function of the step alone."""


class Schedule(Protocol):
    """What moves the learning rate: one of timm's schedules, or `PlateauScheduler`."""

    def step_update(self, updates: int, /) -> None:
        """Set the learning rate for the step after `updates` of them."""
        ...


class Recipe:
    """What turns batches into better weights.

    `ema` is timm's averaged network or None; an epoch has `steps` optimizer steps; `class_counts`
    are the train images of each class, for balanced weights. `updates` counts optimizer steps
    over all epochs; `learning_rate` is that of the latest of them, the largest over layers.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        ema: ModelEmaV3 | None,
        job: Job,
        steps: int,
        class_counts: tuple[int, ...],
    ) -> None:
        import torch
        from timm.optim import create_optimizer_v2

        training = job.training
        self.model, self.ema = model, ema
        self.device = next(model.parameters()).device
        self.precision = training.precision
        self.layout = torch.channels_last if job.params["channelsLast"] else torch.preserve_format
        self.clipping = training.gradient_clipping
        self.mixup = build_mixup(job)
        weights = compute_class_weights(job, class_counts)
        soft = self.mixup is not None
        self.loss = _build_loss(job, weights, soft=soft).to(self.device)
        # PyTorch's mean is over the weights of hard targets, and over the images of soft ones.
        self.weights = None if weights is None or soft else torch.tensor(weights).double()
        self._accumulated = (0, 0.0)
        decay = job.params["layerDecay"]
        # timm's sgd is Nesterov's, which there is none of without momentum.
        plain = training.optimizer == "sgd" and not training.momentum
        self.optimizer = create_optimizer_v2(
            model,
            opt="momentum" if plain else training.optimizer,
            lr=training.learning_rate,
            weight_decay=training.weight_decay,
            momentum=training.momentum,
            **({} if decay is None else {"layer_decay": decay}),
        )
        self.schedule = _build_scheduler(self.optimizer, job, steps)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=training.precision == "fp16")
        last = _get_or_default(job.params["mixupOffEpoch"], training.epochs)
        self.mixing_updates = last * steps
        self.updates = 0
        self.learning_rate = self._get_current_rate()

    def backward(self, images: torch.Tensor, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Add the gradients of one batch; its mean loss, detached. The step's images are `share`
        times those of the batch."""
        count, weight = len(targets), self.sum_weights(targets)
        images = images.to(self.device, non_blocking=True, memory_format=self.layout)
        targets = targets.to(self.device, non_blocking=True)
        if self.mixup is not None:
            self.mixup.mixup_enabled = self.updates < self.mixing_updates
            images, targets = self.mixup(images, targets)
        with autocast(self.device, self.precision):
            loss = self.loss(self.model(images), targets)
        portion = loss / share
        if self.weights is not None and share != 1:
            # The step's mean is over the weights of all its batches, known when they were there.
            portion = portion * (weight / count)
            seen, sum_ = self._accumulated
            self._accumulated = (seen + count, sum_ + weight)
        self.scaler.scale(portion).backward()
        return loss.detach()  # type: ignore[no-any-return]

    def sum_weights(self, targets: torch.Tensor) -> float:
        """What a batch counts in a mean loss: the weights of its classes, each 1 without any."""
        if self.weights is None:
            return float(len(targets))
        return float(self.weights[targets].sum())

    def update(self) -> None:
        """One optimizer step: clip, update, average, move the learning rate on."""
        import torch

        self._finish_weighted_mean()
        if self.clipping is not None:
            self.scaler.unscale_(self.optimizer)
            learning = [p for p in self.model.parameters() if p.requires_grad]
            torch.nn.utils.clip_grad_norm_(learning, self.clipping)
        self.learning_rate = self._get_current_rate()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.updates += 1
        if self.ema is not None:
            self.ema.update(self.model, step=self.updates)
        self.schedule.step_update(self.updates)

    def record_metric(self, value: float | None) -> None:
        """Tell the schedule what the epoch's monitored metric was."""
        if isinstance(self.schedule, PlateauScheduler):
            self.schedule.record_metric(value, self.updates)

    def get_state(self) -> StateDict:
        """All that the next step depends on, beside the networks; tensors and plain data."""
        return {
            "updates": self.updates,
            "learning_rate": self.learning_rate,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "schedule": self.schedule.get_state()
            if isinstance(self.schedule, PlateauScheduler)
            else {},
        }

    def restore(self, state: StateDict) -> None:
        """Take up what `get_state` gave."""
        self.updates = state["updates"]
        self.learning_rate = state["learning_rate"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if isinstance(self.schedule, PlateauScheduler):
            self.schedule.restore(state["schedule"])

    def _finish_weighted_mean(self) -> None:
        count, weight = self._accumulated
        self._accumulated = (0, 0.0)
        if not count:
            return
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(count / weight)

    def _get_current_rate(self) -> float:
        return max(float(group["lr"]) for group in self.optimizer.param_groups)


class PlateauScheduler:
    """A learning rate that falls when the monitored metric stalls, after a linear warm-up.

    PyTorch's own; timm's loses its counters in a checkpoint.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, job: Job, warmup: Schedule, steps: int
    ) -> None:
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        metric = find_metric(job.task, job.training.monitor)
        higher = metric is not None and metric.higher_is_better
        self.warmup = warmup
        self.warmup_updates = job.training.warmup_epochs * steps
        self.reduce = ReduceLROnPlateau(
            optimizer,
            mode="max" if higher else "min",
            factor=_get_or_default(job.params["decayRate"], 0.1),
            patience=_get_or_default(job.params["plateauPatience"], 10),
            min_lr=job.training.min_learning_rate,
        )

    def step_update(self, updates: int) -> None:
        """Move the warm-up on; after it only measurements move the learning rate."""
        if updates < self.warmup_updates + 1:
            self.warmup.step_update(updates)

    def record_metric(self, value: float | None, updates: int) -> None:
        """Count one epoch's metric, once the warm-up is over."""
        if value is not None and updates >= self.warmup_updates:
            self.reduce.step(value)

    def get_state(self) -> StateDict:
        """The counters and the best value so far."""
        return dict(self.reduce.state_dict())

    def restore(self, state: StateDict) -> None:
        """Take up what `get_state` gave."""
        self.reduce.load_state_dict(dict(state))


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """The number format of a forward pass."""
    import torch

    formats = {"bf16": torch.bfloat16, "fp16": torch.float16}
    with torch.autocast(device.type, dtype=formats.get(precision), enabled=precision in formats):
        yield


def build_mixup(job: Job) -> Mixup | None:
    """timm's Mixup as the preset and the params want it; None where nothing is mixed."""
    from timm.data import Mixup

    params = job.params
    mixup, cutmix = get_mixing_alphas(job)
    if not mixup and not cutmix:
        return None
    return Mixup(
        mixup_alpha=mixup,
        cutmix_alpha=cutmix,
        prob=_get_or_default(params["mixupProb"], 1.0),
        switch_prob=_get_or_default(params["mixupSwitchProb"], 0.5),
        mode=_get_or_default(params["mixupMode"], "batch"),
        label_smoothing=job.training.label_smoothing,
        num_classes=len(job.dataset.classes),
    )


def compute_class_weights(job: Job, counts: tuple[int, ...]) -> list[float] | None:
    """The weight of each class in the loss, in index order; None where all count the same.

    `balanced` is images / (classes * images of the class), as in scikit-learn.

    Raises:
        AdapterError: a class without a weight or without images, or a weight without a class.
    """
    wanted, classes = job.training.class_weights, job.dataset.classes
    if wanted is None:
        return None
    if isinstance(wanted, str):
        empty = [name for name, count in zip(classes, counts, strict=True) if not count]
        if empty:
            raise AdapterError(
                f"training.classWeights: class '{empty[0]}' has no images to be balanced by",
                "leave it out of dataset.classes, or give the weights as numbers",
            )
        return [sum(counts) / (len(counts) * count) for count in counts]
    missing = [name for name in classes if name not in wanted]
    unknown = [name for name in wanted if name not in classes]
    if missing or unknown:
        what = f"'{missing[0]}' has no weight" if missing else f"'{unknown[0]}' is no class"
        raise AdapterError(
            f"training.classWeights: {what}", f"give one number for each of {', '.join(classes)}"
        )
    return [float(wanted[name]) for name in classes]


def _build_loss(job: Job, weights: list[float] | None, *, soft: bool) -> torch.nn.Module:
    import torch
    from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy

    smoothing = job.training.label_smoothing
    if weights is not None:
        # timm's cross-entropies know no weights. Mixed targets are smoothed where they are mixed.
        return torch.nn.CrossEntropyLoss(
            weight=torch.tensor(weights), label_smoothing=0.0 if soft else smoothing
        )
    if soft:
        return SoftTargetCrossEntropy()  # type: ignore[no-any-return]
    if smoothing:
        return LabelSmoothingCrossEntropy(smoothing)  # type: ignore[no-any-return]
    return torch.nn.CrossEntropyLoss()


def _build_scheduler(optimizer: torch.optim.Optimizer, job: Job, steps: int) -> Schedule:
    from timm.scheduler import create_scheduler_v2

    training, params = job.training, job.params
    name = training.scheduler
    # timm's polynomial takes its power for the rate of decay.
    rate = {"linear": 1.0, "polynomial": _get_or_default(params["polynomialPower"], 2.0)}
    # A warm-up that never ends leaves the schedule behind it nothing to do, but a length.
    behind = max(training.epochs - training.warmup_epochs, 1 / steps)
    # timm says int of both, and takes parts of epochs.
    schedule, _ = create_scheduler_v2(
        optimizer,
        sched=SCHEDULERS.get(name, "constant"),
        num_epochs=cast("int", behind),
        decay_epochs=_get_or_default(params["decayEpochs"], 30.0),
        decay_rate=rate.get(name, _get_or_default(params["decayRate"], 0.1)),
        min_lr=training.min_learning_rate,
        warmup_epochs=cast("int", training.warmup_epochs),
        warmup_lr=_get_or_default(params["warmupLearningRate"], 0.0),
        warmup_prefix=True,
        step_on_epochs=False,
        updates_per_epoch=steps,
    )
    # timm gives none for a name that it does not know, and `SCHEDULERS` has none of those.
    assert schedule is not None
    return PlateauScheduler(optimizer, job, schedule, steps) if name == "plateau" else schedule


def _get_or_default(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value
