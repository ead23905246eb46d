"""The frames of a video file, one after another, by PyAV (FFmpeg's libraries).

Never more than one is held. Only containers in `_CONTAINERS` are opened: FFmpeg also knows lists
of other files and addresses, which a file from anybody could name.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from vtspec.adapters.system_errors import is_shortage
from vtspec.pipelines.errors import refuse_import

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL.Image import Image

SUFFIXES: Final = frozenset(
    {"mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "mts", "m2ts", "wmv", "flv", "ogv"}
) | {"3gp"}
"""Endings of file names that are taken for videos, in lower case, without the dot."""

MAX_PIXELS: Final = 7680 * 4320
"""Of one frame: 8K. A still image may be larger, of which nobody holds several at once."""

_CONTAINERS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg"

_MISSING_S: Final = 0.5
"""By how much a video may end before its container says; streams of one file differ a little."""


class BrokenVideoError(Exception):
    """Why a video is not seen as a whole, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Every:
    """Which frames are looked at: each `frames`-th from the first on, or the first of each
    `seconds`; exactly one of them is set."""

    frames: int | None = None
    seconds: float | None = None


EACH: Final = Every(frames=1)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame: its number from 0, its time from the video's beginning, and what it shows."""

    number: int
    time_s: float
    image: "Image"


def parse_every(text: str) -> Every:
    """`10` frames, or `0.5s`. Raises `ValueError` where it is neither, or not above zero."""
    number = text.removesuffix("s")
    if text.endswith("s"):
        seconds = float(number)
        if not 0 < seconds < math.inf:
            raise ValueError("seconds above zero")
        return Every(seconds=seconds)
    if int(number) < 1:
        raise ValueError("a frame or more")
    return Every(frames=int(number))


def is_video(path: Path) -> bool:
    """Whether the name of a file says video; what is hidden never is."""
    return not path.name.startswith(".") and path.suffix[1:].lower() in SUFFIXES


def iter_frames(path: Path, every: Every = EACH) -> Iterator[Frame]:
    """The frames of a video that are to be looked at, upright.

    Raises:
        BrokenVideoError: it is no video or too large; or, after the frames that could be read,
            that it is cut short or damaged.
        Permanent: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        absent = "videos are read by PyAV, which is not installed"
        raise refuse_import(error, "av", absent, "pip install 'vtspec[predict]'") from error
    try:
        container = av.open(path, options={"format_whitelist": _CONTAINERS})
    except (av.FFmpegError, ValueError) as error:
        if is_shortage(error):
            raise
        # What FFmpeg says has the path in it, and of a file without its index that it is invalid.
        raise BrokenVideoError(
            "it is no video that is read here, or it is cut short before its index"
        ) from error
    # Errors alone; they are told as such, and by nobody else.
    av.logging.set_level(av.logging.ERROR)
    logging.getLogger("libav").propagate = False
    with container:
        if not container.streams.video:
            raise BrokenVideoError("it has no pictures")
        yield from _Reading(container, container.streams.video[0], every).iter_frames()


class _Reading:
    """A video while it is read, and what was wrong with it until now."""

    def __init__(self, container: "InputContainer", stream: "VideoStream", every: Every) -> None:
        self.container, self.stream = container, stream
        self.every = every
        self.packets = self.unread = self.seen = 0
        self.last_s = 0.0
        self.next_s = 0.0
        self.begin_s = 0.0

    def iter_frames(self) -> Iterator[Frame]:
        self._refuse_size(self.stream.codec_context.width, self.stream.codec_context.height)
        # Sizes may change on the way; FFmpeg refuses those before it makes room for them.
        self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        rate = self.stream.average_rate or Fraction(25)
        # Of a broadcast it is the time of day, as it were.
        if self.stream.start_time is not None and self.stream.time_base is not None:
            self.begin_s = float(self.stream.start_time * self.stream.time_base)
        for frame in self._decode():
            number, self.seen = self.seen, self.seen + 1
            # Files exist whose frames have no times.
            told = cast("float | None", frame.time)
            time_s = number / float(rate) if told is None else told - self.begin_s
            self.last_s = max(self.last_s, time_s)
            if self._is_due(number, time_s):
                self._refuse_size(frame.width, frame.height)
                image: Image = frame.to_image()  # type: ignore[no-untyped-call]
                turn = frame.rotation
                shown = image.rotate(turn, expand=True) if turn else image
                yield Frame(number=number, time_s=time_s, image=shown)
        self._refuse_missing(float(1 / rate))

    def _decode(self) -> Iterator["VideoFrame"]:
        import av

        try:
            # What FFmpeg makes up in place of what is damaged it tells in its log alone, from
            # threads of its own.
            with av.logging.Capture(local=False) as logged:
                for packet in self.container.demux(self.stream):
                    self.packets += packet.size > 0
                    frames, is_read = self._decode_packet(packet)
                    is_whole = is_read and not any(frame.is_corrupt for frame in frames)
                    self.unread += bool(logged) or not is_whole
                    logged.clear()
                    yield from frames
        except av.FFmpegError as error:
            if is_shortage(error):
                raise
            raise BrokenVideoError(
                f"it breaks off after {self.seen} frames: {error.strerror}"
            ) from error

    def _decode_packet(self, packet: "Packet[VideoStream]") -> tuple[Sequence["VideoFrame"], bool]:
        """The frames that it completes, and whether it can be read."""
        import av

        try:
            return packet.decode(), True
        except av.FFmpegError as error:
            if is_shortage(error):
                raise
            return (), False

    def _is_due(self, number: int, time_s: float) -> bool:
        if self.every.frames is not None:
            return number % self.every.frames == 0
        assert self.every.seconds is not None
        if time_s < self.next_s:
            return False
        self.next_s = (math.floor(time_s / self.every.seconds) + 1) * self.every.seconds
        return True

    def _refuse_size(self, width: int, height: int) -> None:
        if width * height > MAX_PIXELS:
            raise BrokenVideoError(
                f"its frames have more than {MAX_PIXELS:,} pixels ({width} x {height})"
            )

    def _refuse_missing(self, step_s: float) -> None:
        """Raise where less was seen than the file says that there is."""
        if not self.seen:
            raise BrokenVideoError("none of its frames can be read")
        said_s = (self.container.duration or 0) / 1_000_000
        later_s = self.begin_s - (self.container.start_time or 0) / 1_000_000
        until_s = self.last_s + step_s + later_s
        is_short = self.packets < self.stream.frames or until_s < said_s - _MISSING_S
        if is_short:
            raise BrokenVideoError(
                f"it is cut short: {self.seen} frames of {until_s:.1f} s are there"
                + (f", of {said_s:.1f} s" if until_s < said_s else "")
            )
        if self.unread:
            raise BrokenVideoError(f"it is damaged in {self.unread} of {self.packets} places")
