"""`vtspec datasets` as a person types it."""

import json
import re
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dvc_repositories import command as run_command
from dvc_repositories import dvc_repository, write_files
from object_sets import build_coco_set
from spoiled_data import png, sound_folder
from vtspec.adapters.data.content_hash import hash_content
from vtspec.cli.commands.datasets import command, convert_command
from vtspec.pipelines.data.conversion.targets import TARGETS
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.errors import Permanent, Refused


def typed(*words: str) -> Result:
    result = CliRunner().invoke(command, words)
    if isinstance(result.exception, Permanent | Refused):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return sound_folder(tmp_path / "data" / "pets")


def test_inspect_prints_what_is_there(data: Path) -> None:
    result = typed("inspect", "data/pets")
    assert result.exit_code == 0
    assert "data/pets: imagefolder, as images lie in train/<class>/" in result.output
    assert f"contentHash: {hash_content(data).hash}" in result.output
    assert "cat         6    2     2" in result.output
    assert "images     12    4     4" in result.output
    assert result.output.endswith("0 errors, 0 warnings\n")


def test_inspect_names_every_mode_and_tells_sizes_in_the_units_of_all_commands(
    data: Path,
) -> None:
    from PIL import Image

    modes = ("L", "LA", "P", "1", "I;16", "RGBA")
    for mode in modes:
        Image.new(mode, (8, 8)).save(data / "train" / "cat" / f"as-{mode.replace(';', '')}.png")
    result = typed("inspect", "data/pets")
    (told,) = [line for line in result.output.splitlines() if line.startswith("modes")]
    assert "more" not in told
    assert all(f"{mode} (" in told for mode in modes)
    (files,) = [line for line in result.output.splitlines() if line.startswith("files")]
    assert files.endswith((" B", " KiB"))


def test_inspect_prints_every_finding_and_ends_with_2(data: Path) -> None:
    write_files(data, {f"train/cat/{n}.png": b"broken" for n in range(5)})
    result = typed("inspect", "data/pets")
    assert result.exit_code == 2
    assert "error: 5 broken images: it is no image" in result.output
    assert "and 2 more (--output json has all)" in result.output
    assert "  fix: write them anew" in result.output
    assert result.output.endswith("1 error, 0 warnings\n")


def test_inspect_prints_json(data: Path) -> None:
    result = typed("inspect", "data/pets", "--output", "json")
    assert json.loads(result.output) == inspect_dataset(Path("data/pets")).to_json()


def test_inspect_says_what_a_fast_look_did_not_check(data: Path) -> None:
    write_files(Path("data/pets"), {"train/cat/1.png": png(size=(300, 2))})
    result = typed("inspect", "data/pets", "--fast")
    assert result.exit_code == 0
    shown = " ".join(result.output.split())
    assert "contentHash: not computed, as --fast reads no pixels" in shown
    assert "not checked broken-images, duplicates-across-splits, near-duplicates-" in shown
    assert "content-hash (--fast reads headers alone)" in shown
    assert "sides up to 16 px (19), up to 512 px (1)" in shown


def test_inspect_writes_a_page(data: Path, tmp_path: Path) -> None:
    result = typed("inspect", "data/pets", "--html", "page.html")
    assert "pictures: page.html" in result.output
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()


def test_a_name_cannot_steer_the_terminal(data: Path) -> None:
    write_files(data, {"train/\x1b[31mred/a.png": png((1, 1, 1)), "train/cat/\udcff.db": b""})
    result = typed("inspect", "data/pets", "--html", "page.html")
    assert "\x1b" not in result.output and "\\x1b[31mred" in result.output
    assert json.loads(typed("inspect", "data/pets", "--output", "json").output)["classes"][0]


def test_many_classes_and_sizes_are_cut_and_counted(tmp_path: Path) -> None:
    files = {f"train/{n:02}/a.png": png((n, 1, 1), (n + 1, 1)) for n in range(32)}
    result = typed("inspect", str(write_files(tmp_path / "many", files)))
    assert "and 2 more classes (--output json has all)" in result.output
    assert "and 28 more (--output json has all)\n" in result.output


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="does not exist"):
        typed("inspect", str(tmp_path / "gone"))


@pytest.mark.parametrize("has_remote", [False, True])
def test_add_says_what_it_did_and_what_comes_next(
    data: Path, tmp_path: Path, has_remote: bool
) -> None:
    dvc_repository(tmp_path)
    if has_remote:
        run_command(tmp_path, "dvc", "remote", "add", "-q", "-d", "shelf", "../remote")
    result = typed("add", "data/pets", "--name", "pets", "--license", "MIT")
    assert result.exit_code == 0
    assert "added pets: specs/datasets/pets.yaml (md5:" in result.output
    assert (
        "next: git add -- specs/datasets/pets.yaml data/pets.dvc data/.gitignore "
        f"&& git commit{' && dvc push' if has_remote else ''}\n"
    ) in result.output
    hint = "for others to have the data, dvc remote add -d NAME URL && dvc push\n"
    assert (hint in result.output) is not has_remote
    assert "license: MIT" in (tmp_path / "specs" / "datasets" / "pets.yaml").read_text()


def test_the_remote_that_add_is_given_has_to_be_there_and_is_pushed_to(
    data: Path, tmp_path: Path
) -> None:
    dvc_repository(tmp_path)
    with pytest.raises(Permanent, match="DVC has no remote 'shelf' here") as caught:
        typed("add", "data/pets", "--name", "pets", "--remote", "shelf")
    assert str(caught.value.fix).startswith("dvc remote add shelf URL")
    assert not (tmp_path / "specs").exists()
    run_command(tmp_path, "dvc", "remote", "add", "-q", "shelf", "../remote")
    result = typed("add", "data/pets", "--name", "pets", "--remote", "shelf")
    assert "&& git commit && dvc push -r shelf\n" in result.output
    assert "no DVC remote" not in result.output
    write_files(data, {"train/cat/more.png": png((9, 9, 9))})
    assert "&& git commit && dvc push -r shelf\n" in typed("update", "pets").output


def test_add_shows_the_errors_that_keep_it_from_adding(data: Path, tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".git").mkdir()
    shutil.rmtree(data / "val")
    result = typed("add", "data/pets", "--name", "pets")
    assert result.exit_code == 2
    assert "error: there is no split 'val'" in result.output
    assert not (tmp_path / "specs").exists()


@pytest.mark.parametrize(
    ("name", "close"), [("My Pets!", "my-pets"), ("-", "cats"), ("a" * 41, "a" * 40)]
)
def test_a_name_that_is_no_label_is_told_a_close_one(data: Path, name: str, close: str) -> None:
    result = typed("add", "data/pets", "--name", name)
    assert result.exit_code == 2
    assert f"--name {close}\n" in result.output


def test_a_task_that_is_none_is_told(data: Path) -> None:
    result = typed("add", "data/pets", "--name", "pets", "--task", "classify")
    assert result.exit_code == 2 and "'image-classification'" in result.output


def test_split_copies_classes_into_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {f"{c}/{n}.png": png((n, 9, ord(c))) for c in "ab" for n in range(10)}
    before = hash_content(write_files(tmp_path / "pets", files))
    result = typed("split", "pets", "split")
    assert "train       16 images\nval          2 images\ntest         2 images\n" in result.output
    assert hash_content(tmp_path / "pets") == before
    assert [] == list(inspect_dataset(tmp_path / "split").findings)
    typed("split", "pets", "again", "--shares", "50/50")
    assert sorted(inspect_dataset(tmp_path / "again").layout.splits) == ["train", "val"]
    copies = {path.name: path for path in (tmp_path / "split").rglob("a/*.png")}
    assert len(copies) == 10
    assert all(path.read_bytes() == files[f"a/{name}"] for name, path in copies.items())


@pytest.mark.parametrize("shares", ["80", "80/20/10/5", "80/x", "80/0", "-80/20", "80//20", ""])
def test_shares_that_are_none_are_told(data: Path, shares: str) -> None:
    result = typed("split", "data/pets", "new", "--shares", shares)
    assert result.exit_code == 2 and "fix: --shares 80/10/10" in result.output


def test_split_refuses_what_is_split_broken_or_there(data: Path, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="is split already"):
        typed("split", "data/pets", "new")
    write_files(tmp_path / "pets", {"cat/a.png": png(), "dog/a.png": b"broken"})
    with pytest.raises(Permanent, match=r"1 image is broken, such as dog/a\.png"):
        typed("split", "pets", "new")
    with pytest.raises(Permanent, match="2 images are broken"):
        write_files(tmp_path / "lost", {"cat/a.png": b"x", "dog/a.png": b"x"})
        typed("split", "lost", "new", "--skip-broken")
    write_files(
        tmp_path / "some", {"cat/a.png": png(), "cat/b.png": png((2, 2, 2)), "dog/a.png": b"x"}
    )
    result = typed("split", "some", "kept", "--shares", "50/50", "--skip-broken")
    assert "left out dog/a.png: it is no image" in result.output
    assert sorted(path.name for path in (tmp_path / "kept").rglob("*.png")) == ["a.png", "b.png"]
    write_files(tmp_path / "pets", {"dog/a.png": png((1, 1, 1))})
    with pytest.raises(Permanent, match="2 images are too few: split 'val' would get none"):
        typed("split", "pets", "new")
    more = {f"{c}/{n}.png": png((n, 9, ord(c[0]))) for c in ("cat", "dog") for n in range(9)}
    write_files(tmp_path / "pets", more)
    with pytest.raises(Refused, match="data exists already"):
        typed("split", "pets", "data")
    write_files(tmp_path, {"file": b""})
    with pytest.raises(Refused, match="something else is there: file"):
        typed("split", "pets", "file/new")
    assert not (tmp_path / "new").exists()


def test_convert_tells_what_came_back_and_what_is_not_as_it_was(data: Path) -> None:
    objects = [{"bbox": [1, 2, 3, 4], "iscrowd": 1}, {"bbox": [1, 2, 3, 4]}]
    write_files(data.parent / "street", build_coco_set(objects))
    result = typed("convert", "data/street", "data/street yolo", "--to", "yolo")
    assert result.exit_code == 0
    assert "data/street: coco, written as yolo in data/street yolo" in result.output
    assert "train        3 images" in result.output
    assert "came back: 2 of 4 objects; sides of boxes within" in result.output
    assert "not as it was: 2 crowds left out" in result.output
    assert result.output.endswith(
        "1 thing not as it was\nnext: vtspec datasets add 'data/street yolo' --name street-yolo\n"
    )
    assert len(list((data.parent / "street yolo").rglob("*.txt"))) == 6


def test_convert_names_the_task_that_rows_do_not_tell(data: Path) -> None:
    square = {"bbox": [1, 1, 4, 4], "segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]]}
    write_files(data.parent / "street", build_coco_set([square]))
    result = typed("convert", "data/street", "data/yolo", "--to", "yolo")
    add = "next: vtspec datasets add data/yolo --name yolo --task instance-segmentation\n"
    assert result.output.endswith(add)


def test_convert_as_json(data: Path) -> None:
    words = ("convert", "data/pets", "data/table", "--to", "csv", "--output", "json")
    found = json.loads(typed(*words).output)
    assert (found["from"], found["to"], found["omissions"]) == ("imagefolder", "csv", [])
    assert found["images"] == {"train": 12, "val": 4, "test": 4}
    assert (found["fidelity"]["labels"], found["fidelity"]["labelsReturned"]) == (20, 20)
    assert (data.parent / "table" / "train.csv").read_text().startswith("path,label\nimages/train")


def test_convert_without_a_check_says_nothing_of_what_came_back(data: Path) -> None:
    result = typed("convert", "data/pets", "data/table", "--to", "jsonl", "--no-check")
    assert "came back" not in result.output
    assert "0 things not as it was" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("data/pets", "data/pets/x", "--to", "csv"), "lies in the data itself"),
        (("data/pets", "data", "--to", "csv"), "exists already"),
        (("data/pets", "data/x", "--to", "yolo"), "yolo has no place for the labels"),
    ],
)
def test_convert_refuses_in_words(data: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        typed("convert", *words)
    assert caught.value.fix
    assert sorted(path.name for path in data.parent.iterdir()) == ["pets"]


def test_convert_offers_every_format_that_is_written() -> None:
    (to,) = [one for one in convert_command.params if one.name == "to"]
    assert isinstance(to.type, click.Choice)
    assert tuple(to.type.choices) == TARGETS


def test_convert_names_what_it_leaves_out(data: Path) -> None:
    write_files(Path("data/pets"), {"val/cat/0.png": b"no image"})
    with pytest.raises(Permanent, match=r"1 image cannot be read: val/cat/0\.png: it is no image"):
        typed("convert", "data/pets", "out", "--to", "csv")
    result = typed("convert", "data/pets", "out", "--to", "csv", "--skip-broken")
    assert "left out 1 image that cannot be read\n" in result.stderr
    assert "left out val/cat/0.png: it is no image\n" in result.stderr
    assert "val          3 images" in result.output


def test_split_says_what_stays_together_and_what_is_not_as_it_was(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.png", data / "val" / "cat" / "copy.png")
    with pytest.raises(Permanent, match="is split already, into train, val, test"):
        typed("split", "data/pets", "new")
    result = typed("split", "data/pets", "new", "--resplit", "--shares", "50/50")
    assert "kept together: 2 images in 1 group, the largest of 2\n" in result.output
    assert re.search(r"not as it was: [0-9]+ images under another name", result.output)
    assert "next: vtspec datasets add new --name new\n" in result.output
    assert not {one.check for one in inspect_dataset(Path("new")).findings} - {
        "duplicates-within-split"
    }
    words = ("split", "new", "again", "--resplit", "--group-by", "folder")
    with pytest.raises(Permanent, match="21 images in 4 groups that stay together"):
        typed(*words)
    assert "21 images in 4 groups" in typed(*words, "--shares", "50/50").output
