"""DVC's object store on disk: files named by their MD5, folders as lists of files.

An object lies at `<store>/ab/cdef…`; the object of a folder ends in `.dir` and holds a JSON list
of `{"md5", "relpath"}`. A list may come from a stranger's remote, so nothing of it is believed:
every path is checked, every byte is hashed while it is copied.
"""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from vtspec.adapters.data.content_hash import Content, FileEntry, hash_content, hash_entries
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_BLOCK_BYTES: Final = 2**20
_MAX_LISTING_BYTES: Final = 2**30
_THREADS: Final = min(16, os.cpu_count() or 1)


def count_missing(store: Path, content: str) -> int:
    """How many of the objects that `content` (`md5:…`) needs are not in `store`."""
    if not _get_object_path(store, content.removeprefix("md5:")).is_file():
        return 1
    return sum(
        not _get_object_path(store, entry.md5).is_file() for entry in _read_entries(store, content)
    )


def copy_out(store: Path, content: str, target: Path) -> Content:
    """Put the file or folder that has the hash `content` at `target`, which must not exist.

    Files are read-only, and share their room with the store's where that is on the same disk.
    Raises `Permanent` where the store or the list in it is damaged or hostile, and `OSError`; what
    was written until then stays at `target`.
    """
    if not content.endswith(".dir"):
        md5 = content.removeprefix("md5:")
        return Content(
            hash=content, files=1, bytes=_take_file(_get_object_path(store, md5), target, md5)
        )
    entries = _read_entries(store, content)
    for folder in sorted({os.path.dirname(entry.relpath) for entry in entries} | {""}):
        (target / folder).mkdir(parents=True, exist_ok=True)

    def take_one(entry: FileEntry) -> int:
        return _take_file(_get_object_path(store, entry.md5), target / entry.relpath, entry.md5)

    with ThreadPoolExecutor(_THREADS) as pool:
        size = sum(pool.map(take_one, entries))
    return Content(hash=content, files=len(entries), bytes=size)


def _get_object_path(store: Path, md5: str) -> Path:
    return store / md5[:2] / md5[2:]


def _read_entries(store: Path, content: str) -> Sequence[FileEntry]:
    """The files of a folder's list; none for a single file."""
    if not content.endswith(".dir"):
        return []
    file = _get_object_path(store, content.removeprefix("md5:"))
    if file.stat().st_size > _MAX_LISTING_BYTES:
        raise _make_error(file, "it is larger than 1 GiB")
    text = file.read_bytes()
    if f"md5:{hashlib.md5(text, usedforsecurity=False).hexdigest()}.dir" != content:
        raise _make_error(file, "its content has another MD5")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _make_error(file, "it is no JSON") from error
    if not isinstance(raw, list):
        raise _make_error(file, "it is no list")
    entries = [_parse_entry(item, file) for item in raw]
    _check_paths(entries, file)
    # Another order or spelling of the same list has another hash, and DVC writes none such.
    if hash_entries(entries) != content:
        raise _make_error(file, "it is not written as DVC writes it")
    return entries


def _parse_entry(item: object, file: Path) -> FileEntry:
    match item:
        case {"md5": str(md5), "relpath": str(relpath)} if _MD5.fullmatch(md5):
            return FileEntry(relpath=relpath, md5=md5, bytes=0)
        case _:
            raise _make_error(file, f"{str(item)[:80]!r} is no file of it")


def _check_paths(entries: Sequence[FileEntry], file: Path) -> None:
    files = {entry.relpath for entry in entries}
    if len(files) != len(entries):
        raise _make_error(file, "it names a file twice")
    for path in files:
        parts = path.split("/")
        # An empty part is also what an absolute path begins with.
        if any(part in ("", ".", "..") for part in parts) or "\0" in path:
            raise _make_error(file, f"the path {path[:80]!r} leads out of the folder")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise _make_error(file, f"{path[:80]!r} lies below another file")


def _take_file(source: Path, target: Path, md5: str) -> int:
    """Put the store's file `source`, whose MD5 must be `md5`, at `target`; returns its bytes."""
    if not _link_file(source, target):
        return _copy_file(source, target, md5)
    found = hash_content(target)
    if found.hash != f"md5:{md5}":
        raise _make_error(source, "its content has another MD5")
    return found.bytes


def _link_file(source: Path, target: Path) -> bool:
    """Give the file a second name, so that nothing takes room twice; whether it could be done."""
    mode = source.lstat().st_mode
    # DVC writes its objects for reading only. One that can be written to is copied: a change of
    # the copy would be one of the store.
    if not stat.S_ISREG(mode) or mode & 0o222:
        return False
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    # On another disk, of another owner, or on a disk that knows no second names.
    except OSError:
        return False
    return True


def _copy_file(source: Path, target: Path, md5: str) -> int:
    """Copy a file whose MD5 must be `md5`; returns its bytes."""
    size = 0
    digest = hashlib.md5(usedforsecurity=False)
    # "x" writes neither over a file nor through a link.
    with open(source, "rb", buffering=0) as reader, open(target, "xb") as writer:
        while block := reader.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            writer.write(block)
        os.fchmod(writer.fileno(), 0o444)
    if digest.hexdigest() != md5:
        raise _make_error(source, "its content has another MD5")
    return size


def remove(path: Path) -> None:
    """Delete a file or a folder, or nothing where there is nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make_error(file: Path, why: str) -> Permanent:
    return Permanent(
        f"{file} in DVC's cache is not sound: {why}",
        fix=f"{format_command('rm', '--', file)} && dvc fetch",
    )
