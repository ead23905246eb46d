"""Which detections are which objects, by COCO's rules, for a whole split at once.

A detection and an object of its image and class are a pair where they overlap enough. Detections
take objects by falling score, each the one it overlaps most that nobody has taken; one that finds
only objects that nobody need find (crowds, bodies without a labelled point) is ignored. That is
`evaluateImg` of https://github.com/cocodataset/cocoapi, to the last bit of each overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_BLOCK: Final = 1_000_000
"""Pairs that are looked at together: some 100 MB."""


@dataclass(frozen=True)
class Pairs:
    """Detections and objects that overlap; all `(p,)`: two indices, and by how much (0 to 1)."""

    detections: Ints
    objects: Ints
    overlaps: Floats


def get_thresholds() -> Floats:
    """COCO's ten overlaps, 0.50 to 0.95, to the bit."""
    import numpy as np

    return np.linspace(0.5, 0.95, 10)


def list_pairs(groups: Ints, true_groups: Ints, most: int = _BLOCK) -> Iterator[tuple[Ints, Ints]]:
    """Every detection with every object of its group (image and class), in blocks of about `most`
    pairs, one made when the one before it is done with."""
    import numpy as np

    order = np.argsort(true_groups, kind="stable")
    ranked = true_groups[order]
    first = np.searchsorted(ranked, groups, side="left")
    counts = np.searchsorted(ranked, groups, side="right") - first
    begins = np.concatenate([[0], np.cumsum(counts)])
    cuts = np.searchsorted(begins, np.arange(0, begins[-1], most))
    edges = sorted({*cuts.tolist(), len(groups)})
    for low, high in pairwise(edges):
        sizes = counts[low:high]
        detections = np.repeat(np.arange(low, high), sizes)
        offsets = np.arange(len(detections)) - np.repeat(begins[low:high] - begins[low], sizes)
        yield detections, order[np.repeat(first[low:high], sizes) + offsets]


def measure_box_overlap(boxes: Floats, true_boxes: Floats, crowd: Bools) -> Floats:
    """IoU of boxes, each with the one beside it; of a crowd, the share of the detection inside.

    Both `(p, 4)`, `x y width height`, as COCO writes them: the operations are in the order of
    `bbIou` of `maskApi.c`, so that the last bits are.
    """
    import numpy as np

    high = np.minimum(boxes[:, :2] + boxes[:, 2:], true_boxes[:, :2] + true_boxes[:, 2:])
    sides = (high - np.maximum(boxes[:, :2], true_boxes[:, :2])).clip(0)
    shared = sides[:, 0] * sides[:, 1]
    area, true_area = boxes[:, 2] * boxes[:, 3], true_boxes[:, 2] * true_boxes[:, 3]
    whole = np.where(crowd, area, area + true_area - shared)
    overlap: Floats = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return overlap


def join_pairs(blocks: Sequence[Pairs]) -> Pairs:
    """All of them together."""
    import numpy as np

    return Pairs(
        np.concatenate([np.zeros(0, np.int64), *(one.detections for one in blocks)]),
        np.concatenate([np.zeros(0, np.int64), *(one.objects for one in blocks)]),
        np.concatenate([np.zeros(0), *(one.overlaps for one in blocks)]),
    )


def match_pairs(
    pairs: Pairs,
    scores: Floats,
    crowd: Bools,
    ignored: Bools,
    thresholds: Sequence[float] | Floats,
) -> Ints:
    """The object of each detection at each threshold, `(thresholds, d)`; -1 where it has none.

    `ignored` are the objects that nobody need find; those of them that are a `crowd` may be
    found by many. `scores` is `(d,)`; of equal ones the first detection chooses first.
    """
    import numpy as np

    ranks = np.empty(len(scores), np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    # Of equal overlaps COCO takes the last object.
    keys = (-pairs.objects, -pairs.overlaps, ignored[pairs.objects], ranks[pairs.detections])
    order = np.lexsort(keys)
    columns = [column[order] for column in (pairs.detections, pairs.objects, pairs.overlaps)]
    is_crowd = crowd.tolist()
    matched = np.full((len(thresholds), len(scores)), -1, np.int64)
    for place, threshold in enumerate(thresholds):
        enough = columns[2] >= min(threshold, 1 - 1e-10)
        taken: set[int] = set()
        found: dict[int, int] = {}
        for detection, one in zip(*(c[enough].tolist() for c in columns[:2]), strict=True):
            if detection in found or (one in taken and not is_crowd[one]):
                continue
            found[detection] = one
            taken.add(one)
        matched[place, list(found)] = list(found.values())
    return matched


def keep_best(groups: Ints, scores: NDArray[Any], most: int) -> Ints:
    """The places of the `most` highest scores of each group, rising; of equal ones the first."""
    import numpy as np

    order = np.lexsort((-scores, groups))
    ranked = groups[order]
    within = np.arange(len(order)) - np.searchsorted(ranked, ranked, side="left")
    kept: Ints = np.sort(order[within < most])
    return kept
