"""The content hash is DVC's, for every name and content, and refuses what it cannot cover."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvc_repositories import CATS, command, dvc_repository, write_files
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import (
    FileEntry,
    hash_content,
    hash_entries,
    list_entries,
    verify,
)
from vtspec.pipelines.data.dvc_files import load_pointer


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dvc_repository(tmp_path_factory.mktemp("content") / "repo")


@pytest.mark.slow
def test_a_folder_has_the_hash_that_dvc_gives_it(repository: Path) -> None:
    cats = write_files(repository / "data" / "cats", CATS)
    (cats / "train" / "no files here").mkdir()
    command(repository, "dvc", "add", "-q", "data/cats")
    pointer = load_pointer(repository, "data/cats")
    content = hash_content(cats)
    assert (pointer.hash, pointer.size, pointer.nfiles) == (
        content.hash,
        content.bytes,
        content.files,
    )
    assert content.files == len(CATS)


def test_a_file_has_the_hash_that_dvc_gives_it(repository: Path) -> None:
    file = repository / "lines.csv"
    # Windows line ends, which DVC 2 would have counted as Unix ones.
    file.write_bytes(b"image,label\r\na.png,cat\r\n")
    command(repository, "dvc", "add", "-q", "lines.csv")
    pointer = load_pointer(repository, "lines.csv")
    content = hash_content(file)
    assert (pointer.hash, pointer.size) == (content.hash, content.bytes)
    assert not content.hash.endswith(".dir")


def test_what_dvc_ignores_still_counts(repository: Path) -> None:
    (repository / ".dvcignore").write_text("*.tmp\n")
    dogs = write_files(repository / "data" / "dogs", {"a.png": b"a", "b.tmp": b"b"})
    command(repository, "dvc", "add", "-q", "data/dogs")
    pinned = load_pointer(repository, "data/dogs").hash
    assert hash_content(dogs).hash != pinned
    (dogs / "b.tmp").unlink()
    assert hash_content(dogs).hash == pinned


@pytest.mark.slow
def test_a_folder_that_dvc_filled_with_links_to_its_cache_is_the_same(repository: Path) -> None:
    birds = write_files(repository / "data" / "birds", {"a.png": b"a", "x/b.png": b"b"})
    before = hash_content(birds)
    command(repository, "dvc", "config", "cache.type", "symlink")
    command(repository, "dvc", "add", "-q", "data/birds")
    command(repository, "dvc", "config", "-u", "cache.type")
    assert (birds / "a.png").is_symlink()
    assert hash_content(birds) == before


def test_many_files_have_the_hash_of_their_list(tmp_path: Path) -> None:
    files = {f"{index % 7}/{index}.png": bytes([index % 256]) * index for index in range(300)}
    content = hash_content(write_files(tmp_path, files))
    assert content.hash == hash_entries(list(reversed(list_entries(tmp_path))))
    assert (content.files, content.bytes) == (300, sum(range(300)))


def test_verify_returns_what_was_pinned(tmp_path: Path) -> None:
    content = hash_content(write_files(tmp_path, CATS))
    assert verify(tmp_path, content.hash) == content


def test_verify_shows_both_hashes_where_the_data_changed(tmp_path: Path) -> None:
    pinned = hash_content(write_files(tmp_path, CATS)).hash
    (tmp_path / "train" / "cat" / "a.png").write_bytes(b"One")
    found = hash_content(tmp_path).hash
    with pytest.raises(AdapterError, match=f"{found}, not {pinned}"):
        verify(tmp_path, pinned)


def test_a_link_within_the_folder_counts_as_its_file(tmp_path: Path) -> None:
    write_files(tmp_path / "linked", {"a.png": b"same"})
    (tmp_path / "linked" / "b.png").symlink_to("a.png")
    write_files(tmp_path / "plain", {"a.png": b"same", "b.png": b"same"})
    assert hash_content(tmp_path / "linked") == hash_content(tmp_path / "plain")


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", CATS)
    (tmp_path / "cats").symlink_to("elsewhere")
    assert hash_content(tmp_path / "cats") == hash_content(tmp_path / "elsewhere")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret": b"s", "data/a.png": b"a"})
    (tmp_path / "data" / "b.png").symlink_to(tmp_path / "secret")
    with pytest.raises(AdapterError, match="outside the data") as caught:
        hash_content(tmp_path / "data")
    assert caught.value.fix is not None and caught.value.fix.startswith("put the file itself")


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"data/train/a.png": b"a"})
    (tmp_path / "data" / "val").symlink_to("train")
    with pytest.raises(AdapterError, match="is a link to a folder, which no hash covers"):
        hash_content(tmp_path / "data")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("gone")
    with pytest.raises(AdapterError, match="is a link to nothing"):
        hash_content(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AdapterError, match="neither a file nor a folder"):
        hash_content(tmp_path)
    with pytest.raises(AdapterError, match="neither a file nor a folder"):
        hash_content(tmp_path / "pipe")


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"there is no .*cats"):
        hash_content(tmp_path / "cats")


def test_names_that_are_no_unicode_are_hashed_too(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("its file systems take only Unicode")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(b"a")
    assert hash_content(tmp_path).files == 1


names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(names, st.binary(min_size=16, max_size=16).map(bytes.hex)))
def test_the_hash_of_a_list_does_not_depend_on_its_order(files: dict[str, str]) -> None:
    entries = [FileEntry(relpath=name, md5=md5, bytes=1) for name, md5 in files.items()]
    assert hash_entries(entries) == hash_entries(entries[::-1])
    for entry in entries:
        others = [other for other in entries if other is not entry]
        assert hash_entries(entries) != hash_entries(others)
