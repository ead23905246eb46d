"""What the adapter asks of a task; each has a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vtspec.adapters.contract import Job
from vtspec.adapters.json_types import JsonObject

from .images import Dataset, Item

if TYPE_CHECKING:
    import torch

    from .images import Batch


class Metrics(Protocol):
    """What a split is worth, image by image."""

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        ...

    def build_details(self) -> JsonObject:
        """What a report shows beside them."""
        ...


class VisionTask(Protocol):
    """A task of the package's: its networks, how images are labelled, what outputs mean.

    `word` is the package's own for it, and `network_class` that of its networks. `averages` says
    that its loss is a mean over a batch's images, and not their sum. `class_layers` matches the
    names of the tensors whose shape follows from the classes, `label_layers` those that follow
    from something else about the labels. `outputs` are the names of what an export gives.
    """

    job: Job
    word: str
    network_class: str
    averages: bool
    class_layers: str
    label_layers: str | None
    outputs: tuple[str, ...]

    def list_arguments(self) -> Mapping[str, Any]:
        """What its network is built with, beside the classes. Raises `AdapterError`."""
        ...

    def set_up(self, network: Any) -> None:
        """Set what is asked of a network that was built. Raises `AdapterError` where it cannot."""
        ...

    def list_told(self) -> tuple[str, ...]:
        """The params that are told when training starts."""
        ...

    def list_images(self, split: str, warn: Callable[[str], None]) -> Sequence[Any]:
        """The images of a split. Raises `AdapterError` where one cannot be used."""
        ...

    def list_absent(self, images: Sequence[Any]) -> Sequence[str]:
        """The classes that none of the images shows."""
        ...

    def make_unlabelled(self, paths: Iterable[Path]) -> Sequence[Any]:
        """Images of which nothing is known."""
        ...

    def build_dataset(self, images: Sequence[Any], epoch: int | None = None) -> Dataset:
        """The images as the network sees them, augmented with an epoch."""
        ...

    def join(self, items: Sequence[Item]) -> Batch:
        """A batch as the package's loss reads it."""
        ...

    def build_metrics(self) -> Metrics:
        """Of a split, before its first image."""
        ...

    def decode(self, outputs: Any, items: Sequence[Item]) -> Sequence[Any]:
        """The answer for each image, in its own pixels, of a network's outputs in `eval()`."""
        ...

    def measure(self, metrics: Any, image: Any, item: Item, answer: Any) -> None:
        """Hold an answer against what is known of its image."""
        ...

    def pick_class_metrics(self, metrics: Any) -> dict[str, float]:
        """One figure of each class, as an epoch tells it."""
        ...

    def tell(self, answer: Any) -> Mapping[str, Any]:
        """The fields of an `InferenceResult` that say it."""
        ...

    def give_outputs(self, network: Any, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What `outputs` names, of pixels from 0 to 1, for an export."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What a reader of exported weights needs to know; values are JSON, save for names."""
        ...
