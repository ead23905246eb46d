"""Rows under headings: columns as wide as what stands in them, none of them cut."""

from collections.abc import Callable, Iterator, Sequence

from .styled_text import Line, count_cells, pad_text


def format_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    choose_style: Callable[[int, str], str] = lambda column, cell: "",
) -> Iterator[Line]:
    """The headings and the rows as lines; `choose_style` takes a cell's column and text."""
    widths = [max(count_cells(row[n]) for row in (headings, *rows)) for n in range(len(headings))]
    for number, row in enumerate((headings, *rows)):
        yield tuple(
            (pad_text(cell, width + 2), choose_style(column, cell) if number else "bold")
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
