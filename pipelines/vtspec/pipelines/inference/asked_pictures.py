"""Pictures that an adapter is asked about, as files: images as they lie there, frames of videos
and tiles of either written for as long as they are asked about."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from .sources import Source
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

    @property
    def files(self) -> tuple[Path, ...]:
        """What the adapter is asked about."""
        return () if self.error is not None else (self.pixels,)

    def discard(self) -> None:
        """Remove what was written to be asked about."""
        if self.is_temporary:
            self.pixels.unlink(missing_ok=True)


def iter_asked(
    sources: Sequence[Source], folder: Path, every: Every
) -> Generator[AskedPicture, None, None]:
    """The pictures of all sources, in order; files of frames are in `folder`, and are the
    caller's to discard."""
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
