"""A run gets exactly the data that its plan pins, wherever that is; nothing else is touched."""

import functools
import http.server
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dvc_repositories import (
    command,
    dvc_repository,
    pinned_data,
    repository_with_cats,
    write_files,
)
from vtspec.adapters.data.content_hash import Content, hash_content
from vtspec.pipelines.cache_folder import get_cache_folder
from vtspec.pipelines.data.dvc_cli import find_disk_fix, find_network_error
from vtspec.pipelines.data.dvc_files import load_pointer
from vtspec.pipelines.data.fetch import PinnedData, fetch_data
from vtspec.pipelines.data.source import PathSource
from vtspec.pipelines.errors import Permanent, Temporary

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository_with_cats(tmp_path_factory.mktemp("fetch") / "repo")


@pytest.fixture(scope="module")
def cats(original: Path) -> Content:
    return hash_content(original / "data" / "cats")


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A copy with its remote beside it, to spoil at will."""
    shutil.copytree(original.parent / "remote", tmp_path / "remote")
    shutil.copytree(original, tmp_path / "repo", symlinks=True)
    return tmp_path / "repo"


class Case:
    """One call of `fetch_data`, and what was reported meanwhile."""

    def __init__(self, root: Path, cats: Content) -> None:
        self.root = root
        self.cache = root.parent / "kept"
        self.hash = cats.hash
        self.said: list[str] = []

    def obtain(self, **changes: str) -> Path:
        pinned = pinned_data(self.hash, **changes)
        return self._fetch(pinned)

    def obtain_plain(self) -> Path:
        return self._fetch(
            PinnedData(name="cats", hash=self.hash, source=PathSource(path="data/cats"))
        )

    def _fetch(self, pinned: PinnedData) -> Path:
        found = fetch_data(pinned, self.root, self.cache, self.said.append)
        assert found.content == hash_content(found.path)
        assert found.content.hash == pinned.hash
        return found.path

    def kept(self) -> Path:
        return self.cache / "data" / self.hash.removeprefix("md5:")

    def leftovers(self) -> list[str]:
        """What lies in the cache folder beside data that is whole and locks."""
        found = (self.cache / "data").iterdir() if (self.cache / "data").exists() else iter(())
        return [
            path.name
            for path in found
            if path.suffix not in (".lock", ".used") and path != self.kept()
        ]


@pytest.fixture
def case(root: Path, cats: Content) -> Case:
    return Case(root, cats)


def without_workspace_data(root: Path) -> Path:
    shutil.rmtree(root / "data" / "cats")
    return root


def without_cache(root: Path) -> Path:
    without_workspace_data(root)
    shutil.rmtree(root / ".dvc" / "cache")
    return root


def test_data_in_the_workspace_is_used_in_place(case: Case) -> None:
    assert case.obtain() == case.root / "data" / "cats"
    assert case.said == []
    assert not case.cache.exists()


def test_data_that_was_changed_is_left_alone_and_the_pinned_is_used(case: Case) -> None:
    changed = case.root / "data" / "cats" / "train" / "cat" / "a.png"
    changed.write_bytes(b"changed")
    assert case.obtain() == case.kept()
    assert changed.read_bytes() == b"changed"
    assert "is not what the plan pins" in case.said[0] and "datasets update cats" in case.said[0]
    assert case.leftovers() == []


def test_data_that_is_only_in_dvcs_cache_is_copied_from_there(case: Case) -> None:
    without_workspace_data(case.root)
    shutil.rmtree(case.root.parent / "remote")
    assert case.obtain() == case.kept()
    assert not (case.root / "data" / "cats").exists()


def test_a_cache_that_lies_elsewhere_is_found(case: Case) -> None:
    without_workspace_data(case.root)
    (case.root / ".dvc" / "cache").rename(case.root.parent / "big-disk")
    command(case.root, "dvc", "cache", "dir", "../big-disk")
    assert case.obtain() == case.kept()
    assert str(case.root.parent / "big-disk") in case.said[-1]


@pytest.mark.parametrize("lost", ["one", "all", "the folder"])
def test_links_to_nothing_are_as_data_that_is_not_here(case: Case, lost: str) -> None:
    data = case.root / "data" / "cats"
    shutil.rmtree(case.root / ".dvc" / "cache")
    files = [path for path in data.rglob("*") if path.is_file()]
    if lost == "the folder":
        shutil.rmtree(data)
        files = [data]
    for path in files[: 1 if lost == "one" else None]:
        path.unlink(missing_ok=True)
        path.symlink_to(case.root / ".dvc" / "cache" / "files" / "md5" / "ab" / path.name)
    assert case.obtain() == case.kept()
    assert "fetching data/cats from DVC's remote" in case.said
    assert files[0].is_symlink(), "the workspace is a person's own"


def test_data_that_is_only_on_the_remote_is_fetched(case: Case) -> None:
    without_cache(case.root)
    assert case.obtain() == case.kept()
    assert not (case.root / "data" / "cats").exists()
    assert "fetching data/cats from DVC's remote" in case.said


def test_a_kept_copy_is_used_again_without_dvc(case: Case) -> None:
    without_workspace_data(case.root)
    first = case.obtain()
    shutil.rmtree(case.root / ".dvc")
    assert case.obtain() == first
    assert "using the copy of data/cats" in case.said[-1]


def test_a_kept_copy_that_was_changed_is_made_anew(case: Case) -> None:
    without_workspace_data(case.root)
    kept = case.obtain() / "train" / "cat" / "a.png"
    kept.unlink()
    kept.write_bytes(b"changed")
    (kept.parent / "labels.cache").write_bytes(b"left by a framework")
    assert case.obtain() == case.kept()
    assert kept.read_bytes() == b"one"


def test_a_single_file_keeps_its_name(case: Case) -> None:
    write_files(case.root, {"lines.csv": b"image,label\n"})
    command(case.root, "dvc", "add", "-q", "lines.csv")
    case.hash = hash_content(case.root / "lines.csv").hash
    (case.root / "lines.csv").unlink()
    found = case.obtain(path="lines.csv")
    assert found == case.kept() / "lines.csv"
    assert case.obtain(path="lines.csv") == found


def test_a_named_remote_is_the_one_asked(case: Case) -> None:
    without_cache(case.root)
    with pytest.raises(Permanent, match="remote 'attic' doesn't exist"):
        case.obtain(remote="attic")
    command(case.root, "dvc", "remote", "add", "-q", "attic", "../attic")
    with pytest.raises(Permanent, match="the remote does not have it"):
        case.obtain(remote="attic")
    shutil.copytree(case.root.parent / "remote", case.root.parent / "attic")
    assert case.obtain(remote="attic") == case.kept()


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("2026-11-21 14:50:12,503 DEBUG: Missing cache files", None),
        ("Querying 500 oids via object_exists", None),
        ("2026-01-01 00:00:00,001 ERROR: 503, message='Unavailable'\n\n", True),
        ("An error occurred (429) when calling GetObject", True),
        ("status code: 502", True),
        ("Cannot connect to host 127.0.0.1:9", True),
    ],
)
def test_only_words_of_the_network_are_taken_for_its_trouble(
    said: str, trouble: bool | None
) -> None:
    assert (find_network_error(said) is not None) is bool(trouble)


def test_a_remote_that_lacks_a_file_is_told_with_what_to_type(case: Case) -> None:
    without_cache(case.root)
    objects = [path for path in (case.root.parent / "remote").rglob("*") if path.is_file()]
    next(path for path in objects if path.suffix != ".dir").unlink()
    with pytest.raises(Permanent) as caught:
        case.obtain()
    assert caught.value.fix is not None and "dvc" in caught.value.fix
    assert case.leftovers() == [] and not case.kept().exists()


def test_a_remote_that_cannot_be_reached_is_worth_another_try(case: Case) -> None:
    without_cache(case.root)
    command(case.root, "dvc", "remote", "add", "-q", "-d", "-f", "shelf", "http://127.0.0.1:9/x")
    with pytest.raises(Temporary, match="the DVC remote cannot be reached"):
        case.obtain()


@pytest.fixture
def shelf(root: Path) -> Iterator[str]:
    """The remote over HTTP."""
    handler = functools.partial(Quiet, directory=str(root.parent / "remote"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_a_remote_over_http_is_fetched_from(case: Case, shelf: str) -> None:
    without_cache(case.root)
    command(case.root, "dvc", "remote", "add", "-q", "-d", "-f", "shelf", shelf)
    assert case.obtain() == case.kept()


def test_a_plan_older_than_the_pointer_says_so(case: Case) -> None:
    write_files(case.root / "data" / "cats", {"new.png": b"new"})
    command(case.root, "dvc", "add", "-q", "data/cats")
    # The older content is still in the cache.
    assert case.obtain() == case.kept()
    shutil.rmtree(case.kept())
    without_cache(case.root)
    with pytest.raises(Permanent, match=r"the plan pins .* and data/cats\.dvc now says") as caught:
        case.obtain()
    assert "plan again" in str(caught.value.fix)


def test_a_folder_that_is_no_dvc_repository_says_what_to_type(case: Case) -> None:
    without_workspace_data(case.root)
    shutil.rmtree(case.root / ".dvc")
    with pytest.raises(Permanent) as caught:
        case.obtain()
    assert caught.value.fix == "git init && dvc init"


def test_a_module_in_the_repository_is_not_run_in_place_of_dvc(case: Case) -> None:
    without_workspace_data(case.root)
    trap = "open('caught', 'w')\nraise SystemExit\n"
    write_files(case.root, {"dvc.py": trap.encode(), "json.py": trap.encode()})
    assert case.obtain() == case.kept()
    assert not (case.root / "caught").exists()


def test_a_plain_path_is_verified_and_used_in_place(case: Case) -> None:
    shutil.rmtree(case.root / ".dvc")
    assert case.obtain_plain() == case.root / "data" / "cats"


def test_a_plain_path_that_changed_shows_both_hashes(case: Case) -> None:
    write_files(case.root / "data" / "cats", {"new.png": b"new"})
    now = hash_content(case.root / "data" / "cats").hash
    with pytest.raises(Permanent, match=f"it is {now}, not {case.hash}") as caught:
        case.obtain_plain()
    assert "vtspec datasets update cats" in str(caught.value.fix) and now in str(caught.value)


def test_a_plain_path_that_is_absent_is_said_so(case: Case) -> None:
    without_workspace_data(case.root)
    with pytest.raises(Permanent, match=r"there is no .*data/cats"):
        case.obtain_plain()


def test_a_link_out_of_the_data_is_told_with_what_to_type(case: Case) -> None:
    (case.root / "data" / "cats" / "link.png").symlink_to(case.root / "dvc.yaml")
    write_files(case.root, {"dvc.yaml": b"stages: {}\n"})
    with pytest.raises(Permanent, match="outside the data") as caught:
        case.obtain_plain()
    assert caught.value.fix is not None


def test_data_that_may_not_be_read_is_said_so(case: Case) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    os.chmod(case.root / "data" / "cats" / "train" / "cat" / "a.png", 0)
    with pytest.raises(Permanent, match="cannot be read"):
        case.obtain()


def test_another_repository_is_read_at_its_revision(case: Case, original: Path) -> None:
    elsewhere = case.root.parent / "elsewhere"
    elsewhere.mkdir()
    command(case.root, "git", "tag", "v1")
    command(case.root, "dvc", "remote", "modify", "shelf", "url", str(case.root.parent / "remote"))
    command(case.root, "git", "commit", "-qam", "an absolute remote")
    command(case.root, "git", "tag", "v2")
    without_cache(case.root)
    case.root, other = elsewhere, case.root
    source = {"repo": f"file://{other}", "rev": "v2"}
    assert case.obtain(**source) == case.kept()
    assert f"reading file://{other} at v2" in case.said
    assert case.leftovers() == []


def test_another_repository_on_this_machine_is_read_from_its_cache(case: Case) -> None:
    shutil.rmtree(case.root.parent / "remote")
    without_workspace_data(case.root)
    case.root = case.root.parent
    assert case.obtain(repo="repo", rev="main") == case.kept()


@pytest.mark.parametrize(
    ("repo", "rev", "words"),
    [
        ("file:///nowhere/at/all", "main", "git fetch failed"),
        ("file://{root}", "no-such-tag", "git fetch failed"),
        ("file://{root}", "--upload-pack=touch caught", "is no revision"),
        ("--upload-pack=touch caught", "main", "git fetch failed"),
        ("ext::sh -c 'touch caught'", "main", "git fetch failed"),
    ],
)
def test_a_repository_that_is_not_there_is_refused(
    case: Case, repo: str, rev: str, words: str
) -> None:
    with pytest.raises(Permanent, match=words):
        case.obtain(repo=repo.format(root=case.root), rev=rev)
    assert [] == list(case.root.parent.rglob("caught"))
    assert case.leftovers() == []


def test_a_repository_without_dvc_is_refused(case: Case, tmp_path: Path) -> None:
    plain = write_files(tmp_path / "plain", {"a": b"a"})
    command(plain, "git", "init", "-q", "-b", "main")
    command(plain, "git", "add", "-A")
    command(plain, "git", "commit", "-qm", "a")
    with pytest.raises(Permanent, match="is not a DVC repository"):
        case.obtain(repo=f"file://{plain}", rev="main")


OBTAIN = """
import sys
from pathlib import Path
from vtspec.pipelines.data.fetch import PinnedData, fetch_data
from vtspec.pipelines.data.source import DvcSource
pinned = PinnedData(name="cats", hash=sys.argv[1], source=DvcSource(path="data/cats"))
root, cache = Path(sys.argv[2]), Path(sys.argv[3])
print(fetch_data(pinned, root, cache, lambda line: print(line, file=sys.stderr)).path)
"""


def start(case: Case) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", OBTAIN, case.hash, str(case.root), str(case.cache)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_need_the_same_data_fetch_it_once(case: Case) -> None:
    without_cache(case.root)
    processes = [start(case) for _ in range(3)]
    results = [process.communicate() for process in processes]
    assert [str(case.kept())] * 3 == [out.strip() for out, _ in results]
    assert 1 == sum("copying data/cats" in said for _, said in results)
    assert case.leftovers() == []


def test_a_process_that_is_killed_leaves_nothing_half_written(case: Case) -> None:
    without_cache(case.root)
    process = start(case)
    assert process.stderr is not None
    # It has the lock and has begun.
    assert "fetching" in process.stderr.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not case.kept().exists()
    assert case.obtain() == case.kept()
    assert case.leftovers() == []


def test_a_cache_folder_that_cannot_be_written_is_told(case: Case) -> None:
    without_workspace_data(case.root)
    write_files(case.cache, {"data": b"a file where the folder should be"})
    with pytest.raises(Permanent, match=r"kept/data cannot be written") as caught:
        case.obtain()
    assert caught.value.fix == "set VTSPEC_CACHE to a folder that can"


def test_what_a_killed_process_left_is_cleared(case: Case) -> None:
    without_workspace_data(case.root)
    fresh = case.kept().with_name(f".{case.kept().name}.new")
    write_files(fresh, {"half/written.png": b""})
    assert case.obtain() == case.kept()
    assert case.leftovers() == []


def test_the_cache_folder_is_where_the_user_wants_it() -> None:
    assert get_cache_folder({"VTSPEC_CACHE": "/big"}) == Path("/big")
    assert get_cache_folder({"XDG_CACHE_HOME": "/xdg"}) == Path("/xdg/vtspec")
    assert get_cache_folder({}) == Path.home() / ".cache" / "vtspec"


def test_a_remote_is_asked_by_the_hash_alone(case: Case, tmp_path: Path) -> None:
    # No git, no pointer, no configuration: what a pod has is the address and the hash.
    bare = tmp_path / "bare"
    bare.mkdir()
    pinned = pinned_data(case.hash, repo="https://example.org/data", rev="v1", remote="shelf")
    remote = str(case.root.parent / "remote")
    found = fetch_data(pinned, bare, case.cache, case.said.append, remote)
    assert found.path == case.kept()
    assert found.content.hash == case.hash
    assert case.said[0] == f"fetching cats from {remote}"
    assert case.leftovers() == [] and list(bare.iterdir()) == []
    # Kept, it is not fetched again.
    shutil.rmtree(remote)
    assert fetch_data(pinned, bare, case.cache, case.said.append, remote) == found


def test_where_no_remote_is_set_it_is_not_blamed_and_the_fix_sets_one(case: Case) -> None:
    command(case.root, "dvc", "remote", "remove", "shelf")
    shutil.rmtree(case.root / "data" / "cats")
    shutil.rmtree(case.root / ".dvc" / "cache")
    with pytest.raises(Permanent, match="no remote of DVC is set") as caught:
        fetch_data(pinned_data(case.hash), case.root, case.cache, case.said.append)
    fix = "where the data is: dvc remote add -d NAME URL && dvc push data/cats"
    assert caught.value.fix == fix


def test_a_lock_whose_sum_was_changed_is_not_taken_and_the_fix_makes_it_good(
    tmp_path: Path,
) -> None:
    root = dvc_repository(tmp_path / "repo")
    make = "from pathlib import Path; p = Path('data/cats'); p.mkdir(parents=True, exist_ok=True)"
    (root / "make.py").write_text(f"{make}; (p / 'a').write_text('1')\n")
    (root / "dvc.yaml").write_text("stages: {make: {cmd: python make.py, outs: [data/cats]}}\n")
    command(root, "dvc", "repro", "-q")
    lock, made = root / "dvc.lock", load_pointer(root, "data/cats").hash
    first = made.removeprefix("md5:")
    changed = "md5:" + ("1" if first[0] == "0" else "0") + first[1:]
    lock.write_text(re.sub(r"md5: .*\.dir.*", changed.replace("md5:", "md5: "), lock.read_text()))
    assert load_pointer(root, "data/cats").hash == changed
    said: list[str] = []
    with pytest.raises(Permanent, match="in no cache"):
        fetch_data(pinned_data(changed), root, tmp_path / "kept", said.append)
    assert said[0].endswith("to train on what lies there: dvc commit -f data/cats")
    command(root, *said[0].rpartition(": ")[2].split())
    assert load_pointer(root, "data/cats").hash == made
    found = fetch_data(pinned_data(made), root, tmp_path / "kept", said.append)
    assert found.path == root / "data" / "cats"


def test_a_remote_that_lacks_the_data_says_what_to_push(case: Case, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    (bare / "remote").mkdir(parents=True)
    pinned = pinned_data(case.hash)
    with pytest.raises(Permanent, match=r"object(s are| is) not in .*remote") as caught:
        fetch_data(pinned, bare, case.cache, case.said.append, str(bare / "remote"))
    assert caught.value.fix == "where the data is: dvc push data/cats"
    assert case.leftovers() == []


def test_a_single_file_of_a_remote_keeps_its_name(case: Case, tmp_path: Path) -> None:
    write_files(case.root / "data", {"labels.csv": b"image,label\n"})
    command(case.root, "dvc", "add", "-q", "data/labels.csv")
    command(case.root, "dvc", "push", "-q")
    content = hash_content(case.root / "data" / "labels.csv")
    pinned = pinned_data(content.hash, path="data/labels.csv")
    bare = tmp_path / "bare"
    bare.mkdir()
    remote = str(case.root.parent / "remote")
    found = fetch_data(pinned, bare, case.cache, case.said.append, remote)
    assert (found.path.name, found.content.hash) == ("labels.csv", content.hash)


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("ERROR: unexpected error - [Errno 28] No space left on device", "free some space where"),
        ("ERROR: [Errno 30] Read-only file system: '/data/x.dvc'", "writable"),
        ("ERROR: failed to push", None),
    ],
)
def test_a_disk_that_takes_nothing_is_told_with_the_cache_that_needs_room(
    said: str, fix: str | None
) -> None:
    found = find_disk_fix(said)
    assert found is None if fix is None else fix in str(found)
