"""imagefolder: the images of a class in a folder of its name, in that of the split."""

from collections.abc import Iterator, Sequence

from .writer import UNSPLIT, PlacedImage


class ImagefolderWriter:
    """Writes no file: the folders of the images are the labels."""

    def get_image_folder(self, split: str) -> str:
        """`train`; below it the names of images begin with their class."""
        return "." if split == UNSPLIT else split

    def format_split(
        self, split: str, images: Sequence[PlacedImage]
    ) -> Iterator[tuple[str, bytes]]:
        """Nothing."""
        yield from ()

    def format_dataset(self, splits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Nothing."""
        yield from ()
