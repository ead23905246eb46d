"""The pieces that HTML sections are made of: titled parts, tables, pictures, folds, callouts."""

import re
from collections.abc import Sequence

from vtspec.pipelines.reporting.plots.canvas import DOTS_PER_INCH
from vtspec.pipelines.reporting.plots.charts import ThemedPlot

from .html_elements import SafeHtml, encode_data_uri, parse_png_size, render_element

# CSS pixels are 1/96 inch; pictures are drawn at more dots than that, for dense screens.
_CSS_DOTS_PER_INCH = 96


def render_section(title: str, *content: SafeHtml) -> SafeHtml:
    """A section with its heading; "" where it has no content."""
    if not any(content):
        return SafeHtml("")
    name = re.sub(r"[^a-z]+", "-", title.lower())
    return render_element(
        "section", render_element("h2", title, id=name), *content, aria_labelledby=name
    )


def render_table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str,
    *,
    is_titled: bool = False,
) -> SafeHtml:
    """A table with a caption, which only screen readers get unless `is_titled`. It scrolls in
    itself on narrow screens; the first cell of a row is its heading. `align` has `l` or `r` for
    each column."""
    sides = ["right" if side == "r" else "left" for side in align]
    heads = [
        render_element("th", cell, scope="col", class_=side)
        for cell, side in zip(header, sides, strict=True)
    ]
    body = [
        render_element(
            "tr",
            render_element("th", row[0], scope="row", class_=sides[0]),
            *(
                render_element("td", cell, class_=side)
                for cell, side in zip(row[1:], sides[1:], strict=True)
            ),
        )
        for row in rows
    ]
    whole = render_element(
        "table",
        render_element("caption", title, **({} if is_titled else {"class_": "unseen"})),
        render_element("thead", render_element("tr", *heads)),
        render_element("tbody", *body),
    )
    return render_element(
        "div", whole, class_="scroll", tabindex="0", role="region", aria_label=title
    )


def render_picture(shown: ThemedPlot, title: str, alt: str) -> SafeHtml:
    """A picture with its caption, in the theme of the page."""
    pixels = parse_png_size(shown.light)
    assert pixels is not None
    width, height = (round(side * _CSS_DOTS_PER_INCH / DOTS_PER_INCH) for side in pixels)
    image = render_element(
        "img", src=encode_data_uri(shown.light), alt=alt, width=str(width), height=str(height)
    )
    dark = render_element(
        "source", media="(prefers-color-scheme: dark)", srcset=encode_data_uri(shown.dark)
    )
    caption = render_element("figcaption", title) if title else SafeHtml("")
    return render_element("figure", caption, render_element("picture", dark, image))


def render_grid(figures: Sequence[SafeHtml]) -> SafeHtml:
    """Pictures side by side where there is room."""
    return render_element("div", *figures, class_="figures") if figures else SafeHtml("")


def render_details(summary: str, content: SafeHtml) -> SafeHtml:
    """A part that is folded away."""
    return render_element("details", render_element("summary", summary), content)


def render_callout(title: str, lines: Sequence[SafeHtml]) -> SafeHtml:
    """A box that asks for attention."""
    items = [render_element("li", line) for line in lines]
    return render_element(
        "aside",
        render_element("p", render_element("strong", title)),
        render_element("ul", *items),
        class_="callout",
    )
