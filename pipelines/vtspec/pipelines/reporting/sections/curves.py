"""The section on how a run learnt: its curves, and every epoch in figures."""

from collections.abc import Mapping
from typing import Final

from vtspec.pipelines.formatting import format_epoch
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting import phrases
from vtspec.pipelines.reporting.curves import Series, thin_series
from vtspec.pipelines.reporting.facts import Curves, Facts

# The course of a long training shows in a few rows; the page has more, and the pictures.
_MOST_IN_MARKDOWN: Final = 40
_MOST_ON_A_PAGE: Final = 500

_MOST_LINES: Final = 8
"""Columns of the table in markdown, where nothing scrolls sideways."""


def draw_curves(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """Loss and the main metric over epochs; the other lines and the figures folded."""
    told = facts.curves
    if told.is_empty:
        return doc.Section("curves", "", ())
    trained = phrases.describe_training(facts.training, tongue)
    words = (trained, phrases.describe_dropped(told.dropped, tongue).rstrip("."))
    rate = doc.Figure(
        plot="rate",
        title=(),
        alt=f"The learning rate {phrases.describe_trend(told.rate)}.",
        lines=(doc.Line((doc.Quote(told.rate.name),), told.rate),),
        label="learning rate",
    )
    lines = [line for line in (*told.losses, told.main, *told.others, told.rate) if line.points]
    epochs = (
        doc.show_only(
            "markdown", _make_epoch_table(lines[:_MOST_LINES], _MOST_IN_MARKDOWN, tongue)
        ),
        doc.show_only("html", _make_epoch_table(lines, _MOST_ON_A_PAGE, tongue)),
    )
    blocks = (
        doc.write(" ".join(f"{one}." for one in words if one)),
        doc.FigureGrid((_draw_loss(told, tongue), _draw_metric(told, tongue))),
        doc.Details(_RATE.say(tongue), (doc.FigureGrid((rate,)),)),
        doc.Details(_EPOCHS.say(tongue), epochs),
    )
    return doc.Section("curves", _TITLE.say(tongue), blocks)


_TITLE: Final = Sentence(en="Learning curves", ko="학습 곡선")
_RATE: Final = Sentence(en="Learning rate", ko="학습률")
_EPOCHS: Final = Sentence(en="Every epoch in figures", ko="에포크별 수치")
_EPOCH: Final = Sentence(en="Epoch", ko="에포크")
_LOSSES: Final[Mapping[str, Sentence]] = {
    "train_loss": Sentence(en="train loss", ko="학습 손실"),
    "val_loss": Sentence(en="val loss", ko="검증 손실"),
}


def _draw_loss(told: Curves, tongue: Tongue) -> doc.Figure:
    trends = "; ".join(
        f"{line.name.removesuffix('_loss')} {phrases.describe_trend(line)}" for line in told.losses
    )
    return doc.Figure(
        plot="loss",
        title=("Loss",),
        alt=f"Loss over epochs: {trends}.",
        lines=tuple(doc.Line((_LOSSES[line.name].say(tongue),), line) for line in told.losses),
        label="loss",
    )


def _draw_metric(told: Curves, tongue: Tongue) -> doc.Figure:
    name = doc.Quote(told.main.name, is_term=True)
    lines = [doc.Line((name,), told.main)]
    # A chart in markdown ends where its shortest line does, and the end of this run is what
    # matters: a baseline that trained less would cut it off.
    ours, theirs = told.main.points, told.baseline.points
    if ours and theirs and theirs[-1][0] >= ours[-1][0]:
        called: doc.Parts = (name, " of the baseline")
        lines.append(
            doc.Line(("베이스라인의 ", name) if tongue == "ko" else called, told.baseline)
        )
    return doc.Figure(
        plot="metric",
        title=(name,),
        alt=f"{told.main.name} on val {phrases.describe_trend(told.main)}.",
        lines=tuple(lines),
        label=told.main.name,
    )


def _make_epoch_table(lines: list[Series], most: int, tongue: Tongue) -> doc.Table:
    every = sorted({epoch for line in lines for epoch, _ in line.points})
    chosen = thin_series(Series(name="", points=tuple((one, 0.0) for one in every)), most)
    at = [(line.name, dict(line.points)) for line in lines]
    rows = tuple(
        (
            format_epoch(one),
            *(phrases.format_point(name, points.get(one)) for name, points in at),
        )
        for one, _ in chosen.points
    )
    names = (doc.Column(doc.Quote(line.name, html=40), "r") for line in lines)
    return doc.Table("Epochs", (doc.Column(_EPOCH.say(tongue), "r"), *names), rows)
