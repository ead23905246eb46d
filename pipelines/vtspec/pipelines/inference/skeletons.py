"""Which points of a body are joined by a line when it is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

Skeleton: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of points, by name."""

_PERSON: Final[Skeleton] = (
    ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"),
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_eye", "right_eye"),
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
    ("left_ear", "left_shoulder"),
    ("right_ear", "right_shoulder"),
)
"""Of the category `person` in COCO's `person_keypoints` (https://cocodataset.org/#format-data)."""


def choose_skeleton(names: Sequence[str], categories: Sequence[Mapping[str, object]]) -> Skeleton:
    """The lines that a dataset's own COCO file names, of whichever of its categories has the
    points; else those of COCO's people, where a body has their points; else none."""
    for row in categories:
        told, lines = row.get("keypoints"), row.get("skeleton")
        if isinstance(told, list) and told == list(names) and isinstance(lines, list) and lines:
            return tuple(_read_lines(names, lines))
    known = {name.replace("-", "_").replace(" ", "_").lower(): name for name in names}
    return tuple(
        (known[first], known[second])
        for first, second in _PERSON
        if first in known and second in known
    )


def _read_lines(names: Sequence[str], lines: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Pairs of places, from 1, as names; what names no point is no line."""
    for line in lines:
        match line:
            case [int(first), int(second)]:
                if 1 <= first <= len(names) and 1 <= second <= len(names):
                    yield names[first - 1], names[second - 1]
