"""The outline of a mask along the sides of its pixels, and several rings as one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from vtspec.adapters.data.annotations import Polygon
from vtspec.adapters.data.rasters import Raster

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ring: TypeAlias = tuple[float, ...]


def trace_outline(raster: Raster) -> list[Polygon]:
    """The areas of a raster, each with its holes. Pixels belong together along their sides and
    not across a corner. What is drawn inside of them is exactly the raster."""
    rings = _trace_rings(raster)
    outers = [ring for ring, is_hole in rings if not is_hole]
    holes: dict[int, list[Ring]] = {}
    for ring, is_hole in rings:
        if is_hole:
            # The smallest of the areas around it: areas may lie in holes of others.
            around = [at for at, outer in enumerate(outers) if _has_inside(outer, ring)]
            home = min(around, key=lambda at: abs(_measure(outers[at])))
            holes.setdefault(home, []).append(ring)
    return [
        Polygon(outer=outer, holes=tuple(holes.get(at, ()))) for at, outer in enumerate(outers)
    ]


def join_rings(polygons: Sequence[Polygon]) -> Ring:
    """One ring around all areas and without their holes: lines without width lead from one to the
    next and back, so that by the even-odd rule, and by the area that signs give, nothing is added.
    """
    import numpy as np

    joined: NDArray[np.float64] | None = None
    for polygon in polygons:
        for place, ring in enumerate((polygon.outer, *polygon.holes)):
            points = np.array(ring, dtype=np.float64).reshape(-1, 2)
            # Holes run the other way round, so that their area is taken off.
            if (_measure(ring) > 0) == (place > 0):
                points = points[::-1]
            joined = points if joined is None else _bridge(joined, points)
    return () if joined is None else tuple(joined.ravel().tolist())


def _bridge(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two rings as one, by a line to and fro between two of their closest points."""
    import numpy as np

    # Row by row, since rings of thousands of points would fill the memory with distances.
    best = min(
        (float(distances.min()), at, int(distances.argmin()))
        for at, point in enumerate(second)
        for distances in [((first - point) ** 2).sum(axis=1)]
    )
    _, there, here = best
    around = np.roll(second, -there, axis=0)
    return np.concatenate([first[: here + 1], around, around[:1], first[here:]])


def _trace_rings(raster: Raster) -> list[tuple[Ring, bool]]:
    """Each ring of corners, and whether it goes around a hole."""
    import numpy as np

    inside = np.pad(raster.pixels, 1).astype(np.int8)
    # The four pixels around each point where pixels meet.
    around = inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, :-1] + 8 * inside[1:, 1:]
    # Patterns with a corner: one or three of the four, or two across from each other.
    is_corner = np.isin(around, (1, 2, 4, 8, 7, 11, 13, 14))
    is_cross = np.isin(around, (6, 9))
    ys, xs = np.nonzero(is_corner)
    cross_y, cross_x = np.nonzero(is_cross)
    # At a crossing two corners meet: the first has the line to the left, the second the right one.
    # Which goes up follows from where the pixels are: areas touch there and do not join.
    goes_up = around[cross_y, cross_x] == 9
    ys = np.concatenate([ys, cross_y, cross_y])
    xs = np.concatenate([xs, cross_x, cross_x])
    count, crossings = int(is_corner.sum()), len(cross_y)
    right = np.zeros(len(ys), dtype=np.int64)
    right[count + crossings :] = 1
    down = np.zeros(len(ys), dtype=np.int64)
    down[count:] = np.concatenate([~goes_up, goes_up])
    beside = _pair(np.lexsort((right, xs, ys)))
    above = _pair(np.lexsort((down, ys, xs)))
    starts_hole = inside[ys + 1, xs + 1] == 0
    found = []
    seen = np.zeros(len(ys), dtype=bool)
    # From the top, so that the first corner of a ring says what lies inside of it.
    for start in np.lexsort((right, xs, ys)).tolist():
        if seen[start]:
            continue
        ring: list[float] = []
        at = start
        while not seen[at]:
            for node in (at, beside[at]):
                seen[node] = True
                ring += (float(xs[node] + raster.x), float(ys[node] + raster.y))
            at = above[beside[at]]
        found.append((tuple(ring), bool(starts_hole[start])))
    return found


def _pair(order: NDArray[np.int64]) -> list[int]:
    """The partner of each corner: along a line they follow each other by twos."""
    import numpy as np

    partner = np.empty(len(order), dtype=np.int64)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    return [int(one) for one in partner.tolist()]


def _has_inside(outer: Ring, hole: Ring) -> bool:
    """Whether a ring's first pixel lies in another ring, by the even-odd rule."""
    x, y = hole[0] + 0.5, hole[1] + 0.5
    crossings = 0
    for place in range(0, len(outer), 2):
        x_from, y_from = outer[place - 2], outer[place - 1]
        y_to = outer[place + 1]
        crossings += (y_from <= y) != (y_to <= y) and x_from > x
    return crossings % 2 == 1


def _measure(ring: Ring) -> float:
    """Twice the signed area."""
    xs, ys = ring[::2], ring[1::2]
    turned = zip(xs, ys, (*xs[1:], xs[0]), (*ys[1:], ys[0]), strict=True)
    return sum(x * y_on - x_on * y for x, y, x_on, y_on in turned)
