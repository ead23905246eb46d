"""How a PyTorch training goes on otherwise than planned: a step undone, other learning rates.

What is undone is exact: the step that ran out of memory is repeated as if it had not been tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import Adaptation

from .epoch_progress import EpochProgress
from .process_group import ALONE, ProcessGroup
from .state import StateDict, get_random_states, restore_random_states

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Pace:
    """How fast a schedule is gone through: from update `since` on, where it stood at `at`, by
    `rate` of its own steps for each."""

    since: int = 0
    at: float = 0.0
    rate: float = 1.0

    def place(self, updates: int) -> float:
        """Where the schedule stands after so many updates."""
        # As planned it is a whole number, which schedules round nothing of.
        return updates if self == Pace() else self.at + (updates - self.since) * self.rate

    def compress(self, updates: int, planned: int, end: int) -> Pace:
        """The pace from `updates` on by which step `end`, the last one, takes the learning rate
        that step `planned` was to take."""
        at, left = self.place(updates), end - updates
        if left <= 1:
            return Pace(updates, float(planned - 1), 1.0)
        return Pace(updates, at, (planned - 1 - at) / (left - 1))


class AdaptableRecipe:
    """What a recipe can do when training does not go as planned."""

    optimizer: torch.optim.Optimizer
    updates: int
    pace: Pace = Pace()
    group: ProcessGroup = ALONE

    def discard(self) -> None:
        """Drop the gradients of a step that was not finished."""
        self.optimizer.zero_grad()

    def lower_rates(self, factor: float) -> None:
        """Multiply every learning rate, of now and of the schedule from now on."""
        for group in self.optimizer.param_groups:
            # timm's schedules multiply what they set by it, and checkpoints keep it.
            group["lr_scale"] = group.get("lr_scale", 1.0) * factor
            group["lr"] *= factor

    def compress(self, planned: int, end: int) -> None:
        """Have the schedule of `planned` steps be gone through by step `end`."""
        self.pace = self.pace.compress(self.updates, planned, end)

    def get_pace(self) -> StateDict:
        """The pace as a checkpoint keeps it."""
        return asdict(self.pace)

    def restore_pace(self, state: StateDict) -> None:
        """Take up the pace of a recipe's state; one of before there was any is as planned."""
        self.pace = Pace(**state.get("pace", {}))


class StepUndo:
    """What a step changes before its update (batch norms' statistics, random states, sums of the
    loss), kept from before it. The weights and the optimizer's state change in the update alone.
    """

    def __init__(self, model: torch.nn.Module, generator: torch.Generator) -> None:
        self.buffers = [one for one in model.buffers() if one.numel()]
        self.kept = [one.detach().clone() for one in self.buffers]
        self.generator = generator

    def note(self, course: EpochProgress) -> None:
        """Keep what is now."""
        _copy(self.kept, self.buffers)
        self.random = get_random_states(self.generator)
        self.sums = course.note()

    def undo(self, course: EpochProgress) -> None:
        """Be what `note` saw; on a GPU its memory is free again."""
        import gc

        import torch

        _copy(self.buffers, self.kept)
        restore_random_states(self.random, self.generator)
        course.undo(self.sums)
        # What the step kept for its backward pass hangs in cycles of it.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def read_adaptation(raw: Mapping[str, Any]) -> Adaptation:
    """What `event_stream.describe_adaptation` made."""
    return Adaptation(
        cause=raw["cause"],
        epoch=raw["epoch"],
        step=raw["step_in_epoch"],
        changes={path: (before, after) for path, (before, after) in raw["changes"].items()},
        message=raw["message"],
    )


def _copy(to: list[torch.Tensor], source: list[torch.Tensor]) -> None:
    import torch

    with torch.no_grad():
        if to:
            torch._foreach_copy_(to, source)
