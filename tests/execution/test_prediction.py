"""`vtspec predict`: a run's model answers about images, in a table or as JSON lines."""

import base64
import csv
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from local_repository import this_python
from toy_runs import CLASSES, Listener, a_job, a_plan, write_pictures
from video_clips import list_times, write_clip
from vtspec.adapters.data.image_labels import list_images
from vtspec.adapters.toy.adapter import Adapter
from vtspec.adapters.training.loop import fit
from vtspec.cli.commands.predict import command
from vtspec.cli.views.predictions import format_predictions, list_table_rows
from vtspec.pipelines.errors import Refused, RunFailed
from vtspec.pipelines.execution import prediction
from vtspec.pipelines.execution.image_feed import ComingImages
from vtspec.pipelines.execution.prediction import iter_predictions
from vtspec.pipelines.inference.sources import Source, expand_sources
from vtspec.pipelines.inference.video_frames import EACH, iter_frames
from vtspec.pipelines.operations.frameworks import Wish
from vtspec.pipelines.operations.predict import (
    Answered,
    Question,
    predict_sources,
    save_pictures,
)
from vtspec.pipelines.runs import Run

NAME = "shapes-0123456789"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose one run was trained."""
    root = tmp_path_factory.mktemp("repository")
    data = write_pictures(root / "data", per_class=6)
    job = a_job(root / "runs" / NAME, data)
    (job.workdir / "plan.json").write_text(json.dumps(a_plan()))
    fit(Adapter(job, Listener()), job, Listener(), False)
    return root


def show(answers: list[dict[str, object]], top: int, width: int | None = None) -> list[str]:
    """The lines of the table, of images."""
    asked = [(Path(str(one["image_path"])), False) for one in answers]
    lines = format_predictions(answers, asked, top, width)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def ask(root: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--runs", str(root / "runs")])


def test_every_image_of_a_folder_is_answered_in_order(root: Path) -> None:
    result = ask(root, NAME, str(root / "data" / "test"), "--output", "json")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    images = list_images(root / "data" / "test")
    assert [Path(answer["image_path"]) for answer in answers] == images
    assert all(tuple(answer["scores"]) == CLASSES for answer in answers)
    right = [
        answer["predicted_label"] == Path(answer["image_path"]).parent.name for answer in answers
    ]
    assert sum(right) > len(right) / 2


def test_table_shows_the_likeliest_classes_first(root: Path) -> None:
    image = root / "data" / "test" / "cross" / "000.png"
    result = ask(root, "shapes", str(image), "--top", "2")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert "000.png  " in line
    scores = [float(word) for word in line.split() if word.replace(".", "").isdigit()]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    asked = json.loads(ask(root, NAME, str(image), "--output", "json").stdout)
    assert f"{asked['predicted_label']} {asked['confidence']:.3f}" in line


def test_names_cannot_move_the_cursor_and_long_ones_are_cut() -> None:
    result = {"scores": {"a\x1b[2J": 0.75, "b": 0.25}}
    asked = ["x\x1b[31m.png", "d" * 80 + "/y.png"]
    lines = show([{"image_path": path, **result} for path in asked], 1)
    assert all("\x1b" not in line for line in lines)
    assert lines[1].startswith("…ddd")
    assert "/y.png" in lines[1]
    assert all("0.750" in line for line in lines)


def test_a_text_is_one_line_of_the_table_and_as_it_is_in_csv() -> None:
    texts = ["two\nlines \x1b[2J", ""]
    told: list[dict[str, object]] = [
        {"image_path": f"{place}.png", "task_type": "ocr", "predicted_text": text}
        for place, text in enumerate(texts)
    ]
    asked = [(Path("0.png"), False), (Path("1.png"), False)]
    shown = ["".join(text for text, _ in line) for line in format_predictions(told, asked, 3)]
    assert shown == ["0.png  two lines ⟨U+001B⟩[2J", "1.png  no text"]
    rows = [tuple(row) for row in list_table_rows(told)]
    assert rows == [("image", "text"), ("0.png", texts[0]), ("1.png", "")]


FOUND: dict[str, object] = {
    "image_path": "a.png",
    "predicted_boxes": [
        {"box": [1.0, 2.0, 30.4, 40.6], "label": "c\x1b[2Jar", "confidence": 0.5},
        {"box": [0.0, 0.0, 9.0, 9.0], "label": "dog", "confidence": 0.75},
        {"box": [5.0, 5.0, 6.0, 6.0], "label": "dog", "confidence": 0.25},
    ],
}

EMPTY: dict[str, object] = {"image_path": "long-name.png", "predicted_boxes": []}


@pytest.mark.parametrize(
    ("top", "width", "expected"),
    [
        (
            2,
            None,
            [
                "a.png          dog 0.750  0 0 9 9",
                "               c⟨U+001B⟩[2Jar 0.500  1 2 30 41",
                "               and 1 more",
                "long-name.png  no object",
            ],
        ),
        (
            1,
            20,
            [
                "a.png",
                "    dog 0.750",
                "    0 0 9 9",
                "    and 2 more",
                "long-name.png",
                "    no object",
            ],
        ),
    ],
)
def test_a_detectors_objects_stand_beside_their_image_or_below_it(
    top: int, width: int | None, expected: list[str]
) -> None:
    assert expected == show([FOUND, EMPTY], top, width)


def test_a_detectors_csv_has_a_row_for_each_object_and_for_an_image_without() -> None:
    corners = ("x_min", "y_min", "x_max", "y_max")
    assert list(list_table_rows([FOUND, EMPTY])) == [
        ("image", "label", "confidence", *corners),
        ("a.png", "c\x1b[2Jar", 0.5, 1.0, 2.0, 30.4, 40.6),
        ("a.png", "dog", 0.75, 0.0, 0.0, 9.0, 9.0),
        ("a.png", "dog", 0.25, 5.0, 5.0, 6.0, 6.0),
        ("long-name.png", None, None, None, None, None, None),
    ]


def objects_of(task: str, **shape: object) -> dict[str, object]:
    one = {"box": [1.0, 2.0, 3.0, 4.0], "label": "cat", "confidence": 0.5, **shape}
    return {"image_path": "a.png", "task_type": task, "predicted_boxes": [one]}


@pytest.mark.parametrize(
    ("found", "shown", "written"),
    [
        (
            objects_of("instance-segmentation", mask={"size": [5, 7], "counts": ";230009"}),
            "6 pixels",
            '{"size": [5, 7], "counts": ";230009"}',
        ),
        (
            objects_of(
                "pose-estimation", keypoints={"no\x1bse": [1.4, 2.6, 0.9], "eye": [1, 1, 0.1]}
            ),
            "no⟨U+001B⟩se 1 3",
            '{"no\\u001bse": [1.4, 2.6, 0.9], "eye": [1, 1, 0.1]}',
        ),
        (
            objects_of("pose-estimation", keypoints={"eye": [1, 1, 0.1]}),
            "no point is likely to be seen",
            '{"eye": [1, 1, 0.1]}',
        ),
        (
            objects_of("oriented-detection", corners=[0, 0, 2, 2, 0, 4, -2, 2]),
            "turned by 45°",
            "[0, 0, 2, 2, 0, 4, -2, 2]",
        ),
    ],
)
def test_what_is_said_of_an_object_beside_its_box_is_shown_and_written(
    found: dict[str, object], shown: str, written: str
) -> None:
    assert show([found], 3) == [f"a.png  cat 0.500  1 2 3 4  {shown}"]
    heading, row = list_table_rows([found])
    assert (heading[-1], row[-1]) == (next(reversed(found["predicted_boxes"][0])), written)  # type: ignore[index]
    nothing = {**found, "predicted_boxes": []}
    assert [len(row) for row in list_table_rows([nothing])] == [8, 8]


def test_a_mask_that_is_none_is_no_row() -> None:
    found = objects_of("instance-segmentation", mask={"size": [5, 7], "counts": "?"})
    with pytest.raises(Refused, match="a mask cannot be read"):
        show([found], 3)


LABELED: dict[str, object] = {
    "image_path": "a.png",
    "predicted_labels": ["c\x1b[2Jar", "dog", "sky"],
    "scores": {"c\x1b[2Jar": 0.5, "cat": 0.25, "dog": 0.75, "sky": 0.625},
}

UNLABELED: dict[str, object] = {
    "image_path": "long-name.png",
    "predicted_labels": [],
    "scores": {"c\x1b[2Jar": 0.25, "cat": 0.4375, "dog": 0.25, "sky": 0.25},
}


@pytest.mark.parametrize(
    ("top", "width", "expected"),
    [
        (
            3,
            None,
            [
                "a.png          dog 0.750  sky 0.625  c⟨U+001B⟩[2Jar 0.500",
                "long-name.png  no label",
            ],
        ),
        (2, None, ["a.png          dog 0.750  sky 0.625  and 1 more", "long-name.png  no label"]),
        (
            1,
            25,
            ["a.png", "    dog 0.750  and 2 more", "long-name.png  no label"],
        ),
    ],
)
def test_the_labels_that_are_said_of_an_image_are_shown_and_no_others(
    top: int, width: int | None, expected: list[str]
) -> None:
    assert expected == show([LABELED, UNLABELED], top, width)


def test_a_csv_of_labels_has_them_in_one_cell_and_every_score_beside() -> None:
    assert list(list_table_rows([UNLABELED, LABELED])) == [
        ("image", "labels", "c\x1b[2Jar", "cat", "dog", "sky"),
        ("long-name.png", "", 0.25, 0.4375, 0.25, 0.25),
        ("a.png", "c\x1b[2Jar dog sky", 0.5, 0.25, 0.75, 0.625),
    ]


PAINTED: dict[str, object] = {
    "image_path": "a.png",
    "predicted_mask": {
        "size": [2, 2],
        "segments": [
            {"label": "c\x1b[2Jar", "share": 0.75, "counts": "13"},
            {"label": "dog", "share": 0.25, "counts": "31"},
        ],
    },
}


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (2, "a.png  c⟨U+001B⟩[2Jar 75.0%  dog 25.0%"),
        (1, "a.png  c⟨U+001B⟩[2Jar 75.0%  and 1 more"),
    ],
)
def test_the_classes_of_a_mask_are_shown_with_their_shares(top: int, expected: str) -> None:
    assert show([PAINTED], top) == [expected]
    assert list(list_table_rows([PAINTED, PAINTED])) == [
        ("image", "label", "share"),
        *[("a.png", "c\x1b[2Jar", 0.75), ("a.png", "dog", 0.25)] * 2,
    ]


def test_an_answer_that_fits_no_table_is_told_of_and_not_broken_on() -> None:
    with pytest.raises(Refused, match="fits no table") as error:
        show([{"image_path": "a.png", "predicted_mask": {}}], 1)
    assert error.value.fix == "add --output json"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a\nb.png").touch()
    for name, message in (
        ("gone.png", "no such file or folder"),
        ("empty", "no image or video in this folder"),
        ("*.jpg", "no image or video has such a name"),
        ("a\nb.png", "a line break"),
    ):
        with pytest.raises(Refused, match=message) as error:
            expand_sources(tmp_path / name)
        assert error.value.fix


def test_files_folders_and_patterns_expand_in_order(root: Path, tmp_path: Path) -> None:
    folder = root / "data" / "test" / "circle"
    single = root / "data" / "val" / "cross" / "000.png"
    images = [Source(path=path) for path in list_images(folder)]
    assert expand_sources(single) == [Source(path=single)]
    assert expand_sources(folder) == images
    assert expand_sources(folder / "*.png") == images
    assert expand_sources(root / "data" / "**" / "circle" / "00?.png")[-1:] == [
        Source(path=root / "data" / "val" / "circle" / "005.png")
    ]
    for name in ("clip.MP4", ".hidden.mp4", "notes.txt", "[odd].png"):
        (tmp_path / name).touch()
    assert expand_sources(tmp_path) == [
        Source(path=tmp_path / "[odd].png"),
        Source(path=tmp_path / "clip.MP4", is_video=True),
    ]
    # A name that is there is no pattern.
    assert expand_sources(tmp_path / "[odd].png") == [Source(path=tmp_path / "[odd].png")]


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_a_file_that_is_no_image_is_told_and_the_others_are_answered(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "some"
    folder.mkdir()
    shutil.copy(root / "data" / "test" / "cross" / "000.png", folder / "a.png")
    (folder / "b\x1b[2J.png").write_bytes(b"no picture")
    (folder / "c.png").write_bytes(b"")
    shutil.copy(folder / "a.png", folder / "d.png")
    result = ask(root, NAME, "some", "--output", output)
    answered = result.stdout.splitlines()
    lines = result.stderr.splitlines()
    assert "some/b⟨U+001B⟩[2J.png: cannot be read: is not a PNG" in lines
    assert "some/c.png: cannot be read: is not a PNG" in lines
    assert isinstance(result.exception, Refused)
    assert str(result.exception).startswith("2 of 4 images could not be read")
    match output:
        case "table":
            assert [line.split()[0] for line in answered] == ["some/a.png", "some/d.png"]
        case "json":
            assert [json.loads(line)["image_path"] for line in answered] == [
                "some/a.png",
                "some/d.png",
            ]
        case _:
            rows = list(csv.DictReader(answered))
            assert [row["image"] for row in rows] == ["some/a.png", "some/d.png"]
            assert tuple(rows[0]) == ("image", "label", "confidence", *CLASSES)
            assert all(row[row["label"]] == row["confidence"] for row in rows)


def test_a_path_that_is_not_there_is_told_and_the_others_are_answered(
    root: Path, tmp_path: Path
) -> None:
    image = str(root / "data" / "test" / "cross" / "000.png")
    gone, empty = tmp_path / "gone.png", tmp_path / "empty"
    empty.mkdir()
    result = ask(root, NAME, str(gone), image, "/dev/null", str(empty))
    (line,) = result.stdout.splitlines()
    assert "000.png" in line
    assert f"{gone}: no such file or folder" in result.stderr
    assert "/dev/null: is neither a file nor a folder" in result.stderr
    assert f"{empty}: no image or video in this folder" in result.stderr
    assert isinstance(result.exception, Refused)
    assert str(result.exception).startswith("3 of 4 images could not be read")


def test_run_without_a_model_is_refused(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shapes-aaaaaaaaaa"
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(a_plan()))
    image = root / "data" / "test" / "cross" / "000.png"
    with pytest.raises(Refused, match="nothing was trained"):
        list(iter_predictions(Run(folder), [image], this_python(tmp_path)))


def test_adapter_that_breaks_down_shows_its_last_words(root: Path, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho 'no libfoo.so' >&2\nexit 9\n")
    script.chmod(0o755)
    environment = replace(this_python(tmp_path), python=script)
    with pytest.raises(RunFailed, match=r"(?s)exit code 9.*no libfoo\.so"):
        list(iter_predictions(Run(root / "runs" / NAME), [root / "data"], environment))


def test_reader_that_leaves_early_leaves_no_process_behind(root: Path, tmp_path: Path) -> None:
    images = list_images(root / "data" / "test") * 50
    answers = iter_predictions(Run(root / "runs" / NAME), images, this_python(tmp_path))
    next(iter(answers))
    # Closing waits for the process; it would hang here if that went on to its end unread.
    del answers


def test_process_that_does_not_end_when_asked_is_killed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "_GRACE_S", 0.1)
    script = tmp_path / "python"
    line = '{"kind": "prediction", "result": {}}'
    script.write_text(
        "#!/bin/sh\ntrap '' TERM\n"
        f"""for last; do :; done\necho $$ > {tmp_path}/pid\necho '{line}' > /dev/fd/$last\n"""
        "while :; do sleep 0.05; done\n"
    )
    script.chmod(0o755)
    environment = replace(this_python(tmp_path), python=script)
    answers = iter_predictions(Run(root / "runs" / NAME), [root / "data"], environment)
    assert next(iter(answers)) == {}
    del answers
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("wanted", ["auto", "current"])
def test_the_environment_can_be_named(root: Path, wanted: str) -> None:
    result = ask(root, NAME, str(root / "data" / "test" / "cross"), "--environment", wanted)
    assert result.exit_code == 0, result.output


def test_help_says_what_a_run_is() -> None:
    assert isinstance(command, click.Command)
    assert "best checkpoint" in CliRunner().invoke(command, ["--help"]).output


def test_pictures_are_written_by_the_names_of_their_images(tmp_path: Path) -> None:
    answers: list[dict[str, object]] = [
        {"image_path": path, "predicted_image": base64.b64encode(data).decode()}
        for path, data in (("a/one.jpg", b"1"), ("b/one.png", b"2"), ("b/two.png", b"3"))
    ]
    answers.insert(1, {"image_path": "a/bad.png", "error": "it is no image"})
    given = (Answered(told=one, pixels=Path(str(one["image_path"]))) for one in answers)
    told = [one.told for one in save_pictures(given, tmp_path / "new", None)]
    assert told[1] == answers[1]
    del told[1]
    assert [Path(str(one["predicted_path"])).name for one in told] == [
        "one.png",
        "one-2.png",
        "two.png",
    ]
    assert [Path(str(one["predicted_path"])).read_bytes() for one in told] == [b"1", b"2", b"3"]
    assert all("predicted_image" not in one for one in told)
    rows = list(list_table_rows(told))
    assert rows[:2] == [("image", "picture"), ("a/one.jpg", str(tmp_path / "new/one.png"))]


def test_a_picture_that_nobody_wrote_is_told_with_what_to_type() -> None:
    answer: dict[str, object] = {"image_path": "one.png", "predicted_image": "MQ=="}
    assert show([answer], 3) == ["one.png  a picture: add --into FOLDER"]


def test_nothing_is_written_over(root: Path, tmp_path: Path) -> None:
    image = str(root / "data" / "test" / "cross" / "000.png")
    (tmp_path / "there").write_text("kept")
    full = ask(root, NAME, image, "--into", str(tmp_path))
    assert isinstance(full.exception, Refused) and "is not empty" in str(full.exception)
    file = ask(root, NAME, image, "--into", str(tmp_path / "there"))
    assert isinstance(file.exception, Refused) and "is no folder" in str(file.exception)


def test_answers_are_drawn_on_their_images_and_told_as_without(root: Path, tmp_path: Path) -> None:
    folder, into = root / "data" / "test", tmp_path / "new"
    drawn = ask(root, NAME, str(folder), "--into", str(into), "--output", "json")
    assert drawn.exit_code == 0, drawn.output
    plain = ask(root, NAME, str(folder), "--output", "json")
    told = [json.loads(line) for line in drawn.stdout.splitlines()]
    paths = [Path(one.pop("predicted_path")) for one in told]
    assert len(set(paths)) == len(list_images(folder)) and sorted(paths) == list_images(into)
    bare = [json.loads(line) for line in plain.stdout.splitlines()]
    for one in (*told, *bare):
        one.pop("inference_time_ms")
    assert told == bare


@pytest.fixture(scope="module")
def clip(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of each class, ten frames a second."""
    images = []
    for name in CLASSES:
        with Image.open(root / "data" / "test" / name / "001.png") as image:
            large = image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST)
        images += [large] * 5
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", images)


def test_each_frame_of_a_video_is_answered_as_its_picture_is(
    root: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    image = root / "data" / "test" / "cross" / "000.png"
    asked = ask(root, NAME, str(image), str(clip), str(image), "--output", "json")
    assert asked.exit_code == 0, asked.output
    told = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [one.get("frame") for one in told] == [None, *range(15), None]
    assert [one["time_s"] for one in told[1:-1]] == pytest.approx([n / 10 for n in range(15)])
    assert [Path(one["image_path"]) for one in told] == [image, *[clip] * 15, image]
    assert list(told[1])[:3] == ["image_path", "frame", "time_s"]
    # The frames went by, and nothing of them is left.
    assert list(tmp_path.iterdir()) == []
    pictures = []
    for frame in iter_frames(clip):
        pictures.append(tmp_path / f"{frame.number:02d}.png")
        frame.image.save(pictures[-1])
    alone = ask(root, NAME, *map(str, pictures), "--output", "json")
    scores = [json.loads(line)["scores"] for line in alone.stdout.splitlines()]
    assert [one["scores"] for one in told[1:-1]] == scores
    assert len({one["predicted_label"] for one in told[1:-1]}) == len(CLASSES)


def test_frames_stand_with_their_times_in_the_table_and_the_csv(root: Path, clip: Path) -> None:
    image = root / "data" / "test" / "cross" / "000.png"
    words = (NAME, str(clip), str(image), "--every", "0.5s")
    rows = ask(root, *words).stdout.splitlines()
    assert [row.split()[1] for row in rows[:3]] == ["0.00s", "0.50s", "1.00s"]
    assert len({row.index("  ", row.index("png" if "png" in row else "s ")) for row in rows}) <= 2
    told = list(csv.DictReader(ask(root, *words, "--output", "csv").stdout.splitlines()))
    assert [(row["frame"], row["time_s"]) for row in told] == [
        ("0", "0.0"),
        ("5", "0.5"),
        ("10", "1.0"),
        ("", ""),
    ]


def test_a_video_is_drawn_and_one_that_breaks_off_is_told(
    root: Path, clip: Path, tmp_path: Path
) -> None:
    data = clip.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data[:-200])
    none = tmp_path / "none.mkv"
    none.write_bytes(b"none")
    into = tmp_path / "new"
    words = (str(none), str(broken), str(clip))
    result = ask(root, NAME, *words, "--every", "2", "--into", str(into), "--output", "json")
    assert isinstance(result.exception, Refused)
    assert str(result.exception).startswith("2 of 3 sources could not be read")
    assert f"{none}: cannot be read: it is no video" in result.stderr
    assert f"{broken}: cannot be read: it is " in result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["frame"] for one in told[-8:]] == list(range(0, 15, 2))
    assert sorted(path.name for path in into.iterdir()) == ["broken.mp4", "clip.mp4"]
    assert list_times(into / "clip.mp4") == pytest.approx([n / 5 for n in range(8)], abs=1e-3)
    assert {Path(one["predicted_path"]) for one in told} == set(into.iterdir())


def test_every_is_refused_where_it_has_no_effect_or_is_none(root: Path, clip: Path) -> None:
    image = str(root / "data" / "test" / "cross" / "000.png")
    assert "none is asked about" in ask(root, NAME, image, "--every", "2").output
    assert "neither frames (10) nor" in ask(root, NAME, str(clip), "--every", "2m").output


def test_a_video_that_nobody_reads_on_leaves_no_thread_and_no_frames(
    root: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asked = Question(sources=[Source(path=clip, is_video=True)] * 3, every=EACH)
    answers = predict_sources(Run(root / "runs" / NAME), asked, os.environ, print, Wish())
    assert next(answers).told["frame"] == 0
    assert any(thread.name == "image-feed" for thread in threading.enumerate())
    answers.close()
    assert not any(thread.name == "image-feed" for thread in threading.enumerate())
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_that_breaks_down_before_it_reads_a_video_is_told(
    root: Path, clip: Path, tmp_path: Path
) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho 'no libfoo.so' >&2\nexit 9\n")
    script.chmod(0o755)
    environment = replace(this_python(tmp_path), python=script)
    images = ComingImages(paths=(path for path in [clip] * 3), folders=(), ahead=2)
    with pytest.raises(RunFailed, match=r"(?s)exit code 9.*no libfoo\.so"):
        list(iter_predictions(Run(root / "runs" / NAME), images, environment))


def test_what_goes_wrong_while_images_come_to_be_is_raised(root: Path, tmp_path: Path) -> None:
    def come() -> Generator[Path, None, None]:
        yield root / "data" / "test" / "cross" / "000.png"
        raise OSError("no space left")

    images = ComingImages(paths=come(), folders=(), ahead=2)
    answers = iter_predictions(Run(root / "runs" / NAME), images, this_python(tmp_path))
    assert next(answers)["predicted_label"]
    with pytest.raises(OSError, match="no space left"):
        next(answers)
