"""`scene-labels`, `scene-captions`, `scene-questions`: two digits on brick, grass or gravel.

Everything that is said of a picture follows from how it was composed: which digits are in it,
which one is on the left, what they lie on.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from .pixels import SPLITS, TEXTURES, Pixels, crop_texture, read_digits, write_png

_IMAGES: Final[Mapping[str, int]] = {"train": 160, "val": 40, "test": 40}
_DIGITS: Final = (0, 1, 4, 7)
_SIDE: Final = 64


class _Scene(NamedTuple):
    """One picture by its path and what it shows."""

    path: str
    left: int
    right: int
    texture: str


def write_labels(folder: Path) -> None:
    """`<split>.csv` with the digits in each picture: one or two classes."""
    for split in SPLITS:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("path", "labels"))
        for scene in _compose(folder, split):
            digits = sorted({scene.left, scene.right})
            writer.writerow((scene.path, " ".join(map(str, digits))))
        (folder / f"{split}.csv").write_text(text.getvalue(), encoding="utf-8")


def write_captions(folder: Path) -> None:
    """`<split>.jsonl` with a sentence about each picture."""
    for split in SPLITS:
        rows = [
            {
                "path": scene.path,
                "caption": f"a {scene.left} to the left of a {scene.right} on {scene.texture}",
            }
            for scene in _compose(folder, split)
        ]
        _write_rows(folder, split, rows)


def write_questions(folder: Path) -> None:
    """`<split>.jsonl` with one question about each picture, of three kinds in turn."""
    for split in SPLITS:
        rows = []
        for number, scene in enumerate(_compose(folder, split)):
            question, answer = (
                ("Which digit is on the left?", str(scene.left)),
                ("Which digit is on the right?", str(scene.right)),
                ("What are the digits on?", scene.texture),
            )[number % 3]
            rows.append({"path": scene.path, "question": question, "answers": [answer]})
        _write_rows(folder, split, rows)


def _write_rows(folder: Path, split: str, rows: Sequence[Mapping[str, object]]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")


def _compose(folder: Path, split: str) -> Iterator[_Scene]:
    """Draw the pictures of a split, `<split>/<number>.png` of 64 x 64: the same in all three."""
    random, digits = Random(f"scenes {split}"), read_digits(split)
    for number in range(_IMAGES[split]):
        texture = random.choice(TEXTURES)
        left, right = random.choice(_DIGITS), random.choice(_DIGITS)
        pixels = crop_texture(texture, split, random, _SIDE, _SIDE)
        for side, digit in enumerate((left, right)):
            _draw(pixels, side * _SIDE // 2, random.choice(digits[digit]), random)
        path = f"{split}/{number:03d}.png"
        write_png(folder / path, pixels)
        yield _Scene(path, left, right, texture)


def _draw(pixels: Pixels, start: int, digit: Pixels, random: Random) -> None:
    """White ink of 24 x 24 pixels, anywhere in the half that starts at column `start`."""
    ink = digit.repeat(3, axis=0).repeat(3, axis=1)
    y, x = random.randrange(_SIDE - 24 + 1), start + random.randrange(_SIDE // 2 - 24 + 1)
    place = pixels[y : y + 24, x : x + 24]
    place[ink > 96] = ink[ink > 96]
