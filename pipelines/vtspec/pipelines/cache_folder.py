"""Where vtspec keeps on this machine what can be made again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

_STORE: Final = quote("s3://", safe="")


def get_cache_folder(environ: Mapping[str, str]) -> Path:
    """`VTSPEC_CACHE`, else the folder `vtspec` of the user's caches."""
    if named := environ.get("VTSPEC_CACHE"):
        return Path(named)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vtspec"


def get_mirror_folder(url: str, environ: Mapping[str, str]) -> Path:
    """The folder in which the runs of a store are mirrored; `url` is s3://BUCKET/PREFIX.

    Its name is the address, so that whoever meets the folder knows what it mirrors.
    """
    return get_cache_folder(environ) / "stores" / quote(url.rstrip("/"), safe="")


def find_store(folder: Path) -> str | None:
    """The address of the store that a folder mirrors; None for one that mirrors none."""
    return unquote(folder.name) if folder.name.startswith(_STORE) else None
