"""Softmax regression and mini-batch SGD in plain Python: what the toy adapter trains.

Momentum is that of PyTorch's SGD: `v = momentum * v + gradient + decay * w`, `w = w - rate * v`.
Weights and momentum are kept as 32-bit floats, sums in between are 64-bit.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul

from vtspec.adapters.contract import AdapterError, TrainingJob

from .safetensors import Tensor


@dataclass(frozen=True, kw_only=True)
class Example:
    """One labelled image; `name` is its path below the dataset's root, `features` its pixels."""

    name: str
    target: int
    features: Sequence[float]


@dataclass(kw_only=True)
class SoftmaxRegression:
    """One row of weights and one bias a class; `velocity` has their momentum, bias last."""

    rows: list[array[float]]
    bias: array[float]
    velocity: list[array[float]]
    class_weights: list[float] = field(default_factory=list)

    @classmethod
    def from_seed(cls, *, classes: int, features: int, std: float, seed: int) -> SoftmaxRegression:
        """Weights from a normal distribution, biases of 0."""
        random_ = random.Random(f"weights {seed}")
        return cls(
            rows=[
                array("f", (random_.gauss(0.0, std) for _ in range(features)))
                for _ in range(classes)
            ],
            bias=array("f", bytes(4 * classes)),
            velocity=[array("f", bytes(4 * (features + 1))) for _ in range(classes)],
        )

    @property
    def parameters(self) -> int:
        """How many numbers are learnt."""
        return sum(map(len, self.rows)) + len(self.bias)

    def compute_logits(self, features: Sequence[float]) -> list[float]:
        """The score of each class before the softmax."""
        return [
            sum(map(mul, row, features)) + bias
            for row, bias in zip(self.rows, self.bias, strict=True)
        ]

    def update(self, batch: Sequence[Example], rate: float, training: TrainingJob) -> float:
        """Take one step down the batch's loss, and return that loss as it was before."""
        loss, slopes = self._compute_loss(batch, training.label_smoothing)
        columns = list(zip(*(picture.features for picture in batch), strict=True))
        gradient = [[*(sum(map(mul, slope, x)) for x in columns), sum(slope)] for slope in slopes]
        scale = _compute_clip_scale(gradient, training.gradient_clipping)
        for index, row in enumerate(self.rows):
            # The bias, which comes last, does not decay.
            decays = [training.weight_decay * weight for weight in row] + [0.0]
            moved = [
                training.momentum * v + scale * g + decay
                for v, g, decay in zip(self.velocity[index], gradient[index], decays, strict=True)
            ]
            self.velocity[index] = velocity = array("f", moved)
            steps = zip(row, velocity[:-1], strict=True)
            self.rows[index] = array("f", [weight - rate * v for weight, v in steps])
            self.bias[index] -= rate * velocity[-1]
        return loss

    def get_weights(self) -> dict[str, Tensor]:
        """The model as tensors: `weight` (classes, features) and `bias` (classes)."""
        flat = array("f")
        for row in self.rows:
            flat.extend(row)
        shape = (len(self.rows), len(self.rows[0]))
        return {
            "weight": Tensor(shape=shape, values=flat),
            "bias": Tensor(shape=shape[:1], values=array("f", self.bias)),
        }

    def get_momentum(self) -> dict[str, Tensor]:
        """The momentum as tensors, one a class."""
        return {
            str(index): Tensor(shape=(len(values),), values=array("f", values))
            for index, values in enumerate(self.velocity)
        }

    def load_weights(self, found: Mapping[str, Tensor], where: str) -> None:
        """Take up weights.

        Raises:
            AdapterError: they are of another shape; `where` says whose they are.
        """
        shapes = {name: tensor.shape for name, tensor in found.items()}
        expected = {name: tensor.shape for name, tensor in self.get_weights().items()}
        if shapes != expected:
            raise AdapterError(
                f"{where}: holds {shapes}, the model needs {expected}",
                "take weights of the same image size and number of classes",
            )
        length = len(self.rows[0])
        flat = found["weight"].values
        self.rows = [flat[start : start + length] for start in range(0, len(flat), length)]
        self.bias = found["bias"].values

    def load_momentum(self, found: Mapping[str, Tensor]) -> None:
        """Take up what `get_momentum` gave."""
        self.velocity = [found[str(index)].values for index in range(len(self.rows))]

    def _compute_loss(
        self, batch: Sequence[Example], smoothing: float
    ) -> tuple[float, list[list[float]]]:
        """The weighted mean loss, and its slope to each class's logit, image by image."""
        classes = len(self.rows)
        total = sum(self.class_weights[picture.target] for picture in batch)
        loss, slopes = 0.0, []
        for picture in batch:
            logits = self.compute_logits(picture.features)
            share = self.class_weights[picture.target] / total
            wanted = [smoothing / classes] * classes
            wanted[picture.target] += 1.0 - smoothing
            loss += share * (log_sum_exp(logits) - sum(map(mul, wanted, logits)))
            slopes.append([share * (p - q) for p, q in zip(softmax(logits), wanted, strict=True)])
        return loss, [list(column) for column in zip(*slopes, strict=True)]


def compute_learning_rate(training: TrainingJob, step: int, steps: int) -> float:
    """The rate of optimizer step `step` (from 0, over all epochs), `steps` of them an epoch."""
    peak, floor = training.learning_rate, training.min_learning_rate
    warmup = round(training.warmup_epochs * steps)
    if step < warmup:
        # From above zero, so that the first step is not in vain.
        return peak * (step + 1) / (warmup + 1)
    if training.scheduler == "constant":
        return peak
    done = (step - warmup) / max(1, training.epochs * steps - warmup)
    if training.scheduler == "cosine":
        return floor + (peak - floor) * (1 + math.cos(math.pi * done)) / 2
    return peak + (floor - peak) * done


def softmax(logits: Sequence[float]) -> list[float]:
    """The probabilities of logits; they sum up to 1."""
    # Subtracted, or exp overflows from a logit of 710 on.
    highest = max(logits)
    powers = [math.exp(logit - highest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def log_sum_exp(logits: Sequence[float]) -> float:
    """The logarithm of the softmax's denominator, without overflow."""
    highest = max(logits)
    return highest + math.log(sum(math.exp(logit - highest) for logit in logits))


def _compute_clip_scale(gradient: Sequence[Sequence[float]], largest: float | None) -> float:
    """What to multiply the gradient with so that its L2 norm is at most `largest`."""
    if largest is None:
        return 1.0
    norm = math.sqrt(sum(slope * slope for row in gradient for slope in row))
    return min(1.0, largest / norm) if norm else 1.0
