"""Colours of classes: the same wherever a class is drawn, by its place among the classes."""

import colorsys
from typing import Final, TypeAlias

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""

BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (255, 255, 255)

_GOLDEN: Final = 0.6180339887498949
"""Of a turn: hues so far apart fill the circle evenly, however many there are."""

_TONES: Final = ((0.85, 0.95), (0.65, 0.75), (0.95, 0.60))
"""Saturation and value, changed after each twelve hues, which come close by then."""


def choose_colour(place: int) -> Colour:
    """The colour of the class at this place, from 0."""
    saturation, value = _TONES[place // 12 % len(_TONES)]
    channels = colorsys.hsv_to_rgb((0.02 + place * _GOLDEN) % 1, saturation, value)
    red, green, blue = (round(255 * channel) for channel in channels)
    return red, green, blue


def choose_ink(paper: Colour) -> Colour:
    """Black or white, whichever is easier to read on a colour (WCAG's relative luminance)."""
    red, green, blue = (_linearize(channel / 255) for channel in paper)
    return BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else WHITE


def _linearize(channel: float) -> float:
    dark = channel <= 0.04045
    return channel / 12.92 if dark else float(((channel + 0.055) / 1.055) ** 2.4)
