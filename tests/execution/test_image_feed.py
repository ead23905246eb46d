"""Images that come to be while they are asked about: never many more than were answered."""

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from vtspec.pipelines.execution.image_feed import ComingImages, ImageFeed

COUNT, AHEAD = 60, 8


class Source:
    """Counts how many images have come to be."""

    def __init__(self, count: int = COUNT) -> None:
        self.made = 0
        self.count = count
        self.is_closed = False

    def list_paths(self) -> Generator[Path, None, None]:
        try:
            for number in range(self.count):
                self.made += 1
                yield Path(f"/frames/{number}.png")
        finally:
            self.is_closed = True


def feed(pipe: Path, source: Source) -> ImageFeed:
    images = ComingImages(paths=source.list_paths(), folders=(), ahead=AHEAD)
    return ImageFeed(pipe, images)


def test_no_more_images_are_made_than_so_many_ahead_of_a_slow_reader(tmp_path: Path) -> None:
    source = Source()
    with feed(tmp_path / "pipe", source) as feeding, open(tmp_path / "pipe", "rb", 0) as lines:
        for answered in range(COUNT):
            assert lines.readline() == f"/frames/{answered}.png\n".encode()
            # Somebody draws the answer.
            feeding.give()
            time.sleep(0.005)
            assert source.made <= answered + AHEAD + 1
            feeding.take()
        assert lines.readline() == b""
    assert source.is_closed


def test_a_reader_that_wants_all_at_once_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtspec.pipelines.execution.image_feed._HUNGRY_S", 0.05)
    with feed(tmp_path / "pipe", Source()), open(tmp_path / "pipe", "rb") as lines:
        assert len(lines.read().splitlines()) == COUNT


@pytest.mark.parametrize("opens", [False, True])
def test_a_reader_that_never_comes_or_goes_away_holds_nothing_up(
    tmp_path: Path, opens: bool
) -> None:
    source = Source(10**6)
    with feed(tmp_path / "pipe", source):
        if opens:
            reader = os.open(tmp_path / "pipe", os.O_RDONLY)
            assert os.read(reader, 10)
            os.close(reader)
    assert source.made <= AHEAD + 1


def test_what_goes_wrong_in_its_thread_is_raised_where_it_is_left(tmp_path: Path) -> None:
    def fail() -> Generator[Path, None, None]:
        yield Path("/a.png")
        raise OSError("no space left")

    images = ComingImages(paths=fail(), folders=(), ahead=AHEAD)
    with (
        pytest.raises(OSError, match="no space left"),
        ImageFeed(tmp_path / "pipe", images),
        open(tmp_path / "pipe", "rb") as lines,
    ):
        assert lines.read() == b"/a.png\n"
