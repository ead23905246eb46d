"""How a job's images become batches: timm's transforms, PyTorch's loader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, cast

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import derive_seed, draw_everything_from
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, EpochProgress
from vtspec.adapters.pytorch.loading import (
    SPARE_DESCRIPTORS,
    UnreadableImage,
    check_descriptors,
    collate,
    decode_image,
    iter_batches,
)
from vtspec.adapters.pytorch.state import get_random_states, restore_random_states

from .labels import choose_labels
from .params import AUGMENTING

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from vtspec.adapters.pytorch.loading import Batch
    from vtspec.adapters.pytorch.process_group import ProcessGroup

    from .labels import Images, Labels

    Transform = Callable[[Image], torch.Tensor]

PRESETS: Final[Mapping[str, JsonObject]] = {
    "none": {"no_aug": True},
    "light": {"scale": (0.8, 1.0), "ratio": (0.9, 1 / 0.9), "color_jitter": None},
    # timm's own defaults: crop of 8 to 100 % of the area, flip, colour.
    "standard": {},
    "strong": {"auto_augment": "rand-m9-mstd0.5-inc1", "re_prob": 0.25, "re_mode": "pixel"},
}
"""Augmentation presets, as arguments of `timm.data.create_transform`."""

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


class ImageDataset:
    """A map-style dataset of image files. timm's own replaces what it cannot read by its
    neighbour; here an unreadable image is an item of its own.

    With `draws`, (seed, epoch), an image is transformed by what follows from them and its index
    alone, and not from the images before it."""

    def __init__(
        self,
        images: Images,
        transform: Transform,
        labels: Labels,
        draws: tuple[int, int] | None = None,
    ) -> None:
        self.images = images
        self.transform = transform
        self.labels = labels
        self.draws = draws

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int | torch.Tensor] | UnreadableImage:
        labeled = self.images[index]
        image = decode_image(labeled.path)
        if isinstance(image, UnreadableImage):
            return image
        draws = nullcontext() if self.draws is None else self._draw_for(*self.draws, index)
        with draws:
            return self.transform(image), self.labels.encode(labeled.targets)

    def _draw_for(self, seed: int, epoch: int, index: int) -> AbstractContextManager[None]:
        return draw_everything_from(derive_seed(seed, epoch, index))


class _Parts:
    """The part of each batch that is this process's; a `batch_sampler` of PyTorch's."""

    def __init__(self, batches: Iterable[list[int]], group: ProcessGroup) -> None:
        self.batches, self.group = batches, group

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            yield list(self.group.split(batch))


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
    images: Images,
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
    check_descriptors(job.training.workers, SPARE_DESCRIPTORS + 8)
    return _build_loader(
        images, transform, job, generator, {"shuffle": True, "drop_last": drop_last}
    )


def build_part_loader(  # noqa: PLR0913 - what decides a batch
    images: Images,
    transform: Transform,
    job: Job,
    generator: torch.Generator,
    group: ProcessGroup,
    epoch: int,
    *,
    drop_last: bool,
) -> torch.utils.data.DataLoader[Batch]:
    """A process's part of the shuffled batches: of those that `build_train_loader` would make,
    with transforms that do not depend on whose part an image is in.

    Raises:
        AdapterError: the workers need more open files than this process may have.
    """
    from torch.utils.data import BatchSampler, DataLoader, RandomSampler

    check_descriptors(job.training.workers, SPARE_DESCRIPTORS + 8)
    dataset = ImageDataset(images, transform, choose_labels(job), (job.training.seed, epoch))
    order = RandomSampler(dataset, generator=generator)
    batches = BatchSampler(order, job.training.batch_size, drop_last)
    return DataLoader(
        dataset,  # type: ignore[arg-type]  # any map-style object will do
        batch_sampler=_Parts(batches, group),
        num_workers=job.training.workers,
        pin_memory=job.gpus > 0,
        collate_fn=collate,
        generator=generator,
    )


def build_eval_loader(
    images: Images, transform: Transform, job: Job
) -> torch.utils.data.DataLoader[Batch]:
    """Batches in order. It has a generator of its own: measuring must not disturb training."""
    import torch

    check_descriptors(job.training.workers)
    return _build_loader(images, transform, job, torch.Generator(), {"shuffle": False})


def _build_loader(
    images: Images, transform: Transform, job: Job, generator: torch.Generator, more: JsonObject
) -> torch.utils.data.DataLoader[Batch]:
    from torch.utils.data import DataLoader

    return DataLoader(
        ImageDataset(images, transform, choose_labels(job)),  # type: ignore[arg-type]  # any map-style object will do
        batch_size=job.training.batch_size,
        num_workers=job.training.workers,
        pin_memory=job.gpus > 0,
        collate_fn=collate,
        generator=generator,
        **more,
    )


def resume_batches(
    course: EpochProgress,
    cut: EpochBatches,
    loader: torch.utils.data.DataLoader[Batch],
    generator: torch.Generator,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of the epoch that come after the course's steps, exactly as they would have.

    The order of images and the random states of worker processes follow from the state at the
    epoch's start, and the latter from every batch since: so the epoch is begun again from there,
    what was trained on is drawn and dropped, and the random states of now are put back. Costs
    the loading of those batches.
    """
    if course.step == 0:
        return iter_batches(iter(loader))
    if course.step >= cut.steps:
        return iter(())
    # Drawing what was trained on moves every random state; they are put back behind it.
    now = get_random_states(generator)
    restore_random_states(course.start, generator)
    batches = iter_batches(iter(loader))
    for _ in range(course.step * cut.accumulation):
        next(batches)
    restore_random_states(now, generator)
    return batches
