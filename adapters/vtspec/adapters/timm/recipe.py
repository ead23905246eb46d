"""How a timm network learns: loss, optimizer, schedule, mixing, averaging, number formats.

One `Recipe` holds everything that an optimizer step needs beside the network and a batch, and
its state is part of a checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job
from vtspec.adapters.pytorch.class_weights import compute_class_weights
from vtspec.adapters.pytorch.optimization import Optimization
from vtspec.adapters.pytorch.schedule import autocast, get_or_default

from .labels import has_several_labels
from .params import get_mixing_alphas

if TYPE_CHECKING:
    import torch
    from timm.data import Mixup
    from timm.utils import ModelEmaV3


class Recipe(Optimization):
    """What turns batches into better weights.

    `ema` is timm's averaged network or None; an epoch has `steps` optimizer steps; `class_counts`
    are the train images of each class, for balanced weights.
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

        super().__init__(model, ema, job, steps, layer_decay=job.params["layerDecay"])
        self.layout = torch.channels_last if job.params["channelsLast"] else torch.preserve_format
        self.mixup = build_mixup(job)
        weights = compute_class_weights(job, class_counts)
        soft, several = self.mixup is not None, has_several_labels(job)
        self.loss = _build_loss(job, weights, soft=soft).to(self.device)
        # PyTorch's mean is over the weights of hard targets, and over the images of all others.
        hard = not (soft or several)
        self.weights = torch.tensor(weights).double() if weights and hard else None
        # PyTorch's cross-entropy smooths by itself, the binary one of several labels does not.
        self.smoothing = job.training.label_smoothing if several else 0.0
        self._accumulated = (0, 0.0)
        last = get_or_default(job.params.get("mixupOffEpoch"), job.training.epochs)
        self.mixing_updates = last * steps

    def backward(self, images: torch.Tensor, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Add the gradients of one batch; its mean loss, detached. The step's images are `share`
        times those of the batch."""
        count, weight = len(targets), self.sum_weights(targets)
        images = images.to(self.device, non_blocking=True, memory_format=self.layout)
        targets = targets.to(self.device, non_blocking=True)
        if self.mixup is not None:
            self.mixup.mixup_enabled = self.updates < self.mixing_updates
            images, targets = self.mixup(images, targets)
        if self.smoothing:
            targets = targets * (1 - self.smoothing) + self.smoothing / 2
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

    def sum_gradients(self) -> None:
        """Make the gradients those of the whole step."""
        super().sum_gradients()
        self._finish_weighted_mean()

    def discard(self) -> None:
        """Drop the gradients of a step that was not finished."""
        self._accumulated = (0, 0.0)
        super().discard()

    def _finish_weighted_mean(self) -> None:
        if self.weights is None:
            return
        count, weight = self.group.sum_numbers(*self._accumulated)
        self._accumulated = (0, 0.0)
        if not count:
            return
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(count / weight)


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
        prob=get_or_default(params["mixupProb"], 1.0),
        switch_prob=get_or_default(params["mixupSwitchProb"], 0.5),
        mode=get_or_default(params["mixupMode"], "batch"),
        label_smoothing=job.training.label_smoothing,
        num_classes=len(job.dataset.classes),
    )


def _build_loss(job: Job, weights: list[float] | None, *, soft: bool) -> torch.nn.Module:
    import torch
    from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy

    smoothing = job.training.label_smoothing
    if has_several_labels(job):
        # Its mean over the classes is by their weights, so that only how they compare counts.
        shares = torch.tensor(weights) * len(weights) / sum(weights) if weights else None
        return torch.nn.BCEWithLogitsLoss(weight=shares)
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
