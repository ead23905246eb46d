"""A model's answer as it was told, plain data, read for whoever draws it or writes it anew."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from vtspec.adapters.data.annotations import RleMask
from vtspec.adapters.data.mask_rle import parse_rle
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.runs.json_values import to_mapping, to_number

Answer: TypeAlias = Mapping[str, object]
"""An `InferenceResult` of an adapter, without the fields of other tasks."""

Point: TypeAlias = tuple[float, float]

SURE: float = 0.5
"""From which on a point of a body is likely to be seen."""


@dataclass(frozen=True, kw_only=True)
class FoundObject:
    """An object that was found: its box `x_min y_min x_max y_max` in pixels, and by its task what
    else is known of it. `points` are a body's by name: x, y, and how sure it is to be seen."""

    label: str
    confidence: float
    box: tuple[float, float, float, float]
    mask: RleMask | None = None
    corners: tuple[Point, ...] = ()
    points: Mapping[str, tuple[float, float, float]] | None = None


def read_objects(answer: Answer) -> list[FoundObject] | None:
    """The objects of an answer, as they are told; None where it is not of objects.

    Raises `Refused` where one is none, which is a fault of the adapter.
    """
    told = answer.get("predicted_boxes")
    if not isinstance(told, list | tuple):
        return None
    try:
        return [_read_object(to_mapping(one)) for one in told]
    except ValueError as error:
        raise Refused(f"an object cannot be read: {error}", fix="add --output json") from error


def read_areas(answer: Answer) -> list[tuple[str, float, RleMask]] | None:
    """The classes of a mask of the whole image, with their shares and pixels; None where there is
    none. Raises as `read_objects`."""
    told = to_mapping(answer.get("predicted_mask"))
    segments = told.get("segments")
    if not isinstance(segments, list | tuple):
        return None
    try:
        return [
            (
                str(one.get("label", "")),
                to_number(one.get("share")) or 0.0,
                parse_rle({"size": told.get("size"), "counts": one.get("counts")}),
            )
            for one in map(to_mapping, segments)
        ]
    except ValueError as error:
        raise Refused(f"a mask cannot be read: {error}", fix="add --output json") from error


def keep_sure(answer: Answer, least: float) -> Answer:
    """The answer without objects of less confidence."""
    told = answer.get("predicted_boxes")
    if not isinstance(told, list | tuple):
        return answer
    kept = [one for one in told if (to_number(to_mapping(one).get("confidence")) or 0.0) >= least]
    return {**answer, "predicted_boxes": kept}


def _read_object(told: Mapping[str, object]) -> FoundObject:
    x_min, y_min, x_max, y_max = _read_numbers(told.get("box"), 4, "its box")
    mask, corners, points = (told.get(name) for name in ("mask", "corners", "keypoints"))
    around = () if corners is None else _read_numbers(corners, 8, "the corners of its box")
    return FoundObject(
        label=str(told.get("label", "")),
        confidence=to_number(told.get("confidence")) or 0.0,
        box=(x_min, y_min, x_max, y_max),
        mask=None if mask is None else parse_rle(mask),
        corners=tuple(zip(around[::2], around[1::2], strict=True)),
        points=None if points is None else dict(_iter_points(points)),
    )


def _iter_points(told: object) -> Iterator[tuple[str, tuple[float, float, float]]]:
    for name, point in to_mapping(told).items():
        x, y, sure = _read_numbers(point, 3, f"its point {name!r}")
        yield name, (x, y, sure)


def _read_numbers(told: object, count: int, what: str) -> Sequence[float]:
    numbers = [to_number(one) for one in told] if isinstance(told, list | tuple) else []
    known = [one for one in numbers if one is not None]
    if len(known) != count or len(numbers) != count:
        raise ValueError(f"{what} is not {count} numbers")
    return known
