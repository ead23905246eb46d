"""`cards`: cards with a digit, turned by up to 37°, on brick, grass and gravel.

Each has its class, upright box, four corners as its outline, and the same as keypoints: one
dataset for detection, turned boxes, segmentation and pose. Angles are those of Pythagorean
triples, so that which pixel shows what is decided in whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from .pixels import (
    SPLITS,
    TEXTURES,
    Pixels,
    crop_texture,
    read_digits,
    write_coco,
    write_png,
)

_IMAGES: Final[Mapping[str, int]] = {"train": 100, "val": 30, "test": 30}
_CELL: Final = 48
_DIGITS: Final = (3, 4, 7)
_TURNS: Final = tuple(
    (cosine, sign * sine, length)
    for cosine, sine, length in ((1, 0, 1), (24, 7, 25), (12, 5, 13), (15, 8, 17), (4, 3, 5))
    for sign in (1, -1)
)
"""Cosine and sine of an angle, both over the third number."""

_KEYPOINTS: Final = ("top-left", "top-right", "bottom-right", "bottom-left")


class _Card(NamedTuple):
    """Where a card lies: its centre, half its side, in pixels, and its angle."""

    x: int
    y: int
    half: int
    turn: tuple[int, int, int]

    def list_corners(self) -> list[tuple[float, float]]:
        """As `_KEYPOINTS` names them; y grows downwards."""
        cosine, sine, length = self.turn
        return [
            (
                round(self.x + (cosine * u - sine * v) * self.half / length, 3),
                round(self.y + (sine * u + cosine * v) * self.half / length, 3),
            )
            for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]


def write_cards(folder: Path) -> None:
    """`<split>/<number>.png`, 96 x 96, and `annotations/<split>.json`."""
    for split in SPLITS:
        random, digits = Random(f"cards {split}"), read_digits(split)
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for number in range(_IMAGES[split]):
            name = f"{number:03d}.png"
            pixels = crop_texture(random.choice(TEXTURES), split, random, 2 * _CELL, 2 * _CELL)
            images.append({"id": number, "file_name": name, "width": 96, "height": 96})
            for quarter in sorted(random.sample(range(4), random.randint(1, 3))):
                card, digit = _choose_place(quarter, random), random.choice(_DIGITS)
                _draw(pixels, card, _make_face(random.choice(digits[digit])))
                annotations.append(
                    _annotate(card.list_corners(), _DIGITS.index(digit), len(annotations), number)
                )
            write_png(folder / split / name, pixels)
        categories = [
            {"id": index, "name": str(digit), "keypoints": list(_KEYPOINTS)}
            for index, digit in enumerate(_DIGITS)
        ]
        write_coco(folder / "annotations" / f"{split}.json", images, annotations, categories)


def _choose_place(quarter: int, random: Random) -> _Card:
    """Anywhere in its quarter, as long as it lies in it whole."""
    half = random.randint(10, 15)
    turn = random.choice(_TURNS)
    # A card's corner is at most √2, below 3 / 2, of half its side away from its centre.
    reach = (3 * half + 1) // 2
    y, x = (random.randint(reach, _CELL - reach) for _ in range(2))
    return _Card(quarter % 2 * _CELL + x, quarter // 2 * _CELL + y, half, turn)


def _make_face(digit: Pixels) -> Pixels:
    """12 x 12: dark ink on white, with a dark frame."""
    import numpy as np

    face = np.zeros((12, 12), dtype=np.uint8)
    face[1:-1, 1:-1] = 255
    face[2:-2, 2:-2] = 255 - digit
    return face


def _draw(pixels: Pixels, card: _Card, face: Pixels) -> None:
    """Each pixel whose centre lies on the card shows the part of its face that is there."""
    import numpy as np

    cosine, sine, length = card.turn
    ys, xs = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    # Twice the distance of a pixel's centre from the card's, which is a whole number.
    right, below = 2 * xs + 1 - 2 * card.x, 2 * ys + 1 - 2 * card.y
    edge = 2 * card.half * length
    u, v = cosine * right + sine * below + edge, cosine * below - sine * right + edge
    inside = (u >= 0) & (u < 2 * edge) & (v >= 0) & (v < 2 * edge)
    cells = len(face)
    pixels[inside] = face[v[inside] * cells // (2 * edge), u[inside] * cells // (2 * edge)]


def _annotate(
    corners: Sequence[tuple[float, float]], category: int, key: int, image: int
) -> dict[str, object]:
    xs, ys = zip(*corners, strict=True)
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return {
        "id": key,
        "image_id": image,
        "category_id": category,
        "bbox": [min(xs), min(ys), round(width, 3), round(height, 3)],
        "iscrowd": 0,
        "segmentation": [[value for corner in corners for value in corner]],
        "keypoints": [value for x, y in corners for value in (x, y, 2)],
        "num_keypoints": len(corners),
    }
