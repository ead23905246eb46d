"""Images that are nearly the same: saved anew, smaller, brighter, or the next frame of a video.

Two images are, where their colours, averaged over 16 x 16 fields, differ from the mean colour of
their image alike, but for contrast: where those 768 numbers have a correlation of
`LEAST_CORRELATION` or more. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIELDS: Final = 16
"""Fields along a side; an image that is smaller is not compared: it has no fields to average."""

LEAST_CORRELATION: Final = 0.99
"""Of photographs a JPEG of quality 50 has more, and so have two digits of MNIST less."""

LEAST_SPREAD: Final = 2.0
"""Standard deviation, of 255, that fields must have: below, there is only noise to compare."""

_AXES: Final = 16
_LEAF: Final = 1024
_SAMPLE: Final = 4096
_BLOCK: Final = 1024


def group_near_duplicates(thumbnails: Sequence[bytes]) -> "NDArray[np.intp]":
    """For each image the number of its group, `(n,)`: the first image of it.

    A thumbnail is `FIELDS` x `FIELDS` x 3 bytes; one that is empty is alone. Images belong to one
    group where each is nearly the same as another one of it, so that the ends of a slow change
    may differ. Takes some seconds for 50,000 images; where nearly all are alike, minutes.
    """
    import numpy as np

    groups = np.arange(len(thumbnails))
    known = np.array([index for index, one in enumerate(thumbnails) if one], dtype=np.intp)
    if not len(known):
        return groups
    pixels = np.frombuffer(b"".join(thumbnails), dtype=np.uint8).reshape(len(known), -1)
    # In blocks, as the numbers are eight times as large as the bytes.
    spread = [_centre(pixels[at : at + _BLOCK]).std(axis=1) for at in _list_starts(len(pixels))]
    keep = np.concatenate(spread) >= LEAST_SPREAD
    known, pixels = known[keep], pixels[keep]
    if len(known) < 2:
        return groups
    places = _project(pixels)
    # Of unit vectors: |a - b|² = 2 - 2 a·b; a projection is never longer than what it is of.
    radius = float(np.sqrt(2 - 2 * LEAST_CORRELATION)) + 1e-4
    found = np.arange(len(known))
    for rows in _iter_neighbourhoods(places, np.arange(len(known)), radius):
        _join_neighbours(rows, places, pixels, radius, found)
    groups[known] = known[found]
    return groups


def _normalize(pixels: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """Rows without the mean of each colour, of length 1."""
    import numpy as np

    centred = _centre(pixels)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: NDArray[np.float32] = centred / length
    return unit


def _centre(pixels: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    import numpy as np

    colours = pixels.reshape(len(pixels), -1, 3)
    # Without it, all that is red would be alike.
    mean: NDArray[np.float32] = colours.mean(axis=1, keepdims=True, dtype=np.float32)
    return (colours - mean).reshape(len(pixels), -1)


def _list_starts(count: int) -> range:
    return range(0, count, _BLOCK)


def _project(pixels: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """The images along the axes in which they differ most, `(n, axes)`, the widest first."""
    import numpy as np

    # Axes that are not quite the best ones cost time alone.
    sample = _normalize(pixels[:: max(1, len(pixels) // _SAMPLE)])
    sample = sample - sample.mean(axis=0)
    _, vectors = np.linalg.eigh(sample.T @ sample)
    axes = vectors[:, ::-1][:, :_AXES]
    parts = [_normalize(pixels[at : at + _BLOCK]) @ axes for at in _list_starts(len(pixels))]
    return np.concatenate(parts)


def _iter_neighbourhoods(
    places: "NDArray[np.float32]", rows: "NDArray[np.intp]", radius: float
) -> "Iterator[NDArray[np.intp]]":
    """Sets of rows so that any two within the radius are in one of them together.

    A set is divided at the middle of its widest axis, and both halves keep what is within half
    the radius of the cut, until it is small, or the halves would have as many pairs as it has.
    """
    import numpy as np

    if len(rows) > _LEAF:
        values = places[rows]
        axis = int(np.argmax(values.std(axis=0)))
        along = values[:, axis]
        middle = float(np.median(along))
        lower = rows[along <= middle + radius / 2]
        upper = rows[along >= middle - radius / 2]
        if len(lower) ** 2 + len(upper) ** 2 < 0.9 * len(rows) ** 2:
            yield from _iter_neighbourhoods(places, lower, radius)
            yield from _iter_neighbourhoods(places, upper, radius)
            return
    yield rows


def _join_neighbours(
    rows: "NDArray[np.intp]",
    places: "NDArray[np.float32]",
    pixels: "NDArray[np.uint8]",
    radius: float,
    groups: "NDArray[np.intp]",
) -> None:
    """Put the near duplicates among the rows into one group each, in `groups`."""
    import numpy as np

    # |a - b|² = |a|² + |b|² - 2 a·b, as one product of matrices.
    own = places[rows]
    ones, squares = np.ones((len(rows), 1), np.float32), (own**2).sum(axis=1, keepdims=True)
    left, right = np.hstack([-2 * own, squares, ones]), np.hstack([own, ones, squares])
    for start in _list_starts(len(rows)):
        for other in range(start, len(rows), _BLOCK):
            distances = left[start : start + _BLOCK] @ right[other : other + _BLOCK].T
            near = distances <= radius**2
            if start == other:
                near = np.triu(near, 1)
            if near.any():
                _join_alike(near, rows[start:], rows[other:], pixels, groups)


def _join_alike(
    near: "NDArray[np.bool_]",
    ones: "NDArray[np.intp]",
    others: "NDArray[np.intp]",
    pixels: "NDArray[np.uint8]",
    groups: "NDArray[np.intp]",
) -> None:
    """Of the pairs that may be near duplicates, join those that are."""
    import numpy as np

    first, second = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    alike = _normalize(pixels[ones[first]]) @ _normalize(pixels[others[second]]).T
    near = near[np.ix_(first, second)] & (alike >= LEAST_CORRELATION)
    for row in np.flatnonzero(near.any(axis=1)):
        own, met = groups[ones[first[row]]], groups[others[second[near[row]]]]
        if (met != own).any():
            met = np.unique(np.append(met, own))
            groups[np.isin(groups, met)] = met[0]
