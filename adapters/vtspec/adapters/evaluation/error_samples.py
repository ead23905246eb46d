"""A classifier's most confident mistakes, with small pictures of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vtspec.adapters.contract import DatasetJob
from vtspec.adapters.data.image_decoding import read_image
from vtspec.adapters.json_types import JsonObject

from .classification import SplitScores, find_worst_errors

SHOWN: Final = 24
THUMBNAIL_PIXELS: Final = 96


def collect_errors(
    scored: SplitScores, images: Sequence[Path], data: DatasetJob, workdir: Path
) -> list[JsonObject]:
    """The worst mistakes of `scored`, whose rows are `images`: at most `SHOWN`, the worst first.

    Writes a PNG of at most `THUMBNAIL_PIXELS` a side for each under `workdir/plots/errors`, where
    those of an earlier call are removed.
    """
    folder = workdir / "plots" / "errors"
    folder.mkdir(parents=True, exist_ok=True)
    # A second evaluation may have fewer, and old pictures would stand beside new figures.
    for earlier in folder.glob("*.png"):
        earlier.unlink()
    errors: list[JsonObject] = []
    for place, row in enumerate(find_worst_errors(scored, SHOWN)):
        path = images[row]
        thumbnail = folder / f"{place:02d}.png"
        _write_thumbnail(path, thumbnail)
        errors.append(
            {
                "image": name_image(path, data),
                "true": data.classes[int(scored.targets[row])],
                "predicted": data.classes[int(scored.predicted[row])],
                "confidence": round(float(scored.confidence[row]), 6),
                "thumbnail": thumbnail.relative_to(workdir).as_posix(),
            }
        )
    return errors


def name_image(path: Path, data: DatasetJob) -> str:
    """An image's path below the dataset, the same on every machine."""
    return Path(os.path.relpath(path, data.root)).as_posix()


def _write_thumbnail(source: Path, target: Path) -> None:
    small = read_image(source)
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small.save(target)
