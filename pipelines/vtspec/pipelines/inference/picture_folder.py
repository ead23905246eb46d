"""A folder of pictures of a model's answers: one an image, and a video of a video's frames."""

import base64
import binascii
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from vtspec.adapters.data.image_decoding import read_image
from vtspec.pipelines.errors import Refused

from .answers import Answer
from .drawing import Artist
from .video_file import VideoFile


class PictureFolder:
    """Writes pictures into `folder`, named as what they are of, while it is entered: what the
    model made of a picture where it answers with pictures, else the answer drawn by the `artist`.
    Of sources of one name the later ones are numbered."""

    def __init__(self, folder: Path, artist: Artist | None) -> None:
        self._folder, self._artist = folder, artist
        self._taken: set[str] = set()
        self._open = ExitStack()
        self._video: tuple[str, VideoFile, Path] | None = None

    def __enter__(self) -> "PictureFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def save(self, answer: Answer, pixels: Path) -> Answer:
        """The answer, told with the `predicted_path` of its picture; `pixels` is the file that
        shows what it is about.

        Raises `Refused` where there is no picture, and nobody who draws one.
        """
        source, frame = Path(str(answer["image_path"])), answer.get("frame")
        if self._video is not None and (self._video[0] != str(source) or frame is None):
            self._close_video()
        self._folder.mkdir(parents=True, exist_ok=True)
        made = _decode_picture(answer.get("predicted_image"))
        if made is not None:
            more = f"-{frame:06d}" if isinstance(frame, int) else ""
            path = self._choose_path(f"{source.stem}{more}", ".png")
            path.write_bytes(made)
        elif self._artist is None:
            raise Refused("this model does not answer with pictures", fix="leave out --into")
        elif frame is None:
            path = self._choose_path(source.stem, ".png")
            self._artist.draw(read_image(pixels), answer).save(path)
        else:
            path = self._add_frame(source, answer, pixels)
        told = {key: value for key, value in answer.items() if key != "predicted_image"}
        return {**told, "predicted_path": str(path)}

    def _add_frame(self, source: Path, answer: Answer, pixels: Path) -> Path:
        assert self._artist is not None
        if self._video is None:
            path = self._choose_path(source.stem, ".mp4")
            self._video = str(source), self._open.enter_context(VideoFile(path)), path
        _, video, path = self._video
        time_s = answer["time_s"]
        assert isinstance(time_s, float)
        video.write(self._artist.draw(read_image(pixels), answer), time_s)
        return path

    def _close_video(self) -> None:
        self._open.close()
        self._video = None

    def _choose_path(self, stem: str, suffix: str) -> Path:
        """The first free name, which is taken by that."""
        name, number = f"{stem}{suffix}", 1
        # Folders of some machines take capitals for small letters.
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}{suffix}"
        self._taken.add(name.casefold())
        return self._folder / name


def _decode_picture(told: object) -> bytes | None:
    """The bytes of what is told as base64, or None of anything else."""
    try:
        return base64.b64decode(told, validate=True) if isinstance(told, str) else None
    except binascii.Error:
        return None
