"""What is written of an image, and what writes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from vtspec.adapters.data.annotations import Annotation, Sample, Size

UNSPLIT: Final = "all"
"""The split of data that is not split yet, as a layout has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedImage:
    """An image with its place in the target.

    `name` is its path below the target's folder of the split's images. `objects` are those that
    the target can say, each as the sample has it and as the target says it. `size` is that of the
    stored pixels; None where the target needs none.
    """

    sample: Sample
    name: str
    size: Size | None = None
    objects: Sequence[tuple[Annotation, Annotation]] = ()


class Writer(Protocol):
    """A format's files of labels: path from the root of the dataset, and what is in it."""

    def get_image_folder(self, split: str) -> str:
        """Where the images of a split lie, from the root."""
        ...

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """The files of a split."""
        ...

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The files of the whole dataset."""
        ...


def get_split_folder(parent: str, split: str) -> str:
    """`images/train`; `images` alone for data that is not split."""
    return parent if split == UNSPLIT else f"{parent}/{split}"


def require_size(image: PlacedImage) -> Size:
    """The size of an image whose target needs it."""
    assert image.size is not None, image.name
    return image.size
