"""Files and folders that are whole or absent, whenever the process that writes them is killed.

What is made lies hidden (`.tmp-…`) beside its place until it is complete, and is then renamed: on
one disk that is a single step, which a reader or a kill meets before or after, never within.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LEFT: Final = re.compile(r"(?P<host>.+)-(?P<pid>[0-9]+)-[0-9a-f]{6}")
"""What follows `.tmp-NAME-` in the name of what is being made: by whom it is."""


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
def stage_file(home: Path) -> Iterator[Path]:
    """Give the path of a file to make, which replaces `home` in the end; where that fails it is
    gone, and with it what its maker wrote beside it, as a database its journal.

    Raises:
        OSError: the disk refuses.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    hidden = _name_hidden(home)
    hidden.mkdir()
    try:
        yield hidden / home.name
        _sync(hidden / home.name)
        os.replace(hidden / home.name, home)
        _sync(home.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def stage_folder(home: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill, which becomes `home` in the end; where that fails, it is gone.

    Its files are flushed to the disk only where the block calls `sync_folder`.

    Raises:
        OSError: `home` holds something and `replace` is not set, or the disk refuses.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    hidden = _name_hidden(home)
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
    hidden = _name_hidden(path)
    try:
        try:
            with hidden.open("wb") as file:
                file.write(content)
                file.flush()
                # Else a power cut after the rename leaves an empty file under the final name.
                os.fsync(file.fileno())
        except OSError as error:
            # Of a full disk the system does not say which, and its own name for it is ours alone.
            error.filename = os.fspath(path)
            raise
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def _name_hidden(home: Path) -> Path:
    """A new name beside `home`; what killed processes left under such names is removed."""
    prefix, here = f".tmp-{home.name}-", socket.gethostname()
    for left in os.listdir(home.parent):
        match = _LEFT.fullmatch(left.removeprefix(prefix)) if left.startswith(prefix) else None
        # Of another machine that shares the disk nobody can say here whether it lives.
        if match is None or match["host"] != here or _is_alive(int(match["pid"])):
            continue
        _remove(home.with_name(left))
    # Not the process id alone: two threads, or two machines, may write the same file.
    return home.with_name(f"{prefix}{here}-{os.getpid()}-{os.urandom(3).hex()}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync(path: Path) -> None:
    # A rename is on the disk only once its folder is, and a folder opens only for reading.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
