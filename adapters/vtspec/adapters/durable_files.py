"""Files and folders that are whole or absent, whenever the process that writes them is killed.

What is made lies hidden (`.tmp-…`) beside its place until it is complete, and is then renamed: on
one disk that is a single step, which a reader or a kill meets before or after, never within.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def write_file_atomic(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader, or a kill at any point, meets the old or the new one."""
    with _write_hidden(path, data) as hidden:
        os.replace(hidden, path)
    _sync(path.parent)


def write_new_file(path: Path, data: bytes | str) -> None:
    """Write a file that must not exist, and the folders above it; it is never seen in part.

    Raises:
        FileExistsError: there is one, and it stays as it is.
        OSError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(path.parent)) from error
    with _write_hidden(path, data) as hidden:
        # A rename would replace a file that is there; a link fails.
        os.link(hidden, path)


@contextlib.contextmanager
def stage_folder(home: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill, which becomes `home` in the end; where that fails, it is gone.

    Its files are flushed to the disk only where the block calls `sync_folder`.

    Raises:
        OSError: `home` holds something and `replace` is not set, or the disk refuses.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    # Not the process id alone: containers that share a disk have the same ones.
    hidden = home.with_name(f".tmp-{home.name}-{os.getpid()}-{os.urandom(3).hex()}")
    hidden.mkdir()
    try:
        yield hidden
        if replace:
            move_folder(hidden, home)
        else:
            hidden.rename(home)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def move_folder(hidden: Path, home: Path) -> None:
    """Put a finished folder in its place, instead of one that may be there; both on one disk.

    The files in it must be on the disk already. Between the two renames the old one is called
    `.old-…`, from where whoever looks after the folder fetches it back after a kill.
    """
    old = home.with_name(f".old-{home.name}")
    shutil.rmtree(old, ignore_errors=True)
    replaced = home.exists()
    if replaced:
        # No system renames over a folder that holds something.
        home.rename(old)
    try:
        hidden.rename(home)
    except OSError:
        if replaced:
            old.rename(home)
        raise
    _sync(home.parent)
    if replaced:
        shutil.rmtree(old)


def sync_folder(folder: Path) -> None:
    """Bring every file and folder below `folder`, and itself, to the disk."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


@contextlib.contextmanager
def _write_hidden(path: Path, data: bytes | str) -> Iterator[Path]:
    content = data.encode() if isinstance(data, str) else data
    hidden = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    try:
        with hidden.open("wb") as file:
            file.write(content)
            file.flush()
            # Else a power cut after the rename leaves an empty file under the final name.
            os.fsync(file.fileno())
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    # A rename is on the disk only once its folder is, and a folder opens only for reading.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
