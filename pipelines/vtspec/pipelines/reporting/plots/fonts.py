"""Fonts for pictures: which of this machine's can draw the letters of the class names.

matplotlib brings DejaVu Sans, which lacks Chinese, Japanese, Korean and more. A letter that no
font here has becomes `□` before it is drawn, so that nothing warns and nothing is skipped; classes
are then told apart by number, and the report says so.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from vtspec.pipelines.reporting.escape import make_one_line
from vtspec.schema.visible_text import make_visible

FIRST: Final = "DejaVu Sans"

CANDIDATES: Final = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans KR",
    "Noto Sans JP",
    "Noto Sans SC",
    "Apple SD Gothic Neo",
    "Hiragino Sans",
    "PingFang SC",
    "NanumGothic",
    "WenQuanYi Zen Hei",
    "Unifont",
    "Noto Sans",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)
"""Families to look for, in order, where DejaVu Sans lacks a letter."""

UNKNOWN: Final = "□"


_NO_LETTERS: Final = ("Last Resort", "LastResort", "Adobe Blank", "AdobeBlank")
"""Fonts that have every code point, and a letter for none."""

_MOST_TOLD: Final = 10


@dataclass(frozen=True)
class Fonts:
    """Families in the order in which a letter is looked for, and every letter that they have.
    `numbers` has the place of each class, which tells apart those whose names are boxes; `lacking`
    are the names that have a letter of none of the fonts."""

    families: tuple[str, ...]
    letters: frozenset[int]
    numbers: Mapping[str, int] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()

    def make_drawable(self, text: str, limit: int) -> str:
        """The text with a box for each letter that none of the fonts has, after its number where
        it is that of a class."""
        shown = make_one_line(text, limit)
        drawn = "".join(letter if ord(letter) in self.letters else UNKNOWN for letter in shown)
        is_numbered = text in self.lacking and text in self.numbers
        return f"{self.numbers[text]}: {drawn}" if is_numbered else drawn

    def describe_lacking(self, again: str = "'vtspec report RUN'") -> str | None:
        """What a person should know of letters that are not drawn, and how to have them, with
        what is to be typed `again` then."""
        if not self.lacking:
            return None
        names = [
            f"{self.numbers[name]}: {name}" if name in self.numbers else name
            for name in self.lacking[:_MOST_TOLD]
        ]
        left = len(self.lacking) - len(names)
        listed = ", ".join(names) + (f" and {left} more" if left else "")
        package = (
            "fonts-noto-cjk" if any(map(_is_cjk, "".join(self.lacking))) else "fonts-noto-core"
        )
        return (
            f"no font of this machine has all letters of {listed}: the pictures show boxes, and "
            f"classes by number; 'apt-get install {package}' brings one, then {again}"
        )


def choose_fonts(
    texts: Iterable[str],
    candidates: Iterable[str] = CANDIDATES,
    classes: Sequence[str] = (),
) -> Fonts:
    """DejaVu Sans and those fonts, installed here, that add a letter that `texts` and `classes`
    need: candidates first, then any other."""
    names = list(dict.fromkeys([*classes, *texts]))
    families, letters = [FIRST], read_letters(FIRST)
    wanted = {ord(letter) for text in names for letter in make_visible(text)} - letters
    for family in _order_families(candidates) if wanted else ():
        if not wanted:
            break
        found = read_letters(family)
        if wanted & found:
            families.append(family)
            letters |= found
            wanted -= found
    return Fonts(
        families=tuple(families),
        letters=letters,
        numbers={name: number for number, name in enumerate(classes)},
        lacking=tuple(name for name in names if wanted & set(map(ord, make_visible(name)))),
    )


def _order_families(candidates: Iterable[str]) -> list[str]:
    """Every family to look into, once; the list of installed fonts is brought up to date."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    # matplotlib keeps its list in a file, and never looks again: a font that was installed since
    # is not in it.
    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        # A file that is no font is none that could help.
        with suppress(Exception):
            fontManager.addfont(path)
    installed = sorted({entry.name for entry in fontManager.ttflist})
    usable = (name for name in installed if not name.startswith(_NO_LETTERS))
    return list(dict.fromkeys([*candidates, *usable]))


def read_letters(family: str) -> frozenset[int]:
    """The code points of a family's regular face; none where it is not installed."""
    path = find_font_file(family)
    try:
        return frozenset() if path is None else _read_code_points(path)
    except (OSError, RuntimeError, ValueError):
        # Removed since matplotlib listed it, or damaged.
        return frozenset()


@cache
def find_font_file(family: str) -> str | None:
    """The file of a family's regular face; None where it is not installed."""
    import logging

    from matplotlib.font_manager import FontProperties, fontManager

    # It warns of each family without a regular face, of which nobody asked for one.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if family not in {entry.name for entry in fontManager.ttflist}:
        return None
    try:
        found = FontProperties(family=[family])
        return fontManager.findfont(found, fallback_to_default=False, rebuild_if_missing=False)
    except (OSError, RuntimeError, ValueError):
        return None


@cache
def _read_code_points(path: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(path).get_charmap())


def _is_cjk(letter: str) -> bool:
    words = unicodedata.name(letter, "").split(" ")
    return bool({"CJK", "HANGUL", "HIRAGANA", "KATAKANA", "BOPOMOFO"} & set(words))
