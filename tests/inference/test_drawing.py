"""Answers drawn on images: what is seen where, in which colour, and what cannot be drawn."""

import base64
import json
from pathlib import Path

import pytest
from PIL import Image

from toy_runs import a_plan
from vtspec.adapters.data.mask_rle import encode_mask, format_rle
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.inference.drawing import Artist, DrawingStyle
from vtspec.pipelines.inference.palette import choose_colour, choose_ink
from vtspec.pipelines.inference.skeletons import choose_skeleton
from vtspec.pipelines.inference.tiles import Tiling
from vtspec.pipelines.operations.predict import (
    Answered,
    check_wish,
    make_artist,
    save_pictures,
)
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.runs import Run

CLASSES = ("cat", "dog", "고양이")
GREY = (128, 128, 128)
SIZE = (400, 300)
BOXES = (((10, 10, 50, 50), "dog"), ((100, 80, 300, 240), "cat"))


def draw(answer: dict[str, object], **style: object) -> Image.Image:
    artist = Artist(CLASSES, DrawingStyle(**{"least": 0.0, "top": 3, **style}))  # type: ignore[arg-type]
    return artist.draw(Image.new("RGB", SIZE, GREY), answer)


def found(label: str = "dog", **more: object) -> dict[str, object]:
    one = {"box": [100, 80, 300, 240], "label": label, "confidence": 0.5, **more}
    return {"predicted_boxes": [one]}


def test_a_box_is_drawn_at_its_edges_in_the_colour_of_its_class() -> None:
    drawn = draw(found())
    colour = choose_colour(1)
    for at in ((100, 160), (200, 239), (299, 160), (150, 80)):
        assert drawn.getpixel(at) == colour, at
    assert drawn.getpixel((200, 160)) == drawn.getpixel((10, 290)) == GREY
    # Its label stands above it.
    assert drawn.getpixel((100, 70)) == colour
    ink = {drawn.getpixel((x, y)) for x in range(100, 180) for y in range(62, 78)}
    assert choose_ink(colour) in ink


def test_a_class_has_one_colour_whatever_else_is_found() -> None:
    alone = draw(found("cat"))
    one, other = ({"box": box, "label": name, "confidence": 0.5} for box, name in BOXES)
    both = draw({"predicted_boxes": [one, other]})
    assert alone.getpixel((100, 160)) == both.getpixel((100, 160)) == choose_colour(0)
    assert len({choose_colour(place) for place in range(100)}) == 100


def test_objects_of_too_little_confidence_are_not_drawn() -> None:
    assert draw(found(), least=0.51).getcolors() == [(SIZE[0] * SIZE[1], GREY)]
    assert draw(found(), least=0.5).getpixel((100, 160)) == choose_colour(1)


def test_a_mask_veils_its_pixels_and_no_others() -> None:
    width, height = SIZE
    inside = bytes(
        1 if 120 <= x < 200 and 100 <= y < 200 else 0 for y in range(height) for x in range(width)
    )
    mask = format_rle(encode_mask(inside, width, height))
    drawn = draw(found(mask=mask))
    veiled = drawn.getpixel((160, 150))
    assert veiled not in (GREY, choose_colour(1))
    assert drawn.getpixel((120, 150)) == choose_colour(1), "the edge"
    assert drawn.getpixel((250, 150)) == GREY
    whole = {"size": [height, width], "segments": [{"label": "dog", "share": 0.07, **mask}]}
    painted = draw({"predicted_mask": whole})
    assert painted.getpixel((160, 150)) == veiled and painted.getpixel((250, 150)) == GREY
    assert painted.getpixel((1, 1)) == choose_colour(1), "the list of classes"


def test_points_that_are_seen_are_joined_by_the_lines_of_the_body() -> None:
    points = {"nose": [150, 120, 0.9], "left_eye": [250, 120, 0.9], "right_eye": [200, 200, 0.4]}
    skeleton = choose_skeleton(tuple(points), [])
    drawn = draw(found(keypoints=points), skeleton=skeleton)
    assert drawn.getpixel((150, 119)) == drawn.getpixel((200, 119)) == choose_colour(1)
    assert drawn.getpixel((200, 199)) == GREY, "it is not likely to be seen"
    assert drawn.getpixel((225, 160)) == GREY
    bare = draw(found(keypoints=points))
    assert bare.getpixel((200, 119)) == GREY and bare.getpixel((150, 119)) == choose_colour(1)


def test_a_dataset_says_which_points_are_joined() -> None:
    rows = [
        {"keypoints": ["a", "b"], "skeleton": [[1, 2]]},
        {"keypoints": ["top", "end"], "skeleton": [[2, 1], [1, 9], "x"]},
    ]
    assert choose_skeleton(("top", "end"), rows) == (("end", "top"),)
    assert choose_skeleton(("top", "end"), []) == ()
    assert ("Nose", "Left-Eye") in choose_skeleton(("Left-Eye", "Nose"), [])


def test_a_turned_box_is_drawn_by_its_corners() -> None:
    drawn = draw(found(corners=[200, 80, 300, 160, 200, 240, 100, 160]))
    assert drawn.getpixel((250, 120)) == choose_colour(1)
    assert drawn.getpixel((100, 90)) == GREY, "no upright box"


@pytest.mark.parametrize(
    "answer",
    [
        {"scores": {"cat": 0.2, "dog": 0.8}, "predicted_label": "dog"},
        {"scores": {"cat": 0.9, "dog": 0.8}, "predicted_labels": ["dog"]},
        {"predicted_label": "dog", "confidence": 0.8},
    ],
)
def test_classes_of_an_image_are_listed_in_its_corner(answer: dict[str, object]) -> None:
    assert draw(answer, top=1).getpixel((1, 1)) == choose_colour(1)


def test_small_images_are_enlarged_so_that_labels_can_be_read() -> None:
    artist = Artist(CLASSES, DrawingStyle(least=0, top=3))
    box = {"box": [10, 8, 30, 24], "label": "dog", "confidence": 0.5}
    drawn = artist.draw(Image.new("RGB", (40, 30), GREY), {"predicted_boxes": [box]})
    assert drawn.size == (360, 270)
    assert drawn.getpixel((90, 150)) == choose_colour(1)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be drawn"):
        draw({"predicted_text": "a cat"})
    with pytest.raises(Refused, match="its box is not 4 numbers"):
        draw({"predicted_boxes": [{"box": [1, 2], "label": "cat", "confidence": 1}]})


def test_names_are_drawn_in_a_font_that_has_them_or_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artist = Artist(CLASSES, DrawingStyle(least=0, top=3))
    lacking = artist.describe_lacking()
    text = artist._text
    families = {family for family, _ in text._split("고양이 cat")}
    if lacking is None:
        assert len(families) == 2
    else:
        assert "2: 고양이" in lacking and "then predict anew" in lacking
        assert text.make_drawable("고양이") == "2: □□□"
    widths = [text.measure(text.make_drawable(name), 20)[0] for name in ("cat", "고양이")]
    assert all(width > 20 for width in widths)


def a_run(folder: Path, task: str, **evaluation: object) -> Run:
    folder.mkdir(parents=True)
    plan = a_plan()
    plan = {**plan, "task": task, "dataset": {**plan["dataset"], "classes": list(CLASSES)}}
    names = identify(plan)
    plan = {**plan, "id": names.id, "digest": names.digest}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    return Run(folder)


@pytest.mark.parametrize(
    ("evaluation", "asked", "least", "said"),
    [
        ({"confidence": 0.625}, None, 0.625, ["where F1 was best when it was evaluated"]),
        ({}, None, 0.25, ["no evaluation says"]),
        ({"confidence": 0.625}, 0.125, 0.125, []),
    ],
)
def test_objects_are_drawn_from_the_confidence_on_that_was_best(
    tmp_path: Path,
    evaluation: dict[str, object],
    asked: float | None,
    least: float,
    said: list[str],
) -> None:
    lines: list[str] = []
    run = a_run(tmp_path / "shapes-0123456789", "object-detection", **evaluation)
    artist = make_artist(run, tmp_path, 3, asked, lines.append)
    assert artist is not None and artist._style.least == least
    told = [line for line in lines if not line.startswith("warning")]
    assert len(told) == len(said) and all(a in b for a, b in zip(said, told, strict=True))


def test_drawn_pictures_of_one_name_in_two_folders_are_both_kept(tmp_path: Path) -> None:
    paths = [tmp_path / folder / name for folder, name in (("a", "One.jpg"), ("b", "one.png"))]
    for path in paths:
        path.parent.mkdir()
        Image.new("RGB", SIZE, GREY).save(path)
    artist = Artist(CLASSES, DrawingStyle(least=0, top=3))
    answers = (Answered(told={"image_path": str(path), **found()}, pixels=path) for path in paths)
    told = [one.told for one in save_pictures(answers, tmp_path / "new", artist)]
    names = [Path(str(one["predicted_path"])).name for one in told]
    assert names == ["One.png", "one-2.png"]
    for one in told:
        with Image.open(str(one["predicted_path"])) as drawn:
            assert drawn.getpixel((100, 160)) == choose_colour(1)


def test_what_a_model_made_is_written_as_it_is(tmp_path: Path) -> None:
    answer = {"image_path": "a.png", "predicted_image": base64.b64encode(b"png").decode()}
    given = (Answered(told=one, pixels=tmp_path) for one in [answer])
    (one,) = save_pictures(given, tmp_path / "new", None)
    assert Path(str(one.told["predicted_path"])).read_bytes() == b"png"


@pytest.mark.parametrize(
    ("task", "wish", "said"),
    [
        ("ocr", {"into": "new"}, "cannot be drawn"),
        ("image-classification", {"output": "coco"}, "COCO has no results"),
        ("semantic-segmentation", {"least": 0.5}, "finds no objects"),
        ("pose-estimation", {"tiling": Tiling(size=8, overlap=2)}, "cannot be put together"),
    ],
)
def test_a_wish_that_means_nothing_for_a_task_is_refused(
    tmp_path: Path, task: str, wish: dict[str, object], said: str
) -> None:
    run = a_run(tmp_path / "shapes-0123456789", task)
    into = tmp_path / "new" if "into" in wish else None
    with pytest.raises(Refused, match=said) as error:
        check_wish(run, **{"output": "json", "least": None, "tiling": None, **wish, "into": into})  # type: ignore[arg-type]
    assert error.value.fix
