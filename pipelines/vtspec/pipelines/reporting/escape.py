"""Text that someone else wrote, made harmless and visible for markdown, HTML and terminals.

Class names, file names, descriptions, warnings and messages come from people, data and
frameworks. In markdown they stand only inside code spans and fences, where GitHub knows no
mention, reference, link, image, HTML or emphasis; in HTML every special character is an entity.
What a reader could not see (controls, zero-width and bidirectional marks, lone surrogates) is
spelled out as `⟨U+200B⟩`, so that two names that differ look different.
"""

import html
import re
import textwrap
from typing import Final

from vtspec.schema.visible_text import make_visible

NAME_LENGTH: Final = 60
"""Characters that a name keeps in a table; longer ones lose their middle."""

MESSAGE_LENGTH: Final = 600
"""Characters that a warning or a message keeps."""

# Scripts, template engines and comment markers that read a report as text look for these.
_MARKERS: Final = (("{{", "{ {"), ("}}", "} }"), ("{%", "{ %"), ("<!--", "< !--"))


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters (`limit` ≥ 3); what goes is the middle, since paths and names
    often differ only at their ends."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def make_one_line(text: str, limit: int) -> str:
    """The text made visible, and then shortened to at most `limit` characters."""
    if len(text) > 2 * limit + 2:
        # Nothing shrinks when it is made visible, so the middle of a long text cannot be shown.
        text = text[: limit + 1] + text[-limit - 1 :]
    return shorten(make_visible(text), limit)


def render_code(text: str, limit: int = NAME_LENGTH) -> str:
    """A markdown code span. Not for table cells, whose pipes need `render_cell`."""
    return _render_span(_clean_text(text, limit))


def render_cell(text: str, limit: int = NAME_LENGTH) -> str:
    """A markdown code span inside a table cell.

    A pipe is escaped as GFM wants it, inside code too; backslashes before it are doubled, since
    parsers disagree on what an even number of them means.
    """
    return _render_span(re.sub(r"(\\*)\|", r"\1\1\\|", _clean_text(text, limit)))


def render_fence(text: str, limit: int = 4000, *, width: int = 100, info: str = "text") -> str:
    """A fenced block of plain text, wrapped at `width` characters; it ends without a newline."""
    body = "\n".join(
        part
        for line in split_lines(text, limit)
        for part in textwrap.wrap(_break_markers(line), width) or [""]
    )
    # Only as many backticks as opened a fence can close it (CommonMark 0.31, 4.5).
    marks = "`" * max(3, _measure_longest_run(body) + 1)
    return f"{marks}{info}\n{body}\n{marks}"


def split_lines(text: str, limit: int) -> list[str]:
    """The lines of a longer text, each visible; at most `limit` characters together."""
    return shorten("\n".join(make_visible(line) for line in text.splitlines()), limit).split("\n")


def escape_html(text: str, limit: int = MESSAGE_LENGTH) -> str:
    """Text for HTML, in an element or in a quoted attribute."""
    # Braces and backticks mean something to template engines that a page may pass through.
    entities = html.escape(make_one_line(text, limit), quote=True)
    return entities.replace("{", "&#123;").replace("}", "&#125;").replace("`", "&#96;")


def _clean_text(text: str, limit: int) -> str:
    return _break_markers(make_one_line(text, limit))


def _break_markers(text: str) -> str:
    for marker, broken in _MARKERS:
        # `{{{` holds the marker twice, one character apart.
        while marker in text:
            text = text.replace(marker, broken)
    return text


def _render_span(plain: str) -> str:
    if not plain.strip():
        return "*(empty)*" if not plain else "*(blank)*"
    # Longer than any run inside; a space at both ends is taken off again (CommonMark 0.31, 6.1).
    ticks = "`" * (_measure_longest_run(plain) + 1)
    pad = " " if plain[0] in "` " or plain[-1] in "` " else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}"


def _measure_longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
