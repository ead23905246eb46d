"""Adding data makes DVC track it and writes a spec that loads; or it leaves all as it was."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dvc_repositories import command, dvc_repository, write_files
from spoiled_data import png, sound_folder
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_files import Pointer, load_pointer
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.data.register import DatasetOptions, add_dataset, resolve_destination
from vtspec.pipelines.errors import Permanent
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.load import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dvc_repository(tmp_path_factory.mktemp("add") / "repo")


@pytest.fixture
def root(empty: Path, tmp_path: Path) -> Path:
    shutil.copytree(empty, tmp_path / "repo")
    sound_folder(tmp_path / "repo" / "data" / "pets")
    return tmp_path / "repo"


def added(root: Path, path: str = "data/pets", **wish: Any) -> Pointer:
    whole = DatasetOptions(**{"name": "pets", **wish})
    where = resolve_destination(root, root / "specs", root / path, whole.name)
    pointer = add_dataset(inspect_dataset(root / path), whole, where)
    assert pointer is not None
    return pointer


def spec(root: Path, name: str = "pets") -> Dataset:
    file = root / "specs" / "datasets" / f"{name}.yaml"
    loaded = load(file.read_bytes(), str(file))
    assert not loaded.problems and isinstance(loaded.model, Dataset)
    return loaded.model


def state(root: Path) -> dict[str, bytes]:
    """Every file but those of git and DVC's own cache."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".git", "tmp", "cache"} & set(path.relative_to(root).parts)
    }


def test_data_is_tracked_and_described(root: Path) -> None:
    pointer = added(root, description='Cats: "quoted"\n# and dogs', license="MIT", remote="shelf")
    assert pointer == load_pointer(root, "data/pets")
    assert pointer.hash == hash_content(root / "data" / "pets").hash
    found = spec(root).spec
    assert (found.description, found.license) == ('Cats: "quoted"\n# and dogs', "MIT")
    assert found.source.dvc is not None
    assert (found.source.dvc.path, found.source.dvc.remote) == ("data/pets", "shelf")
    assert (found.tasks, found.format) == (("image-classification",), "imagefolder")
    assert found.classes == ("cat", "dog")
    assert found.statistics is not None and found.statistics.images == 20
    assert dict(found.statistics.splits["val"].per_class) == {"cat": 2, "dog": 2}
    assert found.splits.test is not None and found.splits.test.path == "test"


def test_the_data_itself_stays_as_it_is(root: Path) -> None:
    before = hash_content(root / "data" / "pets")
    added(root)
    assert hash_content(root / "data" / "pets") == before


def test_a_spec_that_exists_is_not_written_over(root: Path) -> None:
    write_files(root, {"specs/datasets/pets.yaml": b"mine"})
    before = state(root)
    with pytest.raises(Permanent, match=r"pets\.yaml exists already"):
        added(root)
    assert state(root) == before


def test_data_with_errors_is_refused(root: Path) -> None:
    write_files(root, {"data/pets/train/cat/0.png": b"broken"})
    before = state(root)
    with pytest.raises(Permanent, match="cannot be added: 1 broken image") as caught:
        added(root)
    assert "vtspec datasets inspect data/pets" in str(caught.value.fix)
    assert state(root) == before


def test_a_repository_without_dvc_is_told_what_to_type(root: Path) -> None:
    shutil.rmtree(root / ".dvc")
    with pytest.raises(Permanent, match="is not a DVC repository") as caught:
        added(root)
    assert caught.value.fix == "git init && dvc init"


@pytest.mark.parametrize(
    ("there", "told"),
    [("nothing", "data/nowhere does not exist"), ("a file", "data/nowhere is not a folder")],
)
def test_data_that_is_not_there_is_told_before_what_the_repository_lacks(
    root: Path, there: str, told: str
) -> None:
    shutil.rmtree(root / ".dvc")
    if there == "a file":
        (root / "data" / "nowhere").touch()
    # Outside of the repository, too, where DVC is not asked.
    for path, words in ((root / "data" / "nowhere", told), (root.parent / "elsewhere", "not")):
        with pytest.raises(Permanent, match=words) as caught:
            resolve_destination(root, root / "specs", path, "pets")
        assert caught.value.fix == "name the folder that holds the data"


def test_data_that_git_tracks_already_is_told_how_it_leaves_git(root: Path) -> None:
    command(root, "git", "add", "-f", "data/pets")
    command(root, "git", "commit", "-qm", "by hand")
    with pytest.raises(Permanent, match="data/pets is tracked by git") as caught:
        added(root)
    assert str(caught.value.fix).startswith("git rm -r --cached -q -- data/pets && git commit")
    assert not (root / "specs/datasets/pets.yaml").exists()


def test_data_that_dvc_tracks_already_keeps_its_pointer(root: Path) -> None:
    command(root, "dvc", "add", "-q", "data/pets")
    before = state(root)
    assert added(root).file == "data/pets.dvc"
    after = state(root)
    assert after.pop("specs/datasets/pets.yaml")
    assert after == before


def test_data_that_changed_since_is_tracked_anew(root: Path) -> None:
    command(root, "dvc", "add", "-q", "data/pets")
    write_files(root, {"data/pets/train/cat/new.png": png((1, 1, 1))})
    assert added(root).hash == hash_content(root / "data" / "pets").hash


def test_the_output_of_a_stage_is_left_to_it(root: Path) -> None:
    pinned = hash_content(root / "data" / "pets").hash
    lock = (
        "schema: '2.0'\nstages:\n  pets:\n    cmd: x\n    outs:\n    - path: data/pets\n"
        f"      hash: md5\n      md5: {pinned.removeprefix('md5:')}\n"
    )
    write_files(root, {"dvc.lock": lock.encode()})
    assert added(root).file == "dvc.lock"
    assert not (root / "data" / "pets.dvc").exists()
    write_files(root, {"data/pets/train/cat/new.png": png((1, 1, 1))})
    with pytest.raises(Permanent, match=r"is not what dvc\.lock pins") as caught:
        added(root, name="again")
    assert "dvc repro data/pets" in str(caught.value.fix)


def test_files_that_dvc_leaves_out_are_told_and_all_is_undone(root: Path) -> None:
    write_files(root, {".dvcignore": b"*.md\n", "data/pets/README.md": b"x"})
    before = state(root)
    with pytest.raises(Permanent, match="DVC leaves files of data/pets out") as caught:
        added(root)
    assert ".dvcignore" in str(caught.value.fix)
    assert state(root) == before


def test_a_pointer_that_was_there_is_put_back(root: Path) -> None:
    command(root, "dvc", "add", "-q", "data/pets")
    write_files(root, {".dvcignore": b"*.md\n", "data/pets/README.md": b"x"})
    write_files(root, {"data/pets/train/cat/new.png": png((1, 1, 1))})
    before = state(root)
    with pytest.raises(Permanent, match="DVC leaves files"):
        added(root)
    assert state(root) == before


def test_a_damaged_pointer_is_told(root: Path) -> None:
    write_files(root, {"data/pets.dvc": b"outs: ["})
    with pytest.raises(Permanent, match="is not as DVC writes it"):
        added(root)


def test_data_inside_tracked_data_is_refused_by_its_name(root: Path) -> None:
    command(root, "dvc", "add", "-q", "data")
    before = state(root)
    with pytest.raises(Permanent, match=r"lies inside data, which data\.dvc pins"):
        added(root)
    assert state(root) == before


def test_a_task_that_the_format_cannot_carry_is_refused(root: Path) -> None:
    with pytest.raises(Permanent, match="cannot carry the labels of object-detection"):
        added(root, tasks=("object-detection",))
    assert added(root, tasks=("image-classification",)).nfiles == 20


def test_a_class_name_that_no_spec_can_hold_is_told(root: Path) -> None:
    long = "x" * 101
    for split in ("train", "val", "test"):
        (root / "data" / "pets" / split / "cat").rename(root / "data" / "pets" / split / long)
    before = state(root)
    with pytest.raises(Permanent, match=r"cannot be added: the class name 'x+ has more than 100"):
        added(root)
    assert state(root) == before


def test_the_schema_beside_the_specs_is_named_for_editors(root: Path) -> None:
    (root / "schema" / "v1alpha1").mkdir(parents=True)
    added(root)
    first = (root / "specs" / "datasets" / "pets.yaml").read_text().splitlines()[0]
    assert first.endswith("$schema=../../schema/v1alpha1/dataset.schema.json")


def test_ctrl_c_leaves_all_as_it_was(root: Path) -> None:
    (root / "data" / "pets" / "val").rename(root / "data" / "pets" / "valid")
    before = state(root)
    shutil.rmtree(root / ".dvc" / "tmp")
    code = "from vtspec.cli.main import main; main()"
    words = [sys.executable, "-c", code, "datasets", "add", "data/pets", "--name", "pets"]
    process = subprocess.Popen(
        words,
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # DVC is at work, in a process of the same group, once it has its lock.
    while process.poll() is None and not (root / ".dvc" / "tmp" / "lock").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, state(root)) == (130, before), said
