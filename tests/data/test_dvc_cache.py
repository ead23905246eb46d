"""What is copied out of an object store is exactly what its hash says, whoever wrote the store."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dvc_repositories import CATS, write_files
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_cache import copy_out, count_missing
from vtspec.pipelines.errors import Permanent


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def put(store: Path, content: bytes, suffix: str = "") -> str:
    name = md5(content) + suffix
    write_files(store, {f"{name[:2]}/{name[2:]}": content})
    return f"md5:{name}"


def put_folder(store: Path, files: dict[str, bytes]) -> str:
    listing = [
        {"md5": put(store, content).removeprefix("md5:"), "relpath": name}
        for name, content in sorted(files.items())
    ]
    return put(store, json.dumps(listing).encode(), ".dir")


def test_a_folder_comes_out_as_it_went_in(tmp_path: Path) -> None:
    pinned = put_folder(tmp_path / "store", dict(CATS))
    content = copy_out(tmp_path / "store", pinned, tmp_path / "out")
    assert content == hash_content(write_files(tmp_path / "cats", CATS))
    assert content == hash_content(tmp_path / "out")


def test_what_comes_out_is_read_only(tmp_path: Path) -> None:
    pinned = put_folder(tmp_path / "store", {"a.png": b"a"})
    copy_out(tmp_path / "store", pinned, tmp_path / "out")
    assert (tmp_path / "out" / "a.png").stat().st_mode & 0o777 == 0o444


def protect(store: Path) -> None:
    """As DVC keeps its objects."""
    for path in store.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


def test_what_dvc_keeps_for_reading_only_takes_no_room_twice(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put_folder(store, {"a.png": b"a", "b.png": b"b"})
    protect(store)
    kept = store / md5(b"a")[:2] / md5(b"a")[2:]
    # Written to by its second name, it would be another file to DVC as well.
    (store / md5(b"b")[:2] / md5(b"b")[2:]).chmod(0o644)
    content = copy_out(store, pinned, tmp_path / "out")
    assert content == hash_content(tmp_path / "out")
    assert (tmp_path / "out" / "a.png").samefile(kept)
    assert (tmp_path / "out" / "b.png").stat().st_nlink == 1
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o444}


def test_an_object_that_is_another_is_refused_however_it_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put_folder(store, {"a.png": b"a"})
    (store / md5(b"a")[:2] / md5(b"a")[2:]).write_bytes(b"b")
    protect(store)
    with pytest.raises(Permanent, match="its content has another MD5"):
        copy_out(store, pinned, tmp_path / "out")


def test_a_link_in_the_store_is_copied_as_the_file_it_leads_to(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put(store, b"a,b\n")
    place = store / md5(b"a,b\n")[:2] / md5(b"a,b\n")[2:]
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    copy_out(store, pinned, tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").is_symlink()
    assert (tmp_path / "elsewhere").stat().st_nlink == 1


def test_a_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    content = copy_out(tmp_path / "store", put(tmp_path / "store", b"a,b\n"), tmp_path / "x.csv")
    assert content == hash_content(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes() == b"a,b\n"


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    pinned = put(tmp_path / "store", b"new")
    write_files(tmp_path, {"there.csv": b"old", "victim": b"old"})
    (tmp_path / "link.csv").symlink_to("victim")
    for name in ("there.csv", "link.csv"):
        with pytest.raises(FileExistsError):
            copy_out(tmp_path / "store", pinned, tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"old"


def test_missing_counts_what_is_not_there(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert count_missing(store, f"md5:{'0' * 32}.dir") == 1
    assert count_missing(store, f"md5:{'0' * 32}") == 1
    pinned = put_folder(store, dict(CATS))
    assert count_missing(store, pinned) == 0
    (store / md5(b"two")[:2] / md5(b"two")[2:]).unlink()
    assert count_missing(store, pinned) == 1


@pytest.mark.parametrize(
    "relpath",
    ["../out.png", "/tmp/out.png", "a/../../out.png", "a//b.png", "./a.png", "", "a/", "a\0b"],
)
def test_a_path_that_leads_out_is_refused_before_anything_is_written(
    tmp_path: Path, relpath: str
) -> None:
    pinned = put_folder(tmp_path / "store", {"a.png": b"a", relpath: b"b"})
    with pytest.raises(Permanent, match="leads out of the folder"):
        copy_out(tmp_path / "store", pinned, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    "listing",
    [
        {"a.png": "b"},
        "a",
        [1],
        [{"md5": "0" * 32}],
        [{"md5": "../../../etc/passwd", "relpath": "a"}],
        [{"md5": md5(b"a"), "relpath": "a"}, {"md5": md5(b"b"), "relpath": "a"}],
        [{"md5": md5(b"a"), "relpath": "a"}, {"md5": md5(b"b"), "relpath": "a/b"}],
        [{"md5": md5(b"b"), "relpath": "b"}, {"md5": md5(b"a"), "relpath": "a"}],
        [{"md5": md5(b"b"), "relpath": "b", "size": 1}],
    ],
)
def test_a_list_that_dvc_would_not_write_is_refused(tmp_path: Path, listing: Any) -> None:
    for content in (b"a", b"b"):
        put(tmp_path / "store", content)
    pinned = put(tmp_path / "store", json.dumps(listing).encode(), ".dir")
    with pytest.raises(Permanent, match="is not sound"):
        copy_out(tmp_path / "store", pinned, tmp_path / "out")


@pytest.mark.parametrize("text", [b"{", b"[" * 100_000, b"\xff"])
def test_a_list_that_is_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    pinned = put(tmp_path / "store", text, ".dir")
    with pytest.raises(Permanent, match="it is no JSON"):
        copy_out(tmp_path / "store", pinned, tmp_path / "out")


def test_a_list_that_was_changed_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put_folder(store, dict(CATS))
    path = store / pinned[4:6] / pinned[6:]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Permanent, match="its content has another MD5"):
        copy_out(store, pinned, tmp_path / "out")


def test_a_huge_list_is_refused_unread(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put_folder(store, dict(CATS))
    os.truncate(store / pinned[4:6] / pinned[6:], 2**40)
    with pytest.raises(Permanent, match="larger than 1 GiB"):
        copy_out(store, pinned, tmp_path / "out")


def test_an_object_that_was_changed_is_refused_by_name(tmp_path: Path) -> None:
    store = tmp_path / "store"
    pinned = put_folder(store, dict(CATS))
    path = store / md5(b"two")[:2] / md5(b"two")[2:]
    path.write_bytes(b"Two")
    with pytest.raises(Permanent, match="its content has another MD5") as caught:
        copy_out(store, pinned, tmp_path / "out")
    assert caught.value.fix == f"rm -- {path} && dvc fetch"
