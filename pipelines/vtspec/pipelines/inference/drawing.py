"""What a model says of an image, drawn on it.

By Pillow alone: supervision (0.31) draws with OpenCV or, with a warning, a slower replacement of
its own, takes the masks of all objects unpacked at once, writes Korean in one font that has to be
named to it, and brings SciPy and requests along.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtspec.adapters.data.mask_rle import decode_mask
from vtspec.pipelines.errors import Refused, refuse_import
from vtspec.pipelines.runs.json_values import to_number, to_numbers, to_text, to_words

from .answers import SURE, Answer, FoundObject, Point, keep_sure, read_areas, read_objects
from .label_text import LabelText
from .palette import BLACK, WHITE, Colour, choose_colour, choose_ink
from .skeletons import Skeleton

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from vtspec.adapters.data.annotations import RleMask

_LEAST_SIDE: Final = 360
"""Pixels of the longer side that a picture has at least, or its labels could not be read."""

_VEIL: Final = 115
"""Of 255: how much of a mask's colour lies over the image."""

_MOST_AREAS: Final = 12
"""Classes that a list of them has room for."""


@dataclass(frozen=True, kw_only=True)
class DrawingStyle:
    """What is drawn: objects from `least` confidence on, `top` classes of a whole image, and the
    lines between the points of a body."""

    least: float
    top: int
    skeleton: Skeleton = ()


class Artist:
    """Draws answers about the classes of one model."""

    def __init__(self, classes: Sequence[str], style: DrawingStyle) -> None:
        try:
            import PIL.ImageDraw
        except ImportError as error:
            absent = "pictures are drawn by Pillow, which is not installed"
            raise refuse_import(error, "PIL", absent, "pip install 'vtspec[predict]'") from error
        self._text = LabelText(classes)
        self._style = style
        self._places = {name: place for place, name in enumerate(classes)}
        self._draw: Callable[[Image], ImageDraw] = PIL.ImageDraw.Draw

    def describe_lacking(self) -> str | None:
        """What a person should know of letters that no font here has."""
        return self._text.fonts.describe_lacking("predict anew")

    def draw(self, image: "Image", answer: Answer) -> "Image":
        """The image, or where it is small a multiple of it, with the answer.

        Raises `Refused` where an answer is of nothing that can be drawn.
        """
        by = max(1, math.ceil(_LEAST_SIDE / max(image.size)))
        shown = image.convert("RGB").resize((image.width * by, image.height * by), resample=0)
        objects, areas = read_objects(keep_sure(answer, self._style.least)), read_areas(answer)
        canvas = _Canvas(shown, self._draw(shown), self._text, by)
        if objects is not None:
            # The surest last, over what may be nothing.
            self._draw_objects(canvas, sorted(objects, key=lambda one: one.confidence))
        elif areas is not None:
            self._draw_areas(canvas, areas)
        elif told := list(self._list_classes(answer)):
            canvas.list_lines(told)
        else:
            raise Refused(
                "what this model says of an image cannot be drawn",
                fix="leave out --into, and add --output json",
            )
        return canvas.image

    def _draw_objects(self, canvas: "_Canvas", objects: Sequence[FoundObject]) -> None:
        for one in objects:
            if one.mask is not None:
                canvas.paint(one.mask, self._get_colour(one.label))
        for one in objects:
            colour = self._get_colour(one.label)
            if one.corners:
                canvas.outline(one.corners, colour)
            else:
                canvas.frame(one.box, colour)
            if one.points is not None:
                canvas.join(one.points, self._style.skeleton, colour)
        for one in objects:
            words = f"{self._text.make_drawable(one.label)} {one.confidence:.2f}"
            # Of a turned box at its uppermost corner, or the label would stand beside it.
            x, y = min(one.corners, key=lambda at: at[1]) if one.corners else one.box[:2]
            canvas.label((x, y), words, self._get_colour(one.label))

    def _draw_areas(
        self, canvas: "_Canvas", areas: Sequence[tuple[str, float, "RleMask"]]
    ) -> None:
        for name, _, mask in areas:
            canvas.paint(mask, self._get_colour(name))
        told = [
            (f"{self._text.make_drawable(name)} {share:.1%}", self._get_colour(name))
            for name, share, _ in areas[:_MOST_AREAS]
        ]
        left = len(areas) - len(told)
        canvas.list_lines([*told, *([(f"and {left} more", WHITE)] if left else [])])

    def _list_classes(self, answer: Answer) -> Iterator[tuple[str, Colour]]:
        """The likeliest classes, or all labels that are said, with their scores."""
        scores = to_numbers(answer.get("scores"))
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        if "predicted_labels" in answer:
            said = set(to_words(answer["predicted_labels"]))
            ranked = [pair for pair in ranked if pair[0] in said]
            if scores and not ranked:
                yield "no label", WHITE
        elif not scores and (label := to_text(answer.get("predicted_label"))) is not None:
            ranked = [(label, to_number(answer.get("confidence")) or 0.0)]
        for name, score in ranked[: self._style.top]:
            yield f"{self._text.make_drawable(name)} {score:.2f}", self._get_colour(name)

    def _get_colour(self, name: str) -> Colour:
        return choose_colour(self._places.get(name, len(self._places)))


@dataclass(kw_only=False)
class _Canvas:
    """An image that is drawn on, in its own pixels before it was enlarged `by`."""

    image: "Image"
    draw: "ImageDraw"
    text: LabelText
    by: int

    def __post_init__(self) -> None:
        self._bare = self.image.copy()

    @property
    def line(self) -> int:
        """How thick lines are."""
        return max(2, round(max(self.image.size) / 400))

    @property
    def letters(self) -> int:
        """How high letters are."""
        return max(13, round(max(self.image.size) / 55))

    def paint(self, mask: "RleMask", colour: Colour) -> None:
        """Lay a veil of the colour over the pixels, with an edge."""
        from PIL import Image, ImageChops, ImageFilter

        pixels = Image.frombytes("L", (mask.width, mask.height), decode_mask(mask))
        found = pixels.getbbox()
        # One of another image's size would be drawn in a wrong place.
        if found is None or (mask.width * self.by, mask.height * self.by) != self.image.size:
            return
        # With a row around it, else an object that fills its part would have no edge.
        part = Image.new("L", (found[2] - found[0] + 2, found[3] - found[1] + 2))
        part.paste(pixels.crop(found).point(lambda value: 255 * value), (1, 1))
        part = part.resize((part.width * self.by, part.height * self.by), resample=0)
        edge = ImageChops.subtract(
            part, part.filter(ImageFilter.MinFilter(2 * (self.line // 2) + 1))
        )
        at = ((found[0] - 1) * self.by, (found[1] - 1) * self.by)
        # Over the bare image: veils that lie over one another would hide it.
        bare = self._bare.crop((*at, at[0] + part.width, at[1] + part.height))
        veil = Image.blend(bare, Image.new("RGB", bare.size, colour), _VEIL / 255)
        self.image.paste(veil, at, part)
        self.image.paste(colour, at, edge)

    def frame(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Draw an upright box, from its edges inwards."""
        x_min, y_min, x_max, y_max = (round(edge * self.by) for edge in box)
        around = (x_min, y_min, max(x_min, x_max - 1), max(y_min, y_max - 1))
        self.draw.rectangle(around, outline=colour, width=self.line)

    def outline(self, corners: Sequence[Point], colour: Colour) -> None:
        """Draw a closed line."""
        around = [self._place(at) for at in (*corners, *corners[:2])]
        self.draw.line(around, fill=colour, width=self.line, joint="curve")

    def join(
        self,
        points: Mapping[str, tuple[float, float, float]],
        skeleton: Skeleton,
        colour: Colour,
    ) -> None:
        """Draw the points of a body that are likely to be seen, and the lines between them."""
        seen = {name: self._place((x, y)) for name, (x, y, sure) in points.items() if sure >= SURE}
        for ends in skeleton:
            if all(end in seen for end in ends):
                self.draw.line([seen[end] for end in ends], fill=colour, width=self.line)
        radius = 1.5 * self.line
        for x, y in seen.values():
            around = (x - radius, y - radius, x + radius, y + radius)
            self.draw.ellipse(around, fill=colour, outline=choose_ink(colour))

    def label(self, at: Point, words: str, colour: Colour) -> None:
        """Write words on their colour above a place, or below where there is no room above."""
        width, height = self._measure(words)
        x, y = self._place(at)
        x = min(max(0, x - self.line / 2), max(0, self.image.width - width))
        y = y - height if y - height >= 0 else y
        self._write((x, min(y, self.image.height - height)), words, colour)

    def list_lines(self, lines: Sequence[tuple[str, Colour]]) -> None:
        """Write lines below each other, from the upper left on."""
        y = 0
        for words, colour in lines:
            self._write((0, y), words, colour)
            y += self._measure(words)[1]

    def _measure(self, words: str) -> tuple[int, int]:
        width, above, below = self.text.measure(words, self.letters)
        return width + 2 * self.line, above + below

    def _write(self, at: Point, words: str, colour: Colour) -> None:
        x, y = at
        width, height = self._measure(words)
        _, above, _ = self.text.measure(words, self.letters)
        self.draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
        ink = choose_ink(colour) if colour != WHITE else BLACK
        self.text.draw(self.draw, (x + self.line, y + above), words, self.letters, ink)

    def _place(self, at: Point) -> Point:
        # Coordinates are of pixels' edges, and Pillow's of their middles.
        return at[0] * self.by - 0.5, at[1] * self.by - 0.5
