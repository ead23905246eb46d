"""A document as one HTML file: no script, no other host, for screen and paper. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.formatting import format_number
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting.escape import escape_html, split_lines
from vtspec.pipelines.reporting.evaluation import SampleError
from vtspec.pipelines.reporting.plots.canvas import DOTS_PER_INCH
from vtspec.pipelines.reporting.plots.charts import ThemedPlot
from vtspec.pipelines.reporting.provenance import FactGroup

from .html_elements import (
    SafeHtml,
    encode_data_uri,
    isolate_text,
    join_escaped,
    parse_png_size,
    render_element,
)

# Even if something slipped through the escaping, a browser would load and run nothing.
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
# CSS pixels are 1/96 inch; pictures are drawn at more dots than that, for dense screens.
_CSS_DOTS_PER_INCH: Final = 96
_NOTHING: Final = SafeHtml("")


def render_html(
    document: doc.Document,
    plots: Mapping[str, ThemedPlot],
    thumbnails: Sequence[bytes | None],
    style: str,
) -> str:
    """The whole page. `thumbnails` are PNGs, one for each sample error or None; `style` is CSS."""
    page = _Page(plots, thumbnails)
    sections = [page.render_section(one) for one in document.sections]
    head = render_element(
        "head",
        render_element("meta", charset="utf-8"),
        render_element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        render_element("meta", name="color-scheme", content="light dark"),
        SafeHtml(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        render_element("title", document.title),
        SafeHtml(f"<style>\n{style}</style>"),
    )
    body = render_element("body", render_element("main", *sections))
    return f'<!doctype html>\n<html lang="en">\n{join_escaped(head, body)}\n</html>\n'


@dataclass(frozen=True)
class _Page:
    """The pictures that blocks name; one that is not there leaves its place out."""

    plots: Mapping[str, ThemedPlot]
    thumbnails: Sequence[bytes | None]

    def render_section(self, section: doc.Section) -> SafeHtml:
        blocks = list(doc.select_blocks(section.blocks, "html"))
        content = self._render_blocks(blocks)
        # The title is the page's own heading, so its section is the page's header.
        if blocks and isinstance(blocks[0], doc.Title):
            return render_element("header", content, class_=f"top {blocks[0].verdict}")
        if not section.title or not content:
            return content
        # Addresses of sections (`report.html#metrics`) are typed and shared: words, no spaces.
        name = re.sub(r"[^a-z]+", "-", section.title.lower())
        title = render_element("h2", section.title, id=name)
        return render_element("section", title, content, aria_labelledby=name)

    def _render_blocks(self, blocks: Iterable[doc.Block | None]) -> SafeHtml:
        return join_escaped(*map(self._render_block, doc.select_blocks(blocks, "html")))

    def _render_block(self, block: doc.Block) -> SafeHtml:
        match block:
            case doc.FigureGrid():
                shown = [found for one in block.figures if (found := self._render_figure(one))]
                return render_element("div", *shown, class_="figures") if shown else _NOTHING
            case doc.SideBySide():
                beside = render_element("div", self._render_block(block.beside))
                return render_element(
                    "div", self._render_figure(block.figure), beside, class_="beside"
                )
            case doc.Details():
                content = self._render_blocks(block.blocks)
                summary = render_element("summary", block.summary)
                return render_element("details", summary, content) if content else _NOTHING
            case doc.Gallery():
                pairs = zip(block.samples, self.thumbnails, strict=True)
                items = [_render_sample(one, png) for one, png in pairs]
                return render_element("ul", *items, class_="errors")
            case doc.Table():
                return _render_cards(block) if block.are_cards else _render_table(block)
            case doc.Tiles():
                tiles = [_render_tile(*entry) for entry in block.entries]
                return render_element("dl", *tiles, class_="tiles")
            case doc.FactList():
                groups = [_render_group(group) for group in block.groups]
                return render_element("div", *groups, class_="groups")
            case _:
                return _render_words(block)

    def _render_figure(self, figure: doc.Figure) -> SafeHtml:
        plot = self.plots.get(figure.plot)
        size = parse_png_size(plot.light) if plot is not None else None
        if plot is None or size is None:
            return _NOTHING
        width, height = (round(side * _CSS_DOTS_PER_INCH / DOTS_PER_INCH) for side in size)
        light, dark = encode_data_uri(plot.light), encode_data_uri(plot.dark)
        # With its size told, a picture that is still being decoded moves nothing.
        image = render_element(
            "img", src=light, alt=figure.alt, width=str(width), height=str(height)
        )
        source = render_element("source", media="(prefers-color-scheme: dark)", srcset=dark)
        title = _render_parts(figure.title)
        caption = render_element("figcaption", title) if title else _NOTHING
        return render_element("figure", caption, render_element("picture", source, image))


def _render_words(block: doc.Block) -> SafeHtml:
    match block:
        case doc.Title():
            return _render_title(block)
        case doc.Heading():
            return render_element(f"h{block.level}", _render_parts(block.parts))
        case doc.Paragraph():
            note = {"class_": "note"} if block.is_note else {}
            words = _render_parts(block.parts)
            return render_element("p", words, **note) if words else _NOTHING
        case doc.Quotation():
            return render_element("p", isolate_text(block.text, block.html), class_="lead")
        case doc.FailureNote():
            told = render_element("pre", _render_lines(split_lines(block.message, 4000)))
            fix = render_element("p", "Fix: ", isolate_text(block.fix)) if block.fix else _NOTHING
            return render_element("div", told, fix, class_="failure")
        case doc.Callout():
            title = render_element("p", render_element("strong", block.title))
            lines = [render_element("li", _render_parts(line)) for line in block.lines]
            return render_element("aside", title, render_element("ul", *lines), class_="callout")
        case doc.CommandBlock():
            # What scrolls must be reachable by keyboard (WCAG 2.2, 2.1.1).
            return render_element(
                "pre", _render_lines(block.lines), class_="commands", tabindex="0"
            )
        case _:
            raise AssertionError(f"not a block of words: {block}")


def _render_title(block: doc.Title) -> SafeHtml:
    subject = [_render_part(part) for part in block.subject]
    kicker = [join_escaped(" · ", one) if n else one for n, one in enumerate(subject)]
    return join_escaped(
        render_element("p", *kicker, class_="kicker"),
        render_element("h1", render_element("span", class_="dot"), block.headline),
        render_element("p", _render_part(block.run), class_="run"),
    )


def _render_table(table: doc.Table) -> SafeHtml:
    """A table with a caption, which only screen readers get unless it is titled. It scrolls in
    itself on narrow screens; the first cell of a row is its heading."""
    if not table.rows:
        return _NOTHING
    sides = [_SIDES[column.align] for column in table.columns]
    heads = [
        render_element("th", _render_title_cell(column), scope="col", class_=side)
        for column, side in zip(table.columns, sides, strict=True)
    ]
    body = []
    for row in table.rows:
        first, *others = map(_render_cell, row, (column.role for column in table.columns))
        cells = [
            render_element("td", cell, class_=side)
            for cell, side in zip(others, sides[1:], strict=True)
        ]
        head = render_element("th", first, scope="row", class_=sides[0])
        body.append(render_element("tr", head, *cells))
    # Most captions repeat the heading above them, which only those who see it can tell.
    unseen = {} if table.is_titled else {"class_": "unseen"}
    whole = render_element(
        "table",
        render_element("caption", table.caption, **unseen),
        render_element("thead", render_element("tr", *heads)),
        render_element("tbody", *body),
    )
    return render_element(
        "div", whole, class_="scroll", tabindex="0", role="region", aria_label=table.caption
    )


_SIDES: Final = {"l": "left", "r": "right"}


def _render_title_cell(column: doc.Column) -> SafeHtml:
    # What hides a column on narrow screens hides its title too; a main figure's title is plain.
    return _render_cell(column.title, "roomy" if column.role == "roomy" else "")


def _render_cell(cell: doc.Cell, role: str) -> SafeHtml:
    shown = _render_parts(cell) if isinstance(cell, tuple) else _render_part(cell)
    if role == "roomy":
        return render_element("span", shown, class_="roomy")
    return render_element("strong", shown) if role == "main" else shown


def _render_cards(table: doc.Table) -> SafeHtml:
    items = []
    for row in table.rows:
        kinds = [cell.kind for cell in row if isinstance(cell, doc.Mark)]
        cells = map(_render_cell, row, (column.role for column in table.columns))
        items.append(render_element("li", *cells, class_=" ".join(filter(None, kinds))))
    return render_element("ul", *items, class_="gates", aria_label=table.caption)


def _render_tile(label: doc.Part, value: str, note: str) -> SafeHtml:
    figure = render_element("dd", render_element("strong", value), render_element("span", note))
    return render_element("div", render_element("dt", _render_part(label)), figure)


def _render_group(group: FactGroup) -> SafeHtml:
    pairs = [
        render_element(
            "div",
            render_element("dt", isolate_text(label, 60)),
            render_element("dd", isolate_text(value, 400)),
        )
        for label, value in group.entries
    ]
    return render_element(
        "section", render_element("h3", group.title), render_element("dl", *pairs)
    )


def _render_sample(sample: SampleError, png: bytes | None) -> SafeHtml:
    size = parse_png_size(png) if png is not None else None
    if png is None or size is None:
        shown = render_element("span", "no picture", class_="blank")
    else:
        alt = f"{sample.image}: {sample.true}, called {sample.predicted}"
        # Small originals keep their pixels: a smoothed digit of 8 by 8 is a smudge.
        kind = "pixels" if max(size) < 48 else "photo"
        source = encode_data_uri(png)
        shown = render_element("img", src=source, alt=alt, class_=kind, loading="lazy")
    true, called = (
        render_element("b", isolate_text(name, 40)) for name in (sample.true, sample.predicted)
    )
    sure = "" if sample.confidence is None else f"confidence {format_number(sample.confidence)}"
    return render_element(
        "li",
        shown,
        render_element("p", true, " → ", called),
        render_element("p", sure, class_="note"),
        render_element("p", isolate_text(sample.image, 60), class_="file"),
    )


def _render_parts(parts: doc.Parts) -> SafeHtml:
    return join_escaped(*map(_render_part, parts))


def _render_part(part: doc.Part) -> SafeHtml:
    match part:
        case doc.Quote(is_term=True):
            return SafeHtml(escape_html(part.text, part.html))
        case doc.Quote():
            text = isolate_text(part.text, part.html)
            return render_element("code", text) if part.is_code else text
        case doc.Bar():
            return render_element(
                "span", part.text, class_="bar", style=f"--share:{part.share:.3f}"
            )
        # A sign beside the colour, for those who do not tell green from red.
        case doc.Mark(kind="passed" | "uncertain" | "missed"):
            sign = {"passed": "✓", "uncertain": "≈"}.get(part.kind or "", "✗")
            return render_element("span", f"{sign} {part.text}")
        case doc.Mark():
            kind = part.kind or "same"
            return render_element(
                "span", part.text, class_=f"{kind} whole" if part.is_whole else kind
            )
        case str():
            return join_escaped(part)


def _render_lines(lines: Iterable[str]) -> SafeHtml:
    return SafeHtml("\n".join(join_escaped(line) for line in lines))
