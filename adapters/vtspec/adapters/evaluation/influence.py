"""What each image adds to a metric that is no mean over images.

A report compares two runs image by image (`docs/results.md`, `samples.values`), for which a metric
must be a mean over images. Of another one, these are the values whose mean it is to first order:
`metric + n * influence`, where the influence of an image is how the metric moves with its weight.
Their mean is the metric to the bit but for rounding, and their spread is that of the infinitesimal
jackknife: Jaeckel 1972; Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982,
chapter 6. (DeLong's test of areas under ROC curves, 1988, rests on the same values.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


def linearize(sums: NDArray[Any], measure: Callable[[Floats], Floats]) -> Floats | None:
    """The values of a metric that follows from sums over images: what leaving out each one does.

    `sums` is `(n, k)`, a row an image; `measure` takes totals `(..., k)` to metrics `(...)`. The
    result is `(n,)`. None where the metric has no value without one of the images.
    """
    import numpy as np

    wide = sums.astype(np.float64)
    total = wide.sum(axis=0)
    whole = float(measure(total))
    if len(wide) < 2:
        return np.full(len(wide), whole)
    without = measure(total - wide)
    if not np.isfinite(without).all():
        return None
    values: Floats = whole + (len(wide) - 1) * (without.mean() - without)
    return values


def find_envelope(precision: Floats) -> Ints:
    """The places, rising, at which the interpolated precision of COCO and VOC falls: each is the
    last with the highest precision from there on. `precision` is `(d,)`, by falling score."""
    import numpy as np

    best = np.maximum.accumulate(precision[::-1])[::-1]
    later = np.append(best[1:], -1.0)
    ends: Ints = np.flatnonzero(precision > later)
    return ends


def find_last_of_ties(scores: Floats) -> Ints:
    """The last place of each of the scores, which are sorted."""
    import numpy as np

    ends: Ints = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    return ends


def compute_ap_influence(hits: Bools, images: Ints, positives: Ints, ends: Ints) -> Floats:
    """How an average precision moves with the weight of each image; `(n,)`, adding up to 0.

    `hits` and `images` are `(d,)`, detections by falling score: whether it is right, and the
    index of its image. `positives` is `(n,)`, what there was to find in each image, somewhere at
    least one thing. `ends` are the places at which precision is read: those of `find_envelope`,
    or the last of each score. Costs O(d + n).
    """
    import numpy as np

    total = positives.sum()
    if not len(ends):
        return np.zeros(len(positives))
    found = np.cumsum(hits)[ends]
    precision = found / (ends + 1)
    gained = np.diff(found, prepend=0)
    # A detection is counted in the precision of its own stretch and of all that come after.
    slope = np.cumsum((gained / (ends + 1))[::-1])[::-1]
    level = np.cumsum((gained * precision / (ends + 1))[::-1])[::-1]
    place = np.searchsorted(ends, np.arange(len(hits)))
    # Detections after the last place are read by no precision.
    read = place < len(ends)
    place, right = place[read], hits[read].astype(np.float64)
    each = (right * (precision + slope)[place] - level[place]) / total
    average = float((gained * precision).sum() / total)
    gain = np.bincount(images[read], each, minlength=len(positives))
    influence: Floats = gain - average * positives / total
    return influence
