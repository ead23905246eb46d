"""A document as markdown, as GitHub shows it: at most `LIMIT` characters whatever the run holds.

Every section has a budget and leaves out what does not fit; the budgets add up to less than the
limit. What other people wrote stands in code spans and fences only (see `escape`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting.curves import COLOURS, render_mermaid
from vtspec.pipelines.reporting.escape import render_cell, render_code, render_fence

from .markdown_budget import (
    FRAME,
    Space,
    fit_section,
    join_blocks,
    render_bullets,
    render_details,
    render_table,
)

LIMIT: Final = 63_000
"""Characters of the whole; GitHub refuses comments above 65,536."""

BUDGETS: Final[Mapping[str, int]] = {
    "verdict": 5_000,
    "metrics": 5_000,
    "seeds": 3_000,
    "warnings": 4_000,
    "curves": 11_000,
    "error types": 1_000,
    "confusion": 7_000,
    "classes": 8_250,
    "errors": 4_000,
    "changes": 4_500,
    "provenance": 8_000,
    "commands": 1_500,
}
"""The sections of a report in order, each with the most characters that it may have."""

_POINTER: Final = 700
_LEFT_OUT: Final = Sentence(
    en="*A section did not fit here and is in the full report.*",
    ko="*자리가 모자라 뺀 부분은 전체 보고서에 있습니다.*",
)
_FIX: Final = Sentence(en="Fix", ko="해결")
_OUTCOMES: Final = {"passed": "✅ ", "uncertain": "⚠️ ", "missed": "❌ "}


def render_markdown(document: doc.Document, *, link: str | None = None) -> str:
    """The whole report; `link` is where the HTML one can be opened, None beside it on disk."""
    sections = document.pick_sections(BUDGETS)
    pointer = _render_pointer(document.run, link)
    return join_blocks([render_sections(sections, BUDGETS), pointer]) + "\n"


def render_sections(
    sections: Iterable[doc.Section], budgets: Mapping[str, int], tongue: Tongue = "en"
) -> str:
    """The sections one after the other, each within its budget; `tongue` is theirs."""
    return join_blocks([render_section(one, budgets[one.name], tongue) for one in sections])


def render_section(section: doc.Section, budget: int, tongue: Tongue = "en") -> str:
    """A section of at most `budget` characters; "" where it has nothing for markdown."""
    heading = f"## {section.title}" if section.title else ""
    text = _render_blocks(section.blocks, Space(budget, 0), tongue, heading)
    # A heading over nothing says that something is missing.
    return "" if text == heading else fit_section(text, budget, _LEFT_OUT.say(tongue))


def get_max_length() -> int:
    """The most characters that `render_markdown` can write: budgets, blank lines, pointer."""
    return sum(budget + 2 for budget in BUDGETS.values()) + _POINTER + 1


def _render_blocks(
    blocks: Sequence[doc.Block | None], space: Space, tongue: Tongue, above: str = ""
) -> str:
    text = above
    for block in doc.select_blocks(blocks, "markdown"):
        # What stands already is what a table must leave room for; what follows is short.
        left = Space(space.whole, space.used + len(text), space.frame)
        text = join_blocks([text, _render_block(block, left, tongue)])
    return text


def _render_block(block: doc.Block, space: Space, tongue: Tongue) -> str:
    match block:
        case doc.Callout():
            return _render_callout(block, space, tongue)
        case doc.Table():
            return _render_table(block, space.fit(block.share), tongue)
        case doc.FigureGrid():
            return join_blocks([_render_chart(one, tongue) for one in block.figures])
        case doc.SideBySide():
            # GitHub's column is too narrow for two.
            pair = doc.FigureGrid((block.figure,)), block.beside
            return _render_blocks(pair, space, tongue)
        case doc.Details():
            folded = Space(space.whole, space.used, FRAME)
            return render_details(block.summary, _render_blocks(block.blocks, folded, tongue))
        case doc.CommandBlock():
            # A fence that is cut would end everything after it in code, so it keeps its frame.
            room = space.whole - 2 * FRAME
            return render_fence("\n".join(block.lines), room, width=1000, info="sh")
        case _:
            return _render_words(block, tongue)


def _render_words(block: doc.Block, tongue: Tongue) -> str:
    match block:
        case doc.Title():
            title = f"# {block.mark} {block.headline}: {_render_part(block.name)}"
            return join_blocks([title, " · ".join(map(_render_part, block.subject))])
        case doc.Heading():
            return f"{'#' * block.level} {_render_parts(block.parts)}"
        case doc.Paragraph():
            return _render_parts(block.parts)
        case doc.Quotation():
            return render_fence(block.text, block.markdown)
        case doc.FailureNote():
            fix = f"{_FIX.say(tongue)}: {render_code(block.fix, 500)}" if block.fix else ""
            return join_blocks([render_fence(block.message, 1500), fix])
        case _:
            # Tiles, facts and galleries repeat on a page what the tables here have.
            return ""


def _render_callout(block: doc.Callout, space: Space, tongue: Tongue) -> str:
    lines = [_render_parts(line) for line in block.lines]
    # Our own sentences are quoted; what others wrote is a list that a budget can shorten.
    if not block.is_section:
        return "\n".join(f"> ⚠️ {line}" for line in lines)
    heading = f"## ⚠️ {block.title}"
    return join_blocks([heading, render_bullets(lines, space.fit() - len(heading), tongue)])


def _render_table(table: doc.Table, room: int, tongue: Tongue) -> str:
    # An explanation in each row would use up the budget of the figures.
    shown = [n for n, column in enumerate(table.columns) if column.role != "roomy"]
    columns = [table.columns[n] for n in shown]
    header = [_render_cell(column.title) for column in columns]
    rows = [
        [
            f"**{_render_cell(row[n])}**" if column.role == "head" else _render_cell(row[n])
            for n, column in zip(shown, columns, strict=True)
        ]
        for row in table.rows
    ]
    sides = "".join(column.align for column in columns)
    return render_table(header, rows, room, sides, tongue) if rows else ""


def _render_chart(figure: doc.Figure, tongue: Tongue) -> str:
    # One point is no line, and would end the axis of all of them.
    shown = [line for line in figure.lines if len(line.series.points) >= 2]
    chart = render_mermaid([line.series for line in shown], figure.label)
    if chart is None:
        return ""
    legend = [
        f"{colour.say(tongue)}: {_render_parts(line.name)}"
        for line, (colour, _) in zip(shown, COLOURS, strict=False)
    ]
    return join_blocks([", ".join(legend), chart])


def _render_parts(parts: doc.Parts) -> str:
    return "".join(map(_render_part, parts))


def _render_part(part: doc.Part) -> str:
    return (
        render_code(part.text, part.markdown) if isinstance(part, doc.Quote) else _get_words(part)
    )


def _render_cell(cell: doc.Cell) -> str:
    if isinstance(cell, tuple):
        return "".join(map(_render_cell, cell))
    return (
        render_cell(cell.text, cell.markdown) if isinstance(cell, doc.Quote) else _get_words(cell)
    )


def _get_words(part: doc.Part) -> str:
    if isinstance(part, str):
        return part
    sign = _OUTCOMES.get(part.kind or "", "") if isinstance(part, doc.Mark) else ""
    return f"{sign}{part.text}"


def _render_pointer(run: str, link: str | None) -> str:
    words = "Pictures and everything in full"
    if link is None:
        how = render_code(format_command("vtspec", "report", run, "--open"), 200)
        return f"---\n\n{words}: `report.html` beside this file; {how}"
    # Whatever could end the link early is written as its bytes (RFC 3986, 2.1).
    address = re.sub(r"[^A-Za-z0-9:/?#&=%+,;@~!._-]", _percent_encode, link)
    line = f"---\n\n[{words}]({address})"
    return line if len(line) <= _POINTER else f"---\n\n{words}: `report.html`"


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
