"""The sections of the markdown report on what was learnt, each within its budget."""

from collections.abc import Sequence
from typing import Final

from vtspec.pipelines.reporting import curves as drawn
from vtspec.pipelines.reporting.escape import cell, code
from vtspec.pipelines.reporting.facts import Curves, Facts
from vtspec.pipelines.reporting.figures import number, share
from vtspec.pipelines.reporting.phrases import (
    changed,
    dropped_words,
    epoch,
    figure_names,
    order_words,
    point,
    training_words,
)

from .markdown_budget import FRAME, counted, details, joined, table

_MOST_CLASSES: Final = 12
"""Classes up to which the confusion matrix is a table."""

_WORST: Final = 10
"""Classes that are shown without unfolding."""


def curves(facts: Facts, budget: int) -> str:
    """Loss and the main metric over epochs as charts; the other lines and the figures folded."""
    told = facts.curves
    if told.is_empty:
        return ""
    notes = [
        part for part in (training_words(facts.training), dropped_words(told.dropped)) if part
    ]
    blocks = [
        "## Learning curves",
        " ".join(f"{note.rstrip('.')}." for note in notes),
        _chart(told.losses, "loss"),
        _chart(main_lines(told), told.main.name),
        details("Learning rate", _chart((told.rate,), "learning rate")),
    ]
    above = joined(blocks)
    figures = _epoch_table(facts, budget - len(above) - FRAME)
    return joined([above, details("Every epoch in figures", figures)])


def main_lines(told: Curves) -> tuple[drawn.Series, ...]:
    """The main metric, with the baseline's where that trained as long: a chart in markdown ends
    where its shortest line does, and the end of this run is what matters."""
    if not told.main.points or not told.baseline.points:
        return (told.main,)
    covers = told.baseline.points[-1][0] >= told.main.points[-1][0]
    return (told.main, told.baseline) if covers else (told.main,)


def _chart(lines: Sequence[drawn.Series], label: str) -> str:
    shown = [line for line in lines if len(line.points) >= 2]
    chart = drawn.mermaid(shown, label)
    if chart is None:
        return ""
    names = {"train_loss": "train loss", "val_loss": "val loss"}
    legend = [
        f"{colour}: {_line_name(names, line, n)}"
        for n, (line, (colour, _)) in enumerate(zip(shown, drawn.COLOURS, strict=False))
    ]
    return f"{', '.join(legend)}\n\n{chart}"


def _line_name(names: dict[str, str], line: drawn.Series, place: int) -> str:
    # Two lines of one name are this run's and the baseline's.
    own = names.get(line.name) or code(line.name)
    return f"{own} of the baseline" if place == 1 and line.name not in names else own


def _epoch_table(facts: Facts, budget: int) -> str:
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
        (epoch(one), *(point(line.name, points.get(one)) for line, points in zipped))
        for one in epochs
    ]
    header = ("Epoch", *(cell(line.name) for line in lines))
    return table(header, rows, budget, "r" * len(header))


_MOST_EPOCHS: Final = 40


def confusion(facts: Facts, budget: int) -> str:
    """The whole matrix where it is small, else the most frequent mistakes."""
    matrix = facts.results.confusion
    if matrix is None:
        return ""
    heading = "## Confusion"
    mistakes = matrix.mistakes(10)
    if not mistakes:
        return f"{heading}\n\nNo image was called wrong."
    rows = [
        (cell(one.true), cell(one.predicted), f"{one.count:,}", share(one.count, one.of))
        for one in mistakes
    ]
    header = ("True class", "Called", "Images", "Of the class")
    most = table(header, rows, budget // 2 - FRAME, "llrr")
    if len(matrix.classes) > _MOST_CLASSES:
        return joined([heading, most])
    names = [cell(name, 24) for name in matrix.classes]
    counts = [
        (f"**{names[i]}**", *(f"{n:,}" if n else "·" for n in row))
        for i, row in enumerate(matrix.counts)
    ]
    grid = table(("true ↓ called →", *names), counts, budget // 2 - FRAME, "l" + "r" * len(names))
    return joined([heading, grid, details("Most frequent mistakes", most)])


def classes(facts: Facts, budget: int) -> str:
    """The classes with the worst regression first, or the weakest without a baseline."""
    if not facts.classes:
        return ""
    lead = f"{counted(len(facts.classes), 'class', 'classes')}, {order_words(facts)}"
    ranked = "" if facts.ranked_by is None else f"; ranked by {code(facts.ranked_by)}"
    above = f"## Classes\n\n{lead}{ranked}."
    header, rows = class_cells(facts)
    align = "l" + "r" * (len(header) - 1)
    worst = table(header, rows[:_WORST], budget // 2 - len(above), align)
    rest = table(header, rows[_WORST:], budget // 2 - FRAME, align) if rows[_WORST:] else ""
    return joined([above, worst, details("The other classes", rest)])


def class_cells(facts: Facts) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows of the per-class table, as markdown cells."""
    names = figure_names(facts)
    compared = any(row.change is not None for row in facts.classes)
    header = ("Class", *(cell(name) for name in names), *(["Change"] if compared else []))
    rows = [
        (
            cell(row.name),
            *(number(row.values.get(name)) for name in names),
            *([changed(row.change)] if compared else []),
        )
        for row in facts.classes
    ]
    return header, rows


def errors(facts: Facts, budget: int) -> str:
    """The most confident mistakes by name; their pictures are in the HTML."""
    if not facts.results.errors:
        return ""
    rows = [
        (cell(one.image, 80), cell(one.true, 40), cell(one.predicted, 40), number(one.confidence))
        for one in facts.results.errors
    ]
    header = ("Image", "True class", "Called", "Confidence")
    heading = "## Sample errors"
    body = table(header, rows, budget - len(heading) - FRAME, "lllr")
    return joined([heading, details("The most confident mistakes", body)])
