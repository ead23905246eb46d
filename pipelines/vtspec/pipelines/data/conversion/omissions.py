"""What of the data a target cannot carry, counted and told. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vtspec.pipelines.formatting import pluralize

_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "crowd": ("crowd", "crowds", "left out: the format has no mark for many objects in one"),
    "crowd-as-difficult": ("crowd", "crowds", "marked as difficult, which metrics leave out, too"),
    "no-class": ("object", "objects", "left out: of no class"),
    "no-place": ("object", "objects", "left out: without a box, polygon, mask or points"),
    "no-area": ("object", "objects", "left out: nothing of it lies in the image"),
    "no-pixels": ("object", "objects", "not drawn: without a polygon or mask"),
    "covered": ("object", "objects", "covered by others in part: a pixel has one class"),
    "cut": ("object", "objects", "cut off at the sides of the image"),
    "area": ("object", "objects", "without the polygon or mask"),
    "box": ("object", "objects", "without the box, which is not the one around its area"),
    "points": ("object", "objects", "without the keypoints"),
    "padded": ("object", "objects", "with keypoints that are not labelled, as all have as many"),
    "turned": ("turned box", "turned boxes", "as the upright box around it"),
    "corners": ("turned box", "turned boxes", "as a polygon of its four corners"),
    "upright": ("object", "objects", "as an upright box: it has not the four corners of a turned"),
    "derived": ("object", "objects", "with the box around its points, having none of its own"),
    "squared": ("box", "boxes", "as a polygon of four corners, as are the other objects"),
    "traced": ("mask", "masks", "as a polygon along the sides of its pixels"),
    "rastered": ("polygon with holes", "polygons with holes", "as a mask of pixels"),
    "parts": ("object", "objects", "in several parts, joined by lines without width"),
    "holes": ("object", "objects", "with holes, cut open by lines without width"),
    "marks": ("object", "objects", "without being marked difficult or truncated"),
    "attributes": ("object", "objects", "without its attributes"),
    "image-attributes": ("image", "images", "without its attributes"),
    "row": ("row", "rows", "left out: of an image that lies in a folder already"),
    "object": ("object", "objects", "left out: the format has labels of whole images alone"),
    "label": ("image", "images", "without its class"),
    "labels": ("image", "images", "without its labels"),
    "text": ("image", "images", "without its text"),
    "captions": ("image", "images", "without its captions"),
    "question": ("image", "images", "without the question about it"),
    "as-text": ("value", "values", "of attributes as JSON in a cell"),
    "resized": (
        "image",
        "images",
        "of another size than the labels say: places were taken for pixels of the image as it is",
    ),
    "renamed": ("image", "images", "under another name, as the format needs it"),
    "unsplit": ("image", "images", "left out: in no split"),
    "unseen-class": ("class", "classes", "left out: the format names those that are shown"),
    "reordered": ("class", "classes", "with another index: the format sorts classes by name"),
    "unread": ("field", "fields", "of the label files left out, which nothing reads"),
}
"""What became of what, by kind: one, several, and the words behind them."""


@dataclass(frozen=True, kw_only=True)
class Omission:
    """Something that is not in the target as it was: how often, and the first places."""

    kind: str
    count: int
    message: str
    places: tuple[str, ...]


@dataclass
class Omissions:
    """A tally of what is left out or written otherwise."""

    _counts: dict[str, int] = field(default_factory=dict)
    _places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """Count one more; `place` is the image, class or field that it is of."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        places = self._places.setdefault(kind, [])
        if len(places) < 3 and place not in places:
            places.append(place)

    def __iter__(self) -> Iterator[Omission]:
        for kind, (one, several, words) in _WORDS.items():
            if count := self._counts.get(kind):
                message = f"{pluralize(count, one, several)} {words}"
                yield Omission(
                    kind=kind, count=count, message=message, places=tuple(self._places[kind])
                )
