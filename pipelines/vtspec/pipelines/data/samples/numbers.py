"""`numbers`: handwritten numbers of two to five digits, each with its text.

scikit-learn's digits side by side at three times their size: what is written is known, which no
photograph of print in a package comes with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

from .pixels import SPLITS, read_digits, write_png

_IMAGES: Final[Mapping[str, int]] = {"train": 240, "val": 60, "test": 60}


def write_numbers(folder: Path) -> None:
    """`<split>/<number>.png`, 24 high and 48 to 120 wide, and `<split>.jsonl`."""
    import numpy as np

    for split in SPLITS:
        random, digits = Random(f"numbers {split}"), read_digits(split)
        rows = []
        for number in range(_IMAGES[split]):
            text = "".join(str(random.randrange(10)) for _ in range(random.randint(2, 5)))
            ink = np.hstack([random.choice(digits[int(digit)]) for digit in text])
            name = f"{split}/{number:03d}.png"
            write_png(folder / name, 255 - ink.repeat(3, axis=0).repeat(3, axis=1))
            rows.append(json.dumps({"path": name, "text": text}) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(rows), encoding="utf-8")
