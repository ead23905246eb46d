"""The pieces that HTML sections are made of: titled parts, tables, pictures, folds, callouts."""

import re
from collections.abc import Sequence

from vtspec.pipelines.reporting.plots.canvas import DOTS_PER_INCH
from vtspec.pipelines.reporting.plots.charts import Picture

from .html_elements import Safe, data_uri, element, png_size

# CSS pixels are 1/96 inch; pictures are drawn at more dots than that, for dense screens.
_CSS_DOTS_PER_INCH = 96


def part(title: str, *content: Safe) -> Safe:
    """A section with its heading; "" where it has no content."""
    if not any(content):
        return Safe("")
    name = re.sub(r"[^a-z]+", "-", title.lower())
    return element("section", element("h2", title, id=name), *content, aria_labelledby=name)


def table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str,
    *,
    is_titled: bool = False,
) -> Safe:
    """A table with a caption, which only screen readers get unless `is_titled`. It scrolls in
    itself on narrow screens; the first cell of a row is its heading. `align` has `l` or `r` for
    each column."""
    sides = ["right" if side == "r" else "left" for side in align]
    heads = [
        element("th", cell, scope="col", class_=side)
        for cell, side in zip(header, sides, strict=True)
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=sides[0]),
            *(
                element("td", cell, class_=side)
                for cell, side in zip(row[1:], sides[1:], strict=True)
            ),
        )
        for row in rows
    ]
    whole = element(
        "table",
        element("caption", title, **({} if is_titled else {"class_": "unseen"})),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=title)


def picture(shown: Picture, title: str, alt: str) -> Safe:
    """A picture with its caption, in the theme of the page."""
    pixels = png_size(shown.light)
    assert pixels is not None
    width, height = (round(side * _CSS_DOTS_PER_INCH / DOTS_PER_INCH) for side in pixels)
    image = element(
        "img", src=data_uri(shown.light), alt=alt, width=str(width), height=str(height)
    )
    dark = element("source", media="(prefers-color-scheme: dark)", srcset=data_uri(shown.dark))
    caption = element("figcaption", title) if title else Safe("")
    return element("figure", caption, element("picture", dark, image))


def grid(figures: Sequence[Safe]) -> Safe:
    """Pictures side by side where there is room."""
    return element("div", *figures, class_="figures") if figures else Safe("")


def folded(summary: str, content: Safe) -> Safe:
    """A part that is folded away."""
    return element("details", element("summary", summary), content)


def callout(title: str, lines: Sequence[Safe]) -> Safe:
    """A box that asks for attention."""
    items = [element("li", line) for line in lines]
    return element(
        "aside", element("p", element("strong", title)), element("ul", *items), class_="callout"
    )
