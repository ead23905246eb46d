"""What a report is made of, whoever shows it: sections of paragraphs, tables and figures.

Sections are made once, from `Facts` (`sections/`), and renderers show them: markdown and HTML
(`render/`), and the terminal (in the command line). Where an output says less, more or in other
words, `Only` carries that. A new task is one more file of sections; a new output is a renderer,
or only a choice of sections: a comment in a pull request is markdown of a few sections, each
within a smaller budget (`render.markdown.render_sections`). A plain `str` is our own words; what
someone else wrote is a `Quote`, and it is the renderer that makes it harmless.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .curves import Series
from .escape import NAME_LENGTH
from .evaluation import SampleError
from .provenance import FactGroup
from .verdict import VerdictName

Medium = Literal["markdown", "html", "terminal"]
_PAGES: Final = ("markdown", "html")


@dataclass(frozen=True)
class Quote:
    """Someone else's text, with the characters that each output keeps of it.

    Markdown sets all of it as code, HTML only where it `is_code`: something to type or to look
    up. What `is_term` (a metric's name) is read within our words and not set apart on a page.
    """

    text: str
    markdown: int = NAME_LENGTH
    html: int = NAME_LENGTH
    terminal: int = 40
    is_code: bool = False
    is_term: bool = False


@dataclass(frozen=True)
class Bar:
    """A figure that HTML draws as a bar too; `share` of the longest, 0 to 1."""

    text: str
    share: float


MarkKind = Literal["better", "worse", "same", "passed", "uncertain", "missed"]


@dataclass(frozen=True)
class Mark:
    """A judged figure or outcome, shown in the colour of its `kind` (None: nobody judged). What
    `is_whole` is not broken over lines."""

    text: str
    kind: MarkKind | None
    is_whole: bool = False


Part: TypeAlias = str | Quote | Bar | Mark
Parts: TypeAlias = tuple[Part, ...]
Cell: TypeAlias = Part | Parts


@dataclass(frozen=True, kw_only=True)
class Title:
    """What stands first: the verdict, what it is of, and the run. `mark` is it as one sign."""

    verdict: VerdictName
    mark: str
    headline: str
    name: Quote
    run: Quote
    subject: tuple[Quote, ...]


@dataclass(frozen=True)
class Heading:
    """A heading other than a section's title; at `level` 1 names stand out from our words."""

    parts: Parts
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Running text; a note is set back behind what it belongs to."""

    parts: Parts
    is_note: bool = False


@dataclass(frozen=True)
class Quotation:
    """A longer text of someone else, such as a description, in lines where there is room."""

    text: str
    markdown: int = 900
    html: int = 2000


@dataclass(frozen=True)
class FailureNote:
    """Why a run failed, and what to do about it."""

    message: str
    fix: str | None


@dataclass(frozen=True)
class Callout:
    """Sentences that ask for attention; one that `is_section` has its title as heading."""

    title: str
    lines: tuple[Parts, ...]
    is_section: bool = False


@dataclass(frozen=True)
class Column:
    """A column's title, its side (`l` or `r`), and what it is for.

    `main` is the figure to look at first, `head` names the row and `roomy` explains: shown where
    there is room. The terminal has the title in small letters, or `terminal` instead.
    """

    title: Part
    align: str = "l"
    role: Literal["", "main", "head", "roomy"] = ""
    terminal: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows as wide as `columns`. `share` is how much of its section's room the table may take
    where room is short; where `is_titled`, eyes see the caption that screen readers always get;
    `cards` are rows so few that a page shows each on its own."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    share: float = 1.0
    is_titled: bool = False
    are_cards: bool = False


@dataclass(frozen=True)
class Line:
    """One line of a chart and how it is called."""

    name: Parts
    series: Series


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture: `plot` names the drawn one, `alt` says it in words for those who do not see it.

    Markdown has no pictures and charts `lines` instead, over epochs, against `label`.
    """

    plot: str
    title: Parts
    alt: str
    lines: tuple[Line, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class FigureGrid:
    """Figures side by side where there is room."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class SideBySide:
    """A figure and the words or figures that belong to it."""

    figure: Figure
    beside: "Table | Paragraph"


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away; none of the whole where they come to nothing."""

    summary: str
    blocks: "tuple[Block | None, ...]"


@dataclass(frozen=True)
class Tiles:
    """The few figures that most readers came for: label, value and a note."""

    entries: tuple[tuple[Part, str, str], ...]


@dataclass(frozen=True)
class FactList:
    """Groups of facts, label and value."""

    groups: tuple[FactGroup, ...]


@dataclass(frozen=True)
class Gallery:
    """Samples with their pictures, which the renderer gets in the same order."""

    samples: tuple[SampleError, ...]


@dataclass(frozen=True)
class CommandBlock:
    """Commands to type, one a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Only:
    """Blocks that are for some outputs alone; `pages` are markdown and HTML."""

    media: Medium | Literal["pages"]
    blocks: "tuple[Block | None, ...]"


Block: TypeAlias = (
    Title
    | Heading
    | Paragraph
    | Quotation
    | FailureNote
    | Callout
    | Table
    | FigureGrid
    | SideBySide
    | Details
    | Tiles
    | FactList
    | Gallery
    | CommandBlock
    | Only
)


@dataclass(frozen=True)
class Section:
    """A part of a report. `name` is for the renderers, that choose, order and bound sections by
    it; `title` is for people, "" where the blocks need none."""

    name: str
    title: str
    blocks: tuple[Block | None, ...]


@dataclass(frozen=True)
class Document:
    """Everything that may be shown of `run`; sections without anything to say are not in it."""

    run: str
    title: str
    sections: tuple[Section, ...]

    def pick_sections(self, names: Iterable[str]) -> Iterator[Section]:
        """The sections of those names, in the order of the names; those that there are."""
        known = {section.name: section for section in self.sections}
        return (known[name] for name in names if name in known)


def write(*parts: Part, is_note: bool = False) -> Paragraph:
    """A paragraph of these parts."""
    return Paragraph(parts, is_note)


def show_only(media: Medium | Literal["pages"], *blocks: Block | None) -> Only:
    """These blocks for one output, or for both `pages`."""
    return Only(media, blocks)


def select_blocks(blocks: Iterable[Block | None], medium: Medium) -> Iterator[Block]:
    """The blocks that an output shows, in order; None stands where there is nothing to say."""
    for block in blocks:
        if isinstance(block, Only):
            if block.media == medium or (block.media == "pages" and medium in _PAGES):
                yield from select_blocks(block.blocks, medium)
        elif block is not None:
            yield block
