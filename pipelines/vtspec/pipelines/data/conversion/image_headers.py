"""Images as far as their headers tell."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.image_decoding import UnreadableImageError, open_image
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.formatting import pluralize


class ImageHeader(NamedTuple):
    """The size of the stored pixels, and the format by Pillow's name."""

    size: Size
    kind: str


def read_headers(root: Path, images: Iterable[str]) -> dict[str, ImageHeader]:
    """The header of each image. Raises `Permanent` where there are some without."""
    found, faults = {}, {}
    for image in images:
        try:
            with open_image(root / image) as opened:
                found[image] = ImageHeader(size=opened.size, kind=opened.format or "")
        except (OSError, UnreadableImageError) as error:
            faults[image] = str(error)
    if faults:
        first, why = next(iter(faults.items()))
        raise Permanent(
            f"{pluralize(len(faults), 'image')} cannot be read, such as {first}: {why}",
            fix="write them anew, or delete them",
        )
    return found
