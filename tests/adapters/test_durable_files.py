"""Files and folders appear whole or not at all, and nothing hidden is left beside them."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vtspec.adapters.durable_files import (
    move_folder,
    stage_folder,
    sync_folder,
    write_file_atomic,
    write_new_file,
)
from vtspec.adapters.system_errors import explain_system_error


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    write_file_atomic(path, "old")
    with pytest.raises(TypeError):
        write_file_atomic(path, 3)  # type: ignore[arg-type]

    assert path.read_text() == "old"
    assert names(tmp_path) == ["evaluation.json"]


KILLED = """
import os, sys
from pathlib import Path
from vtspec.adapters.durable_files import stage_folder, write_file_atomic
os.replace = os.rename = os.fsync = lambda *_: os.kill(os.getpid(), 9)
home = Path(sys.argv[1])
if sys.argv[2] == "file":
    write_file_atomic(home, "half")
else:
    with stage_folder(home) as made:
        (made / "a.png").write_bytes(b"1")
        os.replace()
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path, what: str) -> None:
    home = tmp_path / "metrics.json"
    subprocess.run([sys.executable, "-c", KILLED, str(home), what], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".tmp-metrics.json-")
    # Of others: a writer that lives, one on another machine, and one of another file.
    living = f".tmp-metrics.json-{socket.gethostname()}-{os.getpid()}-0a1b2c"
    others = [living, ".tmp-metrics.json-elsewhere-1-0a1b2c", left.name.replace("metrics", "x")]
    for name in others:
        (tmp_path / name).touch()
    if what == "file":
        write_file_atomic(home, "whole")
    else:
        with stage_folder(home) as made:
            (made / "a.png").write_bytes(b"1")

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "metrics.json"])


def test_a_new_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    write_new_file(tmp_path / "specs" / "datasets" / "cats.yaml", "kind: Dataset\n")

    assert names(tmp_path) == ["specs", "specs/datasets", "specs/datasets/cats.yaml"]
    assert (tmp_path / "specs/datasets/cats.yaml").read_text() == "kind: Dataset\n"


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "cats.yaml"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_new_file(path, "other")

    assert path.read_text() == "mine"
    assert names(tmp_path) == ["cats.yaml"]


def test_a_new_file_below_a_file_says_that_it_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "specs").write_text("")
    with pytest.raises(NotADirectoryError, match="not a folder"):
        write_new_file(tmp_path / "specs" / "cats.yaml", "text")


def test_a_staged_folder_appears_only_when_it_is_full(tmp_path: Path) -> None:
    home = tmp_path / "data" / "shapes"
    with stage_folder(home) as made:
        (made / "a.png").write_bytes(b"1")
        assert not home.exists()
        assert made.parent == home.parent and made.name.startswith(".tmp-shapes-")

    assert names(tmp_path) == ["data", "data/shapes", "data/shapes/a.png"]


def test_a_staged_folder_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    home = tmp_path / "model"
    home.mkdir()
    (home / "old").write_bytes(b"1")
    with pytest.raises(RuntimeError), stage_folder(home, replace=True) as made:
        (made / "new").write_bytes(b"2")
        raise RuntimeError

    assert names(tmp_path) == ["model", "model/old"]


def test_a_staged_folder_replaces_only_where_it_is_told_to(tmp_path: Path) -> None:
    home = tmp_path / "model"
    for replace, content in ((True, b"1"), (True, b"2"), (False, b"3")):
        try:
            with stage_folder(home, replace=replace) as made:
                (made / "weights").write_bytes(content)
                sync_folder(made)
        except OSError:
            assert not replace

    assert names(tmp_path) == ["model", "model/weights"]
    assert (home / "weights").read_bytes() == b"2"


def test_a_rename_that_fails_puts_the_old_one_back(tmp_path: Path) -> None:
    home = tmp_path / "epoch-0001"
    home.mkdir()
    (home / "weights").write_bytes(b"1")
    with pytest.raises(FileNotFoundError):
        move_folder(tmp_path / "absent", home)

    assert names(tmp_path) == ["epoch-0001", "epoch-0001/weights"]


_NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from vtspec.adapters.durable_files import write_file_atomic, write_new_file
from vtspec.adapters.system_errors import explain_system_error

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
for write in (write_file_atomic, write_new_file):
    try:
        write(Path(sys.argv[1]), b"data")
    except OSError as error:
        print(explain_system_error(error)[0])
"""


def test_a_disk_that_takes_nothing_is_told_with_the_file_that_was_to_be(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    done = subprocess.run(
        [sys.executable, "-c", _NO_ROOM, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"a file grew to the limit that is set: {file}"] * 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "free some space on it"), (errno.EROFS, "make it writable")],
)
def test_what_to_do_about_a_disk_fits_every_command(number: int, words: str) -> None:
    found = explain_system_error(OSError(number, "", "/data/shapes.dvc"))
    assert found is not None
    assert found[0].endswith(": /data/shapes.dvc")
    assert found[1].startswith(words)
