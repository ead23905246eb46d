"""Learning curves: series of finite points, thinned, and as Mermaid's xychart."""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.language import Sentence
from vtspec.pipelines.runs.json_values import to_number

MOST_POINTS: Final = 50
"""Points of one line in a Mermaid chart."""

MOST_LABELS: Final = 15
"""Epochs that are named one by one on the axis; more become a numeric range."""

COLOURS: Final = (
    (Sentence(en="blue", ko="파랑"), "#0072B2"),
    (Sentence(en="orange", ko="주황"), "#D55E00"),
    (Sentence(en="green", ko="초록"), "#009E73"),
)
"""Name and value of the colour of the first, second and third line: Okabe and Ito's palette,
told apart by colour-blind readers too."""

Point = tuple[float, float]
"""(epoch, value), both finite."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line: points in order of epoch, each epoch once. `dropped` counts values that were not
    finite."""

    name: str
    points: tuple[Point, ...]
    dropped: int = 0

    @property
    def first(self) -> float:
        """The first value."""
        return self.points[0][1]

    @property
    def last(self) -> float:
        """The last value."""
        return self.points[-1][1]


def build_series(rows: Iterable[Mapping[str, object]], name: str) -> Series:
    """The values of `name` in the rows of `metrics.json`'s `epochs`."""
    points: dict[float, float] = {}
    dropped = 0
    for row in rows:
        epoch, value = to_number(row.get("epoch")), to_number(row.get(name))
        if epoch is None or value is None:
            # Absent means not measured in that epoch; null or NaN means it was not a number.
            dropped += name in row
        else:
            points[epoch] = value
    return Series(name=name, points=tuple(sorted(points.items())), dropped=dropped)


def thin_series(series: Series, most: int) -> Series:
    """At most `most` ≥ 2 of the points, evenly spread, with the first and the last."""
    points = series.points
    if len(points) <= most:
        return series
    # By index, not by epoch: both ends are kept whatever the spacing.
    chosen = sorted({round(n * (len(points) - 1) / (most - 1)) for n in range(most)})
    return Series(
        name=series.name,
        points=tuple(points[n] for n in chosen),
        dropped=series.dropped,
    )


def render_mermaid(lines: Sequence[Series], y_label: str) -> str | None:
    """A fenced `xychart-beta` block, or None where no line has two points.

    Mermaid spreads the values of a line evenly over its axis, so every line is read at the same
    evenly spaced epochs, straight between its points. The title and labels are ASCII, and no
    number has an exponent, which the grammar does not know.
    """
    drawn = [line for line in lines if len(line.points) >= 2][: len(COLOURS)]
    # Nothing is drawn beyond what a line knows: the axis ends where the shortest one does.
    low = max((line.points[0][0] for line in drawn), default=0.0)
    high = min((line.points[-1][0] for line in drawn), default=0.0)
    if high <= low:
        return None
    epochs = _space_epochs(low, high)
    values = [[_interpolate(line.points, epoch) for epoch in epochs] for line in drawn]
    palette = ", ".join(value for _, value in COLOURS[: len(drawn)])
    colours = '{"xyChart": {"plotColorPalette": "' + palette + '"}}'
    theme = '{"xyChart": {"height": 300}, "themeVariables": ' + colours + "}"
    bottom, top = _compute_range([value for row in values for value in row])
    body = [
        f"%%{{init: {theme}}}%%",
        "xychart-beta",
        f'    x-axis "epoch" {_format_axis(epochs)}',
        f'    y-axis "{_clean_label(y_label)}" '
        f"{_format_decimal(bottom)} --> {_format_decimal(top)}",
        *(f"    line [{', '.join(_format_decimal(value) for value in row)}]" for row in values),
    ]
    return "\n".join(["```mermaid", *body, "```"])


def _space_epochs(low: float, high: float) -> list[float]:
    whole = high - low
    if whole == int(whole) and whole < MOST_POINTS:
        return [low + n for n in range(int(whole) + 1)]
    return [low + n * whole / (MOST_POINTS - 1) for n in range(MOST_POINTS)]


def _format_axis(epochs: Sequence[float]) -> str:
    if len(epochs) <= MOST_LABELS:
        return f"[{', '.join(_format_decimal(epoch) for epoch in epochs)}]"
    return f"{_format_decimal(epochs[0])} --> {_format_decimal(epochs[-1])}"


def _interpolate(points: Sequence[Point], epoch: float) -> float:
    at = bisect_left(points, (epoch, -math.inf))
    if at == len(points):
        return points[-1][1]
    if points[at][0] == epoch or at == 0:
        return points[at][1]
    (left, low), (right, high) = points[at - 1], points[at]
    part = (epoch - left) / (right - left)
    # Not low + (high - low) * part: the difference of two finite numbers may be infinite.
    return low * (1 - part) + high * part


def _compute_range(values: Sequence[float]) -> Point:
    low, high = min(values), max(values)
    margin = (high / 2 - low / 2) * 0.1
    if margin == 0:
        margin = max(abs(high) * 0.1, 0.1)
    bottom = low - margin
    # A loss or a share does not go below 0, and an axis that does would look odd.
    return (max(bottom, 0.0) if low >= 0 else bottom), high + margin


def _format_decimal(value: float) -> str:
    """A decimal without an exponent, about six significant digits."""
    if value == 0 or not math.isfinite(value):
        return "0"
    digits = min(max(0, 5 - math.floor(math.log10(abs(value)))), 20)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _clean_label(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9 _.@:()/-]", "?", text)[:60]
