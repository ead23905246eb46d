"""The sections of the markdown report on what was learnt, each within its budget."""

from collections.abc import Sequence
from typing import Final

from vtspec.pipelines.formatting import format_number, format_share
from vtspec.pipelines.reporting import curves as drawn
from vtspec.pipelines.reporting.escape import render_cell, render_code
from vtspec.pipelines.reporting.facts import Curves, Facts
from vtspec.pipelines.reporting.phrases import (
    describe_dropped,
    describe_order,
    describe_training,
    format_change,
    format_epoch,
    format_point,
    list_class_columns,
)

from .markdown_budget import FRAME, join_blocks, pluralize, render_details, render_table

_MOST_CLASSES: Final = 12
"""Classes up to which the confusion matrix is a table."""

_WORST: Final = 10
"""Classes that are shown without unfolding."""


def render_curves(facts: Facts, budget: int) -> str:
    """Loss and the main metric over epochs as charts; the other lines and the figures folded."""
    told = facts.curves
    if told.is_empty:
        return ""
    notes = [
        part
        for part in (describe_training(facts.training), describe_dropped(told.dropped))
        if part
    ]
    blocks = [
        "## Learning curves",
        " ".join(f"{note.rstrip('.')}." for note in notes),
        _render_chart(told.losses, "loss"),
        _render_chart(select_main_lines(told), told.main.name),
        render_details("Learning rate", _render_chart((told.rate,), "learning rate")),
    ]
    above = join_blocks(blocks)
    figures = _render_epoch_table(facts, budget - len(above) - FRAME)
    return join_blocks([above, render_details("Every epoch in figures", figures)])


def select_main_lines(told: Curves) -> tuple[drawn.Series, ...]:
    """The main metric, with the baseline's where that trained as long: a chart in markdown ends
    where its shortest line does, and the end of this run is what matters."""
    if not told.main.points or not told.baseline.points:
        return (told.main,)
    covers = told.baseline.points[-1][0] >= told.main.points[-1][0]
    return (told.main, told.baseline) if covers else (told.main,)


def _render_chart(lines: Sequence[drawn.Series], label: str) -> str:
    shown = [line for line in lines if len(line.points) >= 2]
    chart = drawn.render_mermaid(shown, label)
    if chart is None:
        return ""
    names = {"train_loss": "train loss", "val_loss": "val loss"}
    legend = [
        f"{colour}: {_format_line_name(names, line, n)}"
        for n, (line, (colour, _)) in enumerate(zip(shown, drawn.COLOURS, strict=False))
    ]
    return f"{', '.join(legend)}\n\n{chart}"


def _format_line_name(names: dict[str, str], line: drawn.Series, place: int) -> str:
    # Two lines of one name are this run's and the baseline's.
    own = names.get(line.name) or render_code(line.name)
    return f"{own} of the baseline" if place == 1 and line.name not in names else own


def _render_epoch_table(facts: Facts, budget: int) -> str:
    lines = [*facts.curves.losses, facts.curves.main, *facts.curves.others, facts.curves.rate]
    lines = [line for line in lines if line.points][:8]
    at = [dict(line.points) for line in lines]
    epochs = sorted({point for points in at for point in points})
    if len(epochs) > _MOST_EPOCHS:
        # The course of a long training shows in a few rows; the HTML has the pictures.
        step = (len(epochs) - 1) / (_MOST_EPOCHS - 1)
        epochs = [epochs[round(n * step)] for n in range(_MOST_EPOCHS)]
    zipped = list(zip(lines, at, strict=True))
    rows = [
        (format_epoch(one), *(format_point(line.name, points.get(one)) for line, points in zipped))
        for one in epochs
    ]
    header = ("Epoch", *(render_cell(line.name) for line in lines))
    return render_table(header, rows, budget, "r" * len(header))


_MOST_EPOCHS: Final = 40


def render_confusion(facts: Facts, budget: int) -> str:
    """The whole matrix where it is small, else the most frequent mistakes."""
    matrix = facts.results.confusion
    if matrix is None:
        return ""
    heading = "## Confusion"
    mistakes = matrix.find_mistakes(10)
    if not mistakes:
        return f"{heading}\n\nNo image was called wrong."
    rows = [
        (
            render_cell(one.true),
            render_cell(one.predicted),
            f"{one.count:,}",
            format_share(one.count, one.of),
        )
        for one in mistakes
    ]
    header = ("True class", "Called", "Images", "Of the class")
    most = render_table(header, rows, budget // 2 - FRAME, "llrr")
    if len(matrix.classes) > _MOST_CLASSES:
        return join_blocks([heading, most])
    names = [render_cell(name, 24) for name in matrix.classes]
    counts = [
        (f"**{names[i]}**", *(f"{n:,}" if n else "·" for n in row))
        for i, row in enumerate(matrix.counts)
    ]
    grid = render_table(
        ("true ↓ called →", *names), counts, budget // 2 - FRAME, "l" + "r" * len(names)
    )
    return join_blocks([heading, grid, render_details("Most frequent mistakes", most)])


def render_classes(facts: Facts, budget: int) -> str:
    """The classes with the worst regression first, or the weakest without a baseline."""
    if not facts.classes:
        return ""
    lead = f"{pluralize(len(facts.classes), 'class', 'classes')}, {describe_order(facts)}"
    ranked = "" if facts.ranked_by is None else f"; ranked by {render_code(facts.ranked_by)}"
    above = f"## Classes\n\n{lead}{ranked}."
    header, rows = render_class_cells(facts)
    align = "l" + "r" * (len(header) - 1)
    worst = render_table(header, rows[:_WORST], budget // 2 - len(above), align)
    rest = render_table(header, rows[_WORST:], budget // 2 - FRAME, align) if rows[_WORST:] else ""
    return join_blocks([above, worst, render_details("The other classes", rest)])


def render_class_cells(facts: Facts) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows of the per-class table, as markdown cells."""
    names = list_class_columns(facts)
    compared = any(row.change is not None for row in facts.classes)
    header = ("Class", *(render_cell(name) for name in names), *(["Change"] if compared else []))
    rows = [
        (
            render_cell(row.name),
            *(format_number(row.values.get(name)) for name in names),
            *([format_change(row.change)] if compared else []),
        )
        for row in facts.classes
    ]
    return header, rows


def render_errors(facts: Facts, budget: int) -> str:
    """The most confident mistakes by name; their pictures are in the HTML."""
    if not facts.results.errors:
        return ""
    rows = [
        (
            render_cell(one.image, 80),
            render_cell(one.true, 40),
            render_cell(one.predicted, 40),
            format_number(one.confidence),
        )
        for one in facts.results.errors
    ]
    header = ("Image", "True class", "Called", "Confidence")
    heading = "## Sample errors"
    body = render_table(header, rows, budget - len(heading) - FRAME, "lllr")
    return join_blocks([heading, render_details("The most confident mistakes", body)])
