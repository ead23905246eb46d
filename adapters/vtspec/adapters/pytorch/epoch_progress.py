"""Where an epoch stands: how it is cut into steps, and what it has summed up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vtspec.adapters.contract import AdapterError, TrainingFailure, TrainingJob

from .state import StateDict

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class EpochBatches:
    """An epoch of `images` in batches of `size`, `accumulation` of which make an optimizer step;
    the last batch may be smaller, and the last step have fewer. `left_out` images, beside them,
    fit into no batch; 0 where the last batch is a partial one. `even` ones are taken in pairs. Of
    several `processes` each takes its part of every batch."""

    images: int
    size: int
    accumulation: int
    left_out: int
    even: bool = False
    processes: int = 1

    @property
    def batches(self) -> int:
        """Batches of the epoch."""
        return -(-self.images // self.size)

    @property
    def steps(self) -> int:
        """Optimizer steps of the epoch."""
        return -(-self.batches // self.accumulation)

    def count_batches(self, step: int) -> int:
        """How many batches make the step after `step` finished ones."""
        return min(self.accumulation, self.batches - step * self.accumulation)

    def count_images(self, step: int) -> int:
        """How many images make the step after `step` finished ones."""
        full = self.size * self.accumulation
        return min(full, self.images - step * full)

    def divide(self) -> EpochBatches | None:
        """The same steps of batches half as large, an odd one divided by its smallest divisor;
        None where there is no smaller batch. One more image may be left out."""
        sizes = [
            size
            for divisor in range(2, self.size + 1)
            for size, rest in [divmod(self.size, divisor)]
            if rest == 0 and size % count_smallest_batch(self.processes, even=self.even) == 0
        ]
        if not sizes:
            return None
        size = sizes[0]
        # As when it was planned: a last batch of one image cannot be normalised.
        rest = self.images % size
        lost = rest if _is_unusable(rest, size, self.processes, even=self.even) else 0
        return replace(
            self,
            images=self.images - lost,
            size=size,
            accumulation=self.accumulation * (self.size // size),
            left_out=self.left_out + lost,
        )


def plan_batches(
    images: int, training: TrainingJob, *, mixed: bool, processes: int = 1
) -> EpochBatches:
    """How the train split is cut.

    A last batch of which a process would have no image or one (which batch norm cannot take) or,
    where images are `mixed` in pairs, an odd number is left out; the shuffle leaves out others in
    each epoch.

    Raises:
        AdapterError: the batch size is odd where pairs are needed, cannot be divided among the
            processes, or nothing would be left.
    """
    size, smallest = training.batch_size, count_smallest_batch(processes, even=mixed)
    if size % smallest:
        what = f"cannot be divided among {processes} processes"
        raise AdapterError(
            f"mixup takes images in pairs, and training.batchSize is {size}"
            if smallest == 2 and mixed
            else f"training.batchSize {size} {what}{' in pairs, as mixup needs' * mixed}",
            f"set training.batchSize to {-(-size // smallest) * smallest}",
        )
    full, rest = divmod(images, size)
    unusable = _is_unusable(rest, size, processes, even=mixed)
    if unusable and not full:
        raise AdapterError(
            f"the train split has {images} image{'s' * (images != 1)}, which make no batch",
            f"add images, or set training.batchSize to {max(images - 1, 1)}"
            if processes == 1
            else "add images, or train with fewer GPUs",
        )
    left_out = rest if unusable else 0
    return EpochBatches(
        images=images - left_out,
        size=size,
        accumulation=training.gradient_accumulation,
        left_out=left_out,
        even=mixed,
        processes=processes,
    )


def count_smallest_batch(processes: int, *, even: bool) -> int:
    """The smallest batch of which each process has a part that can be trained on."""
    return processes * 2 if even else processes


def _is_unusable(rest: int, size: int, processes: int, *, even: bool) -> bool:
    """Whether a last batch of `rest` images, where others have `size`, cannot be trained on."""
    if even:
        return rest % (2 * processes) != 0
    smallest_part, part = rest // processes, size // processes
    return rest > 0 and (smallest_part == 0 or (smallest_part == 1 and part > 1))


class EpochProgress:
    """The course of one epoch: optimizer steps done, the loss so far, and the random states it
    started from. `total` is the sum over images, each by the weight of its class, kept where the
    loss is; `weight` is the sum of the weights, the number of images where all count the same;
    `added` counts batches since `note`."""

    def __init__(self, start: StateDict) -> None:
        self.start = start
        self.step = 0
        self.added = 0
        self.weight = 0.0
        self.total: torch.Tensor | float = 0.0
        self._looked: tuple[float, float] = (0.0, 0.0)

    def add(self, loss: torch.Tensor, weight: float) -> None:
        """Count one batch by its mean loss and its weight; does not wait for a GPU."""
        # Summed where the loss is: a look at each would wait for the GPU. In double, since
        # float32 loses the small ones in a long epoch.
        self.total = self.total + loss.double() * weight
        self.weight += weight
        self.added += 1

    def note(self) -> tuple[torch.Tensor | float, float]:
        """The sums so far, and a count of batches that begins here."""
        self.added = 0
        return self.total, self.weight

    def take_sums(self) -> tuple[torch.Tensor | float, float]:
        """The sums so far, which begin at nothing again; `add_sums` gives them back."""
        sums = self.total, self.weight
        self.total, self.weight = 0.0, 0.0
        return sums

    def add_sums(self, total: torch.Tensor | float, weight: float) -> None:
        """Add sums of batches that were counted elsewhere."""
        self.total = self.total + total
        self.weight += weight

    def undo(self, sums: tuple[torch.Tensor | float, float]) -> None:
        """Be what `note` saw."""
        self.added = 0
        self.total, self.weight = sums

    def compute_recent_loss(self, epoch: int) -> float:
        """The mean loss of the images since the last call; waits for a GPU.

        Raises:
            AdapterError: the loss is no longer a number.
        """
        total, weight = float(self.total), self.weight
        if not math.isfinite(total):
            raise TrainingFailure(
                "not-a-number",
                f"the training loss is no longer a number in epoch {epoch}, step {self.step}",
                "lower training.learningRate, set training.gradientClipping: 1.0, or take "
                "precision fp32 or bf16",
            )
        before, counted = self._looked
        # The loss since the last look, not of the epoch: a curve should show what happens now.
        self._looked = (total, weight)
        return (total - before) / ((weight - counted) or 1.0)

    def compute_mean_loss(self) -> float:
        """The mean over all images of the epoch so far."""
        return float(self.total) / (self.weight or 1.0)

    def get_state(self) -> StateDict:
        """What a checkpoint keeps of the epoch: plain data and tensors."""
        return {
            "step": self.step,
            "images": self.weight,
            "total": float(self.total),
            "start": dict(self.start),
        }

    @classmethod
    def from_state(cls, state: StateDict) -> EpochProgress:
        """The progress that `get_state` described."""
        course = cls(state["start"])
        course.step, course.weight = state["step"], state["images"]
        course.total = state["total"]
        course._looked = (float(course.total), course.weight)
        return course
