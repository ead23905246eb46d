"""The content hash is DVC's, for every name and content, and refuses what it cannot cover."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvc_repositories import CATS, command, dvc_repository, write_files
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import Entry, content_hash, entries_of, listing_hash, verify
from vtspec.pipelines.data.dvc_files import pointer_of


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dvc_repository(tmp_path_factory.mktemp("content") / "repo")


def test_a_folder_has_the_hash_that_dvc_gives_it(repository: Path) -> None:
    cats = write_files(repository / "data" / "cats", CATS)
    (cats / "train" / "no files here").mkdir()
    command(repository, "dvc", "add", "-q", "data/cats")
    pointer = pointer_of(repository, "data/cats")
    content = content_hash(cats)
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
    pointer = pointer_of(repository, "lines.csv")
    content = content_hash(file)
    assert (pointer.hash, pointer.size) == (content.hash, content.bytes)
    assert not content.hash.endswith(".dir")


def test_what_dvc_ignores_still_counts(repository: Path) -> None:
    (repository / ".dvcignore").write_text("*.tmp\n")
    dogs = write_files(repository / "data" / "dogs", {"a.png": b"a", "b.tmp": b"b"})
    command(repository, "dvc", "add", "-q", "data/dogs")
    pinned = pointer_of(repository, "data/dogs").hash
    assert content_hash(dogs).hash != pinned
    (dogs / "b.tmp").unlink()
    assert content_hash(dogs).hash == pinned


def test_a_folder_that_dvc_filled_with_links_to_its_cache_is_the_same(repository: Path) -> None:
    birds = write_files(repository / "data" / "birds", {"a.png": b"a", "x/b.png": b"b"})
    before = content_hash(birds)
    command(repository, "dvc", "config", "cache.type", "symlink")
    command(repository, "dvc", "add", "-q", "data/birds")
    command(repository, "dvc", "config", "-u", "cache.type")
    assert (birds / "a.png").is_symlink()
    assert content_hash(birds) == before


def test_many_files_have_the_hash_of_their_list(tmp_path: Path) -> None:
    files = {f"{index % 7}/{index}.png": bytes([index % 256]) * index for index in range(300)}
    content = content_hash(write_files(tmp_path, files))
    assert content.hash == listing_hash(list(reversed(entries_of(tmp_path))))
    assert (content.files, content.bytes) == (300, sum(range(300)))


def test_verify_returns_what_was_pinned(tmp_path: Path) -> None:
    content = content_hash(write_files(tmp_path, CATS))
    assert verify(tmp_path, content.hash) == content


def test_verify_shows_both_hashes_where_the_data_changed(tmp_path: Path) -> None:
    pinned = content_hash(write_files(tmp_path, CATS)).hash
    (tmp_path / "train" / "cat" / "a.png").write_bytes(b"One")
    found = content_hash(tmp_path).hash
    with pytest.raises(AdapterError, match=f"{found}, not {pinned}"):
        verify(tmp_path, pinned)


def test_a_link_within_the_folder_counts_as_its_file(tmp_path: Path) -> None:
    write_files(tmp_path / "linked", {"a.png": b"same"})
    (tmp_path / "linked" / "b.png").symlink_to("a.png")
    write_files(tmp_path / "plain", {"a.png": b"same", "b.png": b"same"})
    assert content_hash(tmp_path / "linked") == content_hash(tmp_path / "plain")


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", CATS)
    (tmp_path / "cats").symlink_to("elsewhere")
    assert content_hash(tmp_path / "cats") == content_hash(tmp_path / "elsewhere")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret": b"s", "data/a.png": b"a"})
    (tmp_path / "data" / "b.png").symlink_to(tmp_path / "secret")
    with pytest.raises(AdapterError, match="outside the data") as caught:
        content_hash(tmp_path / "data")
    assert caught.value.fix is not None and caught.value.fix.startswith("put the file itself")


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"data/train/a.png": b"a"})
    (tmp_path / "data" / "val").symlink_to("train")
    with pytest.raises(AdapterError, match="is a link to a folder, which no hash covers"):
        content_hash(tmp_path / "data")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("gone")
    with pytest.raises(AdapterError, match="is a link to nothing"):
        content_hash(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AdapterError, match="neither a file nor a folder"):
        content_hash(tmp_path)
    with pytest.raises(AdapterError, match="neither a file nor a folder"):
        content_hash(tmp_path / "pipe")


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"there is no .*cats"):
        content_hash(tmp_path / "cats")


def test_names_that_are_no_unicode_are_hashed_too(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("its file systems take only Unicode")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(b"a")
    assert content_hash(tmp_path).files == 1


names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(names, st.binary(min_size=16, max_size=16).map(bytes.hex)))
def test_the_hash_of_a_list_does_not_depend_on_its_order(files: dict[str, str]) -> None:
    entries = [Entry(relpath=name, md5=md5, bytes=1) for name, md5 in files.items()]
    assert listing_hash(entries) == listing_hash(entries[::-1])
    for entry in entries:
        others = [other for other in entries if other is not entry]
        assert listing_hash(entries) != listing_hash(others)
