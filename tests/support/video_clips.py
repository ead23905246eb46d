"""Short videos, written for tests."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
from PIL import Image


def write_clip(
    path: Path, images: Iterable[Image.Image], *, rate: int = 10, codec: str = "libx264"
) -> Path:
    """A video of images that are of one size, hardly compressed, its index in front."""
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(path, "w", options=options) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.options = {"qp": "4"} if codec == "libx264" else {"qscale": "2"}
        stream.pix_fmt = "yuv420p"
        for number, image in enumerate(images):
            if not number:
                stream.width, stream.height = image.size
            frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def list_times(path: Path) -> list[float]:
    """The times of a video's frames."""
    with av.open(path) as container:
        return [float(frame.time) for frame in container.decode(video=0)]
