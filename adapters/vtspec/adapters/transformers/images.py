"""A split's images with their objects: read, augmented, and made into batches of tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, DatasetJob, Job
from vtspec.adapters.data.annotations import Annotation, BoundingBox, Size
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

from .params import choose_probabilities

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


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


@dataclass(frozen=True)
class Item:
    """What the network sees of one image: pixels `(3, h, w)`, and boxes as shares of the image,
    `(n, 4)` by centre and size, with their classes `(n,)`. `size` is the image's own."""

    pixels: torch.Tensor
    boxes: torch.Tensor
    classes: torch.Tensor
    size: Size
    index: int


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
            box = _find_box(each)
            if box is None:
                raise AdapterError(
                    f"{item.place or item.image}: an object of class '{each.class_name}' has no "
                    "box",
                    "detection needs boxes; vtspec datasets inspect shows all",
                )
            inside = box if item.size is None else _clip(box, item.size)
            if inside.width <= 0 or inside.height <= 0:
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


def choose_normalization(job: Job, *, normalized: bool) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and deviation of pixels that are 0 to 1, as the job or else the family wants them."""
    wanted = job.params["normalize"]
    if wanted == "imagenet" or (wanted is None and normalized):
        return IMAGENET
    return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


class ImageDataset:
    """A map-style dataset of images with objects. An unreadable image is an item of its own.

    With `augment` the random choices of an item follow from (seed, epoch, index) alone: neither
    the number of workers nor a resume changes them.
    """

    def __init__(
        self,
        images: Sequence[ImageObjects],
        job: Job,
        normalization: tuple[Sequence[float], Sequence[float]],
        *,
        augment: bool,
    ) -> None:
        self.images, self.size = images, job.training.image_size
        self.seed, self.epoch = job.training.seed, 0
        self.mean, self.std = normalization
        self.augment = build_augmentation(choose_probabilities(job)) if augment else None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item | UnreadableImage:
        import torch

        one = self.images[index]
        try:
            image = _read_upright(one.path)
        except UnreadableImageError as error:
            return UnreadableImage(one.path, str(error))
        # A crowd is no object that could be found.
        rows = [place for place, crowd in enumerate(one.crowd) if not crowd]
        boxes = torch.tensor([one.boxes[place] for place in rows], dtype=torch.float32)
        classes = torch.tensor([one.classes[place] for place in rows], dtype=torch.int64)
        size = image.size
        pixels, boxes, shown = self._transform(image, boxes.reshape(-1, 4), classes, index)
        return Item(pixels, boxes, shown, size, index)

    def prepare(self, image: Image) -> torch.Tensor:
        """The pixels `(3, h, w)` of an image that is looked at without its objects."""
        import torch

        return self._transform(image, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), 0)[0]

    def _transform(
        self, image: Image, boxes: torch.Tensor, classes: torch.Tensor, index: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        import torch
        from torchvision import tv_tensors
        from torchvision.transforms.v2 import functional

        held: Any = tv_tensors.Image(functional.pil_to_tensor(image))
        width, height = image.size
        wrap: Any = tv_tensors.BoundingBoxes
        around = wrap(boxes, format="XYXY", canvas_size=(height, width))
        if self.augment is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_seed(self.seed, self.epoch, index))
                held, around, classes = self.augment(held, around, classes)
        around = functional.clamp_bounding_boxes(around)
        height, width = held.shape[-2:]
        inside = around.as_subclass(torch.Tensor) / torch.tensor([width, height, width, height])
        pixels = functional.resize(held, list(self.size), antialias=True)
        pixels = functional.to_dtype(pixels, torch.float32, scale=True)
        pixels = functional.normalize(pixels, list(self.mean), list(self.std))
        low, high = inside[:, :2], inside[:, 2:]
        shares = torch.cat([(low + high) / 2, high - low], dim=1)
        return pixels.as_subclass(torch.Tensor), shares, classes


def derive_seed(seed: int, epoch: int, index: int) -> int:
    """A seed for one item of one epoch."""
    digest = hashlib.blake2b(f"{seed} {epoch} {index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def build_augmentation(probabilities: dict[str, float]) -> Callable[..., Any]:
    """A random transform of (image, boxes, classes) by torchvision."""
    from torchvision.transforms import v2

    steps: list[Any] = []
    if probabilities["photometricDistort"]:
        steps.append(v2.RandomPhotometricDistort(p=probabilities["photometricDistort"]))
    if probabilities["zoomOut"]:
        steps.append(v2.RandomZoomOut(p=probabilities["zoomOut"]))
    if probabilities["iouCrop"]:
        steps.append(v2.RandomApply([v2.RandomIoUCrop()], p=probabilities["iouCrop"]))
    steps.append(v2.RandomHorizontalFlip(p=probabilities["hflip"]))
    # What a crop leaves of a box may be nothing.
    steps.append(v2.ClampBoundingBoxes())
    clean = v2.SanitizeBoundingBoxes(labels_getter=lambda sample: sample[2])
    moves = v2.Compose(steps)

    def augment(image: Any, boxes: Any, classes: torch.Tensor) -> Any:
        if not len(boxes):
            # A crop by overlap asks for something to overlap with.
            plain = [step for step in steps if not isinstance(step, v2.RandomApply)]
            return v2.Compose(plain)(image, boxes, classes)
        return clean(*moves(image, boxes, classes))

    return augment


def collate(items: Sequence[Item | UnreadableImage]) -> list[Item] | UnreadableImage:
    """The items of a batch, or the first one that is unreadable."""
    for item in items:
        if isinstance(item, UnreadableImage):
            return item
    return list(items)  # type: ignore[arg-type]


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
        collate_fn=collate,
        # One of its own: what is drawn for workers must not disturb training.
        generator=torch.Generator(),
    )
    with translate_errors():
        for batch in loader:
            if isinstance(batch, UnreadableImage):
                raise batch.to_error()
            yield batch


def order_batches(count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    """The indexes of each batch of an epoch of `count` images, shuffled by (seed, epoch) alone."""
    import torch

    generator = torch.Generator().manual_seed(derive_seed(seed, epoch, -1))
    order = torch.randperm(count, generator=generator).tolist()
    return [order[start : start + size] for start in range(0, count, size)]


def _read_upright(path: Path) -> Image:
    with open_image(path) as image:
        image.load()
        if read_orientation(image) != 1:
            raise UnreadableImageError(
                "its EXIF turns it, and its boxes are of the pixels as they are stored"
            )
        return convert_to_rgb(image)


def _read_size(path: Path) -> Size | None:
    try:
        with open_image(path) as image:
            return image.size
    except UnreadableImageError:
        return None


def _find_box(each: Annotation) -> BoundingBox | None:
    if each.box is not None:
        return each.box
    if each.mask is not None:
        return each.mask.to_box()
    points = [value for polygon in each.polygons for value in polygon.outer]
    return BoundingBox.around(points) if points else None


def _clip(box: BoundingBox, size: Size) -> BoundingBox:
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
