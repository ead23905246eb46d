"""A report for the terminal: verdict, gates, figures, what got worse, and where the page is."""

from collections.abc import Iterable, Iterator
from typing import Final

from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting.escape import make_one_line
from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.sections import build_comparison_document, build_report_document

from .styled_text import Line, count_cells, format_paragraph
from .table import format_table

_REPORT: Final = ("verdict", "metrics", "seeds", "classes", "warnings")
"""What a terminal shows of a report; warnings come last, where they are seen."""

_RESULT: Final = ("verdict", "metrics", "seeds")
"""What stands at the end of a run and in its status, where warnings and steps are told apart."""

_USUAL: Final = 80
"""Columns of a terminal, and of what is written into a file, where rows stay whole."""

_STYLES: Final = {
    "passed": "bold green",
    "uncertain": "bold yellow",
    "missed": "bold red",
    "failed": "bold red",
    "interrupted": "bold yellow",
    "none": "bold",
    "unfinished": "bold yellow",
    "better": "green",
    "worse": "red",
    "same": "dim",
}


def format_report(facts: Facts, width: int) -> list[Line]:
    """The report in the terminal's form, without the paths of its files."""
    return _format_sections(build_report_document(facts).pick_sections(_REPORT), width)


def format_result(facts: Facts, width: int) -> list[Line]:
    """The report's first words alone: the verdict, the gates and the figures."""
    return _format_sections(build_report_document(facts).pick_sections(_RESULT), width)


def format_comparison(facts: Facts, width: int) -> list[Line]:
    """Lay two runs side by side: figures, plan, classes, times."""
    return _format_sections(build_comparison_document(facts).sections, width)


def _format_sections(sections: Iterable[doc.Section], width: int) -> list[Line]:
    return [line for section in sections for line in _format_section(section, width)]


def _format_section(section: doc.Section, width: int) -> Iterator[Line]:
    before: doc.Block | None = None
    for block in doc.select_blocks(section.blocks, "terminal"):
        # A table stands apart, unless it is what its heading announces.
        if isinstance(block, doc.Table) and block.rows and not isinstance(before, doc.Heading):
            yield ()
        yield from _format_block(block, width)
        before = block


def _format_block(block: doc.Block, width: int) -> Iterator[Line]:
    match block:
        case doc.Title():
            style = _STYLES[block.verdict]
            title = ((block.headline, style), (f"  {_get_text(block.run)}", ""))
            yield from _wrap_heading(title, width)
        # In a title the names differ from one to the next, and our words do not.
        case doc.Heading(level=1):
            spans = tuple(
                (_get_text(part), "bold" if isinstance(part, doc.Quote) else "")
                for part in block.parts
            )
            yield from _wrap_heading(spans, width)
        case doc.Heading():
            yield ()
            yield from _wrap_heading(((_join(block.parts), "bold"),), width)
        case doc.Paragraph():
            style = "dim" if block.is_note else ""
            yield from format_paragraph(_join(block.parts), width, style=style)
        case doc.FailureNote():
            yield from format_paragraph(make_one_line(block.message, 2000), width)
            fix = [f"fix: {make_one_line(block.fix, 500)}"] if block.fix else []
            yield from (line for words in fix for line in format_paragraph(words, width))
        case doc.Callout():
            yield from _format_callout(block, width)
        case doc.Table():
            yield from _format_table(block, width)
        case _:
            # Pictures and what is folded away are on the page, whose path is shown below.
            return


def _wrap_heading(spans: Line, width: int) -> Iterator[Line]:
    """A heading as it is; where a terminal is too narrow for it, in lines of its first style."""
    text = "".join(part for part, _ in spans)
    if count_cells(text) <= width or width >= _USUAL:
        yield spans
        return
    yield from format_paragraph(text, width, mark="", style=spans[0][1])


def _format_callout(block: doc.Callout, width: int) -> Iterator[Line]:
    if block.is_section:
        yield ()
    # Without colours and titles, a line has to say itself that it is a warning.
    mark = "warning: " if block.is_section else ""
    for parts in block.lines:
        words = f"{mark}{_join(parts)}"
        yield from format_paragraph(words, width, mark="! ", style="yellow")


def _format_table(table: doc.Table, width: int) -> Iterator[Line]:
    """Aligned columns under a header; a judged figure in its colour. Nothing of no rows.

    In a narrow terminal that they do not fit, each row stands by itself.
    """
    shown = [n for n, column in enumerate(table.columns) if column.role != "roomy"]
    if not table.rows:
        return
    header: list[doc.Cell] = [_get_title(table.columns[n]) for n in shown]
    rows = [header, *([row[n] for n in shown] for row in table.rows)]
    widths = [max(count_cells(_get_cell(row[n])) for row in rows) for n in range(len(shown))]
    if 2 * len(widths) + sum(widths) > width < _USUAL:
        heads, *texts = [[_get_cell(cell) for cell in row] for row in rows]
        styles = {
            (n, _get_cell(cell)): _get_style(cell) for row in rows for n, cell in enumerate(row)
        }
        stacked = format_table(
            heads, texts, lambda n, cell: styles.get((n, cell), ""), width=width - 2
        )
        yield from ((("  ", ""), *line) for line in stacked)
        return
    # Nothing follows the last cell, so it is not filled up.
    widths[-1] = 0
    for row, style in zip(rows, ["dim", *[""] * len(table.rows)], strict=True):
        cells = zip(map(_get_cell, row), widths, row, strict=True)
        yield tuple(
            (f"  {text}{' ' * (width - count_cells(text))}", _get_style(cell) or style)
            for text, width, cell in cells
        )


def _get_title(column: doc.Column) -> doc.Part:
    if column.terminal is not None:
        return column.terminal
    # A name keeps its letters: `F1` and `f1` may be two metrics.
    return column.title.lower() if isinstance(column.title, str) else column.title


def _get_style(cell: doc.Cell) -> str:
    return _STYLES.get(cell.kind or "", "") if isinstance(cell, doc.Mark) else ""


def _get_cell(cell: doc.Cell) -> str:
    return _join(cell) if isinstance(cell, tuple) else _get_text(cell)


def _join(parts: doc.Parts) -> str:
    return "".join(map(_get_text, parts))


def _get_text(part: doc.Part) -> str:
    # Names and messages of others must not move a terminal's cursor or change its colours.
    if isinstance(part, doc.Quote):
        return make_one_line(part.text, part.terminal)
    return part if isinstance(part, str) else part.text
