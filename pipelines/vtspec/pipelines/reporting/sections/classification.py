"""The sections on what a classifier learnt: confusion, classes, confidence, errors."""

from typing import Final

from vtspec.pipelines.formatting import format_number, format_share, pluralize
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting import judgement_phrases, phrases
from vtspec.pipelines.reporting.comparison import ClassRow
from vtspec.pipelines.reporting.evaluation import ConfusionMatrix
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.plots.charts import select_weakest

_MOST_IN_A_GRID: Final = 12
"""Classes up to which markdown has the confusion matrix as a table."""

# Classes that need no unfolding, where the others can be unfolded.
_WORST_IN_MARKDOWN: Final = 10
_WORST_ON_A_PAGE: Final = 20
_WORST_IN_A_TERMINAL: Final = 5
_MOST_ON_A_PAGE: Final = 2_000


def show_confusion(facts: Facts) -> doc.Section:
    """Which classes are taken for which."""
    matrix = facts.results.confusion
    if matrix is None:
        return doc.Section("confusion", "", ())
    right = sum(row[n] for n, row in enumerate(matrix.counts))
    images = f"{right:,} of {pluralize(sum(map(sum, matrix.counts)), matrix.unit)} right"
    classes = pluralize(len(matrix.classes), "class", "classes")
    alt = f"Confusion matrix of {classes}: {images}."
    picture = doc.Figure(plot="confusion", title=(), alt=alt)
    # The page lists them beside the picture, which is as tall as fifteen rows.
    few, many = _list_mistakes(matrix, 10), _list_mistakes(matrix, 15)
    in_markdown: tuple[doc.Block, ...] = (few,)
    if isinstance(few, doc.Table) and len(matrix.classes) <= _MOST_IN_A_GRID:
        in_markdown = (_make_grid(matrix), doc.Details(few.caption, (few,)))
    blocks = (
        doc.show_only("markdown", *in_markdown),
        doc.show_only("html", doc.SideBySide(picture, many)),
    )
    return doc.Section("confusion", "Confusion", blocks)


def _list_mistakes(matrix: ConfusionMatrix, most: int) -> doc.Table | doc.Paragraph:
    rows = tuple(
        (
            doc.Quote(one.true, html=40),
            doc.Quote(one.predicted, html=40),
            f"{one.count:,}",
            format_share(one.count, one.of),
        )
        for one in matrix.find_mistakes(most)
    )
    titles = ("True class", "Called", f"{matrix.unit.capitalize()}s", "Of the class")
    columns = tuple(map(doc.Column, titles, "llrr"))
    table = doc.Table("Most frequent mistakes", columns, rows, share=1 / 2, is_titled=True)
    return table if rows else doc.write(f"No {matrix.unit} was called wrong.")


def _make_grid(matrix: ConfusionMatrix) -> doc.Table:
    names = [doc.Quote(name, 24) for name in matrix.classes]
    columns = (doc.Column(name, "r") for name in names)
    rows: tuple[tuple[doc.Part, ...], ...] = tuple(
        (name, *(f"{n:,}" if n else "·" for n in row))
        for name, row in zip(names, matrix.counts, strict=True)
    )
    corner = doc.Column("true ↓ called →", role="head")
    return doc.Table("Confusion", (corner, *columns), rows, share=1 / 2)


def rank_classes(facts: Facts, tongue: Tongue = "en") -> doc.Section:
    """The classes with the worst regression first, or the weakest without a baseline."""
    order, count = judgement_phrases.describe_order(facts, tongue), len(facts.classes)
    by = _name_ranking(facts.ranked_by, tongue)
    many = Sentence(en=pluralize(count, "class", "classes"), ko=f"클래스 {count:,}개").say(tongue)
    more, left = min(count, _MOST_ON_A_PAGE) - _WORST_ON_A_PAGE, count - _MOST_ON_A_PAGE
    words = judgement_phrases.describe_class_judging(facts, tongue)
    judging = doc.write(words, is_note=True) if words else None
    blocks = (
        doc.show_only(
            "markdown",
            doc.write(f"{many}, {order}", *by, "."),
            *_fold_classes(facts, _OTHERS.say(tongue), _WORST_IN_MARKDOWN, count, tongue),
        ),
        doc.show_only(
            "html",
            doc.write(order.capitalize(), *(by or ("; ranked by nothing",)), "."),
            *_fold_classes(
                facts,
                pluralize(more, "more class", "more classes"),
                _WORST_ON_A_PAGE,
                _MOST_ON_A_PAGE,
                tongue,
            ),
            doc.write(f"{left:,} more are in evaluation.json.", is_note=True)
            if left > 0
            else None,
        ),
        doc.show_only("terminal", *_list_worst(facts)),
        judging,
    )
    title = Sentence(en="Classes", ko="클래스").say(tongue)
    return doc.Section("classes", title, blocks if count else ())


_OTHERS: Final = Sentence(en="The other classes", ko="나머지 클래스")
_CLASS: Final = Sentence(en="Class", ko="클래스")
_CHANGE: Final = Sentence(en="Change", ko="변화")


def _name_ranking(ranked_by: str | None, tongue: Tongue) -> doc.Parts:
    if ranked_by is None:
        return ()
    name = doc.Quote(ranked_by, is_term=True)
    return (" (", name, " 기준)") if tongue == "ko" else ("; ranked by ", name)


def _fold_classes(
    facts: Facts, summary: str, first: int, most: int, tongue: Tongue
) -> tuple[doc.Block, ...]:
    names = phrases.list_class_columns(facts)
    compared = any(row.change is not None for row in facts.classes)
    columns = (
        doc.Column(_CLASS.say(tongue)),
        *(doc.Column(doc.Quote(name, html=40), "r") for name in names),
        *((doc.Column(_CHANGE.say(tongue), "r"),) if compared else ()),
    )
    rows = tuple(
        (
            doc.Quote(row.name),
            *(_show_figure(row, name, facts.ranked_by) for name in names),
            *((_mark_change(row, tongue),) if compared else ()),
        )
        for row in facts.classes[:most]
    )
    shown = doc.Table("Figures of each class", columns, rows[:first], share=1 / 2)
    rest = doc.Table("The other classes", columns, rows[first:], share=1 / 2)
    return shown, doc.Details(summary, (rest,))


def _show_figure(row: ClassRow, name: str, ranked_by: str | None) -> doc.Part:
    value = row.values.get(name)
    # Only the figure by which they are ranked has a bar: five bars a row would compare nothing.
    if value is None or name != ranked_by or not 0 <= value <= 1:
        return format_number(value)
    return doc.Bar(format_number(value), value)


def _mark_change(row: ClassRow, tongue: Tongue) -> doc.Mark:
    words = judgement_phrases.format_change(row, tongue)
    return doc.Mark(words, judgement_phrases.choose_kind(row.judgement) or "same")


def _list_worst(facts: Facts) -> tuple[doc.Block, ...]:
    figure, worst = facts.ranked_by, facts.classes[:_WORST_IN_A_TERMINAL]
    if figure is None:
        return ()
    width = 3 if any(row.change is not None for row in worst) else 2
    rows = tuple(
        (
            doc.Quote(row.name),
            format_number(row.values.get(figure)),
            _mark_change(row, "en"),
        )[:width]
        for row in worst
    )
    columns = tuple(map(doc.Column, ("Class", doc.Quote(figure), "Change")[:width]))
    title = doc.Heading((f"classes, {judgement_phrases.describe_order(facts)}",))
    return title, doc.Table("Classes", columns, rows)


def draw_confidence(facts: Facts) -> doc.Section:
    """How far its confidence can be believed: calibration, and precision over recall."""
    told, curves = facts.results.calibration, facts.results.pr_curves
    shown: list[doc.Figure] = []
    if told is not None:
        words = f"Accuracy over confidence in {pluralize(len(told.bins), 'bin')}"
        if told.ece is not None:
            words += f"; expected calibration error {format_number(told.ece)}"
        shown.append(doc.Figure(plot="calibration", title=("Calibration",), alt=f"{words}."))
    if curves:
        classes = pluralize(len(select_weakest(curves)), "class", "classes")
        title = ("Precision over recall",)
        words = f"Precision over recall of the {classes} with the lowest average precision."
        shown.append(doc.Figure(plot="precision-recall", title=title, alt=words))
    grid = doc.FigureGrid(tuple(shown)) if shown else None
    return doc.Section("confidence", "Confidence", (grid,))


def show_errors(facts: Facts) -> doc.Section:
    """The most confident mistakes, as pictures where there are any."""
    found, words = facts.results.errors, "The most confident mistakes"
    rows = tuple(
        (
            doc.Quote(one.image, 80),
            doc.Quote(one.true, 40),
            doc.Quote(one.predicted, 40),
            format_number(one.confidence),
        )
        for one in found
    )
    titles = ("Image", "True class", "Called", "Confidence")
    table = doc.Table(words, tuple(map(doc.Column, titles, "lllr")), rows)
    intro = doc.write(f"{words}: true class → what it was called.")
    blocks = (
        doc.show_only("markdown", doc.Details(words, (table,))),
        doc.show_only("html", intro, doc.Gallery(found)),
    )
    return doc.Section("errors", "Sample errors", blocks if found else ())
