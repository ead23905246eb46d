"""The report as one HTML file: no script, no other host, for screen and paper. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.plots.charts import Picture

from . import html_parts as parts
from . import html_results
from .html_elements import Safe, element, inside

# Even if something slipped through the escaping, a browser would load and run nothing.
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


def html(
    facts: Facts,
    pictures: Mapping[str, Picture],
    thumbnails: Sequence[bytes | None],
    style: str,
) -> str:
    """The whole page. `thumbnails` are PNGs, one for each sample error or None; `style` is CSS."""
    sections = (
        parts.top(facts),
        parts.tiles(facts),
        parts.warnings(facts),
        parts.metrics(facts),
        html_results.curves(facts, pictures),
        html_results.confusion(facts, pictures),
        html_results.classes(facts),
        html_results.trust(facts, pictures),
        html_results.errors(facts, thumbnails),
        parts.changes(facts),
        parts.what_ran(facts),
        parts.commands(facts),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        Safe(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("title", f"{facts.verdict.headline}: {facts.title}"),
        Safe(f"<style>\n{style}</style>"),
    )
    body = element("body", element("main", *(part for part in sections if part)))
    return f'<!doctype html>\n<html lang="en">\n{inside(head, body)}\n</html>\n'
