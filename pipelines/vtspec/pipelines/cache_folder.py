"""Where vtspec keeps on this machine what can be made again."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from vtspec.schema.kinds.patterns import STORE_SCHEME

STORES_FOLDER: Final = "stores"
"""The folder of the cache in which stores are mirrored."""

_in_use: Final[dict[Path, int]] = {}
"""Entries that this process uses, and the descriptors whose locks say so."""

_STORE: Final = quote(STORE_SCHEME, safe="")


def get_cache_folder(environ: Mapping[str, str]) -> Path:
    """`VTSPEC_CACHE`, else the folder `vtspec` of the user's caches."""
    if named := environ.get("VTSPEC_CACHE"):
        return Path(named)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vtspec"


def is_store(place: str) -> bool:
    """Whether a word is the address of a store, and no folder."""
    return place.startswith(STORE_SCHEME)


def get_mirror_folder(url: str, environ: Mapping[str, str]) -> Path:
    """The folder in which the runs of a store are mirrored; `url` is s3://BUCKET/PREFIX.

    Its name is the address, so that whoever meets the folder knows what it mirrors.
    """
    return get_cache_folder(environ) / STORES_FOLDER / quote(url.rstrip("/"), safe="")


def find_store(folder: Path) -> str | None:
    """The address of the store that a folder mirrors; None for one that mirrors none."""
    return unquote(folder.name) if folder.name.startswith(_STORE) else None


def get_use_file(entry: Path) -> Path:
    """The file beside an entry that says when it was used last, locked while it is."""
    return entry.with_name(f".{entry.name}.used")


def mark_in_use(entry: Path) -> None:
    """Say that this process uses an entry of the cache, so that nobody removes it until it ends.

    To be called before the entry is looked for: what is being removed is waited for.
    """
    if entry not in _in_use:
        fd = _open_use_file(get_use_file(entry))
        if fd is None:
            return
        fcntl.flock(fd, fcntl.LOCK_SH)
        _in_use[entry] = fd
    try:
        os.utime(_in_use[entry])
    except OSError:
        # In a pod that can only read the cache; the one that filled it has said so.
        pass


def _open_use_file(file: Path) -> int | None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        pass
    try:
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Whoever makes the entry says what is wrong with the folder.
        return None
