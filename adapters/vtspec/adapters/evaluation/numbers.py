"""Small arithmetic that the metrics share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def divide(part: NDArray[Any], whole: NDArray[Any], empty: float = 0.0) -> NDArray[np.float64]:
    """`part / whole`, element by element; `empty` where there is nothing to divide by."""
    import numpy as np

    above, below = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    ratio: NDArray[np.float64] = np.divide(
        above, below, out=np.full(np.broadcast(above, below).shape, empty), where=below > 0
    )
    return ratio


def round_or_none(value: float | None) -> float | None:
    """Six decimals, as figures are written; None, and what is no number, is None."""
    return None if value is None or value != value else round(float(value), 6)
