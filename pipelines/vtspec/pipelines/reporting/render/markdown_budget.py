"""Markdown within a budget: whatever is put in, what comes out has at most so many characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.language import Sentence, Tongue

Row = Sequence[str]

FRAME: Final = 120
"""Room for a heading, a fold and the blank lines between."""

_MORE: Final = 60
"""Room for the line that counts what was left out."""


@dataclass(frozen=True)
class Space:
    """The characters of a section: `whole` less those `used`; `frame` is what stands around."""

    whole: int
    used: int
    frame: int = 2

    def fit(self, share: float = 1.0) -> int:
        """What a block may take of the rest, at most that share of the whole."""
        return min(self.whole - self.used, int(self.whole * share)) - self.frame


def render_table(
    header: Row, rows: Sequence[Row], budget: int, align: str = "", tongue: Tongue = "en"
) -> str:
    """A pipe table of as many rows as fit into `budget` characters, and a line that counts the
    rest. `align` has `l` or `r` for each column. Cells are markdown already; "" where not even
    the header fits."""
    marks = [{"r": "---:"}.get(side, "---") for side in align.ljust(len(header), "l")]
    lines = [_render_row(header), _render_row(marks)]
    return _fit_lines(lines, [_render_row(row) for row in rows], budget, "row", tongue)


def render_bullets(items: Sequence[str], budget: int, tongue: Tongue = "en") -> str:
    """A list of as many items as fit, and a line that counts the rest."""
    return _fit_lines([], [f"- {item}" for item in items], budget, "line", tongue)


def _fit_lines(
    head: list[str], lines: Sequence[str], budget: int, noun: str, tongue: Tongue
) -> str:
    """`head` and as many `lines` as fit, with room kept for the line that counts the rest."""
    whole = "\n".join([*head, *lines])
    # The room for the counting line is only given up where something has to be counted.
    if len(whole) <= budget:
        return whole
    used = sum(len(line) + 1 for line in head)
    kept: list[str] = []
    for line in lines:
        used += len(line) + 1
        if used > budget - _MORE:
            break
        kept.append(line)
    # A header over a count alone would be a table of nothing.
    if not kept:
        return ""
    left = len(lines) - len(kept)
    more = Sentence(en=f"and {pluralize(left, f'more {noun}')}", ko=f"외 {left:,}줄").say(tongue)
    return "\n".join([*head, *kept, "", f"*… {more}*"])


def _render_row(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"


def render_details(summary: str, body: str) -> str:
    """A part that is folded away; `summary` holds nobody's text but ours. "" around nothing."""
    if not body:
        return ""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def fit_section(section: str, budget: int, otherwise: str) -> str:
    """The section where it has at most `budget` characters, else the sentence that points
    elsewhere: what holds the whole to its limit, whatever a section does."""
    return section if len(section) <= budget else otherwise


def join_blocks(blocks: Sequence[str]) -> str:
    """The blocks that are not empty, with a blank line between."""
    return "\n\n".join(block for block in blocks if block)
