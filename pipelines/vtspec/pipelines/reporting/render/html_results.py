"""The sections of the HTML report on what was learnt: curves, confusion, classes, errors."""

from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.pipelines.reporting.comparison import ClassRow
from vtspec.pipelines.reporting.curves import Series, thinned
from vtspec.pipelines.reporting.evaluation import SampleError
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.figures import number, share
from vtspec.pipelines.reporting.phrases import (
    changed,
    course,
    dropped_words,
    epoch,
    figure_names,
    order_words,
    point,
    training_words,
)
from vtspec.pipelines.reporting.plots.charts import Picture, weakest

from .html_blocks import folded, grid, part, picture, table
from .html_elements import Safe, data_uri, element, foreign, png_size

_SHOWN_CLASSES: Final = 20
"""Rows of the per-class table that need no unfolding."""

_MOST_CLASSES: Final = 2_000
_MOST_EPOCHS: Final = 500


def curves(facts: Facts, pictures: Mapping[str, Picture]) -> Safe:
    """The learning curves, and every epoch in figures."""
    told = facts.curves
    if told.is_empty:
        return Safe("")
    loss = "; ".join(f"{line.name.removesuffix('_loss')} {course(line)}" for line in told.losses)
    described = (
        ("loss", "Loss", f"Loss over epochs: {loss}."),
        ("metric", told.main.name, f"{told.main.name} on val {course(told.main)}."),
    )
    shown = [
        picture(pictures[key], title, alt) for key, title, alt in described if key in pictures
    ]
    rate = f"The learning rate {course(told.rate)}."
    words = (training_words(facts.training), dropped_words(told.dropped).rstrip("."))
    return part(
        "Learning curves",
        element("p", " ".join(f"{one}." for one in words if one)),
        grid(shown),
        folded("Learning rate", grid([picture(pictures["rate"], "", rate)]))
        if "rate" in pictures
        else Safe(""),
        folded("Every epoch in figures", _epoch_table(facts)),
    )


def _epoch_table(facts: Facts) -> Safe:
    told = facts.curves
    lines = [line for line in (*told.losses, told.main, *told.others, told.rate) if line.points]
    every = sorted({epoch_ for line in lines for epoch_, _ in line.points})
    chosen = thinned(Series(name="", points=tuple((one, 0.0) for one in every)), _MOST_EPOCHS)
    at = [(line.name, dict(line.points)) for line in lines]
    rows = [
        [epoch(one), *(point(name, points.get(one)) for name, points in at)]
        for one, _ in chosen.points
    ]
    header = ["Epoch", *(foreign(line.name, 40) for line in lines)]
    return table("Epochs", header, rows, "r" * len(header))


def confusion(facts: Facts, pictures: Mapping[str, Picture]) -> Safe:
    """Which classes are taken for which."""
    matrix = facts.results.confusion
    if matrix is None:
        return Safe("")
    mistakes = matrix.mistakes(15)
    right = sum(row[n] for n, row in enumerate(matrix.counts))
    total = sum(map(sum, matrix.counts))
    alt = (
        f"Confusion matrix of {len(matrix.classes):,} classes: {right:,} of {total:,} images right"
    )
    rows = [
        [
            foreign(one.true, 40),
            foreign(one.predicted, 40),
            f"{one.count:,}",
            share(one.count, one.of),
        ]
        for one in mistakes
    ]
    header = ["True class", "Called", "Images", "Of the class"]
    listed = (
        table("Most frequent mistakes", header, rows, "llrr", is_titled=True)
        if rows
        else element("p", "No image was called wrong.")
    )
    shown = [picture(pictures["confusion"], "", alt + ".")] if "confusion" in pictures else []
    return part("Confusion", element("div", *shown, element("div", listed), class_="beside"))


def classes(facts: Facts) -> Safe:
    """The classes with the worst regression first, or the weakest without a baseline."""
    if not facts.classes:
        return Safe("")
    names = figure_names(facts)
    compared = any(row.change is not None for row in facts.classes)
    header = ["Class", *(foreign(name, 40) for name in names), *(["Change"] if compared else [])]
    align = "l" + "r" * (len(header) - 1)
    rows = [_class_row(facts, row, names, compared=compared) for row in facts.classes]
    rest, left = rows[_SHOWN_CLASSES:_MOST_CLASSES], len(rows) - _MOST_CLASSES
    words = f"{order_words(facts).capitalize()}; ranked by {facts.ranked_by or 'nothing'}."
    return part(
        "Classes",
        element("p", words),
        table("Figures of each class", header, rows[:_SHOWN_CLASSES], align),
        folded(f"{len(rest):,} more classes", table("The other classes", header, rest, align))
        if rest
        else Safe(""),
        element("p", f"{left:,} more are in evaluation.json.", class_="note")
        if left > 0
        else Safe(""),
    )


def _class_row(facts: Facts, row: ClassRow, names: Sequence[str], *, compared: bool) -> list[str]:
    cells: list[str] = [foreign(row.name, 60)]
    for name in names:
        value = row.values.get(name)
        is_bar = name == facts.ranked_by and value is not None and 0 <= value <= 1
        told = number(value)
        cells.append(
            element("span", told, class_="bar", style=f"--share:{value:.3f}") if is_bar else told
        )
    if compared:
        kind = "same" if not row.change else "better" if row.change > 0 else "worse"
        cells.append(element("span", changed(row.change), class_=kind))
    return cells


def trust(facts: Facts, pictures: Mapping[str, Picture]) -> Safe:
    """How far its confidence can be believed: calibration, and precision over recall."""
    shown = []
    told = facts.results.calibration
    if told is not None and "calibration" in pictures:
        ece = f"; expected calibration error {number(told.ece)}" if told.ece is not None else ""
        alt = f"Accuracy over confidence in {len(told.bins)} bins{ece}."
        shown.append(picture(pictures["calibration"], "Calibration", alt))
    if "precision-recall" in pictures:
        count = len(weakest(facts.results.pr_curves))
        alt = f"Precision over recall of the {count} classes with the lowest average precision."
        shown.append(picture(pictures["precision-recall"], "Precision over recall", alt))
    return part("Confidence", grid(shown)) if shown else Safe("")


def errors(facts: Facts, thumbnails: Sequence[bytes | None]) -> Safe:
    """The most confident mistakes as pictures."""
    found = facts.results.errors
    if not found:
        return Safe("")
    shown = [_error(one, png) for one, png in zip(found, thumbnails, strict=True)]
    return part(
        "Sample errors",
        element("p", "The most confident mistakes: true class → what it was called."),
        element("ul", *shown, class_="errors"),
    )


def _error(one: SampleError, png: bytes | None) -> Safe:
    size_ = png_size(png) if png is not None else None
    if png is None or size_ is None:
        shown = element("span", "no picture", class_="blank")
    else:
        alt = f"{one.image}: {one.true}, called {one.predicted}"
        # Small originals keep their pixels: a smoothed digit of 8 by 8 is a smudge.
        kind = "pixels" if max(size_) < 48 else "photo"
        shown = element("img", src=data_uri(png), alt=alt, class_=kind, loading="lazy")
    words = element(
        "p", element("b", foreign(one.true, 40)), " → ", element("b", foreign(one.predicted, 40))
    )
    sure = "" if one.confidence is None else f"confidence {number(one.confidence)}"
    return element(
        "li",
        shown,
        words,
        element("p", sure, class_="note"),
        element("p", foreign(one.image, 60), class_="file"),
    )
