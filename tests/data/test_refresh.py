"""A dataset is brought up to what its data is now; data outside of the repository is one too."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dvc_repositories import command, dvc_repository, write_files
from spoiled_data import png, sound_folder
from vtspec.adapters.data.content_hash import hash_content
from vtspec.cli.main import cli
from vtspec.pipelines.data.dvc_files import load_pointer
from vtspec.pipelines.data.fetch import PinnedData, fetch_data
from vtspec.pipelines.data.register import undo_on_failure
from vtspec.pipelines.data.source import PathSource
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.project.repository import find_repository
from vtspec.schema.kinds.dataset import DatasetSpec
from vtspec.schema.problem import SpecError

SPEC = Path("specs/datasets/pets.yaml")


def typed(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["datasets", *words], standalone_mode=False)
    error = result.exception
    if isinstance(error, Permanent | Refused | SpecError):
        raise error
    assert error is None or isinstance(error, SystemExit), result.output
    return result


def spec(name: str = "pets") -> DatasetSpec:
    return find_repository(Path.cwd()).load_dataset(name).spec


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without DVC, and the dataset `pets` beside it, added by reference."""
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    sound_folder(tmp_path / "pets")
    monkeypatch.chdir(root)
    typed("add", "../pets", "--name", "pets", "--license", "MIT", "--description", "Of friends.")
    text = SPEC.read_text().replace("  license: MIT\n", "  license: MIT   # asked them\n")
    SPEC.write_text(text.replace("train: 12", "train: 12  # counted"))
    return root


@pytest.fixture
def pets(root: Path) -> Path:
    return root.parent / "pets"


# By reference.


def test_data_outside_is_referred_to_where_it_really_lies(root: Path, pets: Path) -> None:
    (root / "data").mkdir()
    (root / "data" / "link").symlink_to(pets)
    (root / "shelf").symlink_to(root.parent)
    for name, path in (("by-link", "data/link"), ("above", "shelf/pets"), ("far", str(pets))):
        result = typed("add", path, "--name", name)
        assert f"the data stays in {pets}, and is not versioned" in result.output
        assert result.output.endswith(
            f"next: git add -- specs/datasets/{name}.yaml && git commit\n"
        )
        found = spec(name)
        assert (found.source.path, found.source.dvc) == (str(pets), None)
        assert found.content_hash == hash_content(pets).hash
    assert not (root / ".dvc").exists()
    assert sorted(path.name for path in (root / "data").iterdir()) == ["link"]


def test_data_outside_is_used_in_place_and_only_as_it_was_pinned(root: Path, pets: Path) -> None:
    pinned = PinnedData(
        name="pets", hash=hash_content(pets).hash, source=PathSource(path=str(pets))
    )
    silent = lambda line: None  # noqa: E731
    assert fetch_data(pinned, root, root.parent / "cache", silent).path == pets
    assert not (root.parent / "cache").exists()
    write_files(pets, {"train/cat/new.png": png((9, 9, 9))})
    with pytest.raises(Permanent, match="is not the data that the plan pins"):
        fetch_data(pinned, root, root.parent / "cache", silent)


@pytest.mark.parametrize("path", [".", "..", "/", "../repo/."])
def test_a_folder_that_holds_the_repository_is_no_data(root: Path, path: str) -> None:
    with pytest.raises(Permanent, match="holds the repository"):
        typed("add", path, "--name", "all")


def test_what_means_nothing_for_data_outside_is_refused(root: Path, pets: Path) -> None:
    with pytest.raises(Permanent, match="leave --remote out"):
        typed("add", str(pets), "--name", "again", "--remote", "shelf")
    assert not SPEC.with_name("again.yaml").exists()


def test_a_link_inside_of_the_data_is_refused_as_ever(root: Path, pets: Path) -> None:
    shutil.move(pets / "val", root.parent / "val")
    (pets / "val").symlink_to(root.parent / "val")
    result = typed("add", str(pets), "--name", "again")
    assert result.return_value == 2
    assert "that no content hash covers" in result.output


def test_an_unsplit_folder_outside_is_told_the_one_step_that_makes_it_data(root: Path) -> None:
    folder = root.parent / "My Cats"
    write_files(folder, {f"{c}/{n}.png": png((n, 9, ord(c))) for c in "ab" for n in range(10)})
    result = typed("add", "../My Cats", "--name", "cats")
    split = re.search(r"fix: vtspec datasets (split '../My Cats' data/my-cats)", result.output)
    assert split is not None and result.return_value == 2
    result = typed("split", "../My Cats", "data/my-cats")
    assert result.output.endswith("next: vtspec datasets add data/my-cats --name my-cats\n")
    assert (root / "data" / "my-cats" / "train").is_dir()


# Kept up to date.


def test_new_pictures_are_counted_and_what_people_wrote_stays(root: Path, pets: Path) -> None:
    before = SPEC.read_text()
    write_files(pets, {f"val/cat/new{n}.png": png((n, 7, 7)) for n in range(3)})
    result = typed("update", "pets")
    assert result.exit_code == 0
    assert "  statistics.splits.val.perClass.cat: 2 → 5\n" in result.output
    assert "  statistics.images: 20 → 23\n" in result.output
    assert result.output.endswith("next: git add -- specs/datasets/pets.yaml && git commit\n")
    found = spec()
    assert found.content_hash == hash_content(pets).hash
    assert (found.license, found.description) == ("MIT", "Of friends.")
    assert found.statistics is not None and found.statistics.images == 23
    pairs = zip(before.splitlines(), SPEC.read_text().splitlines(), strict=True)
    changed = [old.split(":")[0].strip() for old, new in pairs if old != new]
    assert changed == ["contentHash", "images", "bytes", "images", "cat"]
    assert "license: MIT   # asked them" in SPEC.read_text()


def test_where_nothing_changed_nothing_is_written(root: Path) -> None:
    before = SPEC.stat()
    assert typed("update", "pets").output.endswith("says so already: nothing has changed\n")
    assert SPEC.stat() == before


def test_a_file_from_windows_keeps_its_line_breaks(root: Path, pets: Path) -> None:
    SPEC.write_bytes(SPEC.read_bytes().replace(b"\n", b"\r\n"))
    write_files(pets, {"train/cat/new.png": png((9, 9, 9))})
    assert "  statistics.images: 20 → 21\n" in typed("update", "pets").output
    lines = SPEC.read_bytes().split(b"\n")
    assert all(line.endswith(b"\r") for line in lines[:-1])


def test_a_new_class_comes_behind_those_there_are(root: Path, pets: Path) -> None:
    SPEC.write_text(SPEC.read_text().replace("[cat, dog]", "[dog, cat]"))
    write_files(
        pets,
        {f"{s}/ape/{n}.png": png((n, 3, ord(s[0]))) for s in ("train", "val") for n in (1, 2)},
    )
    assert "  classes: +ape\n" in typed("update", "pets").output
    assert spec().classes == ("dog", "cat", "ape")
    for split in ("train", "val", "test"):
        shutil.rmtree(pets / split / "dog")
    assert "  classes: -dog\n" in typed("update", "pets").output
    assert spec().classes == ("cat", "ape")


def test_a_split_that_came_or_went_or_was_renamed_is_told(root: Path, pets: Path) -> None:
    (pets / "val").rename(pets / "valid")
    assert "  splits.val.path: val → valid\n" in typed("update", "pets").output
    shutil.rmtree(pets / "test")
    assert "  splits.test.path: test → none\n" in typed("update", "pets").output
    assert spec().splits.test is None


def test_a_split_that_was_chosen_by_hand_is_not_written_over(root: Path, pets: Path) -> None:
    (pets / "mine").mkdir()
    SPEC.write_text(SPEC.read_text().replace("path: test", "path: mine"))
    before = SPEC.read_text()
    with pytest.raises(Permanent, match=r"spec\.splits\.test is mine, and the data has test"):
        typed("update", "pets")
    assert SPEC.read_text() == before


def test_data_with_errors_or_of_another_format_changes_nothing(root: Path, pets: Path) -> None:
    before = SPEC.read_text()
    write_files(pets, {"train/cat/broken.png": b"x"})
    result = typed("update", "pets")
    assert "1 broken image" in result.output and result.return_value == 2
    for folder in ("train", "val", "test"):
        shutil.rmtree(pets / folder)
    rows = "path,label\n" + "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(4))
    files = {f"{n}.png": png((n, 5, 5)) for n in range(8)}
    write_files(pets, {**files, "train.csv": rows.encode()})
    write_files(pets, {"val.csv": rows.replace("0.", "4.").replace("1.", "5.").encode()})
    write_files(pets, {"val.csv": b"path,label\n4.png,a\n5.png,b\n6.png,a\n7.png,b\n"})
    with pytest.raises(Permanent, match="is in the format csv now, not imagefolder"):
        typed("update", "pets")
    assert SPEC.read_text() == before


def test_a_dataset_that_cannot_be_looked_at_is_told_why(root: Path, pets: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'pets'"):
        typed("update", "pet")
    shutil.rmtree(pets)
    for verb in ("update", "inspect"):
        with pytest.raises(Permanent, match="where the data of pets should lie"):
            typed(verb, "pets")
    text = SPEC.read_text().replace(
        f"path: {pets}", "dvc: {path: data/x, repo: https://example.org/x.git, rev: v1}"
    )
    SPEC.write_text(text)
    for verb in ("update", "inspect"):
        with pytest.raises(Refused, match="is in another repository"):
            typed(verb, "pets")


def test_inspect_takes_the_name_of_a_dataset(root: Path, pets: Path) -> None:
    assert f"{pets}: imagefolder" in typed("inspect", "pets").output
    # A folder that is called so is what a person sees.
    sound_folder(root / "pets")
    assert typed("inspect", "pets").output.startswith("pets: imagefolder")
    with pytest.raises(Permanent, match="is no folder here, and no dataset") as caught:
        typed("inspect", "pest")
    assert caught.value.fix == "did you mean 'pets'?"
    with pytest.raises(Permanent) as caught:
        typed("inspect", "nothere")
    assert caught.value.fix == "name the folder that holds the data, or use 'pets'"


# With DVC.


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = dvc_repository(tmp_path / "tracked")
    sound_folder(root / "my data" / "pets")
    monkeypatch.chdir(root)
    typed("add", "my data/pets", "--name", "pets")
    return root


@pytest.mark.slow
def test_dvc_tracks_what_is_there_now(tracked: Path) -> None:
    data = tracked / "my data" / "pets"
    write_files(data, {"train/cat/new.png": png((9, 9, 9))})
    old = load_pointer(tracked, "my data/pets").hash
    result = typed("update", "pets")
    new = load_pointer(tracked, "my data/pets").hash
    assert new == hash_content(data).hash != old
    assert f"  my data/pets.dvc: {old} → {new}\n" in result.output
    assert (
        "next: git add -- specs/datasets/pets.yaml 'my data/pets.dvc' 'my data/.gitignore' "
        "&& git commit\n"
    ) in result.output
    assert "dvc remote add -d NAME URL && dvc push\n" in result.output
    # Tracked by hand meanwhile: what was counted is made good all the same.
    write_files(data, {"train/dog/new.png": png((9, 9, 8))})
    command(tracked, "dvc", "add", "-q", "my data/pets")
    assert "statistics.splits.train.perClass.dog: 6 → 7" in typed("update", "pets").output


@pytest.mark.slow
def test_where_dvc_refuses_all_is_as_before(tracked: Path) -> None:
    data = tracked / "my data" / "pets"
    write_files(tracked, {".dvcignore": b"*.md\n"})
    write_files(data, {"README.md": b"x", "train/cat/new.png": png((9, 9, 9))})
    before = [path.read_bytes() for path in (SPEC, tracked / "my data" / "pets.dvc")]
    with pytest.raises(Permanent, match="DVC leaves files"):
        typed("update", "pets")
    assert before == [path.read_bytes() for path in (SPEC, tracked / "my data" / "pets.dvc")]


def test_what_dvc_wrote_is_put_back_by_another_file_and_never_in_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pointer, ignore = tmp_path / "data/pets.dvc", tmp_path / "data/.gitignore"
    pointer.write_text("outs: old")
    ignore.write_text("/pets")
    kept, before = tmp_path / "kept", ignore.stat().st_ino
    with pytest.raises(OSError), undo_on_failure(tmp_path, "data/pets"):
        pointer.write_text("outs: new")
        # Whoever has the file open, as a full disk, meets it whole.
        kept.hardlink_to(pointer)
        raise OSError("the disk is full")
    assert (pointer.read_text(), kept.read_text()) == ("outs: old", "outs: new")
    # What was not changed is not written.
    assert ignore.stat().st_ino == before
