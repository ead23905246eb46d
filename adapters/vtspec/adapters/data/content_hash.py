"""The content hash of a file or a folder, by DVC's own definition. Standard library only.

A file's hash is the MD5 of its bytes. A folder's is the MD5 of a JSON list with one
`{"md5": …, "relpath": …}` for every file beneath it, sorted by `relpath` (forward slashes), and
ends in `.dir`. Names are taken as they are, without Unicode normalisation; empty folders do not
count. What `dvc add` would leave out because of a `.dvcignore` does count here: a folder that
holds more than DVC stored is not the data that was pinned.

MD5 is used because DVC uses it: it tells whether data changed, not whether someone forged it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.shell_command import format_command

_BLOCK_BYTES = 2**20
_FILES_PER_TASK = 64


class LinkToNothing(AdapterError):
    """A link whose file is gone, such as one into a cache that was cleared."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What lies at a path: its hash (`md5:…`, a folder's with `.dir`), its files and bytes."""

    hash: str
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True, order=True)
class FileEntry:
    """One file of a folder: `relpath` with forward slashes, MD5 in hexadecimal, size in bytes."""

    relpath: str
    md5: str
    bytes: int


def hash_content(path: Path) -> Content:
    """The content at `path`, which may itself be a link.

    Reads every byte, in blocks and on several threads: about 600 MB/s a core, and 10,000 small
    files a second. A link inside a folder counts as the file it leads to, if that lies in the
    same folder, or in a store (DVC's cache) that names it by its own MD5.

    Raises `AdapterError` where there is nothing, where a link leads to a folder or elsewhere,
    and where something is neither a file nor a folder; `OSError` where a file cannot be read.
    """
    found = _stat_path(path)
    if stat.S_ISREG(found.st_mode):
        return Content(hash=f"md5:{_compute_md5(path)}", files=1, bytes=found.st_size)
    entries = list_entries(path)
    return Content(
        hash=hash_entries(entries), files=len(entries), bytes=sum(e.bytes for e in entries)
    )


def verify(path: Path, expected: str) -> Content:
    """The content at `path`, which must have the hash `expected`.

    Raises `AdapterError` with both hashes where it has another one.
    """
    content = hash_content(path)
    if content.hash != expected:
        raise AdapterError(
            f"{path} is not the data that was pinned: {content.hash}, not {expected}"
        )
    return content


def list_entries(folder: Path) -> list[FileEntry]:
    """Every file beneath `folder`, sorted by path. Raises as `hash_content` does."""
    root = folder.resolve()
    files = sorted(_walk(root, ""))
    tasks = [files[i : i + _FILES_PER_TASK] for i in range(0, len(files), _FILES_PER_TASK)]
    if len(tasks) < 2:
        return _hash_files(root, files)
    # hashlib and read() let go of the GIL, so threads use every core.
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        return [
            entry
            for part in pool.map(lambda task: _hash_files(root, task), tasks)
            for entry in part
        ]


def check_links(folder: Path, links: Sequence[str]) -> None:
    """Refuse links below `folder`, by their paths from it, that lead elsewhere.

    Raises `AdapterError` as `hash_content` does.
    """
    _hash_files(folder.resolve(), links)


def hash_entries(entries: Sequence[FileEntry]) -> str:
    """The hash of a folder that holds exactly these files, whatever their order."""
    listing = [
        {"md5": entry.md5, "relpath": entry.relpath}
        for entry in sorted(entries, key=lambda entry: entry.relpath)
    ]
    text = json.dumps(listing, sort_keys=True)
    return f"md5:{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def _stat_path(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise AdapterError(f"there is no {path}") from None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise AdapterError(f"{path} is neither a file nor a folder")
    return found


def _walk(root: Path, below: str) -> Iterator[str]:
    with os.scandir(os.path.join(root, below)) as found:
        for item in found:
            relpath = f"{below}/{item.name}" if below else item.name
            if item.is_dir(follow_symlinks=False):
                yield from _walk(root, relpath)
            elif item.is_dir():
                # DVC passes over it in silence, training would follow it: the hash would lie.
                raise AdapterError(
                    f"{item.path} is a link to a folder, which no hash covers",
                    fix="put the files themselves there: "
                    + format_command("cp", "-rL", "--", item.path, f"{item.path}.copy"),
                )
            elif item.is_file():
                yield relpath
            else:
                remove = format_command("rm", "--", item.path)
                if item.is_symlink() and not os.path.exists(item.path):
                    raise _make_link_error(item.path, remove)
                raise AdapterError(f"{item.path} is neither a file nor a folder", fix=remove)


def _make_link_error(path: str, remove: str) -> LinkToNothing:
    # A link into DVC's cache, which was cleared: DVC has the file, or its remote has.
    is_dvcs = "/files/md5/" in os.readlink(path)
    return LinkToNothing(
        f"{path} is a link to nothing", fix=f"dvc pull, or {remove}" if is_dvcs else remove
    )


def _hash_files(root: Path, files: Sequence[str]) -> list[FileEntry]:
    return [_hash_file(root, relpath) for relpath in files]


def _hash_file(root: Path, relpath: str) -> FileEntry:
    path = root / relpath
    md5 = _compute_md5(path)
    if path.is_symlink():
        _check_link(root, path, md5)
    return FileEntry(relpath=relpath, md5=md5, bytes=path.stat().st_size)


def _check_link(root: Path, path: Path, md5: str) -> None:
    target = path.resolve()
    if target.is_relative_to(root):
        return
    # `cache.type symlink`: a workspace file is a link to `…/files/md5/ab/cdef…`.
    if target.parent.name + target.name == md5:
        return
    raise AdapterError(
        f"{path} is a link to {target}, outside the data: what lies there may change unseen",
        fix="put the file itself there: "
        + format_command("cp", "--remove-destination", "--", target, path),
    )


def _compute_md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
