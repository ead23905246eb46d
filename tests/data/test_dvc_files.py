"""What DVC's files pin is read as data, strictly, and every doubt ends in words with a fix."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtspec.pipelines.data.dvc_files import Pointer, load_pointer
from vtspec.pipelines.errors import Permanent

MD5 = "9feb3e123859c3c6dac090579b23c047"
OTHER = "0" * 32
DVC_FILE = f"""\
outs:
- md5: {MD5}.dir
  size: 251580
  nfiles: 1797
  hash: md5
  path: cats
"""
LOCK = f"""\
schema: '2.0'
stages:
  cats:
    cmd: make cats
    outs:
    - path: data/cats
      hash: md5
      md5: {MD5}.dir
      size: 251580
      nfiles: 1797
"""
CATS = {"hash": f"md5:{MD5}.dir", "size": 251580, "nfiles": 1797}


def written(root: Path, **files: str) -> Path:
    """`data__cats_dvc` stands for `data/cats.dvc`."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def refusal(root: Path, path: str = "data/cats") -> str:
    with pytest.raises(Permanent) as caught:
        load_pointer(root, path)
    assert caught.value.fix
    return str(caught.value)


def test_a_dvc_file_pins_the_path_beside_it(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE)
    assert Pointer(file="data/cats.dvc", **CATS) == load_pointer(root, "data/cats")  # type: ignore[arg-type]


def test_a_path_with_a_slash_at_its_end_is_the_same(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE)
    assert load_pointer(root, "./data//cats/") == load_pointer(root, "data/cats")


def test_the_lock_at_the_root_pins_what_a_stage_makes(tmp_path: Path) -> None:
    root = written(tmp_path, dvc_lock=LOCK)
    assert Pointer(file="dvc.lock", **CATS) == load_pointer(root, "data/cats")  # type: ignore[arg-type]


def test_a_lock_in_a_folder_above_counts_its_paths_from_there(tmp_path: Path) -> None:
    root = written(tmp_path, data__dvc_lock=LOCK.replace("data/cats", "cats"))
    assert load_pointer(root, "data/cats").file == "data/dvc.lock"


@pytest.mark.parametrize("stage", ["wdir: data", "foreach: [a]\n    do:\n      wdir: data"])
def test_a_stage_with_a_folder_of_its_own_counts_from_it(tmp_path: Path, stage: str) -> None:
    lock = LOCK.replace("data/cats", "cats").replace("  cats:", "  cats@a:")
    root = written(tmp_path, dvc_lock=lock, dvc_yaml=f"stages:\n  cats:\n    {stage}\n")
    assert load_pointer(root, "data/cats").hash == CATS["hash"]
    assert "DVC does not track cats" in refusal(root, "cats")


@pytest.mark.parametrize(
    ("above", "stage", "params"),
    [
        ("vars: [{base: data}]", "wdir: ${base}", ""),
        ("vars: [other.yaml]", "wdir: ${of.base}", ""),
        ("vars: ['other.yaml:of']", "wdir: ./${of.base}", ""),
        ("", "wdir: ${paths[1]}", "paths: [x, data]"),
        ("vars: [{base: x}]", "vars: [{base: data}]\n    wdir: ${base}", "base: y"),
        ("", "foreach: [a]\n    do:\n      wdir: ${item}ta", ""),
        ("", "foreach: {a: {in: data}}\n    do:\n      wdir: ${item.in}", ""),
        ("", "matrix: {w: [a]}\n    wdir: data", ""),
    ],
)
def test_a_folder_that_a_template_names_is_found(
    tmp_path: Path, above: str, stage: str, params: str
) -> None:
    key = "da" if "${item}" in stage else "a"
    lock = LOCK.replace("data/cats", "cats").replace("  cats:", f"  cats@{key}:")
    files = {"params_yaml": params, "other_yaml": "of: {base: data}"}
    stages = f"{above}\nstages:\n  cats:\n    {stage}\n"
    root = written(tmp_path, dvc_lock=lock, dvc_yaml=stages, **files)
    assert load_pointer(root, "data/cats").hash == CATS["hash"]


@pytest.mark.parametrize("name", ["nothing", "base.deeper", "", "../x"])
def test_a_template_that_names_nothing_is_told(tmp_path: Path, name: str) -> None:
    stages = f"vars: [{{base: data}}]\nstages:\n  cats:\n    wdir: ${{{name}}}\n"
    root = written(tmp_path, dvc_lock=LOCK.replace("data/cats", "cats"), dvc_yaml=stages)
    assert "dvc.yaml: nothing says what ${" in refusal(root)


def test_a_file_of_its_own_needs_no_count(tmp_path: Path) -> None:
    text = f"outs:\n- md5: {MD5}\n  hash: md5\n  path: a.csv\n"
    assert load_pointer(written(tmp_path, a_csv_dvc=text), "a.csv") == Pointer(
        hash=f"md5:{MD5}", size=None, nfiles=None, file="a.csv.dvc"
    )


def test_a_hash_of_digits_alone_stays_text(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE.replace(f"{MD5}.dir", OTHER))
    assert load_pointer(root, "data/cats").hash == f"md5:{OTHER}"


def test_what_dvc_does_not_track_is_said_with_both_ways_to_track_it(tmp_path: Path) -> None:
    said = refusal(tmp_path)
    assert "DVC does not track data/cats" in said
    assert "dvc add data/cats" in said and "dvc repro data/cats" in said


@pytest.mark.parametrize(
    "files",
    [{"data_dvc": DVC_FILE.replace("cats", "data")}, {"dvc_lock": LOCK.replace("/cats", "")}],
)
def test_a_path_inside_a_tracked_folder_names_that_folder(
    tmp_path: Path, files: dict[str, str]
) -> None:
    said = refusal(written(tmp_path, **files))
    assert "data/cats lies inside data" in said
    assert "set source.dvc.path to data and begin the paths of the splits with cats/" in said


@pytest.mark.parametrize("path", ["", ".", "..", "../cats", "/data/cats", "data/../../cats"])
def test_a_path_out_of_the_repository_is_refused(tmp_path: Path, path: str) -> None:
    written(tmp_path, cats_dvc=DVC_FILE)
    (tmp_path / "in").mkdir()
    assert "no path below the repository" in refusal(tmp_path / "in", path)


def test_two_files_that_disagree_are_refused(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE, dvc_lock=LOCK.replace(MD5, OTHER))
    assert "data/cats.dvc and dvc.lock disagree on data/cats" in refusal(root)
    written(tmp_path, dvc_lock=LOCK)
    assert load_pointer(root, "data/cats").file == "data/cats.dvc"


def test_a_merge_conflict_is_called_one(tmp_path: Path) -> None:
    text = f"outs:\n<<<<<<< HEAD\n- md5: {MD5}\n=======\n- md5: {OTHER}\n>>>>>>> main\n"
    assert "data/cats.dvc has a merge conflict in it" in refusal(
        written(tmp_path, data__cats_dvc=text)
    )


def test_a_hash_of_dvc_2_is_refused_with_the_way_to_migrate(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE.replace("  hash: md5\n", ""))
    assert "dvc cache migrate" in refusal(root)


def test_a_path_without_a_hash_yet_is_refused(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc="outs:\n- path: cats\n  hash: md5\n")
    assert "data/cats has no md5 yet" in refusal(root)


@pytest.mark.parametrize(
    "text",
    [
        "outs: [",
        "- a\n",
        "outs: cats\n",
        "outs:\n- cats\n",
        f"outs:\n- md5: {MD5}\n  hash: md5\n",
        DVC_FILE.replace(MD5, "../../etc/passwd"),
        DVC_FILE.replace(MD5, MD5.upper()),
        DVC_FILE.replace("1797", "many"),
        DVC_FILE.replace("size: 251580", "size: [1]"),
        "x: &x\n" + "- *x\n" * 9 + DVC_FILE,
        "a: &a {}\nb: *a\n" + DVC_FILE,
        "\0",
        "[" * 5000,
    ],
)
def test_a_damaged_file_is_refused_with_the_way_back(tmp_path: Path, text: str) -> None:
    said = refusal(written(tmp_path, data__cats_dvc=text))
    assert "data/cats.dvc is not as DVC writes it" in said
    assert "git checkout -- data/cats.dvc" in said


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE)
    with open(root / "data" / "cats.dvc", "ab") as file:
        file.truncate(2**40)
    assert "larger than 16 MiB" in refusal(root)


def test_only_files_whose_names_follow_from_the_path_are_opened(tmp_path: Path) -> None:
    root = written(tmp_path, data__cats_dvc=DVC_FILE)
    # Reading any of these would fail: a pipe would be waited for, a broken file refused.
    written(root, data__dogs_dvc="outs: [", other__dvc_lock="stages: [")
    assert load_pointer(root, "data/cats").hash == CATS["hash"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp() / "fuzz"
    written(root, data__cats_dvc=text.encode(errors="ignore").decode(), dvc_lock=LOCK)
    try:
        load_pointer(root, "data/cats")
    except Permanent as error:
        assert error.fix
