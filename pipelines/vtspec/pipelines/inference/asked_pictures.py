"""Pictures that an adapter is asked about, as files: images as they lie there, frames of videos
and tiles of either written for as long as they are asked about."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.data.image_decoding import UnreadableImageError, read_image

from .answers import Answer
from .sources import Source
from .tiles import Tile, Tiling, cut_tiles, join_answers
from .video_frames import BrokenVideoError, Every, iter_frames

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, kw_only=True)
class AskedPicture:
    """One picture of a source. `pixels` is the file that shows it; `frame` and `time_s` are those
    of a video's; `error` says why there is nothing to ask about."""

    source: Path
    pixels: Path
    frame: int | None = None
    time_s: float | None = None
    error: str | None = None
    is_temporary: bool = False
    tiles: tuple[tuple[Tile, Path], ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """What the adapter is asked about."""
        if self.error is not None:
            return ()
        return tuple(file for _, file in self.tiles) or (self.pixels,)

    def join(self, answers: Sequence[Answer]) -> Answer:
        """One answer of those about the `files`."""
        if not self.tiles:
            return answers[0]
        return join_answers([tile for tile, _ in self.tiles], answers)

    def discard(self) -> None:
        """Remove what was written to be asked about."""
        written = [file for _, file in self.tiles]
        for file in (*written, self.pixels) if self.is_temporary else written:
            file.unlink(missing_ok=True)


def iter_asked(
    sources: Sequence[Source], folder: Path, every: Every, tiling: Tiling | None
) -> Generator[AskedPicture, None, None]:
    """The pictures of all sources, in order, in tiles where there is a `tiling`; files of frames
    and tiles are in `folder`, and are the caller's to discard."""
    numbers = count()
    for picture in _iter_pictures(sources, folder, every):
        if tiling is None or picture.error is not None:
            yield picture
            continue
        try:
            image = read_image(picture.pixels)
        except UnreadableImageError as error:
            yield replace(picture, error=str(error))
            continue
        tiles = cut_tiles(*image.size, tiling)
        # Of one that is no larger than a tile there is nothing to cut.
        if len(tiles) > 1:
            written = [
                (tile, _write(image.crop(tile.box), folder / f"tile-{next(numbers):08d}.png"))
                for tile in tiles
            ]
            picture = replace(picture, tiles=tuple(written))
        yield picture


def _iter_pictures(
    sources: Sequence[Source], folder: Path, every: Every
) -> Generator[AskedPicture, None, None]:
    numbers = count()
    for source in sources:
        if not source.is_video:
            yield AskedPicture(source=source.path, pixels=source.path)
            continue
        try:
            for frame in iter_frames(source.path, every):
                yield AskedPicture(
                    source=source.path,
                    pixels=_write(frame.image, folder / f"{next(numbers):08d}.png"),
                    frame=frame.number,
                    time_s=frame.time_s,
                    is_temporary=True,
                )
        except BrokenVideoError as error:
            yield AskedPicture(source=source.path, pixels=source.path, error=str(error))


def _write(image: "Image", path: Path) -> Path:
    # Without loss, and hardly compressed: it is read once.
    image.save(path, compress_level=1)
    return path
