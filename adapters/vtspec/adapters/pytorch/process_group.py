"""The processes that train one network together, each on its part of every batch.

`torchrun` starts them. Rank 0 runs the loop over epochs and tells the others which method to
call; within an epoch all take the same steps. What one process meets alone is agreed on in each
step, before gradients are summed, so that none waits for another that has left. What cannot be
agreed on ends its process, and torchrun ends the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vtspec.adapters.contract import ProcessRank, TrainingFailure

if TYPE_CHECKING:
    import torch

_T = TypeVar("_T")

_PATIENCE: Final = timedelta(days=7)
"""How long a process waits for another: torchrun, and not a clock, knows of one that died."""

_BUCKET: Final = 16 << 20
"""Numbers that are summed at a time, and are in memory twice while they are."""


class ProcessGroup:
    """What a process has in common with those that train with it; nothing where it is alone.

    `stops` says that one of them was asked to stop, as of the last step.
    """

    model: torch.nn.Module

    def __init__(self, process: ProcessRank | None, wants_stop: Callable[[], bool]) -> None:
        self.is_shared = process is not None
        self.rank, self.count = (process.rank, process.count) if process else (0, 1)
        self.wants_stop = wants_stop
        self.stops = False
        self.syncs_norms = False
        self.is_broken = False
        self.agreed: TrainingFailure | None = None
        self._has_summed = False

    @property
    def leads(self) -> bool:
        """Whether it decides, measures and writes for all."""
        return self.rank == 0

    def join(self, device: torch.device) -> None:
        """Wait for the others, who do the same."""
        import torch.distributed as dist

        if self.is_shared and not dist.is_initialized():
            # Decisions go by the CPU, so that none of them waits for a GPU.
            backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=_PATIENCE)

    def leave(self) -> None:
        """End what is held for the others, with whom nothing is left to do."""
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()

    def tell(self, method: str, *values: object) -> None:
        """Have the others call a method of their adapter; for rank 0."""
        if self.is_shared and self.leads:
            self.share((method, values))

    def hear(self) -> tuple[str, Sequence[Any]]:
        """What rank 0 tells next: a method, and what it is called with."""
        method, values = self.share(None)
        return method, values

    def share(self, value: Any) -> Any:
        """Rank 0's value."""
        import torch
        import torch.distributed as dist

        if not self.is_shared:
            return value
        held = [value]
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return held[0]

    def gather(self, value: _T) -> list[_T]:
        """The values of all, by rank."""
        import torch.distributed as dist

        if not self.is_shared:
            return [value]
        held: list[Any] = [None] * self.count
        dist.all_gather_object(held, value)
        return held

    def split(self, batch: Sequence[_T]) -> Sequence[_T]:
        """Its part of a batch."""
        return batch[self.rank :: self.count]

    def sum_numbers(self, *numbers: torch.Tensor | float) -> list[Any]:
        """The sums over all; a tensor of one number stays where it is."""
        import torch
        import torch.distributed as dist

        if not self.is_shared:
            return list(numbers)
        summed: list[Any] = []
        for number in numbers:
            tensor = torch.as_tensor(number, dtype=torch.float64)
            dist.all_reduce(tensor)
            summed.append(tensor if isinstance(number, torch.Tensor) else float(tensor))
        return summed

    def begin_step(self) -> None:
        """Nothing of the step is agreed on yet."""
        self._has_summed, self.agreed = False, None

    def sum_gradients(self) -> None:
        """Make each gradient the sum over all, once per step, and agree on who stops.

        Batch norms that count by themselves have from here on the mean of their statistics.

        Raises:
            TrainingFailure: another process could not take the step.
        """
        import torch
        import torch.distributed as dist

        if not self.is_shared:
            return
        learning = self._list_learning()
        told = self._agree([one.grad is not None for one in learning], None)
        gradients = []
        for parameter, is_there in zip(learning, told, strict=True):
            # Where no process has one, an optimizer leaves the parameter as it is.
            if not is_there:
                continue
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        with torch.no_grad():
            for bucket in _iter_buckets(gradients):
                flat = torch.cat([one.reshape(-1) for one in bucket])
                dist.all_reduce(flat)
                _put_back(flat, bucket)
            self._average_statistics()
        self._has_summed = True

    def agree_on(self, failure: TrainingFailure) -> TrainingFailure:
        """The failure of a step that all processes raise; `failure` itself where it is this
        process's alone, which ends then."""
        if not self.is_shared or failure is self.agreed:
            return failure
        # The others wait within their batch norms, or have updated their weights.
        if self.syncs_norms or self._has_summed:
            self.is_broken = True
            return failure
        try:
            self._agree([False] * len(self._list_learning()), failure)
        except TrainingFailure as agreed:
            return agreed
        raise AssertionError("a failure that was told is agreed on")

    def _agree(self, held: Sequence[bool], failure: TrainingFailure | None) -> list[bool]:
        """Whether any process holds a gradient, for each; raises the first failure there is."""
        import torch
        import torch.distributed as dist

        said = torch.tensor([failure is not None, self.wants_stop(), *held], dtype=torch.int32)
        dist.all_reduce(said)
        failures, stops, *there = said.tolist()
        self.stops = stops > 0
        if failures:
            self.agreed = next(one for one in self.gather(failure) if one is not None)
            raise self.agreed
        return [count > 0 for count in there]

    def _list_learning(self) -> list[torch.nn.Parameter]:
        return [one for one in self.model.parameters() if one.requires_grad]

    def _average_statistics(self) -> None:
        import torch
        import torch.distributed as dist

        if self.syncs_norms:
            return
        held = [
            statistic
            for norm in _list_norms(self.model)
            if norm.training and norm.track_running_stats
            for statistic in (norm.running_mean, norm.running_var)
        ]
        if held:
            flat = torch.cat(held)
            dist.all_reduce(flat)
            _put_back(flat / self.count, held)


ALONE: Final = ProcessGroup(None, lambda: False)
"""The group of a process that trains by itself."""


def _list_norms(model: torch.nn.Module) -> list[Any]:
    from torch.nn.modules.batchnorm import _BatchNorm

    return [one for one in model.modules() if isinstance(one, _BatchNorm)]


def has_norms(model: torch.nn.Module) -> bool:
    """Whether it has batch norms."""
    return bool(_list_norms(model))


def _iter_buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    bucket: list[torch.Tensor] = []
    size = 0
    for tensor in tensors:
        if bucket and (size + tensor.numel() > _BUCKET or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.numel()
    if bucket:
        yield bucket


def _put_back(flat: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    start = 0
    for tensor in tensors:
        tensor.copy_(flat[start : start + tensor.numel()].view(tensor.shape))
        start += tensor.numel()
