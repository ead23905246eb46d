"""Fonts for pictures: which of this machine's can draw the letters of the class names.

matplotlib brings DejaVu Sans, which lacks Chinese, Japanese, Korean and more. A letter that no
font here has becomes `□` before it is drawn, so that nothing warns and nothing is skipped.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from vtspec.pipelines.reporting.escape import make_one_line, make_visible

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


@dataclass(frozen=True)
class Fonts:
    """Families in the order in which a letter is looked for, and every letter that they have."""

    families: tuple[str, ...]
    letters: frozenset[int]

    def make_drawable(self, text: str, limit: int) -> str:
        """The text with a box for each letter that none of the fonts has."""
        shown = make_one_line(text, limit)
        return "".join(letter if ord(letter) in self.letters else UNKNOWN for letter in shown)


def choose_fonts(texts: Iterable[str], candidates: Iterable[str] = CANDIDATES) -> Fonts:
    """DejaVu Sans and those candidates, installed here, that add a letter that `texts` need."""
    families, letters = [FIRST], _read_letters(FIRST)
    wanted = {ord(letter) for text in texts for letter in make_visible(text)} - letters
    for family in candidates if wanted else ():
        found = _read_letters(family)
        if wanted & found:
            families.append(family)
            letters |= found
            wanted -= found
    return Fonts(families=tuple(families), letters=letters)


@cache
def _read_letters(family: str) -> frozenset[int]:
    """The code points of a family's regular face; none where it is not installed."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    if family not in {entry.name for entry in fontManager.ttflist}:
        return frozenset()
    path = fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)
    return frozenset(get_font(path).get_charmap())
