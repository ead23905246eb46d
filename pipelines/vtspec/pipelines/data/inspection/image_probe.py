"""Every image, really decoded: its size, its mode, a hash of its pixels, or why it is broken."""

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from vtspec.adapters.data.image_decoding import (
    UnreadableImageError,
    convert_to_rgb,
    get_bits,
    get_range,
    has_more_frames,
    open_image,
    read_orientation,
)
from vtspec.adapters.system_errors import is_shortage

from .mask_values import count_values
from .near_duplicates import FIELDS

if TYPE_CHECKING:
    from PIL import Image

_MAX_BYTES: Final = 2**30
_THREADS: Final = min(16, os.cpu_count() or 1)
_FILES_PER_TASK: Final = 64
_DARK: Final = 2**12
"""What every pixel of a dark 16-bit image is below: cameras and scanners often have 12 bits."""


Thumbnail: TypeAlias = bytes
"""The mean colours of an image's fields, as `near_duplicates` takes them."""


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What one image is. `pixels` is a hash of mode, size and every pixel, so that a copy in
    another file, or in another lossless format, has the same; `fault` says why it is broken.
    Sizes are those of the stored pixels, and `turned` tells that EXIF turns or mirrors them;
    `animated`, that it has more frames than the first; `blank`, that its alpha, laid over white,
    leaves a single colour; `dark`, that it has 16 bits and uses only the lowest of them. `values`
    are those of a mask, as `count_values` counts them; `thumbnail` is what `near_duplicates`
    compares, empty where there is nothing to compare."""

    image: str
    bytes: int = 0
    width: int = 0
    height: int = 0
    mode: str = ""
    pixels: str = ""
    turned: bool = False
    animated: bool = False
    blank: bool = False
    dark: bool = False
    values: Mapping[int, int] = field(default_factory=dict)
    thumbnail: Thumbnail = b""
    fault: str | None = None


def inspect_images(
    root: Path,
    images: Sequence[str],
    targets: Container[str] = (),
    mask_classes: Mapping[str, int] = MappingProxyType({}),
) -> Iterator[ImageInfo]:
    """Decode every image, in order, on several threads; none of them raises.

    Those among `targets` (masks, depth) are numbers and not brightness: what the others must be to
    be shown does not concern them. `mask_classes` says of each mask among them how many classes
    its data has.

    A file beyond 1 GiB, or an image of more than `MAX_PIXELS`, counts as broken and is not
    decoded.
    """
    yield from _inspect_all(
        images,
        lambda image: _inspect_image(root, image, image in targets, mask_classes.get(image)),
    )


def inspect_headers(root: Path, images: Sequence[str]) -> Iterator[ImageInfo]:
    """What the header of every image says, in order: size and mode, or why there is none; none
    of them raises. Whether the pixels behind it are there is not known."""
    yield from _inspect_all(images, lambda image: _inspect_header(root, image))


def _inspect_all(
    images: Sequence[str], inspect: Callable[[str], ImageInfo]
) -> Iterator[ImageInfo]:
    tasks = [images[i : i + _FILES_PER_TASK] for i in range(0, len(images), _FILES_PER_TASK)]
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large images; what matters is told by a Look.
        warnings.simplefilter("ignore")
        # Pillow lets go of the GIL while it decodes.
        with ThreadPoolExecutor(_THREADS) as pool:
            for looks in pool.map(lambda task: [inspect(image) for image in task], tasks):
                yield from looks


def _inspect_header(root: Path, image: str) -> ImageInfo:
    try:
        with open_image(root / image) as opened:
            return ImageInfo(
                image=image, width=opened.width, height=opened.height, mode=opened.mode
            )
    except (OSError, UnreadableImageError) as error:
        return _describe_fault(image, error)


def _describe_fault(image: str, error: Exception) -> ImageInfo:
    # To be told of the machine: who reads that an image is broken deletes it.
    if isinstance(error, OSError) and is_shortage(error):
        raise error
    return ImageInfo(image=image, fault=str(error) or type(error).__name__)


def _inspect_image(root: Path, image: str, is_target: bool, classes: int | None) -> ImageInfo:
    try:
        size = (root / image).stat().st_size
        if size == 0:
            return ImageInfo(image=image, fault="the file is empty")
        if size > _MAX_BYTES:
            return ImageInfo(image=image, bytes=size, fault="the file is larger than 1 GiB")
        with open_image(io.BytesIO((root / image).read_bytes())) as opened:
            opened.load()
            look = ImageInfo(
                image=image,
                bytes=size,
                width=opened.width,
                height=opened.height,
                mode=opened.mode,
                pixels=_hash_pixels(opened),
                turned=read_orientation(opened) != 1,
                values={} if classes is None else count_values(opened, classes),
            )
            return look if is_target else _inspect_shown(look, opened)
    except (OSError, UnreadableImageError, MemoryError) as error:
        return _describe_fault(image, error)


def _inspect_shown(look: ImageInfo, opened: "Image.Image") -> ImageInfo:
    """The look with what becomes of the image when it is shown."""
    clear = opened.has_transparency_data
    shown = convert_to_rgb(opened)
    return replace(
        look,
        blank=clear and shown.getcolors(maxcolors=1) is not None,
        dark=get_bits(opened) == 16 and get_range(opened)[1] < _DARK,
        animated=has_more_frames(opened),
        thumbnail=_shrink(shown),
    )


def _shrink(shown: "Image.Image") -> Thumbnail:
    """The mean colours of the image's fields, row by row; nothing of one with fewer pixels."""
    from PIL.Image import Resampling

    if min(shown.size) < FIELDS:
        return b""
    return shown.resize((FIELDS, FIELDS), Resampling.BOX).tobytes()


def _hash_pixels(image: "Image.Image") -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{image.mode} {image.size} ".encode())
    if image.mode == "P":
        # The same indexes mean other colours under another palette.
        digest.update(bytes(image.getpalette() or []))
    digest.update(image.tobytes())
    return digest.hexdigest()
