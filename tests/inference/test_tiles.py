"""Large images in tiles: all of them is seen, and each object is found once."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vtspec.pipelines.inference.asked_pictures import iter_asked
from vtspec.pipelines.inference.sources import Source
from vtspec.pipelines.inference.tiles import (
    Tile,
    Tiling,
    cut_tiles,
    join_answers,
    parse_tiling,
)
from vtspec.pipelines.inference.video_frames import EACH

Box = tuple[float, float, float, float]

TILING = Tiling(size=100, overlap=20)


@st.composite
def tilings(draw: st.DrawFn) -> tuple[int, int, Tiling]:
    size = draw(st.integers(1, 60))
    overlap = draw(st.integers(0, size // 2))
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    return width, height, Tiling(size=size, overlap=overlap)


@given(tilings())
def test_tiles_cover_the_image_and_overlap_as_much_as_was_said(
    cut: tuple[int, int, Tiling],
) -> None:
    width, height, tiling = cut
    tiles = cut_tiles(width, height, tiling)
    for length, low, high in ((width, 0, 2), (height, 1, 3)):
        edges = sorted({(tile.box[low], tile.box[high]) for tile in tiles})
        assert edges[0][0] == 0 and edges[-1][1] == length
        assert all(end - begin == min(tiling.size, length) for begin, end in edges)
        for (_, end), (begin, _) in pairwise(edges):
            assert end - begin >= tiling.overlap
        # No tile more than is needed.
        if len(edges) > 2:
            assert edges[-3][1] - edges[-1][0] < tiling.overlap or tiling.overlap == 0
    assert len(tiles) == len(set(tiles))


@pytest.mark.parametrize("text", ["", "0", "-5", "64:", "64:33", "64:-1", "a", "64:0.2", "6x6"])
def test_what_is_no_tiling_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_tiling(text)


def test_a_tiling_is_a_size_with_or_without_an_overlap() -> None:
    assert parse_tiling("640") == Tiling(size=640, overlap=128)
    assert parse_tiling("640:0") == Tiling(size=640, overlap=0)


def see(
    box: Box, tile: Tile, label: str = "car", confidence: float = 0.8
) -> dict[str, Any] | None:
    """What a perfect detector says of an object in a tile, or None where it shows nothing."""
    left, top, right, bottom = tile.box
    x_min, y_min = max(box[0], left), max(box[1], top)
    x_max, y_max = min(box[2], right), min(box[3], bottom)
    if x_min >= x_max or y_min >= y_max:
        return None
    cut = [x_min - left, y_min - top, x_max - left, y_max - top]
    return {"box": cut, "label": label, "confidence": confidence}


def find(
    boxes: list[tuple[Box, str]], width: int = 260, height: int = 100
) -> list[dict[str, Any]]:
    tiles = cut_tiles(width, height, TILING)
    answers = []
    for tile in tiles:
        seen = [see(box, tile, label, 0.9 - 0.01 * tile.box[0] / width) for box, label in boxes]
        answers.append({"predicted_boxes": [one for one in seen if one], "inference_time_ms": 2.0})
    joined = join_answers(tiles, answers)
    assert joined["inference_time_ms"] == 2.0 * len(tiles)
    told: Any = joined["predicted_boxes"]
    return list(told)


@pytest.mark.parametrize(
    "box",
    [
        (10, 10, 40, 40),  # in one tile
        (82, 10, 98, 40),  # whole in both
        (70, 10, 98, 40),  # whole in one, cut in the other
        (60, 10, 130, 40),  # cut in both
        (30, 10, 250, 90),  # over three
        (0, 0, 260, 100),  # the whole image
        (79, 5, 81, 90),  # a sliver in the second
    ],
)
def test_an_object_is_found_once_and_whole(box: Box) -> None:
    (found,) = find([(box, "car")])
    assert found["box"] == pytest.approx(box)
    assert found["label"] == "car" and found["confidence"] <= 0.9


def test_neighbours_and_other_classes_stay_apart() -> None:
    boxes: list[tuple[Box, str]] = [
        ((60, 10, 130, 40), "car"),
        ((60, 50, 130, 80), "car"),
        ((62, 12, 132, 42), "bus"),
        ((140, 10, 200, 40), "car"),
        ((84, 42, 96, 48), "car"),
    ]
    found = find(boxes)
    assert sorted((tuple(one["box"]), one["label"]) for one in found) == sorted(boxes)
    confidences = [one["confidence"] for one in found]
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize(
    "boxes",
    [
        [(60, 10, 130, 40), (70, 30, 140, 70)],
        [(60, 10, 130, 40), (60, 14, 130, 44)],
    ],
)
def test_objects_that_cover_each_other_over_a_seam_are_two(boxes: list[Box]) -> None:
    found = find([(box, "car") for box in boxes])
    assert sorted(tuple(one["box"]) for one in found) == boxes


def test_objects_that_only_touch_are_two_though_each_tile_found_but_one() -> None:
    tiles = cut_tiles(180, 100, TILING)
    seen = (see((60, 10, 130, 40), tiles[0]), see((60, 30, 130, 60), tiles[1]))
    answers: list[dict[str, object]] = [{"predicted_boxes": [one]} for one in seen]
    joined: Any = join_answers(tiles, answers)
    assert len(joined["predicted_boxes"]) == 2


def test_what_one_tile_says_twice_stays_twice() -> None:
    # As without tiles: what a network tells of one image is its own.
    tiles = cut_tiles(100, 100, TILING)
    box = {"box": [1, 1, 9, 9], "label": "car", "confidence": 0.5}
    joined: Any = join_answers(tiles, [{"predicted_boxes": [box, {**box, "confidence": 0.4}]}])
    assert len(joined["predicted_boxes"]) == 2


def test_many_objects_under_noise_are_each_found_once() -> None:
    chance = random.Random(3)
    width, height, tiling = 2000, 1500, Tiling(size=400, overlap=80)
    boxes: list[Box] = []
    for row in range(25):
        for column in range(33):
            x, y = 60 * column + 5, 60 * row + 5
            side = chance.randint(20, 50)
            boxes.append((x, y, x + side, y + side))
    tiles = cut_tiles(width, height, tiling)
    answers = []
    for tile in tiles:
        told = []
        for box in boxes:
            # A detector is a pixel off, and says nothing of a sliver.
            moved = tuple(edge + chance.uniform(-1, 1) for edge in box)
            said = see(moved, tile, confidence=chance.uniform(0.3, 1))  # type: ignore[arg-type]
            if said and min(said["box"][2] - said["box"][0], said["box"][3] - said["box"][1]) > 6:
                told.append(said)
        answers.append({"predicted_boxes": told})
    assert sum(len(answer["predicted_boxes"]) for answer in answers) > 1.3 * len(boxes)
    joined: Any = join_answers(tiles, answers)
    found = sorted(
        (tuple(one["box"]) for one in joined["predicted_boxes"]),
        key=lambda box: (box[1] // 60, box[0] // 60),
    )
    assert len(found) == len(boxes)
    for one, box in zip(found, boxes, strict=True):
        assert one == pytest.approx(box, abs=3)


def test_the_error_of_a_tile_is_that_of_the_image() -> None:
    tiles = cut_tiles(260, 100, TILING)
    answers: list[dict[str, object]] = [{"predicted_boxes": []} for _ in tiles]
    answers[1] = {"error": "no"}
    assert join_answers(tiles, answers) == {"error": "no"}


def test_tiles_are_files_that_show_their_part_upright(tmp_path: Path) -> None:
    large = Image.new("RGB", (30, 20))
    large.putdata([(x, y, 0) for y in range(20) for x in range(30)])
    exif = Image.Exif()
    exif[274] = 6
    large.save(tmp_path / "large.png", exif=exif)
    large.crop((0, 0, 8, 8)).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"none")
    folder = tmp_path / "tiles"
    folder.mkdir()
    sources = [Source(path=tmp_path / f"{name}.png") for name in ("large", "small", "broken")]
    turned = large.transpose(Image.Transpose.ROTATE_270)
    whole, small, broken = iter_asked(sources, folder, EACH, Tiling(size=12, overlap=4))
    assert len(whole.files) == len(cut_tiles(20, 30, Tiling(size=12, overlap=4))) == 8
    for tile, file in whole.tiles:
        with Image.open(file) as shown:
            assert shown.tobytes() == turned.crop(tile.box).tobytes()
    assert small.files == (tmp_path / "small.png",) and broken.files == ()
    assert broken.error == "it is no image"
    for each in (whole, small, broken):
        each.discard()
    assert not list(folder.iterdir()) and (tmp_path / "small.png").exists()
