"""Videos: which frames are looked at, what is wrong with a file, what is drawn of one."""

import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from video_clips import list_times, write_clip
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.inference import video_frames
from vtspec.pipelines.inference.asked_pictures import iter_asked
from vtspec.pipelines.inference.drawing import Artist, DrawingStyle
from vtspec.pipelines.inference.palette import choose_colour
from vtspec.pipelines.inference.picture_folder import PictureFolder
from vtspec.pipelines.inference.sources import Source
from vtspec.pipelines.inference.video_frames import (
    EACH,
    BrokenVideoError,
    Every,
    iter_frames,
    parse_every,
)

COUNT, RATE, SIZE = 40, 10, (64, 48)


def list_images(count: int = COUNT) -> Iterator[Image.Image]:
    """Images that are told apart by how bright they are."""
    for number in range(count):
        yield Image.new("RGB", SIZE, (6 * number,) * 3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", list_images(), rate=RATE)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (EACH, list(range(COUNT))),
        (Every(frames=15), [0, 15, 30]),
        (Every(seconds=1.0), [0, 10, 20, 30]),
        (Every(seconds=0.25), [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38]),
        (Every(seconds=0.01), list(range(COUNT))),
        (Every(seconds=100.0), [0]),
    ],
)
def test_the_frames_that_are_asked_for_are_seen_with_their_times(
    clip: Path, every: Every, expected: list[int]
) -> None:
    frames = list(iter_frames(clip, every))
    assert [frame.number for frame in frames] == expected
    assert [frame.time_s for frame in frames] == pytest.approx([n / RATE for n in expected])
    for frame in frames:
        gray = frame.image.getpixel((30, 20))
        assert isinstance(gray, tuple) and abs(gray[0] - 6 * frame.number) <= 3


@pytest.mark.parametrize("text", ["0", "-1", "0s", "1.5", "infs", "nans", "s", "", "2m"])
def test_an_interval_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_every(text)


def test_intervals_are_frames_or_seconds() -> None:
    assert parse_every("10") == Every(frames=10)
    assert parse_every("0.5s") == Every(seconds=0.5)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mpeg4")]
)
def test_a_video_that_is_cut_short_is_told_after_what_is_there(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    noise = (Image.effect_noise(SIZE, 90).convert("RGB") for _ in range(COUNT))
    whole = write_clip(tmp_path / f"whole.{suffix}", noise, rate=RATE, codec=codec)
    assert len(list(iter_frames(whole))) == COUNT
    data = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    seen = []
    with pytest.raises(BrokenVideoError, match=r"cut short|damaged"):
        for frame in iter_frames(cut):
            seen.append(frame.number)
    assert 10 < len(seen) < 35 and seen == list(range(len(seen)))


def test_a_damaged_video_is_told_and_the_rest_of_it_seen(tmp_path: Path) -> None:
    noise = (Image.effect_noise(SIZE, 90).convert("RGB") for _ in range(COUNT))
    path = write_clip(tmp_path / "clip.mp4", noise, rate=RATE)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(value ^ 0x5A for value in data[middle : middle + 200])
    path.write_bytes(data)
    seen = []
    with pytest.raises(BrokenVideoError, match=r"damaged in \d+ of 40 places"):
        for frame in iter_frames(path):
            seen.append(frame.number)
    assert len(seen) > 30


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no video"),
        (b"no video", "no video"),
        (b"ffconcat version 1.0\nfile {}\n", "no video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n", "no video"),
    ],
)
def test_what_is_no_video_or_names_other_files_is_refused(
    clip: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    path = clip.with_name("other.mp4")
    path.write_bytes(content.replace(b"{}", b"clip.mp4"))
    with pytest.raises(BrokenVideoError, match=said):
        list(iter_frames(path))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = np.zeros((1, 1024), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(BrokenVideoError, match="no pictures"):
        list(iter_frames(path))


def test_frames_that_are_too_large_are_refused(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_frames, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(BrokenVideoError, match=r"more than 3,071 pixels \(64 x 48\)"):
        list(iter_frames(clip))


def test_a_video_is_seen_upright(tmp_path: Path) -> None:
    half = Image.new("RGB", SIZE, (0, 0, 0))
    half.paste((255, 255, 255), (0, 0, 32, 48))
    path = write_clip(tmp_path / "clip.mp4", [half] * 3)
    data = bytearray(path.read_bytes())
    # The matrix of the track's header (ISO 14496-12, 8.3.2): turned by 90 degrees clockwise.
    place = data.index(b"tkhd") + 4 + 40
    turned = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    data[place : place + 36] = struct.pack(">9i", *turned)
    path.write_bytes(data)
    image = next(iter_frames(path)).image
    assert image.size == (48, 64)
    top, bottom = image.getpixel((24, 8)), image.getpixel((24, 56))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > 240 and bottom[0] < 15


def test_frames_are_files_for_as_long_as_they_are_asked_about(clip: Path, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", SIZE).save(image)
    folder = tmp_path / "frames"
    folder.mkdir()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"")
    sources = [
        Source(path=image),
        Source(path=clip, is_video=True),
        Source(path=broken, is_video=True),
    ]
    seen = []
    for asked in iter_asked(sources, folder, Every(frames=20), None):
        seen.append((asked.source, asked.frame, asked.time_s, asked.error is None))
        assert len(list(folder.iterdir())) <= 1
        asked.discard()
    assert seen == [
        (image, None, None, True),
        (clip, 0, 0.0, True),
        (clip, 20, 2.0, True),
        (broken, None, None, False),
    ]
    assert image.exists() and not list(folder.iterdir())


def test_a_drawn_video_has_the_times_of_its_frames(clip: Path, tmp_path: Path) -> None:
    artist = Artist(("cat",), DrawingStyle(least=0, top=1))
    box = {"box": [10, 8, 54, 40], "label": "cat", "confidence": 0.5}
    into, seen = tmp_path / "new", []
    with PictureFolder(into, artist) as pictures:
        for source in (clip, tmp_path / "other" / "clip.mp4"):
            for frame in iter_frames(clip, Every(frames=8)):
                pixels = tmp_path / "frame.png"
                frame.image.save(pixels)
                answer = {
                    "image_path": str(source),
                    "frame": frame.number,
                    "time_s": frame.time_s,
                    "predicted_boxes": [box],
                }
                seen.append(pictures.save(answer, pixels)["predicted_path"])
    assert seen == [str(into / "clip.mp4")] * 5 + [str(into / "clip-2.mp4")] * 5
    for name in ("clip.mp4", "clip-2.mp4"):
        assert list_times(into / name) == pytest.approx([0, 0.8, 1.6, 2.4, 3.2], abs=1e-3)
        first = next(iter_frames(into / name)).image
        assert first.size == (384, 288)
        drawn = first.getpixel((61, 150))
        assert isinstance(drawn, tuple)
        # Colours have half the resolution of brightness in a video.
        assert all(abs(a - b) < 80 for a, b in zip(drawn, choose_colour(0), strict=True)), drawn
    assert sorted(path.name for path in into.iterdir()) == ["clip-2.mp4", "clip.mp4"]


def test_a_video_that_breaks_off_while_it_is_drawn_is_whole_until_then(
    clip: Path, tmp_path: Path
) -> None:
    artist = Artist(("cat",), DrawingStyle(least=0, top=1))
    with pytest.raises(Refused), PictureFolder(tmp_path / "new", artist) as pictures:
        for frame in iter_frames(clip):
            pixels = tmp_path / "frame.png"
            frame.image.save(pixels)
            told: dict[str, object] = (
                {"predicted_text": "x"} if frame.number == 7 else {"predicted_boxes": []}
            )
            place = {"frame": frame.number, "time_s": frame.time_s}
            pictures.save({"image_path": str(clip), **place, **told}, pixels)
    assert len(list_times(tmp_path / "new" / "clip.mp4")) == 7
