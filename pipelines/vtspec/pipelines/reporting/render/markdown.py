"""The report as markdown, as GitHub shows it: at most `LIMIT` characters whatever the run holds.

Every section has a budget and leaves out what does not fit; the budgets add up to less than the
limit. What other people wrote stands in code spans and fences only (see `escape`).
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from vtspec.pipelines.reporting.escape import render_code
from vtspec.pipelines.reporting.facts import Facts

from . import markdown_parts as parts
from . import markdown_results
from .markdown_budget import fit_section

LIMIT: Final = 60_000
"""Characters of the whole; GitHub refuses comments above 65,536."""

Section = Callable[[Facts, int], str]

SECTIONS: Final[Sequence[tuple[int, Section]]] = (
    (5_000, parts.render_header),
    (5_000, parts.render_metrics),
    (4_000, parts.render_warnings),
    (11_000, markdown_results.render_curves),
    (7_000, markdown_results.render_confusion),
    (9_000, markdown_results.render_classes),
    (4_000, markdown_results.render_errors),
    (4_500, parts.render_changes),
    (8_000, parts.render_provenance),
    (1_500, parts.render_commands),
)
"""The sections in order, each with the most characters that it may have."""

_POINTER: Final = 700
_LEFT_OUT: Final = "*A section did not fit here and is in the full report.*"


def render_markdown(facts: Facts, *, link: str | None = None) -> str:
    """The whole report; `link` is where the HTML one can be opened, None beside it on disk."""
    written = [
        fit_section(section(facts, budget), budget, _LEFT_OUT) for budget, section in SECTIONS
    ]
    return "\n\n".join([*(part for part in written if part), _render_pointer(facts, link)]) + "\n"


def get_max_length() -> int:
    """The most characters that `render_markdown` can write: budgets, blank lines, pointer."""
    return sum(budget + 2 for budget, _ in SECTIONS) + _POINTER + 1


def _render_pointer(facts: Facts, link: str | None) -> str:
    if link is None:
        how = render_code(f"vtspec report {facts.run} --open", 200)
        return f"---\n\nPictures and everything in full: `report.html` beside this file; {how}"
    # Whatever could end the link early is written as its bytes (RFC 3986, 2.1).
    address = re.sub(r"[^A-Za-z0-9:/?#&=%+,;@~!._-]", _percent_encode, link)
    line = f"---\n\n[Pictures and everything in full]({address})"
    return (
        line if len(line) <= _POINTER else "---\n\nPictures and everything in full: `report.html`"
    )


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
