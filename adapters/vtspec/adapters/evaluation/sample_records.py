"""What an evaluation keeps of each image, so that two runs can be compared image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_RECORDS: Final = 100_000
"""Beyond this many images none are kept: the file would be larger than what it adds, since so many
images show almost any difference by their counts."""


def build_sample_records(
    images: Sequence[str],
    true: Sequence[int],
    predicted: Sequence[int],
    confidence: Sequence[float],
    values: Mapping[str, Sequence[float]],
) -> JsonObject | None:
    """The `samples` of an evaluation's details, a column each, all as long as `images`; None of
    too many.

    `images` are paths below the dataset, `true` and `predicted` indices of classes, `confidence`
    that of the predicted class. `values` are metrics that are means over images, by their
    names; of another metric what `influence` makes of it.
    """
    if len(images) > MOST_RECORDS:
        return None
    return {
        "images": list(images),
        "true": [int(index) for index in true],
        "predicted": [int(index) for index in predicted],
        "confidence": _round(confidence),
        "values": {name: _round(column) for name, column in values.items()},
    }


def build_value_records(
    images: Sequence[str], values: Mapping[str, Sequence[float] | NDArray[Any] | None]
) -> JsonObject | None:
    """The `samples` where no image has one class: `values` alone, without what is None.

    None of too many images, or where nothing is left.
    """
    told = {name: column for name, column in values.items() if column is not None}
    if len(images) > MOST_RECORDS or not told:
        return None
    return {
        "images": list(images),
        "values": {name: _round(column) for name, column in told.items()},
    }


def _round(column: Sequence[float] | NDArray[Any]) -> list[float]:
    return [round(float(value), 6) for value in column]
