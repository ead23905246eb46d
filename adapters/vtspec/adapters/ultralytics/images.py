"""Images with what is known of them: read, augmented by Ultralytics, and made into batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from vtspec.adapters.contract import Job
from vtspec.adapters.data.annotations import Size
from vtspec.adapters.pytorch.batches import (
    UnreadableError,
    derive_seed,
    draw_everything_from,
    read_stored_image,
)
from vtspec.adapters.pytorch.loading import UnreadableImage

from .augmentation import MIXING, PARTS, choose_augmentation, count_closed_epochs

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Batch: TypeAlias = dict[str, Any]
    """As the package's losses read it: `img` `(n, 3, h, w)`, in bytes unless they are floats
    already, and what the task's loss holds the network's outputs against."""


@dataclass(frozen=True)
class Placement:
    """Where an image lies within what the network sees, a square of `side`: its sides times
    `gain`, shifted by `left` and `top` pixels; `size` is its own."""

    size: Size
    gain: tuple[float, float]
    left: int
    top: int
    side: int

    @property
    def shown(self) -> Size:
        """The sides that the image has within what the network sees."""
        width, height = (
            round(side * gain) for side, gain in zip(self.size, self.gain, strict=True)
        )
        return width, height

    def restore_points(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points `(…, 2)` of the network's pixels, in the image's own, wherever they lie."""
        import numpy as np

        return (np.asarray(points, np.float64) - (self.left, self.top)) / self.gain

    def restore_map(self, values: torch.Tensor) -> torch.Tensor:
        """Values `(n, side, side)` of the network's pixels, as `(n, height, width)` of the image's
        own, between pixels in proportion."""
        from torch.nn.functional import interpolate

        (across, down), (width, height) = self.shown, self.size
        part = values[:, self.top : self.top + down, self.left : self.left + across]
        return interpolate(part[None], size=(height, width), mode="bilinear")[0]

    def restore_boxes(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes `(n, 4)` of the network's pixels, in the image's own, inside of it."""
        import numpy as np

        shift = np.array([self.left, self.top] * 2, np.float64)
        own = (np.asarray(boxes, np.float64).reshape(-1, 4) - shift) / (self.gain * 2)
        return np.clip(own, 0, np.array(self.size * 2, np.float64))


@dataclass(frozen=True)
class Item:
    """One image as the package's own dictionary, with its index. `placement` is None of train
    images, which may be made of several, and so is `truth`: what is known of each of the image's
    own pixels, where the task is about those."""

    content: dict[str, Any]
    index: int
    placement: Placement | None
    truth: Any = None

    def place(self) -> Placement:
        """Where an image lies that is not augmented."""
        assert self.placement is not None
        return self.placement


Fitting: TypeAlias = Literal["pad", "crop", "stretch"]
"""With grey around them; cut out of where they are augmented, and else padded; stretched where
they are not augmented, and else padded."""


class KnownImage(Protocol):
    """An image on disk; `name` is its path below the dataset."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def name(self) -> str:
        """Its path from the dataset's root."""
        ...


class Labelling(Protocol):
    """How a task labels images, as the package's transforms want it. `columns` are what becomes
    of a label there, `traits` what else they ask a dataset, `fitting` how images that are no
    square become one."""

    job: Job
    columns: tuple[str, ...]
    traits: Mapping[str, Any]
    fitting: Fitting

    def build_labels(self, image: Any, size: Size, shown: Size) -> dict[str, Any]:
        """What is known of an image, of its own `size`, scaled to `shown`: `cls` `(n, 1)` and
        `instances`, what else the transforms move with its pixels, and an item's `truth`."""
        ...

    def build_format(self, bgr: float) -> Any:
        """The last transform, which makes tensors."""
        ...


class Dataset(Protocol):
    """A map-style dataset of items."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item | UnreadableImage: ...


class ImageDataset:
    """A map-style dataset of images, which the package's transforms take for one of its own. An
    unreadable image is an item of its own.

    With `epoch` images are augmented, by what follows from (seed, epoch, index) alone: neither
    the number of workers nor a resume changes it.
    """

    cache: Final = "ram"
    """Says to the package that any image may be mixed in, not only those seen of late."""

    def __init__(
        self, images: Sequence[KnownImage], labelling: Labelling, *, epoch: int | None = None
    ) -> None:
        self.images, self.labelling, self.epoch = images, labelling, epoch
        self.job = labelling.job
        self.side = self.job.training.image_size[0]
        self.data: dict[str, Any] = {}
        # What the package's transforms ask a dataset of theirs.
        for name, value in labelling.traits.items():
            setattr(self, name, value)
        self.augmented = epoch is not None and self.job.training.augmentation != "none"
        self.transforms = self._build_transforms(
            self._choose_hyperparameters() if self.augmented else None
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item | UnreadableImage:
        try:
            if self.epoch is None:
                return self._load(index)
            with draw_everything_from(derive_seed(self.job.training.seed, self.epoch, index)):
                return self._load(index)
        except UnreadableError as error:
            return error.image

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """An image as large as the network's, and what is known of it: what the package's
        transforms begin with and ask for more of."""
        import cv2

        one = self.images[index]
        pixels = read_pixels(one.path)
        height, width = pixels.shape[:2]
        shown = self._scale((width, height))
        if shown != (width, height):
            pixels = cv2.resize(pixels, shown, interpolation=cv2.INTER_LINEAR)
        return {
            "im_file": one.name,
            "img": pixels,
            "ori_shape": (height, width),
            "resized_shape": pixels.shape[:2],
            **self.labelling.build_labels(one, (width, height), shown),
        }

    def place(self, size: Size) -> Placement:
        """Where an image of this size lies within what the network sees."""
        (width, height), shown = size, self._scale(size)
        left, top = (round((self.side - side) / 2 - 0.1) for side in shown)
        return Placement(size, (shown[0] / width, shown[1] / height), left, top, self.side)

    def _scale(self, size: Size) -> Size:
        """The sides that an image of this size is brought to before the transforms."""
        fitting = self.labelling.fitting
        if fitting == "stretch" and not self.augmented:
            return self.side, self.side
        if fitting == "crop" and self.augmented:
            gain = self.side / min(size)
            width, height = (max(round(each * gain), self.side) for each in size)
        else:
            gain = self.side / max(size)
            width, height = (min(max(round(each * gain), 1), self.side) for each in size)
        return width, height

    def _load(self, index: int) -> Item:
        labels = self.get_image_and_label(index)
        height, width = labels["ori_shape"]
        content = self.transforms(labels)
        placement = self.place((width, height)) if self.epoch is None else None
        columns = ("img", *self.labelling.columns)
        truth = content.get("truth") if self.epoch is None else None
        return Item({name: content[name] for name in columns}, index, placement, truth)

    def _choose_hyperparameters(self) -> SimpleNamespace:
        chosen = choose_augmentation(self.job)
        assert self.epoch is not None
        if self.epoch > self.job.training.epochs - count_closed_epochs(self.job):
            chosen |= dict.fromkeys(MIXING, 0.0)
        named = {part.own: chosen[name] for name, part in PARTS.items()}
        # None of another library's, which would be used where it happens to be installed.
        return SimpleNamespace(copy_paste_mode="flip", augmentations=[], **named)

    def _build_transforms(self, hyperparameters: SimpleNamespace | None) -> Any:
        from ultralytics.data.augment import Compose, LetterBox, v8_transforms

        if hyperparameters is None:
            transforms = Compose([LetterBox(new_shape=self.side, scaleup=False)])
        else:
            transforms = v8_transforms(self, self.side, hyperparameters)
        bgr = 0.0 if hyperparameters is None else hyperparameters.bgr
        transforms.append(self.labelling.build_format(bgr))
        return transforms


def join_items(items: Sequence[Item]) -> Batch:
    """A batch as the package's losses read it."""
    from ultralytics.data.dataset import YOLODataset

    # Copied, as the package numbers the objects' images in place.
    contents = [
        {
            name: value.clone() if name == "batch_idx" else value
            for name, value in item.content.items()
        }
        for item in items
    ]
    batch: Batch = YOLODataset.collate_fn(contents)
    return batch


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """The stored pixels `(h, w, 3)`, blue first, as the package has them."""
    import numpy as np

    return np.ascontiguousarray(np.asarray(read_stored_image(path))[..., ::-1])
