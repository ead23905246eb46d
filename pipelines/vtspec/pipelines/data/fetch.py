"""Data at its content hash: where it lies in the workspace, or fetched by DVC and kept.

A file of the workspace is never written. What is kept lies in the cache folder under
`data/<hash>`, appears there only when it is whole, and is hashed anew whenever it is used.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import Content, hash_content
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.runs.lock import hold_lock

from . import dvc_cache, dvc_cli
from .dvc_files import load_pointer
from .git_checkout import clone

OnMessage = Callable[[str], None]
"""Takes one line for people: what is done, or what they should know."""


@dataclass(frozen=True, kw_only=True)
class VerifiedData:
    """Data that was verified: its file or folder, and what is in it."""

    path: Path
    content: Content


@dataclass(frozen=True, kw_only=True)
class _PinnedData:
    """What the `dataset` section of a plan says of the data: its content hash, its path from the
    repository's root, and where it comes from. `repo` is another repository, at `rev`."""

    name: str
    hash: str
    path: str
    is_plain: bool
    repo: str | None
    rev: str
    remote: str | None

    @classmethod
    def from_plan(cls, dataset: Mapping[str, Any]) -> "_PinnedData":
        source = dataset["source"]
        return cls(
            name=dataset["name"],
            hash=dataset["hash"],
            path=source["path"],
            is_plain=source["type"] == "path",
            repo=source.get("repo"),
            rev=source.get("rev") or "",
            remote=source.get("remote"),
        )


def get_cache_folder(environ: Mapping[str, str]) -> Path:
    """Where vtspec keeps what can be made again: `VTSPEC_CACHE`, else the user's cache folder."""
    if named := environ.get("VTSPEC_CACHE"):
        return Path(named)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vtspec"


def fetch_data(
    dataset: Mapping[str, Any], root: Path, cache: Path, report: OnMessage
) -> VerifiedData:
    """The data that `dataset` (the section of a plan) pins, with exactly its content hash.

    In this order: the workspace's own path, used in place; a kept copy; DVC's cache; DVC's
    remote, or the other repository that the source names. Raises `Permanent` where none of them
    has it, `Temporary` where a remote cannot be reached. Safe to call from several processes.
    """
    pinned = _PinnedData.from_plan(dataset)
    in_place = None if pinned.repo else _find_in_place(pinned, root, report)
    if in_place is not None:
        return in_place
    place = _CacheEntry(pinned, cache / "data")
    with _hold_lock(place.lock, report):
        # Hashed anew at each use: a kept copy is only a folder that anyone may have written to.
        content = _hash_content(place.kept) if place.kept.exists() else None
        if content is not None and content.hash == pinned.hash:
            report(f"using the copy of {pinned.path} in {place.kept}")
            return VerifiedData(path=place.kept, content=content)
        return _fetch_copy(pinned, root, place, report)


class _CacheEntry:
    """Where the data of one hash is kept, made and locked, in `folder`."""

    def __init__(self, pinned: _PinnedData, folder: Path) -> None:
        name = pinned.hash.removeprefix("md5:")
        self.lock = folder / f".{name}.lock"
        self.fresh = folder / f".{name}.new"
        self.whole = folder / name
        # A single file keeps its own name, as its suffix tells readers what it is.
        alone = not name.endswith(".dir")
        self.kept = self.whole / Path(pinned.path).name if alone else self.whole


def _find_in_place(pinned: _PinnedData, root: Path, report: OnMessage) -> VerifiedData | None:
    """The workspace's own copy, or None where DVC must bring another one."""
    path = root / pinned.path
    if not path.exists():
        if pinned.is_plain:
            raise Permanent(
                f"there is no {path}, where {pinned.name} should lie",
                fix=f"put the data there, or correct source.path of dataset {pinned.name}",
            )
        return None
    content = _hash_content(path)
    if content.hash == pinned.hash:
        return VerifiedData(path=path, content=content)
    if pinned.is_plain:
        raise Permanent(
            f"{path} is not the data that the plan pins: it is {content.hash}, not {pinned.hash}",
            fix=f"restore it; or, if the change is meant, set contentHash of dataset "
            f"{pinned.name} to {content.hash} and plan again",
        )
    report(
        f"{path} is not what the plan pins ({content.hash}, not {pinned.hash}), so the pinned "
        f"data is used instead; to train on what lies there: dvc add {pinned.path}"
    )
    return None


def _hash_content(path: Path) -> Content:
    try:
        return hash_content(path)
    except AdapterError as error:
        raise Permanent(str(error), fix=error.fix) from error
    except OSError as error:
        raise Permanent(f"{error.filename} cannot be read: {error.strerror}") from error


@contextmanager
def _hold_lock(lock: Path, report: OnMessage) -> Iterator[None]:
    """Nobody else fetches the same data meanwhile; a killed process lets go of it."""
    waiting = "another process is fetching the same data: waiting for it"
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(lock, lambda: report(waiting)))
        except OSError as error:
            raise Permanent(
                f"{lock.parent} cannot be written: {error.strerror}",
                fix="set VTSPEC_CACHE to a folder that can",
            ) from error
        yield


def _fetch_copy(
    pinned: _PinnedData, root: Path, place: _CacheEntry, report: OnMessage
) -> VerifiedData:
    try:
        # A process that was killed may have left something of its own.
        dvc_cache.remove(place.fresh)
        place.fresh.mkdir(parents=True)
        store = _fill_store(pinned, root, place.fresh, report)
        report(f"copying {pinned.path} from {store} to {place.kept}")
        made = place.fresh / place.kept.relative_to(place.whole.parent)
        made.parent.mkdir(exist_ok=True)
        content = dvc_cache.copy_out(store, pinned.hash, made)
        dvc_cache.remove(place.whole)
        # One step, so that nobody ever sees half of it.
        os.rename(place.fresh / place.whole.name, place.whole)
    except OSError as error:
        raise Permanent(f"{error.filename or place.kept}: {error.strerror}") from error
    finally:
        dvc_cache.remove(place.fresh)
    return VerifiedData(path=place.kept, content=content)


def _fill_store(pinned: _PinnedData, root: Path, fresh: Path, report: OnMessage) -> Path:
    """A store that holds every object of the dataset."""
    if pinned.repo:
        return _fill_other_store(pinned, pinned.repo, root, fresh, report)
    # Asking DVC where its cache is takes a second, and whatever lies here is hashed anyway.
    usual = root / ".dvc" / "cache" / "files" / "md5"
    if not dvc_cache.count_missing(usual, pinned.hash):
        return usual
    store = dvc_cli.get_cache_folder(root)
    if not dvc_cache.count_missing(store, pinned.hash):
        return store
    return _fetch_into(pinned, root, store, report)


def _fill_other_store(
    pinned: _PinnedData, url: str, root: Path, fresh: Path, report: OnMessage
) -> Path:
    if (root / url).is_dir():
        # A repository on this machine: what it has in its cache need not be on a remote.
        url = str((root / url).resolve())
        store = dvc_cli.get_cache_folder(Path(url))
        if not dvc_cache.count_missing(store, pinned.hash):
            return store
    report(f"reading {url} at {pinned.rev}")
    clone(url, pinned.rev, fresh / "repo", fresh / "cache")
    return _fetch_into(pinned, fresh / "repo", fresh / "cache" / "files" / "md5", report)


def _fetch_into(pinned: _PinnedData, root: Path, store: Path, report: OnMessage) -> Path:
    pointer = load_pointer(root, pinned.path)
    # DVC fetches what its files say today, which need not be what was planned.
    if pointer.hash != pinned.hash:
        raise Permanent(
            f"the plan pins {pinned.hash}, which is not in DVC's cache, and {pointer.file} now "
            f"says {pointer.hash}",
            fix="plan again, or check out the commit that the plan was made from",
        )
    report(f"fetching {pinned.path} from DVC's remote {pinned.remote or ''}".rstrip())
    why = dvc_cli.fetch(root, pinned.path, pinned.remote)
    lacking = dvc_cache.count_missing(store, pinned.hash)
    if lacking:
        raise Permanent(
            f"{pinned.path} ({pinned.hash}): {lacking} objects are in no cache, and {why}",
            fix=f"where the data is: dvc push {pointer.file}",
        )
    return store
