"""YOLO: `images/train`, `labels/train` with a text file an image, and data.yaml."""

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vtspec.adapters.data.annotations import Annotation, Size
from vtspec.adapters.data.yolo import RowForm

from .writer import UNSPLIT, PlacedImage, get_split_folder, require_size


@dataclass(frozen=True, kw_only=True)
class YoloWriter:
    """Writes rows of one form. `points` is how many keypoints each has; `names` are theirs, by
    class."""

    classes: Sequence[str]
    form: RowForm
    points: int = 0
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def get_image_folder(self, split: str) -> str:
        """`images/train`."""
        return get_split_folder("images", split)

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """A file for each image; an empty one where nothing is shown."""
        folder = get_split_folder("labels", split)
        indexes = {name: str(index) for index, name in enumerate(self.classes)}
        format_numbers = _NUMBERS[self.form]
        for image in images:
            size = require_size(image)
            rows = [
                f"{indexes[fitted.class_name or '']} {format_numbers(fitted, size)}\n"
                for _, fitted in image.objects
            ]
            yield f"{folder}/{posixpath.splitext(image.name)[0]}.txt", "".join(rows).encode()

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """data.yaml; every text in it is quoted, as `no` and `1e3` are names, too."""
        lines = [
            f"{split}: {self.get_image_folder(split)}" for split in splits if split != UNSPLIT
        ]
        lines += ["names:", *(f"  {at}: {_quote(name)}" for at, name in enumerate(self.classes))]
        if self.form == "keypoints":
            lines.append(f"kpt_shape: [{self.points}, 3]")
            named = [
                f"  {at}: [{', '.join(map(_quote, self.names[name]))}]"
                for at, name in enumerate(self.classes)
                if len(self.names.get(name, ())) == self.points
            ]
            lines += ["kpt_names:", *named] if named else []
        yield "data.yaml", ("\n".join(lines) + "\n").encode()


def _quote(text: str) -> str:
    # JSON's quoted strings are YAML's, but for characters that it writes as two halves.
    return json.dumps(text, ensure_ascii=False)


def _format_box(found: Annotation, size: Size) -> str:
    assert found.box is not None
    # Twelve digits are a millionth of a pixel in an image of a million.
    return "%.12g %.12g %.12g %.12g" % found.box.to_yolo(size)  # noqa: UP031 - twice as fast


def _format_ring(found: Annotation, size: Size) -> str:
    (polygon,) = found.polygons
    return _format_points(polygon.outer, size)


def _format_corners(found: Annotation, size: Size) -> str:
    if found.oriented_box is not None:
        return _format_points(found.oriented_box.corners, size)
    return _format_ring(found, size)


def _format_keypoints(found: Annotation, size: Size) -> str:
    points = (f"{_format_points((p.x, p.y), size)} {p.visibility}" for p in found.keypoints)
    return " ".join((_format_box(found, size), *points))


def _format_points(xy: Sequence[float], size: Size) -> str:
    width, height = size
    pairs = zip(xy[::2], xy[1::2], strict=True)
    return " ".join([f"{x / width:.12g} {y / height:.12g}" for x, y in pairs])


_NUMBERS: dict[RowForm, Callable[[Annotation, Size], str]] = {
    "boxes": _format_box,
    "corners": _format_corners,
    "polygons": _format_ring,
    "keypoints": _format_keypoints,
}
