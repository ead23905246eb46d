"""The report's pictures as PNG bytes: the same figures give the same bytes on one machine.

Drawn through matplotlib's objects, never pyplot: no state is shared. Every picture comes in two
themes, for light and for dark pages, with colours that colour-blind readers can tell apart and
line styles that differ too.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from vtspec.pipelines.errors import refuse_import
from vtspec.pipelines.reporting.facts import Facts

from .fonts import Fonts, choose_fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH: Final = 160
"""Twice the size at which a page shows them, for dense screens and print."""

LegendPlace: TypeAlias = Literal["best", "upper left", "lower left"]


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a picture; `lines` are told apart without seeing hue, by lightness."""

    name: str
    paper: str
    ink: str
    soft: str
    grid: str
    lines: tuple[str, ...]
    ramp: tuple[str, str, str]


LIGHT: Final = Theme(
    name="light",
    paper="#ffffff",
    ink="#1c2024",
    soft="#646b73",
    grid="#e4e7ea",
    lines=("#0b63b0", "#d55e00", "#008b68", "#a8578a", "#8a6d00"),
    ramp=("#ffffff", "#8fbde6", "#0b4f8f"),
)
DARK: Final = Theme(
    name="dark",
    paper="#16191d",
    ink="#e6e8ea",
    soft="#9aa3ab",
    grid="#2c3137",
    lines=("#62b0f2", "#ff9a52", "#3fcfa6", "#e29cc8", "#e3c35b"),
    ramp=("#16191d", "#2b6da6", "#b8dcff"),
)
STYLES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Canvas:
    """A blank picture to draw on: its theme and the fonts for what others wrote."""

    theme: Theme
    fonts: Fonts

    def make_axes(self, width: float, height: float) -> tuple["Figure", "Axes"]:
        """A figure of that many inches with one plain pair of axes."""
        figure = make_figure(width, height)
        figure.set_facecolor(self.theme.paper)
        axes = figure.add_subplot()
        self.style_axes(axes)
        return figure, axes

    def style_axes(self, axes: "Axes") -> None:
        """Quiet axes: two thin spines, a faint grid behind, small labels."""
        axes.set_facecolor(self.theme.paper)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(self.theme.grid)
        axes.tick_params(colors=self.theme.soft, length=0, labelsize=8.5, pad=4)
        axes.grid(True, color=self.theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)

    def label_axes(self, axes: "Axes", x: str, y: str) -> None:
        """Names the axes."""
        axes.set_xlabel(x, color=self.theme.soft, fontsize=9, labelpad=6)
        axes.set_ylabel(y, color=self.theme.soft, fontsize=9, labelpad=6)

    def draw_legend(
        self,
        axes: "Axes",
        names: Sequence[str],
        loc: LegendPlace = "best",
        title: str | None = None,
    ) -> None:
        """A legend of the lines drawn so far. Names are set afterwards: matplotlib would pass
        over one that starts with an underscore."""
        box = axes.legend(
            axes.get_lines()[: len(names)],
            [str(n) for n in range(len(names))],
            frameon=False,
            fontsize=8.5,
            handlelength=2.4,
            loc=loc,
            title=title,
        )
        for label, name in zip(box.get_texts(), names, strict=True):
            label.set_text(self.fonts.make_drawable(name, 40))
            label.set_color(self.theme.ink)

    def render_png(self, figure: "Figure") -> bytes:
        """The finished picture. No text in it is read as mathematics."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.image import imsave
        from matplotlib.text import Text

        # A class called `$x$` is its name, and a lone `$` would be an error of mathtext.
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            text.set_parse_math(False)
            text.set_fontfamily(list(self.fonts.families))
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        figure.set_dpi(DOTS_PER_INCH)
        # Not by `savefig`, which lays the figure out once more before it draws it.
        canvas.draw()
        file = io.BytesIO()
        # Neither a version nor a date goes in, so that equal figures are equal files.
        metadata: Any = {"Software": None}
        pixels = canvas.buffer_rgba()
        imsave(file, pixels, format="png", origin="upper", dpi=DOTS_PER_INCH, metadata=metadata)
        return file.getvalue()


def make_figure(width: float, height: float) -> "Figure":
    """An empty figure of that many inches, drawn by Agg.

    Raises `Permanent` where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        absent = "the report's pictures need matplotlib, which is not installed"
        fix = "pip install 'vtspec[report]'"
        raise refuse_import(error, "matplotlib", absent, fix) from error
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def make_canvas(facts: Facts, theme: Theme) -> Canvas:
    """A canvas whose fonts have the letters of this report's class names."""
    return Canvas(theme, choose_report_fonts(facts))


def choose_report_fonts(facts: Facts) -> Fonts:
    """The fonts for the names of this report's classes and metrics.

    Raises `Permanent` where matplotlib is not installed.
    """
    make_figure(1, 1)
    names = [*(row.name for row in facts.classes), *(row.name for row in facts.metrics)]
    matrix = facts.results.confusion
    names += [curve.name for curve in facts.results.pr_curves]
    return choose_fonts(names, classes=matrix.classes if matrix else ())
