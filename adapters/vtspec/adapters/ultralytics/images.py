"""A split's images with their objects: read, augmented by Ultralytics, and made into batches."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vtspec.adapters.contract import AdapterError, DatasetJob, Job
from vtspec.adapters.data.annotations import Annotation, BoundingBox, Sample, Size
from vtspec.adapters.data.defects import Defect
from vtspec.adapters.data.image_decoding import (
    UnreadableImageError,
    convert_to_rgb,
    open_image,
    read_orientation,
)
from vtspec.adapters.data.split_reader import make_defect_error, read_split
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.loading import UnreadableImage, check_descriptors

from .params import MIXING, choose_augmentation, count_closed_epochs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Batch: TypeAlias = dict[str, Any]
    """As the package's losses read it: `img` `(n, 3, h, w)` in bytes, and of all objects
    `batch_idx` `(m,)`, `cls` `(m, 1)` and `bboxes` `(m, 4)`, by centre and size as shares."""

_COLUMNS: Final = ("img", "cls", "bboxes", "batch_idx")
"""What an item of a batch has."""

_HYPERPARAMETERS: Final = {
    "mosaic": "mosaic",
    "mixup": "mixup",
    "cutmix": "cutmix",
    "hsvHue": "hsv_h",
    "hsvSaturation": "hsv_s",
    "hsvValue": "hsv_v",
    "degrees": "degrees",
    "translate": "translate",
    "scale": "scale",
    "shear": "shear",
    "perspective": "perspective",
    "hflip": "fliplr",
    "vflip": "flipud",
    "bgr": "bgr",
}
"""The package's own names of the parts of augmentation."""


@dataclass(frozen=True)
class ImageObjects:
    """An image and the objects in it that are of the job's classes, in pixels; `areas` are those
    of the objects themselves, where their shape is known."""

    path: Path
    name: str
    boxes: tuple[BoundingBox, ...]
    classes: tuple[int, ...]
    areas: tuple[float, ...]
    crowd: tuple[bool, ...]


def list_images(data: DatasetJob, split: str, warn: Callable[[str], None]) -> list[ImageObjects]:
    """The images of a split, those without an object too, in the order of its format.

    Raises:
        AdapterError: something in the split cannot be used.
    """
    index = {name: place for place, name in enumerate(data.classes)}
    found, empty = [], 0
    for item in read_split(data, split, get_size=lambda image: _read_size(data.root / image)):
        if isinstance(item, Defect):
            raise make_defect_error(item, data)
        kept = []
        for each in item.annotations:
            if each.class_name not in index:
                continue
            box = _clip(_get_box(each, item), item.size)
            if box.width <= 0 or box.height <= 0:
                empty += 1
                continue
            kept.append((box, index[each.class_name], _measure(each, box), each.is_crowd))
        columns: Any = zip(*kept, strict=True) if kept else ((), (), (), ())
        found.append(ImageObjects(data.root / item.image, item.image, *columns))
    if not found:
        raise AdapterError(f"split {split} has no images", "vtspec datasets inspect shows why")
    if empty:
        warn(f"split {split}: {empty} boxes without an area inside their image are left out")
    return found


@dataclass(frozen=True)
class Placement:
    """Where an image lies within what the network sees: its sides times `gain`, shifted by
    `left` and `top` pixels; `size` is its own."""

    size: Size
    gain: tuple[float, float]
    left: int
    top: int

    def restore_boxes(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes `(n, 4)` of the network's pixels, in the image's own, inside of it."""
        import numpy as np

        shift = np.array([self.left, self.top] * 2, np.float64)
        own = (np.asarray(boxes, np.float64).reshape(-1, 4) - shift) / (self.gain * 2)
        return np.clip(own, 0, np.array(self.size * 2, np.float64))


@dataclass(frozen=True)
class Item:
    """One image as the package's own dictionary, with its index; `placement` is None of train
    images, which may be made of several."""

    content: dict[str, Any]
    index: int
    placement: Placement | None


class ImageDataset:
    """A map-style dataset of images with objects, which the package's transforms take for one of
    its own. An unreadable image is an item of its own.

    With `epoch` images are augmented, by what follows from (seed, epoch, index) alone: neither
    the number of workers nor a resume changes it.
    """

    cache: Final = "ram"
    """Says to the package that any image may be mixed in, not only those seen of late."""

    def __init__(
        self, images: Sequence[ImageObjects], job: Job, *, epoch: int | None = None
    ) -> None:
        self.images, self.job, self.epoch = images, job, epoch
        self.side = job.training.image_size[0]
        self.data: dict[str, Any] = {}
        augmented = epoch is not None and job.training.augmentation != "none"
        self.transforms = self._build_transforms(
            self._choose_hyperparameters() if augmented else None
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item | UnreadableImage:
        try:
            if self.epoch is None:
                return self._load(index)
            with drawing_from(derive_seed(self.job.training.seed, self.epoch, index)):
                return self._load(index)
        except _UnreadableError as error:
            return error.image

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """An image, its longer side that of the network's, and its objects: what the package's
        transforms begin with and ask for more of."""
        import cv2
        import numpy as np
        from ultralytics.utils.instance import Instances

        one = self.images[index]
        pixels = _read_pixels(one.path)
        height, width = pixels.shape[:2]
        gain = self.side / max(height, width)
        if gain != 1:
            size = tuple(min(max(round(side * gain), 1), self.side) for side in (width, height))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
        # A crowd is no object that could be found.
        rows = [place for place, crowd in enumerate(one.crowd) if not crowd]
        boxes = np.array([one.boxes[place] for place in rows], np.float32).reshape(-1, 4)
        shares = boxes / np.array([width, height] * 2, np.float32)
        return {
            "im_file": one.name,
            "img": pixels,
            "ori_shape": (height, width),
            "resized_shape": pixels.shape[:2],
            "cls": np.array([[one.classes[place]] for place in rows], np.float32).reshape(-1, 1),
            "instances": Instances(
                shares, np.zeros((0, 1000, 2), np.float32), bbox_format="xyxy", normalized=True
            ),
        }

    def place(self, size: Size) -> Placement:
        """Where an image of this size lies within what the network sees."""
        width, height = size
        gain = self.side / max(size)
        shown = [min(max(round(side * gain), 1), self.side) for side in size]
        left, top = (round((self.side - side) / 2 - 0.1) for side in shown)
        return Placement(size, (shown[0] / width, shown[1] / height), left, top)

    def _load(self, index: int) -> Item:
        labels = self.get_image_and_label(index)
        height, width = labels["ori_shape"]
        content = self.transforms(labels)
        placement = self.place((width, height)) if self.epoch is None else None
        return Item({name: content[name] for name in _COLUMNS}, index, placement)

    def _choose_hyperparameters(self) -> SimpleNamespace:
        chosen = choose_augmentation(self.job)
        assert self.epoch is not None
        if self.epoch > self.job.training.epochs - count_closed_epochs(self.job):
            chosen |= dict.fromkeys(MIXING, 0.0)
        named = {_HYPERPARAMETERS[name]: value for name, value in chosen.items()}
        # None of another library's, which would be used where it happens to be installed.
        return SimpleNamespace(**named, copy_paste=0.0, copy_paste_mode="flip", augmentations=[])

    def _build_transforms(self, hyperparameters: SimpleNamespace | None) -> Any:
        from ultralytics.data.augment import Compose, Format, LetterBox, v8_transforms

        if hyperparameters is None:
            transforms = Compose([LetterBox(new_shape=self.side, scaleup=False)])
        else:
            transforms = v8_transforms(self, self.side, hyperparameters)
        bgr = 0.0 if hyperparameters is None else hyperparameters.bgr
        transforms.append(Format(bbox_format="xywh", normalize=True, batch_idx=True, bgr=bgr))
        return transforms


def read_images(paths: Sequence[Path], job: Job) -> list[Item | UnreadableImage]:
    """Image files as the network sees them when it is measured, without any objects."""
    data = ImageDataset([ImageObjects(path, path.name, (), (), (), ()) for path in paths], job)
    return [data[place] for place in range(len(data))]


def iter_batches(
    images: ImageDataset, batches: Sequence[list[int]], job: Job
) -> Iterator[list[Item]]:
    """The items of each batch of indexes, loaded by the job's workers.

    Raises:
        AdapterError: an image is unreadable, or workers need more open files than there may be.
    """
    import torch
    from torch.utils.data import DataLoader

    check_descriptors(job.training.workers)
    loader: Any = DataLoader(
        images,  # type: ignore[arg-type]  # any map-style object will do
        batch_sampler=batches,
        num_workers=job.training.workers,
        collate_fn=_collate,
        # One of its own: what is drawn for workers must not disturb training.
        generator=torch.Generator(),
    )
    with translate_errors():
        for batch in loader:
            if isinstance(batch, UnreadableImage):
                raise batch.to_error()
            yield batch


def join_items(items: Sequence[Item]) -> Batch:
    """A batch as the package's losses read it."""
    from ultralytics.data.dataset import YOLODataset

    # Copied, as the package numbers the objects' images in place.
    contents = [{**item.content, "batch_idx": item.content["batch_idx"].clone()} for item in items]
    batch: Batch = YOLODataset.collate_fn(contents)
    return batch


def order_batches(count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    """The indexes of each batch of an epoch of `count` images, shuffled by (seed, epoch) alone."""
    import torch

    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, -1))
    order = torch.randperm(count, generator=generator).tolist()
    return [order[start : start + size] for start in range(0, count, size)]


def derive_seed(seed: int, epoch: int, index: int) -> int:
    """A seed for one item of one epoch."""
    digest = hashlib.blake2b(f"{seed} {epoch} {index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Draw from a seed, as the package does from the states that Python and NumPy have for all;
    what they were is put back."""
    import numpy as np

    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


class _UnreadableError(Exception):
    def __init__(self, image: UnreadableImage) -> None:
        super().__init__(image.reason)
        self.image = image


def _collate(items: Sequence[Item | UnreadableImage]) -> list[Item] | UnreadableImage:
    for item in items:
        if isinstance(item, UnreadableImage):
            return item
    return list(items)  # type: ignore[arg-type]


def _read_pixels(path: Path) -> NDArray[np.uint8]:
    """The stored pixels `(h, w, 3)`, blue first, as the package has them."""
    import numpy as np

    try:
        with open_image(path) as image:
            image.load()
            if read_orientation(image) != 1:
                raise UnreadableImageError(
                    "its EXIF turns it, and its objects are of the pixels as they are stored"
                )
            return np.ascontiguousarray(np.asarray(convert_to_rgb(image))[..., ::-1])
    except UnreadableImageError as error:
        raise _UnreadableError(UnreadableImage(path, str(error))) from error


def _read_size(path: Path) -> Size:
    try:
        with open_image(path) as image:
            return image.size
    except UnreadableImageError as error:
        raise UnreadableImage(path, str(error)).to_error() from error


def _get_box(each: Annotation, item: Sample) -> BoundingBox:
    if each.box is not None:
        return each.box
    box = each.mask.to_box() if each.mask is not None else None
    if box is not None:
        return box
    points = [value for polygon in each.polygons for value in polygon.outer]
    if not points:
        raise AdapterError(
            f"{item.place or item.image}: an object of class '{each.class_name}' has no box",
            "detection needs boxes; vtspec datasets inspect shows all",
        )
    return BoundingBox.around(points)


def _clip(box: BoundingBox, size: Size | None) -> BoundingBox:
    if size is None:
        return box
    width, height = size
    return BoundingBox(
        max(box.x_min, 0.0),
        max(box.y_min, 0.0),
        min(box.x_max, float(width)),
        min(box.y_max, float(height)),
    )


def _measure(each: Annotation, box: BoundingBox) -> float:
    if each.mask is not None:
        return float(each.mask.area)
    return sum(polygon.area for polygon in each.polygons) or box.area
