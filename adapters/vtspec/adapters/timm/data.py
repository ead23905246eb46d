"""How a job's images become batches: timm's transforms, PyTorch's loader."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_decoding import UnreadableImageError, read_image
from vtspec.adapters.data.image_labels import LabeledImage
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.errors import translate_errors

from .params import AUGMENTING

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    Transform = Callable[[Image], torch.Tensor]

    Batch: TypeAlias = Sequence[torch.Tensor] | "UnreadableImage"
    """Images `(n, 3, h, w)` and targets `(n,)`; or the image that keeps the batch from being."""

PRESETS: Final[Mapping[str, JsonObject]] = {
    "none": {"no_aug": True},
    "light": {"scale": (0.8, 1.0), "ratio": (0.9, 1 / 0.9), "color_jitter": None},
    # timm's own defaults: crop of 8 to 100 % of the area, flip, colour.
    "standard": {},
    "strong": {"auto_augment": "rand-m9-mstd0.5-inc1", "re_prob": 0.25, "re_mode": "pixel"},
}
"""Augmentation presets, as arguments of `timm.data.create_transform`."""

_DESCRIPTORS_PER_WORKER: Final = 8
"""Its pipe and its process have two each; two batches of two tensors wait in shared memory."""

_SPARE_DESCRIPTORS: Final = 16
"""For the pipe of all workers, the batch in use, and the ten that PyTorch wants to find free."""

_CHANGES: Final = {
    "hflip": "hflip",
    "vflip": "vflip",
    "colorJitter": "color_jitter",
    "autoAugment": "auto_augment",
    "reProb": "re_prob",
    "reMode": "re_mode",
    "reCount": "re_count",
    "trainInterpolation": "interpolation",
}


@dataclass(frozen=True)
class UnreadableImage:
    """An image that could not be decoded, and why; it travels to the training process in place
    of a batch, since an exception loses its type on the way."""

    path: Path
    reason: str

    def to_error(self) -> AdapterError:
        """The error that names the image, and says how to find all that are broken."""
        return AdapterError(
            f"{self.path} cannot be read as an image: {self.reason}",
            "repair or remove it; 'vtspec datasets inspect' on the dataset lists all like it",
        )


class ImageDataset:
    """A map-style dataset of image files. timm's own replaces what it cannot read by its
    neighbour; here an unreadable image is an item of its own."""

    def __init__(self, images: Sequence[LabeledImage], transform: Transform) -> None:
        self.images = images
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int] | UnreadableImage:
        path, target = self.images[index]
        image = decode_image(path)
        return image if isinstance(image, UnreadableImage) else (self.transform(image), target)


def decode_image(path: Path) -> Image | UnreadableImage:
    """What the image shows, as 8-bit RGB; or why it shows nothing."""
    try:
        return read_image(path)
    except UnreadableImageError as error:
        return UnreadableImage(path, str(error))


def collate(items: Sequence[tuple[torch.Tensor, int] | UnreadableImage]) -> Batch:
    """PyTorch's batch of the items, or the first one that is unreadable."""
    from torch.utils.data import default_collate

    for item in items:
        if isinstance(item, UnreadableImage):
            return item
    return cast("Batch", default_collate(list(items)))


def iter_batches(batches: Iterator[Batch]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches `(n, 3, h, w)` and `(n,)`, one by one.

    Raises:
        AdapterError: an image of the batch is unreadable.
    """
    # Raised here and not in a worker, where an exception loses its type on the way.
    with translate_errors():
        for batch in batches:
            if isinstance(batch, UnreadableImage):
                raise batch.to_error()
            yield batch[0], batch[1]


def resolve_settings(model: torch.nn.Module, job: Job) -> JsonObject:
    """How the model wants its images: `input_size` `(3, h, w)`, `mean`, `std`, `interpolation`,
    `crop_pct`, `crop_mode`; the model's own where the job does not say."""
    from timm.data import resolve_model_data_config

    wanted = {
        "input_size": (3, *job.training.image_size),
        "interpolation": job.params["interpolation"],
        "crop_pct": job.params["cropPct"],
        "crop_mode": job.params["cropMode"],
    }
    settings = resolve_model_data_config(model, args=wanted)
    assert isinstance(settings, dict)
    return settings


def build_train_transform(settings: JsonObject, job: Job) -> Transform:
    """The random transform of train images.

    Raises:
        AdapterError: timm does not understand the automatic augmentation asked for.
    """
    from timm.data import create_transform

    given = [name for name in AUGMENTING if job.params[name] is not None]
    changes = {_CHANGES[name]: job.params[name] for name in given if name in _CHANGES}
    if job.params["cropScaleMin"] is not None:
        changes["scale"] = (job.params["cropScaleMin"], 1.0)
    try:
        transform = create_transform(
            **{**settings, **PRESETS[job.training.augmentation], **changes}, is_training=True
        )
    except (AssertionError, KeyError, ValueError, IndexError) as error:
        raise AdapterError(
            f"timm does not understand params.autoAugment '{job.params['autoAugment']}': "
            f"{str(error) or type(error).__name__}",
            "write it as timm does, such as rand-m9-mstd0.5-inc1, augmix-m5 or original",
        ) from error
    return cast("Transform", transform)


def build_eval_transform(settings: JsonObject) -> Transform:
    """The fixed transform of val and test images, and of those to predict."""
    from timm.data import create_transform

    return cast("Transform", create_transform(**settings))


def build_train_loader(
    images: Sequence[LabeledImage],
    transform: Transform,
    job: Job,
    generator: torch.Generator,
    *,
    drop_last: bool,
) -> torch.utils.data.DataLoader[Batch]:
    """Shuffled batches; `generator` decides the order and the random states of the workers.

    Workers start anew each epoch, so that an epoch depends on nothing but the generator's state
    at its start.

    Raises:
        AdapterError: the workers need more open files than this process may have.
    """
    # More than while measuring: what fits now must not be refused after an epoch.
    _check_descriptors(job.training.workers, _SPARE_DESCRIPTORS + 8)
    return _build_loader(
        ImageDataset(images, transform), job, generator, {"shuffle": True, "drop_last": drop_last}
    )


def build_eval_loader(
    images: Sequence[LabeledImage], transform: Transform, job: Job
) -> torch.utils.data.DataLoader[Batch]:
    """Batches in order. It has a generator of its own: measuring must not disturb training."""
    import torch

    _check_descriptors(job.training.workers, _SPARE_DESCRIPTORS)
    return _build_loader(
        ImageDataset(images, transform), job, torch.Generator(), {"shuffle": False}
    )


def _check_descriptors(workers: int, spare: int) -> None:
    # A worker that runs out of them while it starts is waited for without end.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = len(os.listdir("/dev/fd")) + _DESCRIPTORS_PER_WORKER * workers + spare
    if workers and limit != resource.RLIM_INFINITY and limit < needed:
        raise AdapterError(
            f"the limit of {limit} open files is too low for training.workers: {workers}, which "
            f"need {needed}",
            f"ulimit -n {max(needed, 1024)}",
        )


def _build_loader(
    files: ImageDataset, job: Job, generator: torch.Generator, more: JsonObject
) -> torch.utils.data.DataLoader[Batch]:
    from torch.utils.data import DataLoader

    return DataLoader(
        files,  # type: ignore[arg-type]  # any map-style object will do
        batch_size=job.training.batch_size,
        num_workers=job.training.workers,
        pin_memory=job.gpus > 0,
        collate_fn=collate,
        generator=generator,
        **more,
    )
