"""Lines of text with styles: laid out once, then printed plain or in a terminal's colours."""

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeAlias

from vtspec.cli.terminal import get_styled_stream, make_printable

Span: TypeAlias = tuple[str, str]
"""Text and its style, in rich's words (`bold`, `dim`, `yellow`); no style is empty."""

Line: TypeAlias = tuple[Span, ...]

WIDEST = 100
NARROWEST = 40

_READABLE = 20
"""A word is broken in a column of so many cells, and not in a narrower one."""


def count_cells(text: str) -> int:
    """Columns that the text takes in a terminal; Korean, Chinese and Japanese letters take two."""
    # rich measures too, but is imported only where there are colours to print.
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def pad_text(text: str, width: int) -> str:
    """The text with spaces up to `width` columns."""
    return text + " " * (width - count_cells(text))


def wrap_text(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken at spaces or, if need be, in a word."""
    lines = [""]
    for word in text.split():
        if lines[-1] and count_cells(lines[-1]) + 1 + count_cells(word) <= width:
            lines[-1] += f" {word}"
            continue
        for piece in _split_word(word, width):
            if lines[-1]:
                lines.append(piece)
            else:
                lines[-1] = piece
    return lines


def _split_word(word: str, width: int) -> Iterator[str]:
    piece = ""
    for one in word:
        # A letter goes out even where the column is narrower than it, or nothing would.
        if piece and count_cells(piece + one) > width:
            yield piece
            piece = ""
        piece += one
    yield piece


def format_paragraph(text: str, width: int, *, mark: str = "  ", style: str = "") -> list[Line]:
    """The text wrapped, with `mark` before its first line and as much space before the others."""
    lines = wrap_text(text, width - count_cells(mark))
    space = " " * count_cells(mark)
    return [((space if index else mark, style), (line, style)) for index, line in enumerate(lines)]


def format_row(
    parts: Sequence[tuple[str, int, str]], last: tuple[str, str], width: int
) -> list[Line]:
    """One row of a table: texts, each wrapped in its width and style, then a last one.

    Texts too long for their column go on below, so that no row is wider than `width`; where a
    column would be too narrow to read, the texts stand below the first one.
    """
    rest = width - sum(wide + 1 for _, wide, _ in parts)
    columns = [*((text, wide) for text, wide, _ in parts), (last[0], rest)]
    if any(wide < min(_READABLE, _measure_word(text)) for text, wide in columns):
        return _format_stacked([*((text, style) for text, _, style in parts), last], width)
    blocks = [(wrap_text(text, wide), wide, style) for text, wide, style in parts]
    blocks.append((wrap_text(last[0], max(1, rest)), 0, last[1]))
    height = max(len(lines) for lines, _, _ in blocks)
    rows: list[Line] = []
    for index in range(height):
        spans: list[Span] = []
        for lines, wide, style in blocks:
            text = lines[index] if index < len(lines) else ""
            spans.append((pad_text(text, wide + 1) if wide else text, style))
        rows.append(tuple(spans))
    return rows


def _measure_word(text: str) -> int:
    return max(map(count_cells, text.split()), default=0)


def _format_stacked(texts: Sequence[Span], width: int) -> list[Line]:
    shown = [(text, style) for text, style in texts if text]
    # A mark, such as that of a change, stands before what it marks.
    count = 2 if count_cells(shown[0][0]) == 1 else 1
    head = " ".join(text for text, _ in shown[:count])
    style = shown[count - 1][1]
    return [
        *format_paragraph(head, width, mark=" ", style=style),
        *fill_lines(shown[count:], width, "     "),
    ]


def fill_lines(texts: Sequence[Span], width: int, mark: str) -> Iterator[Line]:
    """As many of the texts on a line as fit, two spaces apart; one that fits nowhere is broken."""
    line: list[Span] = []
    for text, style in texts:
        used = sum(count_cells(part) for part, _ in line)
        if line and used + 2 + count_cells(text) <= width:
            line += [("  ", ""), (text, style)]
            continue
        if line:
            yield tuple(line)
        *broken, rest = format_paragraph(text, width, mark=mark, style=style)
        yield from broken
        line = list(rest)
    if line:
        yield tuple(line)


def get_table_width(stream: TextIO) -> int | None:
    """Columns that a table may take: the terminal's, however many; None where there is none."""
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() else None


def get_terminal_width(stream: TextIO) -> int:
    """Columns to lay out for: the terminal's within reason, 80 where there is none."""
    # A file must not depend on the window (or COLUMNS) that it was written from.
    if not stream.isatty():
        return 80
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


def print_lines(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Print in colours on a terminal (NO_COLOR and TERM=dumb are heeded), else as plain text."""
    # Looked up at the call: click's test runner puts another stream in its place.
    out = sys.stdout if stream is None else stream
    if not out.isatty():
        for line in lines:
            # Columns are filled up with spaces, which no file or diff should keep.
            print("".join(text for text, _ in line).rstrip(), file=out)
        return
    from rich.console import Console
    from rich.text import Text

    # The lines are laid out already: rich must not wrap them again, nor colour every number.
    console = Console(file=get_styled_stream(out), highlight=False, soft_wrap=True)
    for line in lines:
        # A `Text`, since a string would be read as markup: a class may be called `[bold]`.
        console.print(Text.assemble(*((make_printable(text), style) for text, style in line)))
