"""A folder of runs that mirrors an object store: runs are read from the folder, whoever made them.

The store holds `<run>/<file>` as the folder does. What tells of runs is copied when they are
listed; models, checkpoints and the rest when someone asks for them. Whoever works on a run sends
it: other files first, the events last, which replace those that it sent before or nothing. So what
the events tell of is there, and of two writers one is told.
"""

import json
import math
import os
import re
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary

from .event_log import EVENTS_FILE
from .lock import LockHolder, find_holder
from .object_store import ObjectStore, Overtaken, StoredObject
from .state import PLAN_FILE

MARKER: Final = ".mirror.json"
"""In a run's folder: which of its objects are there."""

WRITER: Final = ".writer"
"""An object of a run: who works on it. It is written anew while they do."""

ON_DEMAND: Final = ("checkpoints", "model")
"""Folders of a run that are copied only for those who name them."""

PULL_S: Final = 1.0
"""How long what was listed is taken for what is there."""

PUSH_S: Final = 3.0
"""How long what is told of a run stays here alone."""

BEAT_S: Final = 30.0
ALIVE_S: Final = 150.0
"""How often a writer says that it lives, and how long it is believed."""

_TELLING: Final = re.compile(
    r"plan\.json|workflow\.json|events\.jsonl|metrics\.json|evaluation\.json|tracking\.json|[a-z0-9-]+-c[0-9a-f]{6}\.json"
)
_HIDDEN: Final = re.compile(r"(^|/)(\.|lock$)")
_THREADS: Final = 16


@dataclass(frozen=True, kw_only=True)
class _Copy:
    """An object's tag, and the file here that has its bytes: size, and mtime in nanoseconds."""

    tag: str
    size: int
    mtime: int


@dataclass(frozen=True, kw_only=True)
class _Index:
    """What of a run's objects is here, by path in it; when a writer last said that it lives."""

    copies: Mapping[str, _Copy]
    beat: float = 0.0


class RunMirror:
    """The runs of a store, in a folder of this machine."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self._pulled = -math.inf

    def pull(self) -> None:
        """Copy what tells of the runs, and forget those that were removed there.

        What was copied a moment ago is taken for what is there.
        """
        if time.monotonic() - self._pulled < PULL_S:
            return
        runs: dict[str, dict[str, StoredObject]] = {}
        for one in self.store.list_objects():
            run, _, path = one.key.partition("/")
            if path:
                runs.setdefault(run, {})[path] = one
        whole = {run: found for run, found in runs.items() if PLAN_FILE in found}
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self._pull_run, whole, whole.values()))
        for marker in self.folder.glob(f"*/{MARKER}"):
            home = marker.parent
            # One that was never sent is being made, here.
            if (
                home.name not in whole
                and _read_index(home).copies
                and not self._is_ours(home.name)
            ):
                shutil.rmtree(home, ignore_errors=True)
        self._pulled = time.monotonic()

    def forget(self) -> None:
        """Look anew at the next `pull`, however soon it is."""
        self._pulled = -math.inf

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
        index = _read_index(home)
        # A checkpoint that its writer let go of; what was never sent is newer than the store.
        gone = [
            path for path in index.copies if path.startswith("checkpoints/") and path not in found
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
            self.store.create(f"{run}/{WRITER}", _make_note(for_whom))
        except Overtaken:
            return False
        _write_index(self.folder / run, _Index(copies={}))
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
    def keep_pushed(self, run: str) -> Iterator[None]:
        """Push a run every few seconds, and once more at the end.

        What the store refuses meanwhile is tried again; at the end it is raised.
        """
        done = threading.Event()

        def keep() -> None:
            beaten = 0.0
            while not done.wait(PUSH_S):
                with suppress(Temporary, Refused, Permanent):
                    if time.monotonic() - beaten >= BEAT_S:
                        self.beat(run)
                        beaten = time.monotonic()
                    self.push(run)

        thread = threading.Thread(target=keep, name="push", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.push(run)
            self.store.delete([f"{run}/{WRITER}"])

    def push(self, run: str) -> None:
        """Send what has changed of a run since; the events last.

        Raises `Permanent` where somebody else sent events of it meanwhile.
        """
        home = self.folder / run
        index = _read_index(home)
        copies = dict(index.copies)
        files = {
            path.relative_to(home).as_posix(): path
            for path in home.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        files = {path: file for path, file in files.items() if not _HIDDEN.search(path)}
        # Read first: of what is told after that, the files may not be there yet.
        events = files.pop(EVENTS_FILE, None)
        said = events.read_bytes() if events else b""
        said = said[: said.rfind(b"\n") + 1]
        # With its plan it is a run, which can be gone on with.
        for path, file in sorted(files.items(), key=lambda item: (item[0] != PLAN_FILE, item[0])):
            # A file may go away meanwhile, as an older checkpoint does.
            with suppress(FileNotFoundError):
                size, mtime = _measure(file)
                known = copies.get(path)
                if known is None or (known.size, known.mtime) != (size, mtime):
                    tag = self.store.upload(f"{run}/{path}", file)
                    copies[path] = _Copy(tag=tag, size=size, mtime=mtime)
        known = copies.get(EVENTS_FILE)
        if said and (known is None or known.size != len(said)):
            tag = self._push_events(run, said, known)
            copies[EVENTS_FILE] = _Copy(tag=tag, size=len(said), mtime=0)
        # Older checkpoints alone go away while a run is worked on.
        gone = [path for path in copies if path.startswith("checkpoints/") and path not in files]
        self.store.delete([f"{run}/{path}" for path in gone])
        for path in gone:
            del copies[path]
        _write_index(home, replace(index, copies=copies))

    def beat(self, run: str) -> None:
        """Say that this process works on the run."""
        self.store.put(f"{run}/{WRITER}", _make_note())

    def remove(self, run: str) -> None:
        """Delete a run there; a kill leaves it whole, or no run."""
        keys = [one.key for one in self.store.list_objects(f"{run}/")]
        plan = f"{run}/{PLAN_FILE}"
        if plan in keys:
            self.store.delete([plan])
        self.store.delete([key for key in keys if key != plan])

    def _is_ours(self, run: str) -> bool:
        """Whether a process of this machine works on it; its files are newer than the store's."""
        return find_holder(self.folder / run) is not None

    def _pull_run(self, run: str, found: Mapping[str, StoredObject]) -> None:
        if self._is_ours(run):
            return
        telling = {path: one for path, one in found.items() if _TELLING.fullmatch(path)}
        self._copy(run, found, telling)

    def _copy(
        self, run: str, found: Mapping[str, StoredObject], wanted: Mapping[str, StoredObject]
    ) -> None:
        home = self.folder / run
        index = _read_index(home)
        copies = dict(index.copies)
        home.mkdir(parents=True, exist_ok=True)
        for path, one in sorted(wanted.items(), key=lambda item: item[0] == EVENTS_FILE):
            known, file = copies.get(path), home / path
            if _HIDDEN.search(path) or ".." in path.split("/"):
                continue
            if known is not None and known.tag == one.tag and file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(f".part-{uuid.uuid4().hex}")
            try:
                self.store.download(one.key, part)
                if path != EVENTS_FILE or not _append_rest(file, part):
                    os.replace(part, file)
            except FileNotFoundError:
                continue
            finally:
                part.unlink(missing_ok=True)
            size, mtime = _measure(file)
            copies[path] = _Copy(tag=one.tag, size=size, mtime=mtime)
        writer = found.get(WRITER)
        fresh = replace(index, copies=copies, beat=writer.modified if writer else 0.0)
        if fresh != index:
            _write_index(home, fresh)

    def _push_events(self, run: str, said: bytes, known: _Copy | None) -> str:
        key = f"{run}/{EVENTS_FILE}"
        try:
            return (
                self.store.create(key, said)
                if known is None
                else self.store.replace(key, said, known.tag)
            )
        except Overtaken as error:
            raise Permanent(
                f"another process has gone on with {run} in {self.store.url}",
                fix=format_command("vtspec", "status", run),
            ) from error


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


def _measure(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _append_rest(file: Path, longer: Path) -> bool:
    """Append to a file what a longer one has more, so that who follows it reads on; False where
    it does not begin like the other."""
    try:
        old, new = file.read_bytes(), longer.read_bytes()
    except FileNotFoundError:
        return False
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
        return _Index(copies={})


def _write_index(home: Path, index: _Index) -> None:
    home.mkdir(parents=True, exist_ok=True)
    write_file_atomic(home / MARKER, json.dumps(asdict(index)))
