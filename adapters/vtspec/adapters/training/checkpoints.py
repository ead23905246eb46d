"""Checkpoints on disk: folders that are whole or absent, with the sum of every file.

A checkpoint is written into a hidden folder, flushed to the disk and renamed; a process that is
killed at any point leaves the ones before it as they were. `last.json` and `best.json` name one
each, and carry the training loop's own state. The layout is described in `docs/results.md`. Each
of these files has a sum of itself: a digit that a disk changed would choose another best epoch.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from vtspec.adapters.durable_files import stage_folder, sync_folder, write_file_atomic
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.system_errors import is_shortage

from .event_stream import replace_nonfinite

VERSION: Final = 2
"""Of the JSON files; those of version 1 had no sum."""

_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"epoch-(\d{4,})(?:-step-(\d{5,}))?")

Report = Callable[[str], None]
"""Takes a sentence for people, such as `TrainingCallbacks.on_warning`."""

_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading JSON of any content raises; nested deep, it is the stack that ends."""


class CorruptCheckpointError(Exception):
    """A checkpoint (or a file that names one) is not what was written; the text says why."""


@dataclass(frozen=True, kw_only=True)
class FileChecksum:
    """What one file of a checkpoint must be: SHA-256 in hex, size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a checkpoint holds: its position (finished epochs, steps of the next), the metrics
    measured there, and its files by relative path."""

    epoch: int
    step: int
    metrics: Mapping[str, float | None]
    files: Mapping[str, FileChecksum]


def format_name(epoch: int, step: int = 0) -> str:
    """The folder's name: `epoch-0003`, or `epoch-0003-step-00017` within the fourth epoch."""
    return f"epoch-{epoch:04d}" + (f"-step-{step:05d}" if step else "")


def parse_name(name: str) -> tuple[int, int] | None:
    """(finished epochs, steps of the next) of a checkpoint's name; None of any other name."""
    match = _NAME.fullmatch(name)
    return (int(match[1]), int(match[2] or 0)) if match else None


def write(folder: Path, name: str, manifest: JsonObject, fill: Callable[[Path], None]) -> Path:
    """Write the checkpoint `folder/name` whole or not at all; one of that name is replaced.

    `fill` writes the files into the folder it is given; `manifest` has `epoch`, `step` and
    `metrics`. When this returns, all of it is on the disk.

    Raises:
        OSError: the disk is full or the like; `folder` is as it was before.
        ValueError: `name` is not a checkpoint's name, or `fill` wrote nothing.
    """
    if parse_name(name) is None:
        raise ValueError(f"'{name}' is not a checkpoint's name")
    with stage_folder(folder / name, replace=True) as hidden:
        fill(hidden)
        # A folder with a manifest alone would pass every check and restore nothing.
        if not any(hidden.iterdir()):
            raise ValueError(f"checkpoint {name} would be empty")
        _write_manifest(hidden, manifest)
    return folder / name


def read_manifest(path: Path) -> Manifest:
    """The manifest of a checkpoint, its files left unread. Raises `CorruptCheckpointError`."""
    try:
        raw = _load_json(path / _MANIFEST)
        position = (raw["epoch"], raw["step"])
        if parse_name(path.name) not in (None, position):
            raise ValueError(f"it is of epoch {raw['epoch']!r}, step {raw['step']!r}")
        return Manifest(
            epoch=int(raw["epoch"]),
            step=int(raw["step"]),
            metrics=_expect_numbers(raw["metrics"]),
            files={
                _check_inside(name): FileChecksum(
                    sha256=str(sums["sha256"]), bytes=int(sums["bytes"])
                )
                for name, sums in raw["files"].items()
            },
        )
    except _UNREADABLE as error:
        if is_shortage(error):
            raise
        raise CorruptCheckpointError(
            f"checkpoint {path.name} has no good manifest: {error}"
        ) from error


def verify(path: Path) -> Manifest:
    """The manifest of a checkpoint whose every file has its sum; costs one read of all files.

    Raises:
        CorruptCheckpointError: a file is missing, cut short or changed.
    """
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        try:
            actual = _compute_checksum(path / name)
        except OSError as error:
            if is_shortage(error):
                raise
            raise CorruptCheckpointError(
                f"checkpoint {path.name} lacks {name}: {error.strerror}"
            ) from error
        # Summed on every resume: disks and network mounts give back zeros without an error.
        if actual != expected:
            raise CorruptCheckpointError(
                f"checkpoint {path.name} is damaged: {name} is not what was written"
            )
    return manifest


def write_pointer(
    folder: Path, which: Literal["last", "best"], name: str | None, state: JsonObject
) -> None:
    """Make `last.json` or `best.json` name a checkpoint (or none yet), with the loop's state."""
    # A file that is replaced in one step, not a link: object stores and some mounts have none.
    folder.mkdir(parents=True, exist_ok=True)
    pointer = {"checkpoint": name, "state": dict(state)}
    write_file_atomic(folder / f"{which}.json", _dump_json(pointer))


def read_pointer(
    folder: Path, which: Literal["last", "best"]
) -> tuple[str | None, JsonObject] | None:
    """What `last.json` or `best.json` says: (checkpoint's name, state); None where there is none.

    Raises:
        CorruptCheckpointError: the file is not readable as what `write_pointer` writes.
    """
    try:
        raw = _load_json(folder / f"{which}.json")
        name, state = raw["checkpoint"], dict(raw["state"])
    except FileNotFoundError:
        return None
    except _UNREADABLE as error:
        if is_shortage(error):
            raise
        raise CorruptCheckpointError(f"{which}.json is damaged: {error}") from error
    if name is not None and (not isinstance(name, str) or parse_name(name) is None):
        raise CorruptCheckpointError(f"{which}.json is damaged: it names {name!r}")
    return name, state


def find_resumable(
    folder: Path, on_damage: Report = lambda message: None
) -> tuple[Path, JsonObject] | None:
    """The checkpoint to go on from, with the loop's state: the last one, or the newest good one
    before it. None where training has left none.

    Each damaged one that is passed over is told to `on_damage`. The state is that of `last.json`,
    or of `best.json` where that is lost, or empty.
    """
    try:
        last = read_pointer(folder, "last")
    except CorruptCheckpointError as damage:
        on_damage(str(damage))
        last = None
    if last is not None and last[0] is None:
        # The first checkpoint was not pointed at yet: whatever lies here is written again.
        return None
    for path in _list_newest_first(folder, not_after=last[0] if last else None):
        try:
            verify(path)
        except CorruptCheckpointError as damage:
            on_damage(f"{damage}; taking the one before it")
            continue
        return path, last[1] if last else _read_best_state(folder)
    return None


def find_best(folder: Path) -> Path | None:
    """The best checkpoint, its sums checked; None where there is none yet.

    Raises `CorruptCheckpointError`.
    """
    pointer = read_pointer(folder, "best")
    if pointer is None or pointer[0] is None:
        return None
    path = folder / pointer[0]
    verify(path)
    return path


def prune(folder: Path, keep: Collection[str]) -> None:
    """Remove every checkpoint that `keep` does not name."""
    for path in _list_newest_first(folder):
        if path.name in keep:
            continue
        # Renamed first: a kill half-way must not leave what looks like a damaged checkpoint.
        hidden = folder / f".tmp-{path.name}-pruned"
        shutil.rmtree(hidden, ignore_errors=True)
        path.rename(hidden)
        shutil.rmtree(hidden)


def tidy(folder: Path) -> None:
    """Remove what a killed process left unfinished; for the only process that writes here."""
    if not folder.is_dir():
        return
    for path in folder.glob(".old-*"):
        home = folder / path.name.removeprefix(".old-")
        if home.exists():
            shutil.rmtree(path)
        else:
            path.rename(home)
    for path in folder.glob(".tmp-*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write_manifest(hidden: Path, manifest: JsonObject) -> None:
    files = [path for path in sorted(hidden.rglob("*")) if path.is_file()]
    sums = {path.relative_to(hidden).as_posix(): _compute_checksum(path) for path in files}
    content = {
        "epoch": manifest["epoch"],
        "step": manifest["step"],
        "metrics": replace_nonfinite(manifest["metrics"]),
        "files": {name: vars(file_sum) for name, file_sum in sums.items()},
    }
    (hidden / _MANIFEST).write_text(_dump_json(content), encoding="utf-8")
    sync_folder(hidden)


def _list_newest_first(folder: Path, not_after: str | None = None) -> list[Path]:
    # A checkpoint newer than `last` is of an epoch that nobody was told of for certain: it is
    # trained again.
    limit = parse_name(not_after) if not_after else None
    found = [
        (position, path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (position := parse_name(path.name)) and (limit is None or position <= limit)
    ]
    # Listed although it is gone, so that its absence is told and not passed over.
    missing = not_after and not (folder / not_after).exists()
    if limit and not_after and missing:
        found.append((limit, folder / not_after))
    return [path for _, path in sorted(found, reverse=True)]


def _read_best_state(folder: Path) -> JsonObject:
    try:
        pointer = read_pointer(folder, "best")
    except CorruptCheckpointError:
        return {}
    return pointer[1] if pointer else {}


def _expect_numbers(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    for name, value in metrics.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ValueError(f"{name} is {value!r}, which is no number")
    return dict(metrics)


def _check_inside(name: str) -> str:
    # A manifest comes from a disk that others may write to; it must not lead elsewhere.
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"it names {name!r}")
    return name


def _compute_checksum(path: Path) -> FileChecksum:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return FileChecksum(sha256=digest.hexdigest(), bytes=size)


def _dump_json(content: JsonObject) -> str:
    content = {"v": VERSION, **content}
    sealed = {**content, "check": _compute_check(content)}
    return json.dumps(sealed, indent=1, allow_nan=False) + "\n"


def _load_json(path: Path) -> dict[str, Any]:
    """What `_dump_json` wrote. Raises `ValueError` where the file is not that any more."""
    raw: dict[str, Any] = dict(json.loads(path.read_bytes()))
    check = raw.pop("check", None)
    if (check is not None or raw["v"] != 1) and check != _compute_check(raw):
        raise ValueError("it is not what was written")
    return raw


def _compute_check(content: JsonObject) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True, allow_nan=False).encode()):08x}"
