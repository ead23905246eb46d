"""The part of the adapter that differs from task to task, as one object for each of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from vtspec.adapters.contract import Job, Param, SettingConflict, TaskType
from vtspec.adapters.json_types import JsonObject

from .families import Architecture, Family

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from .task_network import TaskNetwork


class LabeledImage(Protocol):
    """An image of a split; what it is labelled with is the task's."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...


ImageT = TypeVar("ImageT", bound=LabeledImage)


class TaskPart(ABC, Generic[ImageT]):
    """All that the adapter knows of one task. It has no state, and imports no framework before
    it is asked for a network."""

    task: ClassVar[TaskType]

    params: ClassVar[Mapping[str, Param]]
    """The task's own settings, beside those of every task. One that another task has by the same
    name is the same `Param`."""

    told: ClassVar[tuple[str, ...]] = ()
    """Those of them that are told when training starts."""

    families: ClassVar[Mapping[str, Family]]
    """The families that can be trained, by `model_type` of their configurations."""

    architectures: ClassVar[Mapping[str, Architecture]]
    """Those that need no hub, by name, below `vtspec/`."""

    has_classes: ClassVar[bool] = True
    """Whether a network is built for the job's classes."""

    def find_conflicts(self, settings: JsonObject) -> Iterator[SettingConflict]:
        """The settings that change nothing or cannot be in this task, beside the others, as the
        adapter's `find_conflicts` has them."""
        yield from ()

    def register_classes(self) -> None:
        """Have the library know the classes of networks that it has not by itself; called before
        any configuration is made, and may be called again."""

    def fit_size(self, config: Any, size: tuple[int, int]) -> None:
        """Have a configuration that names its images' height and width take others. Raises
        `ValueError` where its networks take no such images."""

    def configure(self, config: Any, job: Job) -> None:
        """Set what of a network's configuration follows from the job, beside its classes and the
        `settings` of its family."""

    @abstractmethod
    def list_images(self, job: Job, split: str, warn: Callable[[str], None]) -> Sequence[ImageT]:
        """The images of a split.

        Raises:
            AdapterError: something in the split cannot be used.
        """

    def check_images(
        self,
        images: Mapping[str, Sequence[ImageT]],
        job: Job,
        warn: Callable[[str], None],
    ) -> None:
        """Look at the images of all splits before any of them is trained on.

        Raises:
            AdapterError: nothing can be learnt from them.
        """

    def run_once(self, network: torch.nn.Module, pixels: torch.Tensor) -> object:
        """What a network says of pixels `(n, 3, h, w)`, whatever they show."""
        return network(pixel_values=pixels)

    @abstractmethod
    def set_up(
        self, network: torch.nn.Module, family: Family, job: Job
    ) -> TaskNetwork[ImageT, Any]:
        """The network at work on the task."""
