"""Who works on a run of a store sends it, and says that they do.

Other files go first, the events last, which replace those that were sent before or nothing: what
the events tell of is there, and of two writers one is told.
"""

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Temporary

from .event_log import EVENTS_FILE
from .mirror_index import MirrorIndex, ObjectCopy, hold_index, read_index, write_index
from .object_store import ObjectStore, Overtaken
from .run_files import SeenFiles, look_at_files
from .state import CHECKPOINTS_FOLDER, MODEL_FOLDER, PLAN_FILE

WRITER: Final = ".writer"
"""An object of a run: who works on it. It is written anew while they do."""

PUSH_S: Final = 3.0
"""How long what is told of a run stays here alone."""

BEAT_S: Final = 30.0
"""How often a writer says that it lives; see `mirror_index.ALIVE_S`."""

_CHECKPOINT: Final = f"{CHECKPOINTS_FOLDER}/"
_MODEL: Final = f"{MODEL_FOLDER}/"

_LOOKS: Final = 20
"""How often a run's folder is looked at that changes meanwhile."""


class TakenOver(Temporary):
    """Another process has gone on with the run, and sent what it told."""


class RunWriter:
    """Sends one run of a store out of its folder here; `on_told` hears when the store was
    told anything."""

    def __init__(
        self, store: ObjectStore, home: Path, on_told: Callable[[], None] = lambda: None
    ) -> None:
        self._store, self._home, self._run, self._on_told = store, home, home.name, on_told
        self._note_key = f"{self._run}/{WRITER}"
        # Who sends the run and who says that it is worked on are two threads of one index.
        self._noting = threading.Lock()

    def begin(self, for_whom: str | None = None) -> bool:
        """Take the name of a new run in the store; False where somebody else has it. Who takes it
        `for_whom` and is killed may be followed by another that does: `find_owner` tells."""
        try:
            tag = self._store.create(self._note_key, _make_note(for_whom))
        except Overtaken:
            return False
        write_index(self._home, MirrorIndex(writer=tag))
        self._on_told()
        return True

    def find_owner(self) -> str | None:
        """For whom the run's name was taken, where that was said and nobody works on it yet."""
        found = self._store.read(self._note_key)
        try:
            told = json.loads(found[0]).get("for") if found is not None else None
        except (ValueError, AttributeError):
            return None
        return told if isinstance(told, str) else None

    @contextmanager
    def keep_pushed(self, on_lost: Callable[[], None], patience_s: float) -> Iterator[None]:
        """Push the run every few seconds, and once more at the end.

        Whoever enters takes the run over: a process elsewhere that still works on it is told.
        `on_lost` is called where that happens to this one. What the store refuses meanwhile is
        tried again, at the end for `patience_s`; then it is raised. Raises `TakenOver`.
        """
        self._take()
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

        pushes = _begin(keep, PUSH_S, done, lambda: self.push(is_worked_on=True))
        # Beside them: one upload may take longer than its silence is believed.
        beats = _begin(keep, BEAT_S, over, lambda: self._beat(over))
        try:
            yield
        finally:
            done.set()
            pushes.join()
            try:
                if lost.is_set():
                    raise self._make_taken_over()
                self._finish(patience_s, over)
            finally:
                over.set()
                beats.join()

    def push(self, *, is_worked_on: bool = False) -> None:
        """Send what has changed of the run since; the events last.

        Raises `TakenOver` where somebody else sent events of it meanwhile, or, where this process
        has said that it works on it, goes on with it.
        """
        with hold_index(self._home):
            copies = dict(read_index(self._home).copies)
            try:
                self._send(copies, is_worked_on=is_worked_on)
            finally:
                with self._noting:
                    write_index(self._home, replace(read_index(self._home), copies=copies))
        self._on_told()

    def let_go(self) -> None:
        """Say that nobody works on it any more."""
        self._store.delete([self._note_key])

    def _send(self, copies: dict[str, ObjectCopy], *, is_worked_on: bool) -> None:
        """Send what differs from the copies, and note it among them.

        A folder that changes while it is looked at is looked at again. Raises `Temporary` where
        it never stands still.
        """

        def is_known(path: str, found: tuple[int, int]) -> bool:
            known = copies.get(path)
            return known is not None and (known.size, known.mtime) == found

        for _ in range(_LOOKS):
            with ExitStack() as held:
                seen = look_at_files(self._home, is_known, held)
                if seen is not None and self._send_seen(seen, copies, is_worked_on):
                    return
        raise Temporary(
            f"the files of {self._run} change faster than they can be sent to {self._store.url}",
            fix=self._format_status(),
        )

    def _send_seen(
        self, seen: SeenFiles, copies: dict[str, ObjectCopy], is_worked_on: bool
    ) -> bool:
        """Send what was seen; False, and nothing told, where a file of it went away meanwhile."""
        # Older checkpoints go away while a run is worked on, and formats that are no more wanted.
        # Who has no plan here has lost the folder, and lets nothing go by that.
        goes = (_CHECKPOINT, _MODEL) if is_worked_on else _CHECKPOINT
        gone = [path for path in copies if path.startswith(goes) and path not in seen.files]
        gone = gone if PLAN_FILE in seen.files else []
        checked = -BEAT_S
        # With its plan it is a run, which can be gone on with.
        for path in sorted(seen.changed, key=lambda path: (path != PLAN_FILE, path)):
            checked = self._check_writer(checked) if is_worked_on else checked
            source = seen.held.get(path, seen.files[path])
            try:
                tag = self._store.upload(f"{self._run}/{path}", source)
            except FileNotFoundError:
                return False
            size, mtime = seen.changed[path]
            copies[path] = ObjectCopy(tag=tag, size=size, mtime=mtime)
        known = copies.get(EVENTS_FILE)
        if seen.said and (known is None or known.size != len(seen.said)):
            tag = self._send_events(seen.said, known)
            copies[EVENTS_FILE] = ObjectCopy(tag=tag, size=len(seen.said), mtime=0)
        if gone and is_worked_on:
            self._check_writer(checked)
        self._store.delete([f"{self._run}/{path}" for path in gone])
        for path in gone:
            del copies[path]
        return True

    def _check_writer(self, checked: float) -> float:
        """When it was last known that nobody else has gone on with the run; raises `TakenOver`.

        Files are under no condition, so that whoever went on is not to find older ones.
        """
        now = time.monotonic()
        if now - checked < BEAT_S:
            return checked
        if not self._is_writer():
            raise self._make_taken_over()
        return now

    def _send_events(self, said: bytes, known: ObjectCopy | None) -> str:
        key = f"{self._run}/{EVENTS_FILE}"
        try:
            return (
                self._store.create(key, said)
                if known is None
                else self._store.replace(key, said, known.tag)
            )
        # Without one there is none to replace: it was removed.
        except (Overtaken, FileNotFoundError) as error:
            raise self._make_taken_over() from error

    def _take(self) -> None:
        """Say that this process works on the run, whoever did before."""
        tag = self._store.put(self._note_key, _make_note())
        with hold_index(self._home), self._noting:
            self._note_writer(tag)
        self._on_told()

    def _beat(self, over: threading.Event) -> None:
        """Say that this process still works on it, until that is over. Raises `TakenOver` where
        another one does."""
        with self._noting:
            if over.is_set():
                return
            known = read_index(self._home).writer
            try:
                tag = self._store.replace(self._note_key, _make_note(), known)
            except (Overtaken, FileNotFoundError) as error:
                raise self._make_taken_over() from error
            self._note_writer(tag)

    def _note_writer(self, tag: str) -> None:
        write_index(self._home, replace(read_index(self._home), writer=tag, beat=0.0))

    def _is_writer(self) -> bool:
        """Whether nobody else has said since that they work on it."""
        with self._noting:
            return self._store.find_tag(self._note_key) == read_index(self._home).writer

    def _finish(self, patience_s: float, over: threading.Event) -> None:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                self.push(is_worked_on=True)
                over.set()
                if self._is_writer():
                    self.let_go()
                return
            except TakenOver:
                raise
            except Temporary as error:
                if time.monotonic() >= deadline:
                    raise Temporary(
                        f"{error.message}; what it lacks of {self._run} is in {self._home}",
                        fix=f"once it can be reached, on this machine: {self._format_status()}",
                    ) from error
                time.sleep(min(PUSH_S, max(deadline - time.monotonic(), 0.1)))

    def _make_taken_over(self) -> TakenOver:
        return TakenOver(
            f"another process has gone on with {self._run} in {self._store.url}",
            fix=self._format_status(),
        )

    def _format_status(self) -> str:
        return format_command("vtspec", "status", self._run, "--runs", self._store.url)


def _begin(act: Callable[..., None], *given: object) -> threading.Thread:
    thread = threading.Thread(target=act, args=given, daemon=True)
    thread.start()
    return thread


def _make_note(for_whom: str | None = None) -> bytes:
    # Unlike any other's, so that an answer that was lost is known for one's own.
    note = {"host": socket.gethostname(), "id": uuid.uuid4().hex}
    return json.dumps(note if for_whom is None else {**note, "for": for_whom}).encode()
