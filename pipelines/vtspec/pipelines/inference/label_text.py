"""Text on a picture, each letter in a font of this machine that has it."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.reporting.plots.fonts import (
    Fonts,
    choose_fonts,
    find_font_file,
    read_letters,
)

from .palette import Colour

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_LONGEST: Final = 40
"""Letters of a name that are drawn."""


class LabelText:
    """Draws names of classes and what stands beside them."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.fonts: Fonts = choose_fonts((), classes=classes)

    def measure(self, text: str, size: int) -> tuple[int, int, int]:
        """Width of the text in pixels; how far it reaches above its base line, and below."""
        runs = list(self._split(text))
        faces = [_load_face(family, size) for family, _ in runs] or [self._get_first(size)]
        width = sum(face.getlength(run) for face, (_, run) in zip(faces, runs, strict=False))
        above, below = (max(each) for each in zip(*(f.getmetrics() for f in faces), strict=True))
        return round(width + 0.5), above, below

    def draw(
        self, draw: "ImageDraw", at: tuple[float, float], text: str, size: int, ink: Colour
    ) -> None:
        """Draw the text, `at` being the left end of its base line."""
        x, y = at
        for family, run in self._split(text):
            face = _load_face(family, size)
            draw.text((x, y), run, fill=ink, font=face, anchor="ls")
            x += face.getlength(run)

    def make_drawable(self, name: str) -> str:
        """A class's name in letters that are there; after its number where some are not."""
        return self.fonts.make_drawable(name, _LONGEST)

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        """Families, each with the letters in a row that it is the first to have."""
        run, family = "", self.fonts.families[0]
        for letter in text:
            found = self._find_family(letter)
            if found != family and run:
                yield family, run
                run = ""
            family = found
            run += letter
        if run:
            yield family, run

    def _find_family(self, letter: str) -> str:
        families = self.fonts.families
        known = (one for one in families if ord(letter) in read_letters(one))
        return next(known, families[0])

    def _get_first(self, size: int) -> "FreeTypeFont":
        return _load_face(self.fonts.families[0], size)


@cache
def _load_face(family: str, size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    path = find_font_file(family)
    # The first one comes with matplotlib, and others were read before they were chosen.
    assert path is not None
    return ImageFont.truetype(path, size)
