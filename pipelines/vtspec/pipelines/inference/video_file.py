"""A video that is written frame by frame, by PyAV."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

_CODECS: Final = ("libx264", "mpeg4")
"""H.264, which every player and browser shows; else what any FFmpeg can write."""

_TICKS: Final = Fraction(1, 90_000)
"""Of a second: the clock of MPEG, in which usual rates are whole numbers."""

_RATE: Final = 30
"""Frames a second that the codec expects; each has a time of its own."""


class VideoFile:
    """An MP4 at `path`, which is there once it is closed and whole. Frames keep their times; each
    is brought to the size of the first, whose sides are made even as H.264 wants them."""

    def __init__(self, path: Path) -> None:
        import av

        self._path, self._hidden = path, path.with_name(f".{path.name}")
        self._container = av.open(self._hidden, "w", format="mp4")
        known = (name for name in _CODECS if name in av.codecs_available)
        stream = self._container.add_stream(next(known), rate=_RATE)
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _TICKS
        self._first_s: float | None = None
        self._last = -1

    def write(self, image: "Image", time_s: float) -> None:
        """Write a frame that is later than the last one."""
        import av

        if self._first_s is None:
            self._first_s = time_s
            self._stream.width = image.width + image.width % 2
            self._stream.height = image.height + image.height % 2
        size = (self._stream.width, self._stream.height)
        shown = image if image.size == size else image.resize(size)
        frame = av.VideoFrame.from_image(shown)  # type: ignore[no-untyped-call]
        self._last = max(self._last + 1, round((time_s - self._first_s) / _TICKS))
        frame.pts, frame.time_base = self._last, _TICKS
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._first_s is not None:
                self._container.mux(self._stream.encode())
        finally:
            self._container.close()
        if self._first_s is None:
            self._hidden.unlink()
        else:
            # Also where something went wrong on the way: what was drawn until then can be seen.
            self._hidden.rename(self._path)
