"""Folders of small images, sound and spoiled in known ways."""

import io
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int]


def png(
    colour: Colour = (200, 30, 30), size: tuple[int, int] = (16, 12), mode: str = "RGB"
) -> bytes:
    """A PNG of one colour."""
    return saved(Image.new("RGB", size, colour).convert(mode), "PNG")


def jpeg(colour: Colour = (200, 30, 30), size: tuple[int, int] = (16, 12), exif: int = 0) -> bytes:
    """A JPEG of one colour, with an EXIF orientation if one is given."""
    tags = Image.Exif()
    if exif:
        tags[0x0112] = exif
    return saved(Image.new("RGB", size, colour), "JPEG", exif=tags)


def noise(seed: int, form: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    """An image of random pixels, which no format makes small: half a file is half an image."""
    pixels = random.Random(seed).randbytes(3 * size[0] * size[1])
    return saved(Image.frombytes("RGB", size, pixels), form)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def sound_folder(
    root: Path, pixels: Callable[[int], Colour] = lambda n: (n, 7 * n % 256, 99)
) -> Path:
    """An imagefolder of cats and dogs, 6 + 2 + 2 images a class, all different."""
    number = 0
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        for name in ("cat", "dog"):
            for index in range(count):
                number += 1
                path = root / split / name / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(pixels(number)))
    return root
