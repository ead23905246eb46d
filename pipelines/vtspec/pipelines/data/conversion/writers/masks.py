"""Mask folders: `images/train`, `masks/train` with a PNG of class indexes each, classes.txt."""

import io
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtspec.adapters.data.class_masks import IGNORED
from vtspec.adapters.data.rasters import Raster, rasterize_object
from vtspec.pipelines.data.conversion.omissions import Omissions

from .writer import PlacedImage, get_split_folder, require_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class MaskWriter:
    """Draws the objects in their order, later ones over earlier ones; what none covers is of no
    class."""

    classes: Sequence[str]
    omissions: Omissions

    def get_image_folder(self, split: str) -> str:
        """`images/train`."""
        return get_split_folder("images", split)

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """A mask for each image."""
        folder = get_split_folder("masks", split)
        for image in images:
            name = f"{folder}/{posixpath.splitext(image.name)[0]}.png"
            yield name, _encode(self._draw(image))

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """classes.txt."""
        yield "classes.txt", "".join(f"{name}\n" for name in self.classes).encode()

    def _draw(self, image: PlacedImage) -> "NDArray[np.uint8]":
        import numpy as np

        size = require_size(image)
        indexes = {name: index for index, name in enumerate(self.classes)}
        drawn = np.full((size[1], size[0]), IGNORED, dtype=np.uint8)
        for source, _ in image.objects:
            raster = rasterize_object(source, size)
            if raster is not None:
                area = cut_out(drawn, raster)
                index = indexes[source.class_name or ""]
                if ((area != IGNORED) & (area != index) & raster.pixels).any():
                    self.omissions.add("covered", image.sample.image)
                area[raster.pixels] = index
        return drawn


def cut_out(indexes: "NDArray[np.uint8]", raster: Raster) -> "NDArray[np.uint8]":
    """The part of a mask `(height, width)` where a raster lies; a view."""
    height, width = raster.pixels.shape
    return indexes[raster.y : raster.y + height, raster.x : raster.x + width]


def _encode(indexes: "NDArray[np.uint8]") -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(indexes).save(written, "PNG")
    return written.getvalue()
