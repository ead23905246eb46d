"""Images as far as their headers tell."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vtspec.adapters.data.annotations import Size
from vtspec.adapters.data.image_decoding import UnreadableImageError, open_image
from vtspec.adapters.system_errors import is_shortage


class ImageHeader(NamedTuple):
    """The size of the stored pixels, and the format by Pillow's name."""

    size: Size
    kind: str


def read_headers(
    root: Path, images: Iterable[str]
) -> tuple[dict[str, ImageHeader], dict[str, str]]:
    """The header of each image, and of those without one why."""
    found, faults = {}, {}
    for image in images:
        try:
            with open_image(root / image) as opened:
                found[image] = ImageHeader(size=opened.size, kind=opened.format or "")
        except (OSError, UnreadableImageError) as error:
            if isinstance(error, OSError) and is_shortage(error):
                raise
            faults[image] = str(error)
    return found, faults
