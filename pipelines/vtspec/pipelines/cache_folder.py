"""Where vtspec keeps on this machine what can be made again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from vtspec.schema.kinds.patterns import STORE_SCHEME

STORES_FOLDER: Final = "stores"
"""The folder of the cache in which stores are mirrored."""

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
