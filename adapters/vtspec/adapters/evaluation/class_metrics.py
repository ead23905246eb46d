"""What an epoch measured of single classes, as it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

MOST_CLASSES: Final = 100
"""Beyond this many none is told each epoch: nobody reads as many curves, and each is kept for
ever. The final evaluation has all of them."""


def pick_class_metrics(rows: Iterable[Mapping[str, Any]], figure: str) -> dict[str, float]:
    """One figure of each class, `perClass` rows as in an evaluation's details, by `figure/class`;
    without those that have none."""
    listed = list(rows)
    if len(listed) > MOST_CLASSES:
        return {}
    told = ((row["class"], row.get(figure)) for row in listed)
    return {f"{figure}/{name}": float(value) for name, value in told if value is not None}
