"""The report as one HTML file: no script, no other host, for screen and paper. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.pipelines.reporting.facts import Facts
from vtspec.pipelines.reporting.plots.charts import ThemedPlot

from . import html_parts as parts
from . import html_results
from .html_elements import SafeHtml, join_escaped, render_element

# Even if something slipped through the escaping, a browser would load and run nothing.
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


def render_html(
    facts: Facts,
    pictures: Mapping[str, ThemedPlot],
    thumbnails: Sequence[bytes | None],
    style: str,
) -> str:
    """The whole page. `thumbnails` are PNGs, one for each sample error or None; `style` is CSS."""
    sections = (
        parts.render_header(facts),
        parts.render_tiles(facts),
        parts.render_warnings(facts),
        parts.render_metrics(facts),
        html_results.render_curves(facts, pictures),
        html_results.render_confusion(facts, pictures),
        html_results.render_classes(facts),
        html_results.render_confidence(facts, pictures),
        html_results.render_errors(facts, thumbnails),
        parts.render_changes(facts),
        parts.render_provenance(facts),
        parts.render_commands(facts),
    )
    head = render_element(
        "head",
        render_element("meta", charset="utf-8"),
        render_element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        render_element("meta", name="color-scheme", content="light dark"),
        SafeHtml(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        render_element("title", f"{facts.verdict.headline}: {facts.title}"),
        SafeHtml(f"<style>\n{style}</style>"),
    )
    body = render_element("body", render_element("main", *(part for part in sections if part)))
    return f'<!doctype html>\n<html lang="en">\n{join_escaped(head, body)}\n</html>\n'
