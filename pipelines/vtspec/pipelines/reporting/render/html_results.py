"""The sections of the HTML report on what was learnt: curves, confusion, classes, errors."""

from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.pipelines.formatting import format_number, format_share
from vtspec.pipelines.reporting.comparison import ClassRow
from vtspec.pipelines.reporting.curves import Series, thin_series
from vtspec.pipelines.reporting.evaluation import SampleError
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.phrases import (
    describe_dropped,
    describe_order,
    describe_training,
    describe_trend,
    format_change,
    format_epoch,
    format_point,
    list_class_columns,
)
from vtspec.pipelines.reporting.plots.charts import ThemedPlot, select_weakest

from .html_blocks import render_details, render_grid, render_picture, render_section, render_table
from .html_elements import SafeHtml, encode_data_uri, isolate_text, parse_png_size, render_element

_SHOWN_CLASSES: Final = 20
"""Rows of the per-class table that need no unfolding."""

_MOST_CLASSES: Final = 2_000
_MOST_EPOCHS: Final = 500


def render_curves(facts: Facts, pictures: Mapping[str, ThemedPlot]) -> SafeHtml:
    """The learning curves, and every epoch in figures."""
    told = facts.curves
    if told.is_empty:
        return SafeHtml("")
    loss = "; ".join(
        f"{line.name.removesuffix('_loss')} {describe_trend(line)}" for line in told.losses
    )
    described = (
        ("loss", "Loss", f"Loss over epochs: {loss}."),
        ("metric", told.main.name, f"{told.main.name} on val {describe_trend(told.main)}."),
    )
    shown = [
        render_picture(pictures[key], title, alt)
        for key, title, alt in described
        if key in pictures
    ]
    rate = f"The learning rate {describe_trend(told.rate)}."
    words = (describe_training(facts.training), describe_dropped(told.dropped).rstrip("."))
    return render_section(
        "Learning curves",
        render_element("p", " ".join(f"{one}." for one in words if one)),
        render_grid(shown),
        render_details("Learning rate", render_grid([render_picture(pictures["rate"], "", rate)]))
        if "rate" in pictures
        else SafeHtml(""),
        render_details("Every epoch in figures", _render_epoch_table(facts)),
    )


def _render_epoch_table(facts: Facts) -> SafeHtml:
    told = facts.curves
    lines = [line for line in (*told.losses, told.main, *told.others, told.rate) if line.points]
    every = sorted({epoch_ for line in lines for epoch_, _ in line.points})
    chosen = thin_series(Series(name="", points=tuple((one, 0.0) for one in every)), _MOST_EPOCHS)
    at = [(line.name, dict(line.points)) for line in lines]
    rows = [
        [format_epoch(one), *(format_point(name, points.get(one)) for name, points in at)]
        for one, _ in chosen.points
    ]
    header = ["Epoch", *(isolate_text(line.name, 40) for line in lines)]
    return render_table("Epochs", header, rows, "r" * len(header))


def render_confusion(facts: Facts, pictures: Mapping[str, ThemedPlot]) -> SafeHtml:
    """Which classes are taken for which."""
    matrix = facts.results.confusion
    if matrix is None:
        return SafeHtml("")
    mistakes = matrix.find_mistakes(15)
    right = sum(row[n] for n, row in enumerate(matrix.counts))
    total = sum(map(sum, matrix.counts))
    alt = (
        f"Confusion matrix of {len(matrix.classes):,} classes: {right:,} of {total:,} images right"
    )
    rows = [
        [
            isolate_text(one.true, 40),
            isolate_text(one.predicted, 40),
            f"{one.count:,}",
            format_share(one.count, one.of),
        ]
        for one in mistakes
    ]
    header = ["True class", "Called", "Images", "Of the class"]
    listed = (
        render_table("Most frequent mistakes", header, rows, "llrr", is_titled=True)
        if rows
        else render_element("p", "No image was called wrong.")
    )
    shown = (
        [render_picture(pictures["confusion"], "", alt + ".")] if "confusion" in pictures else []
    )
    return render_section(
        "Confusion", render_element("div", *shown, render_element("div", listed), class_="beside")
    )


def render_classes(facts: Facts) -> SafeHtml:
    """The classes with the worst regression first, or the weakest without a baseline."""
    if not facts.classes:
        return SafeHtml("")
    names = list_class_columns(facts)
    compared = any(row.change is not None for row in facts.classes)
    header = [
        "Class",
        *(isolate_text(name, 40) for name in names),
        *(["Change"] if compared else []),
    ]
    align = "l" + "r" * (len(header) - 1)
    rows = [_render_class_row(facts, row, names, compared=compared) for row in facts.classes]
    rest, left = rows[_SHOWN_CLASSES:_MOST_CLASSES], len(rows) - _MOST_CLASSES
    words = f"{describe_order(facts).capitalize()}; ranked by {facts.ranked_by or 'nothing'}."
    return render_section(
        "Classes",
        render_element("p", words),
        render_table("Figures of each class", header, rows[:_SHOWN_CLASSES], align),
        render_details(
            f"{len(rest):,} more classes", render_table("The other classes", header, rest, align)
        )
        if rest
        else SafeHtml(""),
        render_element("p", f"{left:,} more are in evaluation.json.", class_="note")
        if left > 0
        else SafeHtml(""),
    )


def _render_class_row(
    facts: Facts, row: ClassRow, names: Sequence[str], *, compared: bool
) -> list[str]:
    cells: list[str] = [isolate_text(row.name, 60)]
    for name in names:
        value = row.values.get(name)
        is_bar = name == facts.ranked_by and value is not None and 0 <= value <= 1
        told = format_number(value)
        cells.append(
            render_element("span", told, class_="bar", style=f"--share:{value:.3f}")
            if is_bar
            else told
        )
    if compared:
        kind = "same" if not row.change else "better" if row.change > 0 else "worse"
        cells.append(render_element("span", format_change(row.change), class_=kind))
    return cells


def render_confidence(facts: Facts, pictures: Mapping[str, ThemedPlot]) -> SafeHtml:
    """How far its confidence can be believed: calibration, and precision over recall."""
    shown = []
    told = facts.results.calibration
    if told is not None and "calibration" in pictures:
        ece = (
            f"; expected calibration error {format_number(told.ece)}"
            if told.ece is not None
            else ""
        )
        alt = f"Accuracy over confidence in {len(told.bins)} bins{ece}."
        shown.append(render_picture(pictures["calibration"], "Calibration", alt))
    if "precision-recall" in pictures:
        count = len(select_weakest(facts.results.pr_curves))
        alt = f"Precision over recall of the {count} classes with the lowest average precision."
        shown.append(render_picture(pictures["precision-recall"], "Precision over recall", alt))
    return render_section("Confidence", render_grid(shown)) if shown else SafeHtml("")


def render_errors(facts: Facts, thumbnails: Sequence[bytes | None]) -> SafeHtml:
    """The most confident mistakes as pictures."""
    found = facts.results.errors
    if not found:
        return SafeHtml("")
    shown = [_render_error(one, png) for one, png in zip(found, thumbnails, strict=True)]
    return render_section(
        "Sample errors",
        render_element("p", "The most confident mistakes: true class → what it was called."),
        render_element("ul", *shown, class_="errors"),
    )


def _render_error(one: SampleError, png: bytes | None) -> SafeHtml:
    size_ = parse_png_size(png) if png is not None else None
    if png is None or size_ is None:
        shown = render_element("span", "no picture", class_="blank")
    else:
        alt = f"{one.image}: {one.true}, called {one.predicted}"
        # Small originals keep their pixels: a smoothed digit of 8 by 8 is a smudge.
        kind = "pixels" if max(size_) < 48 else "photo"
        shown = render_element(
            "img", src=encode_data_uri(png), alt=alt, class_=kind, loading="lazy"
        )
    words = render_element(
        "p",
        render_element("b", isolate_text(one.true, 40)),
        " → ",
        render_element("b", isolate_text(one.predicted, 40)),
    )
    sure = "" if one.confidence is None else f"confidence {format_number(one.confidence)}"
    return render_element(
        "li",
        shown,
        words,
        render_element("p", sure, class_="note"),
        render_element("p", isolate_text(one.image, 60), class_="file"),
    )
