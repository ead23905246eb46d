"""Images that are nearly the same are found however many there are, and others are not."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from dvc_repositories import write_files
from spoiled_data import saved
from vtspec.pipelines.data.inspection import near_duplicates
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.data.inspection.near_duplicates import FIELDS, group_near_duplicates


def paint(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Soft random colours, as a photograph from afar."""
    spots = Image.frombytes("RGB", (7, 7), random.Random(seed).randbytes(7 * 7 * 3))
    return spots.resize(size, Image.Resampling.BICUBIC)


def shrink(image: Image.Image) -> bytes:
    return image.convert("RGB").resize((FIELDS, FIELDS), Image.Resampling.BOX).tobytes()


def compress(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, "JPEG", quality=30)))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a poor JPEG": compress,
    "a third of the size": lambda image: image.resize((53, 40), Image.Resampling.LANCZOS),
    "square": lambda image: image.resize((64, 64)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "shifted": lambda image: image.crop((1, 1, 160, 120)),
}

OTHERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "half of it": lambda image: image.crop((0, 0, 80, 120)),
    "inverted": ImageOps.invert,
    "other colours": lambda image: Image.merge("RGB", image.split()[::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_made_of_an_image_is_nearly_the_same(change: str) -> None:
    images = [paint(seed) for seed in range(20)]
    changed = [CHANGES[change](image) for image in images]
    found = group_near_duplicates([shrink(image) for image in (*images, *changed)])
    assert found.tolist() == [*range(20)] * 2


@pytest.mark.parametrize("change", OTHERS)
def test_what_shows_something_else_is_not(change: str) -> None:
    images = [paint(seed) for seed in range(20)]
    others = [OTHERS[change](image) for image in images]
    found = group_near_duplicates([shrink(image) for image in (*images, *others)])
    assert found.tolist() == [*range(40)]


def test_images_of_one_colour_and_small_ones_are_alone() -> None:
    flat = [shrink(Image.new("RGB", (32, 32), (200, 30, value))) for value in range(4)]
    assert group_near_duplicates([*flat, b"", b""]).tolist() == [0, 1, 2, 3, 4, 5]
    assert group_near_duplicates([]).tolist() == []


def test_groups_are_chains() -> None:
    first, last = (np.asarray(paint(seed), dtype=float) for seed in (1, 2))
    steps = [
        shrink(Image.fromarray((first + (last - first) * part / 40).astype(np.uint8)))
        for part in range(41)
    ]
    assert group_near_duplicates([steps[0], steps[-1]]).tolist() == [0, 1]
    assert group_near_duplicates(steps).tolist() == [0] * 41


def group_by_all_pairs(thumbnails: list[bytes]) -> NDArray[np.intp]:
    """The same by its definition, each image held against each."""
    colours = np.array([list(one) for one in thumbnails], dtype=float).reshape(-1, FIELDS**2, 3)
    centred = (colours - colours.mean(axis=1, keepdims=True)).reshape(len(thumbnails), -1)
    alike = np.corrcoef(centred) >= near_duplicates.LEAST_CORRELATION
    groups = np.arange(len(thumbnails))
    for one, other in np.argwhere(alike):
        low, high = sorted((groups[one], groups[other]))
        groups[groups == high] = low
    return groups


@pytest.mark.parametrize("leaf", [8, 10_000])
@pytest.mark.parametrize("block", [7, 1024])
def test_dividing_loses_no_pair(leaf: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "_LEAF", leaf)
    monkeypatch.setattr(near_duplicates, "_BLOCK", block)
    chance = np.random.default_rng(0)
    # A few scenes, each seen again and again under noise about as large as what still counts.
    scenes = [np.asarray(paint(seed, (FIELDS, FIELDS)), dtype=float) for seed in range(30)]
    thumbnails = [
        (scenes[number % 30] + chance.normal(0, number % 9, scenes[0].shape))
        .clip(0, 255)
        .astype(np.uint8)
        .tobytes()
        for number in range(300)
    ]
    expected = group_by_all_pairs(thumbnails)
    assert 30 <= len(np.unique(expected)) < 200
    found = group_near_duplicates(thumbnails)
    assert (found[:, None] == found).tolist() == (expected[:, None] == expected).tolist()


def test_an_image_that_is_nearly_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    files = {
        f"{split}/{name}/{number}.png": saved(paint(10 * number + place), "PNG")
        for place, (split, name) in enumerate(
            (split, name) for split in ("train", "val") for name in ("cat", "dog")
        )
        for number in range(3)
    }
    assert list(inspect_dataset(write_files(tmp_path, files)).findings) == []
    write_files(tmp_path, {"val/cat/again.jpg": saved(paint(0), "JPEG", quality=50)})
    (found,) = inspect_dataset(tmp_path).findings
    assert found.check == "near-duplicates-across-splits"
    assert found.message.startswith("1 image nearly the same in more than one split")
    assert found.files == ("train/cat/0.png", "val/cat/again.jpg")


def test_what_is_nearly_the_same_within_a_split_or_the_very_same_is_no_near_leak(
    tmp_path: Path,
) -> None:
    files = {
        "train/cat/0.png": saved(paint(0), "PNG"),
        "train/cat/again.jpg": saved(paint(0), "JPEG", quality=50),
        "train/dog/0.png": saved(paint(1), "PNG"),
        "val/cat/0.png": saved(paint(2), "PNG"),
        "val/dog/copy.png": saved(paint(1), "PNG"),
    }
    found = [one.check for one in inspect_dataset(write_files(tmp_path, files)).findings]
    assert found == ["duplicates-across-splits"]
