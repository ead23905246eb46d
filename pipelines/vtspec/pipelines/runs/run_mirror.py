"""A folder of runs that mirrors an object store: runs are read from the folder, whoever made them.

The store holds `<run>/<file>` as the folder does. What tells of runs is copied when they are
listed; models, checkpoints and the rest when someone asks for them. Whoever works on a run sends
it (`run_writer`). What could not be sent as a run ended, since the store was away or the process
was killed, is sent by whoever looks next from there.
"""

import os
import re
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command, quote_word
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, RunsWarning

from .event_log import EVENTS_FILE
from .lock import find_holder
from .mirror_index import (
    MARKER,
    MirrorIndex,
    ObjectCopy,
    has_unsent,
    hold_index,
    note_copies,
    read_index,
    write_index,
)
from .object_store import AMAZON, ObjectStore, StoredObject, StrayKey
from .run_files import HIDDEN, measure_file
from .run_writer import WRITER, RunWriter, TakenOver
from .state import CHECKPOINTS_FOLDER, MODEL_FOLDER, PLAN_FILE

ENDPOINT_FILE: Final = ".endpoint"
"""In the folder of the runs: the server that they are mirrored from."""

ON_DEMAND: Final = (CHECKPOINTS_FOLDER, MODEL_FOLDER)
"""Folders of a run that are copied only for those who name them."""

PULL_S: Final = 1.0
"""How long what was listed is taken for what is there."""

_TELLING: Final = re.compile(
    r"plan\.json|events\.jsonl|metrics\.json|evaluation\.json|tracking\.json|workflow\.json"
    r"|[a-z0-9-]+-c[0-9a-f]{6}\.json"
)
_CHECKPOINT: Final = f"{CHECKPOINTS_FOLDER}/"
_MODEL: Final = f"{MODEL_FOLDER}/"
_THREADS: Final = 16

_Found = Mapping[str, StoredObject]
"""Objects of a run, by their path in it."""


class RunMirror:
    """The runs of a store, in a folder of this machine."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self._refuse_other_endpoint()
        self._listed: Mapping[str, _Found] = {}
        self._listed_at: float | None = None
        # The names of those that were listed or were here, and of those that are as they were
        # listed.
        self._asked: set[str] = set()
        self._pulled: set[str] = set()
        # What was listed of those that are here so, and how their folders were then.
        self._settled: dict[str, tuple[object, ...]] = {}
        self._looked: dict[str, float] = {}
        # The names of those that the store cannot list, and whether it lacks one that is here.
        self._unlisted: set[str] = set()
        self._is_doubted = False

    def pull(self, fits: Callable[[str], bool] = lambda name: True) -> None:
        """Copy what tells of the runs whose name fits, and forget those that were removed there.

        It takes one listing; what was listed a moment ago is taken for what is there.
        """
        now = time.monotonic()
        if self._listed_at is None or now - self._listed_at >= PULL_S:
            at: float | None = now
            try:
                self._listed = self._list_runs()
            except StrayKey as stray:
                # It ends the listing of all: the store is listed run by run around it.
                _warn(stray)
                self._listed, at = self._list_named(fits), None
            except Refused:
                # A run's own credential lists the names, and of some runs what tells of them.
                self._listed, at = self._list_named(fits), None
            # Of those that are here one may be there no more.
            kept = {marker.parent.name for marker in self.folder.glob(f"*/{MARKER}")}
            self._asked, self._pulled = {*self._listed, *kept}, set()
            # Last: another thread looks only here whether it has to list.
            self._listed_at = at
        names = [n for n in self._asked - self._pulled - self._unlisted if fits(n)]
        stale = [name for name in names if self._settled.get(name) != self._describe(name)]
        with ThreadPoolExecutor(_THREADS) as threads:
            for name, is_settled in zip(stale, threads.map(self._pull_listed, stale), strict=True):
                self._settled.pop(name, None)
                if is_settled:
                    self._settled[name] = self._describe(name)
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
        with hold_index(home):
            index = read_index(home)
            # What its writer let go of; what was never sent is newer than the store.
            gone = [
                path
                for path, copy in index.copies.items()
                if path.startswith((_CHECKPOINT, _MODEL))
                and path not in found
                and not copy.differs_from(home / path)
            ]
            for path in gone:
                (home / path).unlink(missing_ok=True)
            if gone:
                kept = {path: one for path, one in index.copies.items() if path not in gone}
                write_index(home, replace(index, copies=kept))

    def open_writer(self, run: str) -> RunWriter:
        """What sends a run there, and says that it is worked on."""
        return RunWriter(self.store, self.folder / run, self._hear_writer)

    def remove(self, run: str) -> None:
        """Delete a run there; a kill leaves it whole, or no run."""
        keys = [one.key for one in self.store.list_objects(f"{run}/")]
        plan = f"{run}/{PLAN_FILE}"
        if plan in keys:
            self.store.delete([plan])
        self.store.delete([key for key in keys if key != plan])
        self.forget()

    def _hear_writer(self) -> None:
        self.forget()
        self._note_endpoint()

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

    def _describe(self, run: str) -> tuple[object, ...]:
        """What is another one once anything of a run was changed, there or here."""
        home = self.folder / run
        return (self._listed.get(run, {}), _stamp(home), _stamp(home / EVENTS_FILE))

    def _pull_listed(self, run: str) -> bool:
        return self._pull_run(run, self._listed.get(run, {}))

    def _pull_run(self, run: str, found: _Found) -> bool:
        """Whether what is here is as it was found; not for a run that is worked on here, or of
        which something is told each time."""
        home = self.folder / run
        index = read_index(home)
        if self._is_ours(run):
            return False
        if _has_more(home, index, found):
            self._send_rest(run, found)
        elif PLAN_FILE in found:
            telling = {path: one for path, one in found.items() if _TELLING.fullmatch(path)}
            self._copy(run, found, telling)
        # It was there once. One that was never sent may be in the making.
        elif index.copies and not has_unsent(home, index):
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
            return False
        return True

    def _send_rest(self, run: str, found: _Found) -> None:
        """Send what a process of this machine, which is gone, could not."""
        # Somebody else has gone on with it since; the next pull has theirs.
        with suppress(TakenOver):
            writer = self.open_writer(run)
            writer.push()
            if WRITER in found:
                writer.let_go()

    def _copy(self, run: str, found: _Found, wanted: _Found) -> None:
        home = self.folder / run
        copies = read_index(home).copies
        home.mkdir(parents=True, exist_ok=True)
        parts: dict[str, tuple[Path, str]] = {}
        try:
            for path, one in wanted.items():
                known, file = copies.get(path), home / path
                if HIDDEN.search(path) or ".." in path.split("/"):
                    continue
                # A power cut may take of a copy what its index still tells.
                if known is not None and known.tag == one.tag and _has_bytes(file, known.size):
                    continue
                if file.parent != home:
                    file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_name(f".part-{uuid.uuid4().hex}")
                parts[path] = part, ""
                with suppress(FileNotFoundError):
                    parts[path] = part, self.store.download(one.key, part)
            with hold_index(home):
                # A process here may have gone on with it meanwhile.
                if not self._is_ours(run):
                    self._place(run, found, parts)
        finally:
            for part, _ in parts.values():
                part.unlink(missing_ok=True)

    def _place(self, run: str, found: _Found, parts: Mapping[str, tuple[Path, str]]) -> None:
        home = self.folder / run
        index = read_index(home)
        copies = dict(index.copies)
        for path in sorted(parts, key=lambda path: path == EVENTS_FILE):
            (part, tag), file = parts[path], home / path
            if not tag:
                continue
            size, mtime = measure_file(part)
            if path != EVENTS_FILE or not _append_rest(file, part):
                os.replace(part, file)
            copies[path] = ObjectCopy(tag=tag, size=size, mtime=mtime)
        plan, writer = found.get(PLAN_FILE), found.get(WRITER)
        fresh = replace(
            index,
            copies=copies,
            made=plan.modified if plan else index.made,
            beat=writer.modified if writer and writer.tag != index.writer else 0.0,
        )
        if fresh != index:
            note_copies(home, fresh)


def find_mirror(folder: Path) -> RunMirror | None:
    """The mirror that a folder of runs is, by its name; None for one that is a folder alone."""
    url = find_store(folder)
    return None if url is None else _open_mirror(url, folder)


@lru_cache(maxsize=4)
def _open_mirror(url: str, folder: Path) -> RunMirror:
    # One for a process, which remembers when it looked last.
    return RunMirror(ObjectStore(url), folder)


def _has_more(home: Path, index: MirrorIndex, found: _Found) -> bool:
    """Whether more was told here than sent, and nobody has gone on with the run since."""
    known, there, writer = index.copies.get(EVENTS_FILE), found.get(EVENTS_FILE), found.get(WRITER)
    if (known.tag if known else None) != (there.tag if there else None):
        return False
    if writer is not None and writer.tag != index.writer:
        return False
    # It was there once: removed is removed.
    if index.copies and PLAN_FILE not in found:
        return False
    return has_unsent(home, index)


def _warn(told: Permanent | Refused) -> None:
    warnings.warn(str(told), RunsWarning, stacklevel=2)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        return measure_file(path)
    except FileNotFoundError:
        return (0, 0)


def _has_bytes(file: Path, size: int) -> bool:
    """Whether a file is there and has as many; a process here may have made it longer."""
    try:
        return file.stat().st_size >= size
    except FileNotFoundError:
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
