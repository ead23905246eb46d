"""Damaged images: inspection and training take the same ones, and nothing else ends badly."""

import io
import random
import time
import warnings
from pathlib import Path

import pytest
from PIL import Image

from spoiled_data import noise, saved
from vtspec.adapters.data.image_decoding import FORMATS, UnreadableImageError, read_image
from vtspec.pipelines.data.conversion.image_headers import read_headers
from vtspec.pipelines.data.inspection.image_probe import inspect_images

MUTANTS = 280
MANY = 7_000
SIZE = (24, 16)


def build_whole() -> list[bytes]:
    """An image of each format, and of some of the forms that they have."""
    frames = [Image.frombytes("P", SIZE, bytes([n] * SIZE[0] * SIZE[1])) for n in range(3)]
    animated = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    tiff = saved(Image.open(io.BytesIO(noise(3, "PNG", SIZE))), "TIFF", compression="tiff_lzw")
    progressive = saved(
        Image.open(io.BytesIO(noise(5, "PNG", SIZE))), "JPEG", progressive=True, exif=rotated()
    )
    return [*(noise(1, form, SIZE) for form in FORMATS), animated, tiff, progressive]


def rotated() -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = 6
    return tags


def damage(chance: random.Random, data: bytes) -> bytes:
    """Bytes changed, away, twice, or in each other's place; mostly near the beginning."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        near = chance.random() < 0.7
        at = chance.randrange(min(len(changed), 80) if near else len(changed)) if changed else 0
        match chance.randrange(6):
            case 0:
                del changed[at:]
            case 1:
                changed[at : at + 1] = bytes([chance.choice((0, 1, 127, 128, 255))])
            case 2:
                changed[at : at + 4] = chance.randbytes(4)
            case 3:
                del changed[at : at + chance.randrange(1, 9)]
            case 4:
                changed[at:at] = changed[at : at + chance.randrange(1, 64)]
            case _:
                changed[at : at + 1] = (
                    bytes([changed[at] ^ (1 << chance.randrange(8))]) if changed else b""
                )
    return bytes(changed)


def try_many(root: Path, numbers: range) -> int:
    """How many of the damaged images are read all the same; all agree on each."""
    whole = build_whole()
    taken = 0
    for number in numbers:
        chance = random.Random(number)
        path = root / "a.png"
        path.write_bytes(damage(chance, whole[number % len(whole)]))
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (look,) = inspect_images(root, ["a.png"])
            trained = read_for_training(path)
            header = read_header(root)
        assert time.process_time() - start < 5, number
        assert (look.fault is None) == (trained is not None), (number, look.fault)
        if trained is not None:
            turned = look.turned and trained != (look.width, look.height)
            shown = (look.height, look.width) if turned else (look.width, look.height)
            assert (trained, header) == (shown, (look.width, look.height)), number
            taken += 1
    return taken


def read_for_training(path: Path) -> tuple[int, int] | None:
    try:
        return read_image(path).size
    except UnreadableImageError:
        return None


def read_header(root: Path) -> tuple[int, int] | None:
    found, _ = read_headers(root, ["a.png"])
    return found["a.png"].size if found else None


@pytest.mark.slow
def test_damaged_images_are_read_by_all_alike_or_refused(tmp_path: Path) -> None:
    assert MUTANTS // 10 < try_many(tmp_path, range(MUTANTS)) < MUTANTS * 9 // 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(0, MANY, MANY // 7))
def test_so_are_very_many(tmp_path: Path, first: int) -> None:
    taken = try_many(tmp_path, range(first, first + MANY // 7))
    assert MANY // 70 < taken < MANY // 7 * 9 // 10
