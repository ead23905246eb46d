"""Data at its content hash: where it lies in the workspace, or fetched by DVC and kept.

A file of the workspace is never written. What is kept lies in the cache folder under
`data/<hash>`, appears there only when it is whole, and is hashed anew whenever it is used.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import Content, LinkToNothing, hash_content
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.cache_folder import mark_in_use
from vtspec.pipelines.errors import Permanent, refuse_system_error
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.redaction import redact_text
from vtspec.pipelines.runs.events import DataVerified, Event
from vtspec.pipelines.runs.lock import hold_lock

from . import dvc_cache, dvc_cli
from .dvc_files import find_pointer, load_pointer
from .git_checkout import clone
from .source import DvcSource, PathSource

OnMessage = Callable[[str], None]
"""Takes one line for people: what is done, or what they should know."""


@dataclass(frozen=True, kw_only=True)
class VerifiedData:
    """Data that was verified: its file or folder, and what is in it."""

    path: Path
    content: Content


@dataclass(frozen=True, kw_only=True)
class PinnedData:
    """The data of one dataset: its content hash, and where it comes from."""

    name: str
    hash: str
    source: DvcSource | PathSource


def fetch_data(
    pinned: PinnedData, root: Path, cache: Path, report: OnMessage, remote: str | None = None
) -> VerifiedData:
    """The data that a plan pins, with exactly its content hash.

    In this order: the workspace's own path, used in place; a kept copy; then `remote`, the
    address of a DVC remote, by the hash alone; or, without one, DVC's cache, DVC's remote, or the
    other repository that the source names. Raises `Permanent` where none of them
    has it, `Temporary` where a remote cannot be reached. Safe to call from several processes.
    """
    in_place = _find_in_place(pinned, root, report)
    if in_place is not None:
        return in_place
    # Plain data lies in the workspace or nowhere.
    source = pinned.source
    assert isinstance(source, DvcSource)
    place = _CacheEntry(pinned, cache / "data")
    with _hold_lock(place.lock, report):
        mark_in_use(place.whole)
        # Hashed anew at each use: a kept copy is only a folder that anyone may have written to.
        content = _hash_content(place.kept, allows_gap=True) if place.kept.exists() else None
        if content is not None and content.hash == pinned.hash:
            report(f"using the copy of {pinned.source.path} in {place.kept}")
            return VerifiedData(path=place.kept, content=content)

        def fill_store() -> Path:
            if remote is not None:
                return _fill_remote_store(remote, pinned, place, report)
            return _fill_store(source, root, place, report)

        return _fetch_copy(source.path, fill_store, place, report)


class _CacheEntry:
    """Where the data of one hash is kept, made and locked, in `folder`."""

    def __init__(self, pinned: PinnedData, folder: Path) -> None:
        self.hash = pinned.hash
        name = pinned.hash.removeprefix("md5:")
        self.lock = folder / f".{name}.lock"
        self.fresh = folder / f".{name}.new"
        self.whole = folder / name
        # A single file keeps its own name, as its suffix tells readers what it is.
        alone = not name.endswith(".dir")
        self.kept = self.whole / Path(pinned.source.path).name if alone else self.whole


def _find_in_place(pinned: PinnedData, root: Path, report: OnMessage) -> VerifiedData | None:
    """The workspace's own copy, or None where DVC must bring another one."""
    # Another repository's data is not what lies at the same path of this one.
    if isinstance(pinned.source, DvcSource) and pinned.source.repo:
        return None
    path, is_plain = root / pinned.source.path, isinstance(pinned.source, PathSource)
    if not path.exists():
        if is_plain:
            raise Permanent(
                f"there is no {path}, where {pinned.name} should lie",
                fix=f"put the data there, or correct source.path of dataset {pinned.name}",
            )
        return None
    content = _hash_content(path, allows_gap=not is_plain)
    if content is None:
        report(f"{path} has links to nothing in it, so the pinned data is used instead")
        return None
    if content.hash == pinned.hash:
        return VerifiedData(path=path, content=content)
    if is_plain:
        raise Permanent(
            f"{path} is not the data that the plan pins: it is {content.hash}, not {pinned.hash}",
            fix=f"restore it; or, if the change is meant: {_format_update(pinned, root)}",
        )
    report(
        f"{path} is not what the plan pins ({content.hash}, not {pinned.hash}), so the pinned "
        f"data is used instead; to train on what lies there: {_format_update(pinned, root)}"
    )
    return None


def _format_update(pinned: PinnedData, root: Path) -> str:
    """What makes the data that lies there the pinned one."""
    try:
        pointer = find_pointer(root, pinned.source.path)
    # A plain path outside of the repository, or a DVC file that is damaged.
    except Permanent:
        pointer = None
    # What a stage makes cannot be added as well.
    if pointer is not None and Path(pointer.file).name == "dvc.lock":
        return format_command("dvc", "commit", "-f", pinned.source.path)
    return format_command("vtspec", "datasets", "update", pinned.name)


def describe_changed_data(pinned: PinnedData, root: Path, events: Sequence[Event]) -> str | None:
    """What a person is told where the workspace's data is no longer what a run, whose `events`
    these are, was trained on; None where it is, or where it does not lie in the workspace.

    Number, size and times of the files are looked at; they are hashed only where one is younger
    than the run's own check of them.
    """
    path = root / pinned.source.path
    checked = [event for event in events if isinstance(event.body, DataVerified)]
    if not checked or (isinstance(pinned.source, DvcSource) and pinned.source.repo):
        return None
    if not path.exists():
        # DVC brings it again.
        return f"there is no {path} any more" if isinstance(pinned.source, PathSource) else None
    try:
        if not _may_differ(path, checked[-1]) or hash_content(path).hash == pinned.hash:
            return None
    # Whoever trains on it is told what is wrong with it.
    except (AdapterError, OSError):
        pass
    return (
        f"{path} is not the data that the plan pins and this result is of; "
        f"to train on what lies there: {_format_update(pinned, root)}"
    )


def _may_differ(path: Path, checked: Event) -> bool:
    told = checked.body
    assert isinstance(told, DataVerified)
    stats = [one.stat() for one in ([path] if path.is_file() else _walk_files(path))]
    if (len(stats), sum(one.st_size for one in stats)) != (told.files, told.bytes):
        return True
    try:
        since = datetime.fromisoformat(checked.time).timestamp()
    except ValueError:
        return True
    # Moved here from elsewhere, a file keeps the time it was written at, but not the other.
    return any(max(one.st_mtime, one.st_ctime) >= since for one in stats)


def _walk_files(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        yield from (Path(above, name) for name in names)


def _hash_content(path: Path, *, allows_gap: bool) -> Content | None:
    """What lies there; None where links lead to nothing and `allows_gap`."""
    try:
        return hash_content(path)
    except LinkToNothing as error:
        # As where DVC's cache is gone, to which the workspace's files were links.
        if allows_gap:
            return None
        raise Permanent(str(error), fix=error.fix) from error
    except AdapterError as error:
        raise Permanent(str(error), fix=error.fix) from error
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename} cannot be read: {error.strerror}"
        ) from error


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
    path: str, fill_store: Callable[[], Path], place: _CacheEntry, report: OnMessage
) -> VerifiedData:
    try:
        # A process that was killed may have left something of its own.
        dvc_cache.remove(place.fresh)
        place.fresh.mkdir(parents=True)
        store = fill_store()
        report(f"copying {path} from {store} to {place.kept}")
        made = place.fresh / place.kept.relative_to(place.whole.parent)
        made.parent.mkdir(exist_ok=True)
        content = dvc_cache.copy_out(store, place.hash, made)
        dvc_cache.remove(place.whole)
        # One step, so that nobody ever sees half of it.
        os.rename(place.fresh / place.whole.name, place.whole)
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename or place.kept}: {error.strerror}"
        ) from error
    finally:
        dvc_cache.remove(place.fresh)
    return VerifiedData(path=place.kept, content=content)


def _fill_store(source: DvcSource, root: Path, place: _CacheEntry, report: OnMessage) -> Path:
    """A store that holds every object of the dataset."""
    if source.repo:
        return _fill_other_store(source, root, place, report)
    # Asking DVC where its cache is takes a second, and whatever lies here is hashed anyway.
    usual = root / ".dvc" / "cache" / "files" / "md5"
    if not dvc_cache.count_missing(usual, place.hash):
        return usual
    store = dvc_cli.get_cache_folder(root)
    if not dvc_cache.count_missing(store, place.hash):
        return store
    return _fetch_into(source, place.hash, root, store, report)


def _fill_other_store(
    source: DvcSource, root: Path, place: _CacheEntry, report: OnMessage
) -> Path:
    url, rev = source.repo or "", source.rev or ""
    if (root / url).is_dir():
        # A repository on this machine: what it has in its cache need not be on a remote.
        url = str((root / url).resolve())
        store = dvc_cli.get_cache_folder(Path(url))
        if not dvc_cache.count_missing(store, place.hash):
            return store
    report(f"reading {url} at {rev}")
    clone(url, rev, place.fresh / "repo", place.fresh / "cache")
    store = place.fresh / "cache" / "files" / "md5"
    return _fetch_into(source, place.hash, place.fresh / "repo", store, report)


def _fill_remote_store(
    remote: str, pinned: PinnedData, place: _CacheEntry, report: OnMessage
) -> Path:
    """What a remote has of a hash, fetched by a DVC repository of its own: no git, no pointer."""
    repo = place.fresh / "repo"
    repo.mkdir()
    dvc_cli.run_dvc(repo, ["init", "-q", "--no-scm"])
    # A folder is meant from where the step works, and DVC would take it from here.
    address = remote if "://" in remote else os.path.abspath(remote)
    dvc_cli.run_dvc(repo, ["remote", "add", "-q", "--", "store", address])
    md5 = pinned.hash.removeprefix("md5:")
    pointer = f"outs:\n- md5: {md5}\n  hash: md5\n  path: data\n"
    (repo / "data.dvc").write_text(pointer, encoding="utf-8")
    report(f"fetching {pinned.name} from {redact_text(remote)}")
    dvc_cli.fetch(repo, "data.dvc", "store")
    store = repo / ".dvc" / "cache" / "files" / "md5"
    lacking = dvc_cache.count_missing(store, pinned.hash)
    if lacking:
        count = pluralize(lacking, "object is", "objects are")
        raise Permanent(
            f"{pinned.name} ({pinned.hash}): {count} not in {redact_text(remote)}",
            fix=f"where the data is: {format_command('dvc', 'push', pinned.source.path)}",
        )
    return store


def _fetch_into(
    source: DvcSource, pinned: str, root: Path, store: Path, report: OnMessage
) -> Path:
    pointer = load_pointer(root, source.path)
    # DVC fetches what its files say today, which need not be what was planned.
    if pointer.hash != pinned:
        raise Permanent(
            f"the plan pins {pinned}, which is not in DVC's cache, and {pointer.file} now "
            f"says {pointer.hash}",
            fix="plan again, or check out the commit that the plan was made from",
        )
    report(f"fetching {source.path} from DVC's remote {source.remote or ''}".rstrip())
    why = dvc_cli.fetch(root, source.path, source.remote)
    lacking = dvc_cache.count_missing(store, pinned)
    if lacking:
        count = pluralize(lacking, "object is", "objects are")
        named = ("-r", source.remote) if source.remote else ()
        push = format_command("dvc", "push", *named, source.path)
        add = "" if source.remote or dvc_cli.has_default_remote(root) else dvc_cli.ADD_REMOTE
        raise Permanent(
            f"{source.path} ({pinned}): {count} in no cache, and {why}",
            fix=f"where the data is: {' && '.join(filter(None, (add, push)))}",
        )
    return store
