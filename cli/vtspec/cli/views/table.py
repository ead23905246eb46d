"""Rows under headings: columns as wide as what stands in them, none of them cut."""

from collections.abc import Callable, Iterator, Sequence

from .styled_text import Line, Span, count_cells, fill_lines, format_paragraph


def format_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    choose_style: Callable[[int, str], str] = lambda column, cell: "",
    *,
    width: int | None = None,
    right: bool = False,
) -> Iterator[Line]:
    """The headings and the rows as lines; `choose_style` takes a cell's column and text.

    All but the first are aligned to the right where that is wanted. A table wider than `width`
    has, for each row, the first cell on a line and the others below it, each behind its heading.
    """
    widths = [max(count_cells(row[n]) for row in (headings, *rows)) for n in range(len(headings))]
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
        for row in rows:
            first = (row[0], choose_style(0, row[0]) or "bold")
            pairs = [
                (f"{headings[n]} {cell}".strip(), choose_style(n, cell))
                for n, cell in enumerate(row)
                if n and cell
            ]
            yield from stack_row(first, pairs, width)
        return
    for number, row in enumerate((headings, *rows)):
        yield tuple(
            (
                _align_cell(cell, widths[column], left=not right or not column),
                choose_style(column, cell) if number else "bold",
            )
            for column, cell in enumerate(row)
        )


def stack_row(first: Span, others: Sequence[Span], width: int) -> Iterator[Line]:
    """A row that is wider than its terminal: the first cell on a line, the others below it."""
    text, style = first
    yield from format_paragraph(text, width, mark="", style=style)
    yield from fill_lines(others, width, "    ")


def _align_cell(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - count_cells(text))
    return f"{text}{space}  " if left else f"{space}{text}  "
