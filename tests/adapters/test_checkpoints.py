"""Checkpoints are whole or absent, whatever happens while they are written."""

import errno
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toy_runs import ADAPTERS, unmeasured
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.checkpoints import CorruptCheckpointError, Manifest


def a_checkpoint(folder: Path, epoch: int, step: int = 0, content: bytes = b"weights") -> Path:
    def fill(into: Path) -> None:
        (into / "model.safetensors").write_bytes(content + b" %d %d" % (epoch, step))
        (into / "state.json").write_bytes(b"{}")

    manifest = {"epoch": epoch, "step": step, "metrics": {"accuracy": 0.5, "ece": float("nan")}}
    return checkpoints.write(folder, checkpoints.format_name(epoch, step), manifest, fill)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path / "checkpoints", 3, 17)

    assert path.name == "epoch-0003-step-00017"
    manifest = checkpoints.verify(path)
    assert (manifest.epoch, manifest.step) == (3, 17)
    assert manifest.metrics == {"accuracy": 0.5, "ece": None}
    assert sorted(manifest.files) == ["model.safetensors", "state.json"]
    assert manifest.files["state.json"].bytes == 2
    assert names(path) == ["manifest.json", "model.safetensors", "state.json"]


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("epoch-0003", (3, 0)),
        ("epoch-0003-step-00017", (3, 17)),
        ("epoch-12345-step-123456", (12345, 123456)),
        (".tmp-epoch-0003-7", None),
        ("epoch-3", None),
        ("epoch-0003-step-00017x", None),
    ],
)
def test_a_position_is_told_by_the_name(name: str, position: tuple[int, int] | None) -> None:
    assert checkpoints.parse_name(name) == position
    if position is not None:
        assert checkpoints.format_name(*position) == name


def test_a_checkpoint_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    a_checkpoint(tmp_path, 1, content=b"old")
    path = a_checkpoint(tmp_path, 1, content=b"new")

    assert (path / "model.safetensors").read_bytes() == b"new 1 0"
    assert names(tmp_path) == ["epoch-0001"]


def _truncate(file: Path) -> None:
    os.truncate(file, 3)


def _flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)


def _outside(file: Path) -> None:
    manifest = without_sum(file)
    manifest["files"]["../../secret"] = {"sha256": "0", "bytes": 1}
    file.write_text(json.dumps(manifest))


def without_sum(file: Path) -> dict[str, Any]:
    """The file's content as an earlier vtspec wrote it."""
    content: dict[str, Any] = json.loads(file.read_text())
    assert (content.pop("v"), len(content.pop("check"))) == (2, 8)
    return {"v": 1, **content}


@pytest.mark.parametrize(
    ("file", "harm", "words"),
    [
        ("model.safetensors", _truncate, "model.safetensors is not what was written"),
        ("model.safetensors", _flip_a_bit, "model.safetensors is not what was written"),
        ("state.json", Path.unlink, "lacks state.json"),
        ("manifest.json", _truncate, "has no good manifest"),
        ("manifest.json", Path.unlink, "has no good manifest"),
        ("manifest.json", _outside, "it names '../../secret'"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    tmp_path: Path, file: str, harm: Callable[[Path], None], words: str
) -> None:
    before, last = a_checkpoint(tmp_path, 1), a_checkpoint(tmp_path, 2)
    checkpoints.write_pointer(tmp_path, "last", last.name, {"values": [1, 2]})
    harm(last / file)
    warnings: list[str] = []

    with pytest.raises(CorruptCheckpointError, match=words):
        checkpoints.verify(last)
    assert checkpoints.find_resumable(tmp_path, warnings.append) == (before, {"values": [1, 2]})
    assert len(warnings) == 1
    assert words in warnings[0]
    assert warnings[0].endswith("; taking the one before it")


@pytest.mark.parametrize("which", ["last.json", "best.json", "epoch-0003/manifest.json"])
def test_no_bit_of_what_decides_the_best_epoch_is_changed_unseen(
    tmp_path: Path, which: str
) -> None:
    def read() -> object:
        pointers = [checkpoints.read_pointer(tmp_path, name) for name in ("last", "best")]
        return pointers, checkpoints.read_manifest(tmp_path / "epoch-0003")

    a_checkpoint(tmp_path, 3)
    for name in ("last", "best"):
        checkpoints.write_pointer(tmp_path, name, "epoch-0003", {"values": [0.5, 0.75, 0.875]})
    file, before = tmp_path / which, read()
    whole = file.read_bytes()
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        try:
            # Such as a capital E in 1e-05, which is the same number.
            assert read() == before
        except CorruptCheckpointError:
            continue


@pytest.mark.parametrize(
    "edit",
    [
        {"epoch": 4},
        {"epoch": "3"},
        {"step": 5},
        {"metrics": {"accuracy": "0.9"}},
        {"metrics": {"accuracy": True}},
        {"metrics": [0.9]},
        {"files": {"../epoch-0002/model.safetensors": {"sha256": "0" * 64, "bytes": 1}}},
        {"files": {"/etc/hostname": {"sha256": "0" * 64, "bytes": 1}}},
    ],
)
@pytest.mark.parametrize("summed", [True, False])
def test_a_manifest_that_was_edited_is_not_believed_whatever_its_check_says(
    tmp_path: Path, edit: dict[str, Any], summed: bool
) -> None:
    folder = tmp_path / "checkpoints"
    earlier, path = a_checkpoint(folder, 2), a_checkpoint(folder, 3)
    checkpoints.write_pointer(folder, "last", path.name, {})
    raw = json.loads((path / "manifest.json").read_text())
    raw.update(edit)
    check = raw.pop("check")
    text = json.dumps(raw, sort_keys=True)
    raw["check"] = f"{zlib.crc32(text.encode()):08x}" if summed else check
    (path / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(CorruptCheckpointError):
        checkpoints.read_manifest(path)
    told: list[str] = []
    found = checkpoints.find_resumable(folder, told.append)
    assert found is not None and found[0] == earlier
    assert len(told) == 1 and path.name in told[0]


def test_checkpoints_of_an_earlier_vtspec_are_gone_on_from(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, 3)
    checkpoints.write_pointer(tmp_path, "last", path.name, {"values": [0.5, 0.75, 0.875]})
    for file in (tmp_path / "last.json", path / "manifest.json"):
        file.write_text(json.dumps(without_sum(file)))
    found = checkpoints.find_resumable(tmp_path)
    assert found == (path, {"values": [0.5, 0.75, 0.875]})


def test_a_last_one_that_is_gone_is_passed_over_too(tmp_path: Path) -> None:
    before = a_checkpoint(tmp_path, 1)
    checkpoints.write_pointer(tmp_path, "last", "epoch-0002", {})
    warnings: list[str] = []

    assert checkpoints.find_resumable(tmp_path, warnings.append) == (before, {})
    assert "epoch-0002" in warnings[0]


def test_one_that_last_does_not_name_yet_is_not_taken(tmp_path: Path) -> None:
    first, _ = a_checkpoint(tmp_path, 1), a_checkpoint(tmp_path, 2)
    checkpoints.write_pointer(tmp_path, "last", first.name, {})

    assert checkpoints.find_resumable(tmp_path) == (first, {})


def test_nothing_is_resumed_before_last_names_one(tmp_path: Path) -> None:
    assert checkpoints.find_resumable(tmp_path / "absent") is None
    a_checkpoint(tmp_path, 1)
    checkpoints.write_pointer(tmp_path, "last", None, {})
    assert checkpoints.find_resumable(tmp_path) is None


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b'{"checkpoint": "../x", "state": {}}', b'{"checkpoint": 3}']
)
def test_without_a_readable_last_the_newest_good_one_is_taken(
    tmp_path: Path, garbage: bytes
) -> None:
    a_checkpoint(tmp_path, 2)
    newest = a_checkpoint(tmp_path, 2, 5)
    checkpoints.write_pointer(tmp_path, "best", "epoch-0002", {"values": [1, 2]})
    (tmp_path / "last.json").write_bytes(garbage)
    warnings: list[str] = []

    assert checkpoints.find_resumable(tmp_path, warnings.append) == (newest, {"values": [1, 2]})
    assert "last.json is damaged" in warnings[0]

    (tmp_path / "best.json").write_bytes(garbage)
    assert checkpoints.find_resumable(tmp_path, warnings.append) == (newest, {})


def test_nothing_good_means_nothing_to_resume(tmp_path: Path) -> None:
    _truncate(a_checkpoint(tmp_path, 1) / "model.safetensors")
    checkpoints.write_pointer(tmp_path, "last", "epoch-0001", {})

    assert checkpoints.find_resumable(tmp_path) is None


def test_the_best_one_is_named_and_checked(tmp_path: Path) -> None:
    assert checkpoints.find_best(tmp_path) is None
    checkpoints.write_pointer(tmp_path, "best", None, {})
    assert checkpoints.find_best(tmp_path) is None
    path = a_checkpoint(tmp_path, 1)
    checkpoints.write_pointer(tmp_path, "best", path.name, {})
    assert checkpoints.find_best(tmp_path) == path
    _truncate(path / "state.json")
    with pytest.raises(CorruptCheckpointError):
        checkpoints.find_best(tmp_path)


def test_prune_keeps_what_it_is_told_to_and_touches_nothing_else(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        a_checkpoint(tmp_path, epoch)
    (tmp_path / "notes").mkdir()
    checkpoints.prune(tmp_path, {"epoch-0002"})

    assert names(tmp_path) == ["epoch-0002", "notes"]


def test_tidy_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    a_checkpoint(tmp_path, 1)
    (tmp_path / ".tmp-epoch-0002-77").mkdir()
    (tmp_path / ".tmp-last.json-77").write_bytes(b"{")
    # Killed between the two renames of a replacement: the old one is fetched back.
    a_checkpoint(tmp_path, 2).rename(tmp_path / ".old-epoch-0002")
    # Killed after both: the new one is there.
    (tmp_path / ".old-epoch-0001").mkdir()
    checkpoints.tidy(tmp_path)
    checkpoints.tidy(tmp_path / "absent")

    assert names(tmp_path) == ["epoch-0001", "epoch-0002"]
    assert isinstance(checkpoints.verify(tmp_path / "epoch-0002"), Manifest)


@pytest.mark.parametrize("replaces", [False, True])
def test_a_full_disk_leaves_the_old_state_and_no_junk(tmp_path: Path, replaces: bool) -> None:
    path = a_checkpoint(tmp_path, 1)
    checkpoints.write_pointer(tmp_path, "last", path.name, {})
    before = checkpoints.verify(path)

    def fill(into: Path) -> None:
        (into / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        checkpoints.write(tmp_path, "epoch-0001" if replaces else "epoch-0002", {}, fill)
    assert names(tmp_path) == ["epoch-0001", "last.json"]
    assert checkpoints.verify(path) == before


def test_a_disk_that_is_really_full_leaves_the_old_state(tmp_path: Path) -> None:
    # A limit on file size makes the kernel refuse to write, as a full disk does.
    a_checkpoint(tmp_path, 1)
    program = """
import resource, signal, sys
from pathlib import Path
from typing import Any
from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.training import checkpoints
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
folder = Path(sys.argv[1])
def fill(into):
    (into / "model.safetensors").write_bytes(bytes(100_000))
refused = []
for write in (
    lambda: checkpoints.write(folder, "epoch-0001", {"epoch": 1, "step": 0, "metrics": {}}, fill),
    lambda: write_file_atomic(folder / "last.json", bytes(100_000)),
):
    try:
        write()
    except OSError as error:
        refused.append(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, usual)
print(*refused)
"""
    ended = _run(program, str(tmp_path))
    assert (ended.stdout, ended.stderr) == (f"{errno.EFBIG} {errno.EFBIG}\n", "")
    assert names(tmp_path) == ["epoch-0001"]
    checkpoints.verify(tmp_path / "epoch-0001")


def test_wrong_names_and_empty_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'third' is not a checkpoint's name"):
        checkpoints.write(tmp_path, "third", {}, lambda into: None)
    with pytest.raises(ValueError, match="would be empty"):
        checkpoints.write(tmp_path, "epoch-0001", {}, lambda into: None)
    assert names(tmp_path) == []


_KILLED = """
import os, signal, sys
from pathlib import Path
from typing import Any
from vtspec.adapters.training import checkpoints

folder, at = Path(sys.argv[1]), int(sys.argv[2])
FILE_EVENTS = ("open", "os.", "shutil.")
count = 0

def fill(into):
    (into / "model.safetensors").write_bytes(b"new" * 1000)
    (into / "state.json").write_bytes(b"{}")

def step(event, arguments):
    global count
    if event.startswith(FILE_EVENTS):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
for epoch in (2, 3):
    manifest = {"epoch": epoch, "step": 0, "metrics": {}}
    path = checkpoints.write(folder, checkpoints.format_name(epoch), manifest, fill)
    checkpoints.write_pointer(folder, "best", path.name, {"values": [0] * epoch})
    checkpoints.write_pointer(folder, "last", path.name, {"values": [0] * epoch})
    checkpoints.prune(folder, {path.name, checkpoints.format_name(epoch - 1)})
at = count
print(count)
"""


def _run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**unmeasured(), "PYTHONPATH": str(ADAPTERS)},
        capture_output=True,
        text=True,
        check=False,
    )


def _before_the_kill(folder: Path) -> Path:
    folder.mkdir()
    for epoch in (1, 2):
        a_checkpoint(folder, epoch, content=b"old")
    checkpoints.write_pointer(folder, "best", "epoch-0001", {"values": [0]})
    checkpoints.write_pointer(folder, "last", "epoch-0001", {"values": [0]})
    return folder


@pytest.mark.slow
def test_kill_9_at_every_file_operation_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    """Epoch 2 replaces one that is there, epoch 3 is new; killed before each single operation."""
    whole = _before_the_kill(tmp_path / "whole")
    operations = int(_run(_KILLED, str(whole), "0").stdout)
    assert operations > 60
    seen = set()
    for at in range(1, operations + 1):
        folder = _before_the_kill(tmp_path / str(at))
        assert _run(_KILLED, str(folder), str(at)).returncode == -signal.SIGKILL

        checkpoints.tidy(folder)
        problems: list[str] = []
        found = checkpoints.find_resumable(folder, problems.append)
        assert found is not None
        path, state = found
        epoch, _ = checkpoints.parse_name(path.name) or (0, 0)
        assert (problems, len(state["values"])) == ([], epoch)
        assert checkpoints.find_best(folder) is not None
        assert not [name for name in names(folder) if name.startswith(".")]
        for left in folder.glob("epoch-*"):
            checkpoints.verify(left)
        seen.add(epoch)
    assert seen == {1, 2, 3}
