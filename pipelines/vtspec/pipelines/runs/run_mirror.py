"""A folder of runs that mirrors an object store: runs are read from the folder, whoever made them.

The store holds `<run>/<file>` as the folder does. What tells of runs is copied when they are
listed; models, checkpoints and the rest when someone asks for them. Whoever works on a run sends
it: other files first, the events last, which replace those that it sent before or nothing. So what
the events tell of is there, and of two writers one is told. What could not be sent as a run ended,
since the store was away or the process was killed, is sent by whoever looks next from there.
"""

import json
import os
import re
import shutil
import socket
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command, quote_word
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, RunsWarning, Temporary

from .event_log import EVENTS_FILE
from .lock import LockHolder, find_holder, hold_lock
from .object_store import AMAZON, ObjectStore, Overtaken, StoredObject, StrayKey
from .state import CHECKPOINTS_FOLDER, MODEL_FOLDER, PLAN_FILE

MARKER: Final = ".mirror.json"
"""In a run's folder: which of its objects are there."""

ENDPOINT_FILE: Final = ".endpoint"
"""In the folder of the runs: the server that they are mirrored from."""

WRITER: Final = ".writer"
"""An object of a run: who works on it. It is written anew while they do."""

ON_DEMAND: Final = (CHECKPOINTS_FOLDER, MODEL_FOLDER)
"""Folders of a run that are copied only for those who name them."""

PULL_S: Final = 1.0
"""How long what was listed is taken for what is there."""

PUSH_S: Final = 3.0
"""How long what is told of a run stays here alone."""

BEAT_S: Final = 30.0
ALIVE_S: Final = 150.0
"""How often a writer says that it lives, and how long it is believed."""

_TELLING: Final = re.compile(
    r"plan\.json|events\.jsonl|metrics\.json|evaluation\.json|tracking\.json|workflow\.json"
    r"|[a-z0-9-]+-c[0-9a-f]{6}\.json"
)
_HIDDEN: Final = re.compile(r"(^|/)(\.|lock$)")
_LOCK: Final = ".mirror.lock"
_CHECKPOINT: Final = f"{CHECKPOINTS_FOLDER}/"
_MODEL: Final = f"{MODEL_FOLDER}/"
_THREADS: Final = 16

_LOOKS: Final = 20
"""How often a run's folder is looked at that changes meanwhile."""

_HELD: Final = 128
"""How many files are held open while they are sent; a process may have few hundred."""

_Found = Mapping[str, StoredObject]
"""Objects of a run, by their path in it."""


class TakenOver(Temporary):
    """Another process has gone on with the run, and sent what it told."""


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """An object's tag, and the file here that has its bytes: size, and mtime in nanoseconds."""

    tag: str
    size: int
    mtime: int


@dataclass(frozen=True, kw_only=True)
class _Index:
    """What of a run's objects is here, by path in it.

    `made` is when the run came into the store, by its clock. `writer` is the tag by which a
    process of this machine said last that it works on the run, `beat` when another machine's did.
    """

    copies: Mapping[str, _Copy] = field(default_factory=dict)
    made: float = 0.0
    writer: str = ""
    beat: float = 0.0


class RunMirror:
    """The runs of a store, in a folder of this machine."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self._refuse_other_endpoint()
        self._listed: Mapping[str, _Found] = {}
        self._listed_at: float | None = None
        # The names of those that are here as they were listed.
        self._pulled: set[str] = set()
        self._looked: dict[str, float] = {}
        # The names of those that the store cannot list, and whether it lacks one that is here.
        self._unlisted: set[str] = set()
        self._is_doubted = False
        # Who sends a run and who says that it is worked on are two threads of one index.
        self._noting = threading.Lock()

    def pull(self, fits: Callable[[str], bool] = lambda name: True) -> None:
        """Copy what tells of the runs whose name fits, and forget those that were removed there.

        It takes one listing; what was listed a moment ago is taken for what is there.
        """
        now = time.monotonic()
        if self._listed_at is None or now - self._listed_at >= PULL_S:
            try:
                self._listed, self._listed_at, self._pulled = self._list_runs(), now, set()
            except StrayKey as stray:
                # It ends the listing of all: the store is listed run by run around it.
                _warn(stray)
                self._listed, self._listed_at, self._pulled = self._list_named(fits), None, set()
            except Refused:
                # A run's own credential lists the names, and of some runs what tells of them.
                self._listed, self._listed_at, self._pulled = self._list_named(fits), None, set()
        kept = {marker.parent.name for marker in self.folder.glob(f"*/{MARKER}")}
        left_out = self._pulled | self._unlisted
        names = [n for n in {*self._listed, *kept} if fits(n) and n not in left_out]
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(lambda name: self._pull_run(name, self._listed.get(name, {})), names))
        self._pulled.update(names)
        self._note_endpoint()

    def pull_run(self, run: str) -> None:
        """Copy what tells of one run, or forget it where it was removed there.

        What was looked at a moment ago is taken for what is there.
        """
        now = time.monotonic()
        if now - self._looked.get(run, now - PULL_S) < PULL_S:
            return
        found = self.store.list_files(f"{run}/")
        self._pull_run(run, {one.key.removeprefix(f"{run}/"): one for one in found})
        self._looked[run] = now
        self._note_endpoint()

    def forget(self) -> None:
        """Look anew at the next `pull`, however soon it is."""
        self._listed_at = None
        self._looked.clear()

    def fetch(self, run: str, *folders: str) -> None:
        """Copy all of a run but its models and checkpoints, and the named folders of those.

        Sums are not looked at here: whoever uses a file holds it against what the run told.
        """
        if self._is_ours(run):
            return
        prefix = f"{run}/"
        found = {one.key.removeprefix(prefix): one for one in self.store.list_objects(prefix)}
        left_out = set(ON_DEMAND) - set(folders)
        wanted = {
            path: one for path, one in found.items() if path.partition("/")[0] not in left_out
        }
        self._copy(run, found, wanted)
        home = self.folder / run
        with self._hold(run):
            index = _read_index(home)
            # What its writer let go of; what was never sent is newer than the store.
            gone = [
                path
                for path, copy in index.copies.items()
                if path.startswith((_CHECKPOINT, _MODEL))
                and path not in found
                and not _is_newer(home / path, copy)
            ]
            for path in gone:
                (home / path).unlink(missing_ok=True)
            if gone:
                kept = {path: one for path, one in index.copies.items() if path not in gone}
                _write_index(home, replace(index, copies=kept))

    def begin(self, run: str, for_whom: str | None = None) -> bool:
        """Take the name of a new run in the store; False where somebody else has it. Who takes it
        `for_whom` and is killed may be followed by another that does: `find_owner` tells."""
        try:
            tag = self.store.create(f"{run}/{WRITER}", _make_note(for_whom))
        except Overtaken:
            return False
        _write_index(self.folder / run, _Index(writer=tag))
        self._note_endpoint()
        return True

    def find_owner(self, run: str) -> str | None:
        """For whom a run's name was taken, where that was said and nobody works on it yet."""
        found = self.store.read(f"{run}/{WRITER}")
        try:
            told = json.loads(found[0]).get("for") if found is not None else None
        except (ValueError, AttributeError):
            return None
        return told if isinstance(told, str) else None

    @contextmanager
    def keep_pushed(
        self, run: str, on_lost: Callable[[], None], patience_s: float = 0.0
    ) -> Iterator[None]:
        """Push a run every few seconds, and once more at the end.

        Whoever enters takes the run over: a process elsewhere that still works on it is told.
        `on_lost` is called where that happens to this one. What the store refuses meanwhile is
        tried again, at the end for `patience_s`; then it is raised. Raises `TakenOver`.
        """
        self._take(run)
        done, over, lost = threading.Event(), threading.Event(), threading.Event()

        def keep(every_s: float, ends: threading.Event, act: Callable[[], None]) -> None:
            while not ends.wait(every_s) and not lost.is_set():
                try:
                    act()
                except TakenOver:
                    with self._noting:
                        is_news = not lost.is_set()
                        lost.set()
                    if is_news:
                        on_lost()
                # Whatever it is, the thread must not end of it: it is tried again, and raised at
                # the end where it does not go away.
                except Exception:
                    continue

        pushes = _begin(keep, PUSH_S, done, lambda: self._push(run, is_worked_on=True))
        # Beside them: one upload may take longer than its silence is believed.
        beats = _begin(keep, BEAT_S, over, lambda: self._beat(run, over))
        try:
            yield
        finally:
            done.set()
            pushes.join()
            try:
                if lost.is_set():
                    raise self._make_taken_over(run)
                self._finish(run, patience_s, over)
            finally:
                over.set()
                beats.join()

    def push(self, run: str) -> None:
        """Send what has changed of a run since; the events last.

        Raises `TakenOver` where somebody else sent events of it meanwhile.
        """
        self._push(run, is_worked_on=False)

    def remove(self, run: str) -> None:
        """Delete a run there; a kill leaves it whole, or no run."""
        keys = [one.key for one in self.store.list_objects(f"{run}/")]
        plan = f"{run}/{PLAN_FILE}"
        if plan in keys:
            self.store.delete([plan])
        self.store.delete([key for key in keys if key != plan])
        self.forget()

    def _refuse_other_endpoint(self) -> None:
        """Raise `Refused` where the folder mirrors what another server has under that address:
        what is not there would be taken for removed."""
        file = self.folder / ENDPOINT_FILE
        try:
            noted = file.read_text().strip()
        except FileNotFoundError:
            return
        asked, variable = self.store.endpoint, self.store.endpoint_variable
        if noted == asked:
            return
        said = f"unset {variable}" if noted == AMAZON else f"export {variable}={quote_word(noted)}"
        raise Refused(
            f"the runs of {self.store.url} here are those of {noted}, and {asked} would be asked",
            fix=f"{said}; where {asked} is the same store by another address: "
            f"{format_command('rm', file)}; where it is another store: export VTSPEC_CACHE=DIR",
        )

    def _note_endpoint(self) -> None:
        """Say whose runs are here, once they have been seen there."""
        file = self.folder / ENDPOINT_FILE
        if self.folder.is_dir() and not self._is_doubted and not file.exists():
            write_file_atomic(file, self.store.endpoint)

    def _list_runs(self) -> Mapping[str, _Found]:
        self._unlisted = set()
        runs: dict[str, dict[str, StoredObject]] = {}
        for one in self.store.list_objects():
            run, _, path = one.key.partition("/")
            if path:
                runs.setdefault(run, {})[path] = one
        return runs

    def _list_named(self, fits: Callable[[str], bool]) -> Mapping[str, _Found]:
        runs: dict[str, _Found] = {}
        for name in filter(fits, self.store.list_folders()):
            try:
                found = self.store.list_files(f"{name}/")
            except StrayKey as stray:
                _warn(Permanent(f"{name} is left out: {stray.message}", fix=stray.fix))
                self._unlisted.add(name)
            else:
                runs[name] = {one.key.removeprefix(f"{name}/"): one for one in found}
        return runs

    def _is_ours(self, run: str) -> bool:
        """Whether a process of this machine works on it; its files are newer than the store's."""
        return find_holder(self.folder / run) is not None

    @contextmanager
    def _hold(self, run: str) -> Iterator[None]:
        """Within, no other process of this machine changes what is here of the run by copying."""
        with hold_lock(self.folder / run / _LOCK):
            yield

    def _pull_run(self, run: str, found: _Found) -> None:
        home = self.folder / run
        index = _read_index(home)
        if self._is_ours(run):
            return
        if _has_more(home, index, found):
            self._send_rest(run, found)
        elif PLAN_FILE in found:
            telling = {path: one for path, one in found.items() if _TELLING.fullmatch(path)}
            self._copy(run, found, telling)
        # It was there once. One that was never sent may be in the making.
        elif index.copies and not _has_unsent(home, index):
            shutil.rmtree(home, ignore_errors=True)
        elif index.copies:
            self._is_doubted = True
            remove = format_command("vtspec", "rm", run, "--runs", self.store.url)
            _warn(
                Refused(
                    f"{run} is no more in {self.store.url}; what was never sent there is kept in "
                    f"{home}",
                    fix=f"copy what is needed of it; then: {remove}",
                )
            )

    def _send_rest(self, run: str, found: _Found) -> None:
        """Send what a process of this machine, which is gone, could not."""
        # Somebody else has gone on with it since; the next pull has theirs.
        with suppress(TakenOver):
            self._push(run, is_worked_on=False)
            if WRITER in found:
                self.store.delete([f"{run}/{WRITER}"])

    def _copy(self, run: str, found: _Found, wanted: _Found) -> None:
        home = self.folder / run
        copies = _read_index(home).copies
        home.mkdir(parents=True, exist_ok=True)
        parts: dict[str, tuple[Path, str]] = {}
        try:
            for path, one in wanted.items():
                known, file = copies.get(path), home / path
                if _HIDDEN.search(path) or ".." in path.split("/"):
                    continue
                if known is not None and known.tag == one.tag and file.exists():
                    continue
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_name(f".part-{uuid.uuid4().hex}")
                parts[path] = part, ""
                with suppress(FileNotFoundError):
                    parts[path] = part, self.store.download(one.key, part)
            with self._hold(run):
                # A process here may have gone on with it meanwhile.
                if not self._is_ours(run):
                    self._place(run, found, parts)
        finally:
            for part, _ in parts.values():
                part.unlink(missing_ok=True)

    def _place(self, run: str, found: _Found, parts: Mapping[str, tuple[Path, str]]) -> None:
        home = self.folder / run
        index = _read_index(home)
        copies = dict(index.copies)
        for path in sorted(parts, key=lambda path: path == EVENTS_FILE):
            (part, tag), file = parts[path], home / path
            if not tag:
                continue
            size, mtime = _measure(part)
            if path != EVENTS_FILE or not _append_rest(file, part):
                os.replace(part, file)
            copies[path] = _Copy(tag=tag, size=size, mtime=mtime)
        plan, writer = found.get(PLAN_FILE), found.get(WRITER)
        fresh = replace(
            index,
            copies=copies,
            made=plan.modified if plan else index.made,
            beat=writer.modified if writer and writer.tag != index.writer else 0.0,
        )
        if fresh != index:
            _write_index(home, fresh)

    def _push(self, run: str, *, is_worked_on: bool) -> None:
        home = self.folder / run
        with self._hold(run):
            copies = dict(_read_index(home).copies)
            try:
                self._send(run, copies, is_worked_on=is_worked_on)
            finally:
                with self._noting:
                    _write_index(home, replace(_read_index(home), copies=copies))
        self.forget()

    def _send(self, run: str, copies: dict[str, _Copy], *, is_worked_on: bool) -> None:
        """Send what differs from the copies, and note it among them.

        A folder that changes while it is looked at is looked at again. Raises `Temporary` where
        it never stands still.
        """
        for _ in range(_LOOKS):
            with ExitStack() as held:
                seen = _look(self.folder / run, copies, held)
                if seen is not None and self._send_seen(run, seen, copies, is_worked_on):
                    return
        raise Temporary(
            f"the files of {run} change faster than they can be sent to {self.store.url}",
            fix=format_command("vtspec", "status", run, "--runs", self.store.url),
        )

    def _send_seen(
        self, run: str, seen: "_Seen", copies: dict[str, _Copy], is_worked_on: bool
    ) -> bool:
        """Send what was seen; False, and nothing told, where a file of it went away meanwhile."""
        # Older checkpoints go away while a run is worked on, and formats that are no more wanted.
        # Who has no plan here has lost the folder, and lets nothing go by that.
        goes = (_CHECKPOINT, _MODEL) if is_worked_on else _CHECKPOINT
        gone = [path for path in copies if path.startswith(goes) and path not in seen.files]
        gone = gone if PLAN_FILE in seen.files else []
        # Files are no condition's, so that whoever went on is not to find older ones.
        if is_worked_on and (seen.changed or gone) and not self._is_writer(run):
            raise self._make_taken_over(run)
        # With its plan it is a run, which can be gone on with.
        for path in sorted(seen.changed, key=lambda path: (path != PLAN_FILE, path)):
            source = seen.held.get(path, seen.files[path])
            try:
                tag = self.store.upload(f"{run}/{path}", source)
            except FileNotFoundError:
                return False
            size, mtime = seen.changed[path]
            copies[path] = _Copy(tag=tag, size=size, mtime=mtime)
        known = copies.get(EVENTS_FILE)
        if seen.said and (known is None or known.size != len(seen.said)):
            tag = self._send_events(run, seen.said, known)
            copies[EVENTS_FILE] = _Copy(tag=tag, size=len(seen.said), mtime=0)
        self.store.delete([f"{run}/{path}" for path in gone])
        for path in gone:
            del copies[path]
        return True

    def _send_events(self, run: str, said: bytes, known: _Copy | None) -> str:
        key = f"{run}/{EVENTS_FILE}"
        try:
            return (
                self.store.create(key, said)
                if known is None
                else self.store.replace(key, said, known.tag)
            )
        # Without one there is none to replace: it was removed.
        except (Overtaken, FileNotFoundError) as error:
            raise self._make_taken_over(run) from error

    def _take(self, run: str) -> None:
        """Say that this process works on the run, whoever did before."""
        tag = self.store.put(f"{run}/{WRITER}", _make_note())
        with self._hold(run), self._noting:
            self._note_writer(run, tag)
        self._note_endpoint()

    def _beat(self, run: str, over: threading.Event) -> None:
        """Say that this process still works on it, until that is over. Raises `TakenOver` where
        another one does."""
        with self._noting:
            if over.is_set():
                return
            known = _read_index(self.folder / run).writer
            try:
                tag = self.store.replace(f"{run}/{WRITER}", _make_note(), known)
            except (Overtaken, FileNotFoundError) as error:
                raise self._make_taken_over(run) from error
            self._note_writer(run, tag)

    def _note_writer(self, run: str, tag: str) -> None:
        home = self.folder / run
        _write_index(home, replace(_read_index(home), writer=tag, beat=0.0))

    def _is_writer(self, run: str) -> bool:
        """Whether nobody else has said since that they work on it."""
        with self._noting:
            known = _read_index(self.folder / run).writer
            return self.store.find_tag(f"{run}/{WRITER}") == known

    def _finish(self, run: str, patience_s: float, over: threading.Event) -> None:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self._push(run, is_worked_on=True)
                over.set()
                if self._is_writer(run):
                    self.store.delete([f"{run}/{WRITER}"])
                return
            except TakenOver:
                raise
            except Temporary as error:
                if time.monotonic() >= deadline:
                    again = format_command("vtspec", "status", run, "--runs", self.store.url)
                    raise Temporary(
                        f"{error.message}; what it lacks of {run} is in {self.folder / run}",
                        fix=f"once it can be reached, on this machine: {again}",
                    ) from error
                time.sleep(min(PUSH_S, max(deadline - time.monotonic(), 0.1)))

    def _make_taken_over(self, run: str) -> TakenOver:
        return TakenOver(
            f"another process has gone on with {run} in {self.store.url}",
            fix=format_command("vtspec", "status", run, "--runs", self.store.url),
        )


def _begin(act: Callable[..., None], *given: object) -> threading.Thread:
    thread = threading.Thread(target=act, args=given, daemon=True)
    thread.start()
    return thread


def find_mirror(folder: Path) -> RunMirror | None:
    """The mirror that a folder of runs is, by its name; None for one that is a folder alone."""
    url = find_store(folder)
    return None if url is None else _open_mirror(url, folder)


@lru_cache(maxsize=4)
def _open_mirror(url: str, folder: Path) -> RunMirror:
    # One for a process, which remembers when it looked last.
    return RunMirror(ObjectStore(url), folder)


def find_writer(home: Path) -> LockHolder | None:
    """Who works on a mirrored run elsewhere, as far as the last `pull` has heard; or None."""
    if not (home / MARKER).exists() or time.time() - _read_index(home).beat > ALIVE_S:
        return None
    return LockHolder(host="another machine")


def find_made(home: Path) -> float | None:
    """When a mirrored run came into its store, by the store's clock; None where it has not."""
    return _read_index(home).made or None


def _has_more(home: Path, index: _Index, found: _Found) -> bool:
    """Whether more was told here than sent, and nobody has gone on with the run since."""
    known, there, writer = index.copies.get(EVENTS_FILE), found.get(EVENTS_FILE), found.get(WRITER)
    if (known.tag if known else None) != (there.tag if there else None):
        return False
    if writer is not None and writer.tag != index.writer:
        return False
    # It was there once: removed is removed.
    if index.copies and PLAN_FILE not in found:
        return False
    return _has_unsent(home, index)


def _has_unsent(home: Path, index: _Index) -> bool:
    """Whether more was told here than was ever sent."""
    known = index.copies.get(EVENTS_FILE)
    sent = known.size if known else 0
    with suppress(OSError):
        return (home / EVENTS_FILE).stat().st_size > sent and (
            len(_read_whole_lines(home / EVENTS_FILE)) > sent
        )
    return False


def _warn(told: Permanent | Refused) -> None:
    warnings.warn(str(told), RunsWarning, stacklevel=2)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A run's files here, as they stood together: what was told, and whose files are `changed`
    since they were sent (size, and mtime in nanoseconds). Those that may go away are held open."""

    said: bytes
    files: Mapping[str, Path]
    changed: Mapping[str, tuple[int, int]]
    held: Mapping[str, BinaryIO]


def _look(home: Path, copies: Mapping[str, _Copy], stack: ExitStack) -> _Seen | None:
    """What is to be sent of a run; None where it changed while it was looked at.

    Checkpoints come and go as training goes on. Those that are seen are whole, and among them are
    those that the events tell of and `last.json` names: none came or went in between.
    """
    before = _list_names(home / CHECKPOINTS_FOLDER)
    # Read before the files: of what is told after that, they may not be there yet.
    try:
        said = _read_whole_lines(home / EVENTS_FILE)
    except FileNotFoundError:
        said = b""
    files = {path: file for path, file in _find_files(home) if path != EVENTS_FILE}
    changed: dict[str, tuple[int, int]] = {}
    held: dict[str, BinaryIO] = {}
    # The newest first: those that are let go by and by.
    for path in sorted(files, reverse=True):
        known = copies.get(path)
        try:
            found = _measure(files[path])
            if known is not None and (known.size, known.mtime) == found:
                continue
            if path.startswith(_CHECKPOINT) and len(held) < _HELD:
                held[path] = stack.enter_context(files[path].open("rb"))
                # It may have been replaced in between.
                status = os.fstat(held[path].fileno())
                found = status.st_size, status.st_mtime_ns
        except FileNotFoundError:
            return None
        changed[path] = found
    if _list_names(home / CHECKPOINTS_FOLDER) != before:
        return None
    return _Seen(said=said, files=files, changed=changed, held=held)


def _list_names(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if not name.startswith(".")}
    except FileNotFoundError:
        return set()


def _find_files(home: Path) -> Iterator[tuple[str, Path]]:
    """A run's files by their path in it, but for hidden ones, links and the lock."""

    def refuse(error: OSError) -> None:
        # Of a folder that cannot be read it is not known that its files are gone.
        if not isinstance(error, FileNotFoundError):
            raise error

    for folder, folders, names in os.walk(home, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(folder, name)
            path = file.relative_to(home).as_posix()
            if not _HIDDEN.search(path) and not file.is_symlink() and file.is_file():
                yield path, file


def _read_whole_lines(file: Path) -> bytes:
    text = file.read_bytes()
    return text[: text.rfind(b"\n") + 1]


def _measure(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _is_newer(file: Path, copy: _Copy) -> bool:
    """Whether a file is another than the one that was sent or copied."""
    with suppress(FileNotFoundError):
        return _measure(file) != (copy.size, copy.mtime)
    return False


def _append_rest(file: Path, longer: Path) -> bool:
    """Append to a file what a longer one has more, so that who follows it reads on; False where
    neither begins like the other."""
    try:
        old, new = file.read_bytes(), longer.read_bytes()
    except FileNotFoundError:
        return False
    # What is here besides was not sent yet.
    if old.startswith(new):
        return True
    if not new.startswith(old):
        return False
    with file.open("ab") as end:
        end.write(new[len(old) :])
    return True


def _make_note(for_whom: str | None = None) -> bytes:
    # Unlike any other's, so that an answer that was lost is known for one's own.
    note = {"host": socket.gethostname(), "id": uuid.uuid4().hex}
    return json.dumps(note if for_whom is None else {**note, "for": for_whom}).encode()


def _read_index(home: Path) -> _Index:
    try:
        told = json.loads((home / MARKER).read_text())
        copies = {path: _Copy(**each) for path, each in told.pop("copies").items()}
        return _Index(copies=copies, **told)
    # Without it everything is copied again, which is no loss.
    except (OSError, ValueError, TypeError, KeyError):
        return _Index()


def _write_index(home: Path, index: _Index) -> None:
    home.mkdir(parents=True, exist_ok=True)
    write_file_atomic(home / MARKER, json.dumps(asdict(index)))
