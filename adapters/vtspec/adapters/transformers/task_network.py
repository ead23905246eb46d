"""A network at work on its task: its loss, what it says, how good that is, and exports."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from vtspec.adapters.contract import AdapterError, ExportedFile, InferenceResult, Job
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import (
    ItemDataset,
    UnreadableError,
    cut_batches,
    derive_seed,
    draw_from,
    iter_item_batches,
)
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import Outputs, write_exports
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.adapters.pytorch.predictions import iter_results
from vtspec.adapters.pytorch.schedule import autocast

from .families import NORMALIZATIONS, Family
from .task_part import ImageT

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_CHECKED_IMAGES: Final = 4


@dataclass(frozen=True)
class Item:
    """What the network sees of one image, `(3, h, w)`, with the image's own size and its place
    in the split."""

    pixels: torch.Tensor
    size: Size
    index: int


@dataclass(frozen=True)
class Shown:
    """A file as the network sees it, `(3, h, w)`, and the image's own size."""

    path: Path
    pixels: torch.Tensor
    size: Size


ItemT = TypeVar("ItemT", bound=Item)


class Metrics(Protocol):
    """What is measured of a split, image by image, without the loss."""

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        ...

    def build_details(self) -> JsonObject:
        """What a report shows beside them."""
        ...


@dataclass(frozen=True)
class Measured:
    """What a split's images were worth: the mean loss over them, the task's metrics, and of each
    class the figure that an epoch tells."""

    metrics: Metrics
    loss: float
    class_metrics: Mapping[str, float] = field(default_factory=dict)

    def compute(self) -> dict[str, float]:
        """The standard metrics, by name."""
        return {**self.metrics.compute(), "loss": self.loss}


class TaskImages(ABC, Generic[ImageT, ItemT]):
    """A map-style dataset of a split's images; one that cannot be read is an item of its own.

    With `epoch` they are augmented, by what follows from (seed, epoch, index) alone: neither the
    number of workers nor a resume changes it.
    """

    def __init__(self, images: Sequence[ImageT], job: Job, *, epoch: int | None = None) -> None:
        self.images, self.job, self.epoch = images, job, epoch

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> ItemT | UnreadableImage:
        try:
            if self.epoch is None:
                return self.load(self.images[index], index)
            with draw_from(derive_seed(self.job.training.seed, self.epoch, index)):
                return self.load(self.images[index], index)
        except UnreadableError as error:
            return error.image

    @abstractmethod
    def load(self, one: ImageT, index: int) -> ItemT:
        """The item of an image, at this place of the split, augmented by PyTorch's random state
        where `epoch` is one.

        Raises:
            UnreadableError: a file of it cannot be read.
        """


class TaskNetwork(ABC, Generic[ImageT, ItemT]):
    """A network with all that images go through before it, and answers behind it.

    Everything is measured in `eval()` mode, in the job's precision; exports are float32.
    """

    outputs: Outputs
    """What an export of it gives."""

    arguments: Mapping[str, Any] = MappingProxyType({})
    """What the network is given beside pixels."""

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        self.network, self.family, self.job = network, family, job
        self.device = next(network.parameters()).device
        self.mean, self.std = NORMALIZATIONS[job.params["normalize"] or family.normalization]

    @abstractmethod
    def make_dataset(
        self, images: Sequence[ImageT], *, epoch: int | None = None
    ) -> ItemDataset[ItemT]:
        """The items of images, as `TaskImages` has them."""

    @abstractmethod
    def prepare(self, image: Image) -> torch.Tensor:
        """The pixels `(3, h, w)` that are shown of an image to predict on."""

    def start_training(self, images: Sequence[ImageT], warn: Callable[[str], None]) -> None:
        """Look at what it is to learn from, before its first loss; `warn` tells people.

        Raises:
            AdapterError: the job asks for something that follows from these images and cannot be.
        """

    @abstractmethod
    def compute_loss(self, items: Sequence[ItemT]) -> torch.Tensor:
        """The training loss of a batch, a mean over its images, in the mode that the network is
        in."""

    @abstractmethod
    def start_metrics(self) -> Any:
        """What `measure_batch` adds a split's images to."""

    @abstractmethod
    def measure_batch(
        self, items: Sequence[ItemT], images: Sequence[ImageT], metrics: Any
    ) -> float:
        """Add a batch's images to the metrics, and give its mean loss.

        Raises:
            AdapterError: an output is not a number.
        """

    def pick_class_metrics(self, metrics: Any) -> Mapping[str, float]:
        """The figure of each class that an epoch tells; none of a task without classes."""
        return {}

    @abstractmethod
    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """What is said of each image: the task's own fields of `InferenceResult`."""

    @abstractmethod
    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """Of what the network says of pixels, the tensor or tensors that `outputs` names."""

    def make_plain_network(self) -> torch.nn.Module:
        """The network as a function of pixels to `outputs`."""
        import torch

        network, arguments, pick_outputs = self.network, self.arguments, self.pick_outputs

        class PlainNetwork(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, images: torch.Tensor) -> Any:
                return pick_outputs(self.network(pixel_values=images, **arguments), images)

        return PlainNetwork()

    def describe(self) -> Mapping[str, str]:
        """What a reader of the weights has to know beside what is told of every network; values
        are JSON, save for names."""
        return {}

    def measure(self, images: Sequence[ImageT]) -> Measured:
        """What it says of labelled images, held against the truth.

        Raises:
            AdapterError: an image is unreadable, or an output is not a number.
        """
        import torch

        self.network.eval()
        training = self.job.training
        batches = cut_batches(range(len(images)), training.batch_size)
        metrics, total = self.start_metrics(), 0.0
        with torch.inference_mode():
            for items in iter_item_batches(self.make_dataset(images), batches, training.workers):
                loss = self.measure_batch(items, [images[one.index] for one in items], metrics)
                total += loss * len(items)
        return Measured(metrics, total / len(images), self.pick_class_metrics(metrics))

    def iter_predictions(self, paths: Iterable[Path]) -> Iterator[InferenceResult]:
        """What it says of each image file, in order."""
        import torch

        def read(path: Path) -> Shown | UnreadableImage:
            image = decode_image(path)
            if isinstance(image, UnreadableImage):
                return image
            return Shown(path, self.prepare(image), image.size)

        def answer(shown: Sequence[Shown]) -> Sequence[JsonObject]:
            with torch.inference_mode():
                return self.answer(shown)

        self.network.eval()
        size = self.job.training.batch_size
        return iter_results(paths, self.job.task, size, read, answer)

    def export(
        self, formats: Sequence[str], folder: Path, images: Sequence[ImageT]
    ) -> Mapping[str, ExportedFile]:
        """Write `model.safetensors`, always, and `model.onnx` where asked for, into `folder`.

        The latter is held against the network on some of `images`, else on noise.
        """
        return write_exports(
            formats,
            folder,
            self.network,
            self._build_metadata(),
            lambda: (self.make_plain_network(), self.sample_pixels(images), self.outputs),
        )

    def run(self, pixels: Sequence[torch.Tensor], **more: Any) -> Any:
        """What the network says of images `(3, h, w)` of one size, in the job's precision."""
        import torch

        stacked = torch.stack(list(pixels)).to(self.device)
        with translate_errors(), autocast(self.device, self.job.training.precision):
            return self.network(pixel_values=stacked, **self.arguments, **more)

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels `(3, h, w)` in bytes, as the network wants their values."""
        import torch
        from torchvision.transforms.v2 import functional

        wide = functional.to_dtype(pixels, torch.float32, scale=True)
        normalized: torch.Tensor = functional.normalize(wide, list(self.mean), list(self.std))
        return normalized

    def sample_pixels(self, images: Sequence[ImageT]) -> torch.Tensor:
        """Pixels `(n, 3, h, w)` of some of the images, else noise: what an export is held against
        the network on."""
        import torch

        if not images:
            generator = torch.Generator().manual_seed(self.job.training.seed)
            size = (_CHECKED_IMAGES, 3, *self.job.training.image_size)
            return torch.randn(size, generator=generator)
        places = range(0, len(images), max(len(images) // _CHECKED_IMAGES, 1))
        batches = [[place] for place in places[:_CHECKED_IMAGES]]
        data, workers = self.make_dataset(images), self.job.training.workers
        return torch.stack([one.pixels for (one,) in iter_item_batches(data, batches, workers)])

    def _build_metadata(self) -> dict[str, str]:
        config: Any = self.network.config
        return {
            "framework": "transformers",
            "model": self.job.model.name,
            "family": config.model_type,
            "task": self.job.task.value,
            # safetensors holds only texts as metadata.
            "classes": json.dumps(list(self.job.dataset.classes), ensure_ascii=False),
            "image_size": json.dumps(list(self.job.training.image_size)),
            "mean": json.dumps(list(self.mean)),
            "std": json.dumps(list(self.std)),
            **self.describe(),
        }


def refuse_no_numbers(*outputs: torch.Tensor) -> None:
    """Raise `AdapterError` where an output of a network is not a number."""
    if not all(bool(one.isfinite().all()) for one in outputs):
        raise AdapterError(
            "the network's outputs are no longer numbers",
            "lower training.learningRate, or set training.gradientClipping: 1.0",
        )
