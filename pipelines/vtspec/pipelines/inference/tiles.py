"""A large image cut into tiles that overlap, and what was found in each put together again.

A network sees an image in its own size: what is small in a large one is lost before it looks.
Slicing is that of SAHI (https://arxiv.org/abs/2202.06934); two tiles' boxes are taken for one
object where they agree in the part that both tiles show, so that an object longer than the
overlap, of which each tile shows an end, is one object, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from .answers import Answer, FoundObject, read_objects

Box: TypeAlias = tuple[float, float, float, float]
"""`x_min y_min x_max y_max` in pixels."""

AGREEMENT: Final = 0.5
"""Intersection over union, in the part that both tiles show, from which on two boxes are one."""

_EDGE: Final = 0.02
"""Of a tile's side: how close to it a box ends that may go on beyond."""

LEAST_SIDE: Final = 32
"""Of a tile, in pixels: smaller ones show a network nothing, and are hundreds of thousands."""

_DEFAULT_OVERLAP: Final = 5
"""A fifth of the side, as in SAHI."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Squares of `size` pixels a side, of which neighbours share `overlap` pixels or more."""

    size: int
    overlap: int


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A part of an image, by its edges; `seams` says which of them lie inside of the image."""

    box: tuple[int, int, int, int]
    seams: tuple[bool, bool, bool, bool]


def parse_tiling(text: str) -> Tiling:
    """`640` or `640:128`. Raises `ValueError` where it is neither, or the overlap too large."""
    word, colon, more = text.partition(":")
    size = int(word)
    made = Tiling(size=size, overlap=int(more) if colon else size // _DEFAULT_OVERLAP)
    if made.size < LEAST_SIDE or not 0 <= made.overlap <= made.size // 2:
        raise ValueError("no tiles")
    return made


def cut_tiles(width: int, height: int, tiling: Tiling) -> list[Tile]:
    """The tiles of an image, row by row; the last of a row or column ends at the image's edge."""
    return [
        Tile(
            box=(left, top, right, bottom),
            seams=(left > 0, top > 0, right < width, bottom < height),
        )
        for top, bottom in _cut_side(height, tiling)
        for left, right in _cut_side(width, tiling)
    ]


def _cut_side(length: int, tiling: Tiling) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin + tiling.size < length:
        yield begin, begin + tiling.size
        # Never beyond the edge: a sliver of an image would be stretched to the network's size.
        begin = min(begin + tiling.size - tiling.overlap, length - tiling.size)
    yield begin, min(begin + tiling.size, length)


@dataclass(kw_only=True)
class _Sighting:
    """An object as one tile shows it, in pixels of the whole image."""

    tile: Tile
    found: FoundObject
    box: Box

    @property
    def is_cut(self) -> bool:
        """Whether it may go on beyond its tile."""
        near = _EDGE * max(
            self.tile.box[2] - self.tile.box[0], self.tile.box[3] - self.tile.box[1]
        )
        return any(
            seam and abs(edge - end) <= max(2.0, near)
            for seam, edge, end in zip(self.tile.seams, self.tile.box, self.box, strict=True)
        )

    def agrees(self, other: "_Sighting") -> bool:
        """Whether both tiles show the same where both look."""
        # Most do not meet at all, and images may have tens of thousands.
        if not _is_near(self.box, other.box):
            return False
        shared = _intersect(self.tile.box, other.tile.box)
        own, its = _intersect(self.box, shared), _intersect(other.box, shared)
        common = _measure(_intersect(own, its))
        union = _measure(own) + _measure(its) - common
        return union > 0 and common / union >= AGREEMENT


def join_answers(tiles: Sequence[Tile], answers: Sequence[Answer]) -> Answer:
    """One answer of what a detector says of the tiles of an image: boxes in its pixels, the
    surest first, and the time of all; the error of a tile is that of the image."""
    for answer in answers:
        if "error" in answer:
            return answer
    sightings = [
        _Sighting(tile=tile, found=found, box=_move(found.box, tile))
        for tile, answer in zip(tiles, answers, strict=True)
        for found in read_objects(answer) or ()
    ]
    times = [answer.get("inference_time_ms") for answer in answers]
    return {
        **answers[0],
        "inference_time_ms": sum(one for one in times if isinstance(one, int | float)),
        "predicted_boxes": [_describe(group) for group in _group(sightings)],
    }


def _group(sightings: Sequence[_Sighting]) -> list[list[_Sighting]]:
    """Sightings of one object each, the surest first; a tile shows an object once."""
    tiles = list(dict.fromkeys(one.tile for one in sightings))
    neighbours = {
        tile: [other for other in tiles if other != tile and _is_near(tile.box, other.box)]
        for tile in tiles
    }
    # What reaches into a tile from another one, by class: all others are beside the point.
    reaching: dict[tuple[str, Tile], list[tuple[_Sighting, list[_Sighting]]]] = defaultdict(list)
    groups: list[list[_Sighting]] = []
    for one in sorted(sightings, key=lambda each: -each.found.confidence):
        label = one.found.label
        home = next(
            (
                group
                for other, group in reaching[label, one.tile]
                if one.agrees(other) and all(each.tile != one.tile for each in group)
            ),
            None,
        )
        if home is None:
            home = []
            groups.append(home)
        home.append(one)
        for tile in neighbours[one.tile]:
            if _is_near(one.box, tile.box):
                reaching[label, tile].append((one, home))
    return groups


def _is_near(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _describe(group: Sequence[_Sighting]) -> Mapping[str, object]:
    whole = [one for one in group if not one.is_cut]
    # Who sees it whole knows its edges; else each knows some of them.
    box = whole[0].box if whole else _unite([one.box for one in group])
    best = group[0].found
    return {"box": list(box), "label": best.label, "confidence": best.confidence}


def _move(box: Box, tile: Tile) -> Box:
    left, top = tile.box[:2]
    return box[0] + left, box[1] + top, box[2] + left, box[3] + top


def _intersect(one: Box, other: Box) -> Box:
    return (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )


def _unite(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _measure(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
