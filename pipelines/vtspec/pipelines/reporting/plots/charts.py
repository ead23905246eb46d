"""What the pictures show: learning curves, confusion, precision over recall, calibration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.formatting import format_number, format_share
from vtspec.pipelines.reporting.curves import Series, thin_series
from vtspec.pipelines.reporting.evaluation import ConfusionMatrix, PrCurve
from vtspec.pipelines.reporting.facts import Facts

from .canvas import DARK, LIGHT, STYLES, Canvas, Theme, make_canvas, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy import float64
    from numpy.typing import NDArray

MOST_POINTS: Final = 2_000
"""Points of a line; more than pixels would only cost time."""

MOST_CELLS: Final = 250
"""Rows of the confusion matrix that are drawn one by one; above, each cell is the worst of
several classes, so that none is lost between pixels."""

MOST_NAMES: Final = 30
"""Class names along one side."""

MOST_NUMBERS: Final = 20
"""Classes up to which each cell of the confusion matrix shows its count."""

WORST: Final = 5
"""Classes whose precision-recall curve is drawn."""

SIZE: Final = (5.2, 3.5)


@dataclass(frozen=True, kw_only=True)
class ThemedPlot:
    """One picture in both themes, as PNG bytes."""

    light: bytes
    dark: bytes


def draw_plots(facts: Facts) -> Mapping[str, ThemedPlot]:
    """The pictures of a report by name, those for which there are figures.

    Raises `Permanent` where matplotlib is not installed.
    """
    themes = {theme.name: make_canvas(facts, theme) for theme in (LIGHT, DARK)}
    return {
        name: ThemedPlot(light=draw(facts, themes["light"]), dark=draw(facts, themes["dark"]))
        for name, draw in _select_plots(facts).items()
    }


def recall_plots(facts: Facts) -> Mapping[str, ThemedPlot]:
    """As `draw_plots`, where this process has not drawn the same before: with each seed that ends
    the reports of those before it are written anew, and most of their pictures stay."""
    return {
        name: _draw_once(_Drawing(name, repr(_list_shown(name, facts)), facts))
        for name in _select_plots(facts)
    }


@dataclass(frozen=True)
class _Drawing:
    """A picture of a report, equal to every other that shows the same."""

    name: str
    shown: str
    facts: Facts = field(compare=False)


@lru_cache(maxsize=60)
def _draw_once(asked: _Drawing) -> ThemedPlot:
    facts, draw = asked.facts, _select_plots(asked.facts)[asked.name]
    return ThemedPlot(
        light=draw(facts, make_canvas(facts, LIGHT)), dark=draw(facts, make_canvas(facts, DARK))
    )


def _list_shown(name: str, facts: Facts) -> tuple[object, ...]:
    """All of the facts that the picture of that name reads."""
    curves, results = facts.curves, facts.results
    shown: Mapping[str, object] = {
        "loss": curves.losses,
        "metric": (curves.main, curves.baseline, curves.best_epoch, facts.verdict.gates),
        "rate": curves.rate,
        "confusion": results.confusion,
        "precision-recall": results.pr_curves,
        "calibration": results.calibration,
    }
    # The fonts are chosen by them.
    names = [*(row.name for row in facts.classes), *(row.name for row in facts.metrics)]
    classes = None if results.confusion is None else results.confusion.classes
    return shown[name], names, [curve.name for curve in results.pr_curves], classes


NAMES: Final = ("loss", "metric", "rate", "confusion", "precision-recall", "calibration")
"""Every picture that a report may have."""

Draw = Callable[[Facts, Canvas], bytes]


def _select_plots(facts: Facts) -> dict[str, Draw]:
    curves, results = facts.curves, facts.results
    wanted: tuple[tuple[bool, Draw], ...] = (
        (any(line.points for line in curves.losses), draw_loss),
        (bool(curves.main.points), draw_metric),
        (len(curves.rate.points) > 1, draw_rate),
        (results.confusion is not None, draw_confusion),
        (bool(results.pr_curves), draw_precision_recall),
        (results.calibration is not None, draw_calibration),
    )
    return {
        name: draw for name, (has_figures, draw) in zip(NAMES, wanted, strict=True) if has_figures
    }


def draw_loss(facts: Facts, canvas: Canvas) -> bytes:
    """Loss on train and val over epochs."""
    figure, axes = canvas.make_axes(*SIZE)
    lines = [line for line in facts.curves.losses if line.points]
    _draw_lines(axes, canvas.theme, lines)
    canvas.label_axes(axes, "epoch", "loss")
    canvas.draw_legend(axes, [line.name.removesuffix("_loss") for line in lines])
    return canvas.render_png(figure)


def draw_metric(facts: Facts, canvas: Canvas) -> bytes:
    """The metric that epochs are judged by, the baseline's, the best epoch, and the gates."""
    figure, axes = canvas.make_axes(*SIZE)
    main, baseline = facts.curves.main, facts.curves.baseline
    _draw_lines(axes, canvas.theme, [line for line in (main, baseline) if line.points])
    names = ["this run", "baseline"][: 1 + bool(baseline.points)]
    if baseline.points:
        # The baseline stands back: this run is what the report is of.
        axes.get_lines()[1].set(color=canvas.theme.soft, linewidth=1.4)
    best = [point for point in main.points if point[0] == facts.curves.best_epoch]
    if best:
        axes.plot(*best[0], "o", color=canvas.theme.lines[0], ms=7)
        names.append("best epoch")
    gates = [gate for gate in facts.verdict.gates if gate.metric == main.name]
    for gate in gates:
        axes.axhline(gate.threshold, color=canvas.theme.soft, linewidth=1.1, linestyle=":")
    names += [f"gate {gate.operator} {gate.threshold:g}" for gate in gates]
    canvas.label_axes(axes, "epoch", canvas.fonts.make_drawable(f"{main.name} (val)", 40))
    canvas.draw_legend(axes, names)
    return canvas.render_png(figure)


def draw_rate(facts: Facts, canvas: Canvas) -> bytes:
    """The learning rate over epochs."""
    figure, axes = canvas.make_axes(*SIZE)
    _draw_lines(axes, canvas.theme, [facts.curves.rate])
    # From 0, so that a small decay does not look like a fall to nothing.
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="plain")
    canvas.label_axes(axes, "epoch", "learning rate")
    return canvas.render_png(figure)


def _draw_lines(axes: "Axes", theme: Theme, lines: Sequence[Series]) -> None:
    from matplotlib.ticker import MaxNLocator

    for n, line in enumerate(lines):
        epochs, values = zip(*thin_series(line, MOST_POINTS).points, strict=True)
        marker = "o" if len(epochs) == 1 else None
        axes.plot(
            epochs, values, linestyle=STYLES[n], color=theme.lines[n], linewidth=2, marker=marker
        )
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def draw_confusion(facts: Facts, canvas: Canvas) -> bytes:
    """Shares of each true class; small ones are lifted by a square root, so that they show."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    matrix = facts.results.confusion
    assert matrix is not None
    shares, per_cell = _compute_shares(matrix)
    names = matrix.classes[::per_cell]
    side = 5.6 if len(matrix.classes) <= MOST_NUMBERS else 7.0
    figure, axes = canvas.make_axes(side + 0.7, side)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    colours = LinearSegmentedColormap.from_list("ramp", list(canvas.theme.ramp))
    image = axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    at = _choose_ticks(len(names))
    # Names are class names of any length; longer ones would leave no room for the matrix.
    labels = [canvas.fonts.make_drawable(names[n], 18) for n in at]
    axes.set_xticks(at, labels, rotation=0 if max(map(len, labels)) <= 3 else 60)
    if max(map(len, labels)) > 3:
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_yticks(at, labels)
    canvas.label_axes(axes, "called", "true class")
    _draw_counts(axes, canvas.theme, matrix)
    _draw_color_bar(figure, axes, image, canvas.theme)
    return canvas.render_png(figure)


def _compute_shares(matrix: ConfusionMatrix) -> tuple["NDArray[float64]", int]:
    """Row shares, and how many classes one cell stands for; it then shows the largest of them."""
    import numpy as np

    counts = np.asarray(matrix.counts, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    step = -(-len(counts) // MOST_CELLS)
    # The largest of the classes of a cell, not their mean: one bad class must not be averaged out.
    starts = np.arange(0, len(counts), step)
    wide = np.maximum.reduceat(shares, starts, axis=1)
    return np.maximum.reduceat(wide, starts, axis=0), step


def _choose_ticks(size: int) -> list[int]:
    step = -(-size // MOST_NAMES)
    return list(range(0, size, step))


def _draw_counts(axes: "Axes", theme: Theme, matrix: ConfusionMatrix) -> None:
    if len(matrix.classes) > MOST_NUMBERS:
        return
    for i, row in enumerate(matrix.counts):
        for j, count in enumerate(row):
            if count:
                # The ramp runs from paper to ink, and its middle is light on a light page.
                strong = (count / (sum(row) or 1)) ** 0.5 > 0.62
                colour = theme.paper if strong else theme.ink
                size = 9 if len(matrix.classes) <= 12 else 7
                # Millions would run into each other.
                text = format_share(count, sum(row)) if matrix.unit == "pixel" else f"{count}"
                axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=size)


def _draw_color_bar(figure: "Figure", axes: "Axes", image: "AxesImage", theme: Theme) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=28, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_ticks(
        [0, 0.01, 0.1, 0.25, 0.5, 1], labels=["0", "1 %", "10 %", "25 %", "50 %", "100 %"]
    )
    bar.ax.tick_params(colors=theme.soft, length=0, labelsize=8)
    bar.set_label("share of the true class", color=theme.soft, fontsize=8.5)


def draw_precision_recall(facts: Facts, canvas: Canvas) -> bytes:
    """Precision over recall of the classes that are weakest by average precision."""
    figure, axes = canvas.make_axes(*SIZE)
    chosen = select_weakest(facts.results.pr_curves)
    for n, curve in enumerate(chosen):
        axes.plot(
            curve.recall,
            curve.precision,
            linestyle=STYLES[n],
            color=canvas.theme.lines[n],
            linewidth=2,
        )
    axes.set_xlim(-0.01, 1.02)
    axes.set_ylim(-0.01, 1.04)
    canvas.label_axes(axes, "recall", "precision")
    names = [
        f"{canvas.fonts.make_drawable(curve.name, 30)}  {format_number(curve.average_precision)}"
        for curve in chosen
    ]
    canvas.draw_legend(axes, names, loc="lower left", title="class, average precision")
    title = axes.get_legend()
    assert title is not None
    title.get_title().set(color=canvas.theme.soft, fontsize=8.5)
    return canvas.render_png(figure)


def select_weakest(curves: Sequence[PrCurve]) -> list[PrCurve]:
    """The curves with the lowest average precision, lowest first."""
    known = [curve for curve in curves if curve.average_precision is not None]
    return sorted(known or curves, key=lambda curve: curve.average_precision or 0.0)[:WORST]


def draw_calibration(facts: Facts, canvas: Canvas) -> bytes:
    """How often the model is right over how sure it is; the bars below count the images."""
    told = facts.results.calibration
    assert told is not None
    figure = make_figure(*SIZE)
    figure.set_facecolor(canvas.theme.paper)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    for one in (axes, below):
        canvas.style_axes(one)
    axes.plot([0, 1], [0, 1], ":", color=canvas.theme.soft, linewidth=1.2)
    points = [
        (one.confidence, one.accuracy, one.count)
        for one in told.bins
        if one.count and one.confidence is not None and one.accuracy is not None
    ]
    if points:
        sure, right, counts = zip(*points, strict=True)
        axes.plot(sure, right, "-", color=canvas.theme.lines[0], linewidth=1, alpha=0.5)
        # A bin of one image says little: the area of a point is its share of the images.
        areas = [12 + 140 * count / max(counts) for count in counts]
        axes.scatter(sure, right, areas, color=canvas.theme.lines[0], zorder=3)
    widths = [(one.high - one.low) * 0.9 for one in told.bins]
    middles = [(one.low + one.high) / 2 for one in told.bins]
    below.bar(middles, [one.count for one in told.bins], widths, color=canvas.theme.lines[0])
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.02, 1.04)
    below.grid(False, axis="x")
    canvas.draw_legend(axes, ["perfect", "this run"][: 1 + bool(points)], loc="upper left")
    canvas.label_axes(axes, "", "accuracy")
    canvas.label_axes(below, "confidence", "images")
    return canvas.render_png(figure)
