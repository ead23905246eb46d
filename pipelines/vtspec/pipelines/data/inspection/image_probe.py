"""Every image, really decoded: its size, its mode, a hash of its pixels, or why it is broken."""

import hashlib
import io
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

_MAX_BYTES: Final = 2**30
_THREADS: Final = min(16, os.cpu_count() or 1)
_FILES_PER_TASK: Final = 64
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What one image is. `pixels` is a hash of mode, size and every pixel, so that a copy in
    another file, or in another lossless format, has the same; `fault` says why it is broken.
    `turned` tells that EXIF asks viewers to turn or mirror it."""

    image: str
    bytes: int = 0
    width: int = 0
    height: int = 0
    mode: str = ""
    pixels: str = ""
    turned: bool = False
    fault: str | None = None


def inspect_images(root: Path, images: Sequence[str]) -> Iterator[ImageInfo]:
    """Decode every image, in order, on several threads; none of them raises.

    A file beyond 1 GiB, or an image of more than about 179 million pixels (Pillow's limit
    against decompression bombs), counts as broken and is not decoded.
    """
    tasks = [images[i : i + _FILES_PER_TASK] for i in range(0, len(images), _FILES_PER_TASK)]
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large images; what matters is told by a Look.
        warnings.simplefilter("ignore")
        # Pillow lets go of the GIL while it decodes.
        with ThreadPoolExecutor(_THREADS) as pool:
            for looks in pool.map(
                lambda task: [_inspect_image(root, image) for image in task], tasks
            ):
                yield from looks


def _inspect_image(root: Path, image: str) -> ImageInfo:
    from PIL import Image, UnidentifiedImageError

    try:
        size = (root / image).stat().st_size
        if size == 0:
            return ImageInfo(image=image, fault="the file is empty")
        if size > _MAX_BYTES:
            return ImageInfo(image=image, bytes=size, fault="the file is larger than 1 GiB")
        with Image.open(io.BytesIO((root / image).read_bytes())) as opened:
            opened.load()
            turned = opened.getexif().get(_ORIENTATION, 1) not in (0, 1)
            return ImageInfo(
                image=image,
                bytes=size,
                width=opened.width,
                height=opened.height,
                mode=opened.mode,
                pixels=_hash_pixels(opened),
                turned=turned,
            )
    except UnidentifiedImageError:
        return ImageInfo(image=image, fault="it is no image")
    except Image.DecompressionBombError:
        return ImageInfo(image=image, fault="it has too many pixels to be opened safely")
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError) as error:
        return ImageInfo(image=image, fault=str(error) or type(error).__name__)


def _hash_pixels(image: "Image.Image") -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{image.mode} {image.size} ".encode())
    if image.mode == "P":
        # The same indexes mean other colours under another palette.
        digest.update(bytes(image.getpalette() or []))
    digest.update(image.tobytes())
    return digest.hexdigest()
