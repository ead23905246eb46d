"""`runs/<run>/`: one folder a run, named by its plan."""

import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_new_file
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.schema.suggestions import suggest_fix

from .event_log import EVENTS_FILE
from .lock import RunLock, find_holder, hold_lock
from .mirror_index import MARKER, find_made
from .run import Run, find_completed_run, is_run_name, make_run_name, write_json
from .run_mirror import RunMirror, find_mirror
from .state import PLAN_FILE

_THREADS: Final = 8
"""Requests to a store at once."""

_SETTLED_NS: Final = 1_000_000_000
"""What was written less long ago may be written again at what is the same time to a disk."""

_GONE: Final = ".gone-"
"""What the name of a run that is being deleted begins with."""


class UnknownRun(Refused):
    """There is no run that a word means."""


def choose_baseline(finished: Sequence[Run], plan_id: str | None) -> Run | None:
    """The run that is compared with, among the finished ones of the baseline's spec, the oldest
    first: the last of the plan that this spec has, else the last; None where there is none."""
    exact = [run for run in finished if run.plan_id == plan_id]
    return next(reversed(exact or finished), None)


def keep_comparable(finished: Sequence[Run], *, allow_adapted: bool) -> list[Run]:
    """Those of the runs that others are compared with: an adapted one is no plan's result, and
    counts where a person said so."""
    return [run for run in finished if allow_adapted or not run.read_state().is_adapted]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A new run and its lock, which is held."""

    run: Run
    lock: RunLock


class Runs:
    """The runs in one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        """Where the runs are, for people: the folder, or the store that it mirrors."""
        return find_store(self.folder) or str(self.folder)

    @cached_property
    def mirror(self) -> RunMirror | None:
        """The store whose runs the folder shows; None where it is a folder and no more."""
        return find_mirror(self.folder)

    def refresh(self, run: Run) -> None:
        """Have what tells of a run here as it is in the store; a folder needs nothing."""
        if self.mirror is not None:
            self.mirror.pull_run(run.name)

    def refresh_all(self, names: Sequence[str]) -> list[Run]:
        """The runs of these names that there are, as they are in the store now."""
        found = [Run(self.folder / name) for name in names if is_run_name(name)]
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(self.refresh, found))
        return [run for run in found if run.path.is_dir()]

    def list_runs(self) -> list[Run]:
        """Every run, the oldest first; those of a store as they are there now."""
        return self._list(lambda run: True)

    def list_by_folder(self) -> list[Run]:
        """Every run, by its name: as `list_runs`, but none is read to see when it began."""
        return sorted(self._find(lambda run: True), key=lambda run: run.name)

    def list_names_here(self) -> set[str]:
        """The names of the runs whose folders are here; a store is not asked."""
        return {entry.name for entry in self._scan()}

    def _list(self, fits: Callable[[Run], bool]) -> list[Run]:
        return sorted(self._find(fits), key=self._rank)

    def _find(self, fits: Callable[[Run], bool]) -> list[Run]:
        if self.mirror is not None:
            self.mirror.pull(lambda name: fits(Run(self.folder / name)))
        found = (Run(self.folder / entry.name) for entry in self._scan())
        return [run for run in found if fits(run)]

    def _scan(self) -> list["os.DirEntry[str]"]:
        try:
            entries = list(os.scandir(self.folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            # Taken for empty, it would let a plan be carried out a second time.
            raise Refused(
                f"{self.folder} cannot be read as the folder of the runs: {error.strerror}",
                fix="name a folder: --runs DIR",
            ) from error
        return [entry for entry in entries if is_run_name(entry.name) and entry.is_dir()]

    def _rank(self, run: Run) -> tuple[float, float, int, str]:
        stamps = tuple(_stamp(run.path / name) for name in ("", EVENTS_FILE, MARKER))
        is_settled = max(stamps)[0] < time.time_ns() - _SETTLED_NS
        read = _read_beginning if is_settled else _read_beginning.__wrapped__
        return *read(run.path, self.mirror is not None, stamps), run.attempt, run.name

    def count_order(self) -> int | None:
        """The `order` of a run that begins now: above that of every run there is. None in a
        store, whose own clock tells."""
        if self.mirror is not None:
            return None
        return 1 + max((run.order for run in self.list_runs()), default=0)

    def list_by_plan(self, plan_id: str) -> list[Run]:
        """The attempts of a plan, the first one first."""
        found = self._list(lambda run: run.plan_id == plan_id)
        return sorted(found, key=lambda run: run.attempt)

    def find_last_finished(self, plan_id: str) -> Run | None:
        """The last attempt of a plan that succeeded, or None."""
        attempts = reversed(self.list_by_plan(plan_id))
        return next((run for run in attempts if run.has_result), None)

    def list_by_name(self, spec_name: str) -> list[Run]:
        """The runs of the spec of that name, whatever was in it, the oldest first."""
        return self._list(lambda run: run.spec_name == spec_name)

    def find_named(self, name: str) -> Run | None:
        """The run of that very name; None where there is none."""
        found = self._list_one(name) if is_run_name(name) else []
        return found[0] if found else None

    def _list_one(self, name: str) -> list[Run]:
        run = Run(self.folder / name)
        self.refresh(run)
        return [run] if run.path.is_dir() else []

    def find_finished(self, word: str) -> Run:
        """As `find`, but of a spec or a plan the last run that succeeded, where one has."""
        run = self.find(word)
        if run.name == word.rstrip("/").rpartition("/")[2] or run.has_result:
            return run
        # A beginning fits one plan alone, a spec's name whatever was in it.
        is_spec = run.spec_name == word
        others = self.list_by_name(run.spec_name) if is_spec else self.list_by_plan(run.plan_id)
        return next((other for other in reversed(others) if other.has_result), run)

    def find_result(self, word: str, find_plan_id: Callable[[str], str | None]) -> Run:
        """As `find_finished`, but of a spec the last finished run of the plan that it has as it
        stands, where there is one. `find_plan_id` is asked, by the spec's name, only where
        finished runs of several plans have that name."""
        run, name = self.find_finished(word), Path(word).name
        finished = [one for one in self.list_by_name(name) if one.has_result]
        if run.name == name or len({one.plan_id for one in finished}) < 2:
            return run
        return choose_baseline(finished, find_plan_id(name)) or run

    def find(self, word: str) -> Run:
        """The run that a person means: its name, a completion's of it, its spec's name (the last
        one), or a beginning.

        Raises `UnknownRun` where there is none, `Refused` where a beginning fits several.
        """
        # A shell completes a folder's path, with its slash.
        word = word.rstrip("/").rpartition("/")[2]
        # A run's whole name wins over a spec that happens to be called like its beginning.
        completed = find_completed_run(word)
        exact = self.find_named(completed or word)
        if exact is not None and (completed is None or (exact.path / f"{word}.json").is_file()):
            return exact
        runs = self.list_runs()
        named = [run for run in runs if run.spec_name == word]
        if named:
            return named[-1]
        begun = [run for run in runs if run.name.startswith(word)] if word else []
        if len({run.plan_id for run in begun}) == 1:
            return begun[-1]
        if begun:
            names = ", ".join(run.name for run in begun[:5])
            raise Refused(f"'{word}' begins several runs: {names}", fix="type more of the name")
        raise UnknownRun(f"there is no run '{word}' in {self.place}", fix=_suggest_run(word, runs))

    def find_only(self, word: str) -> Run:
        """As `find`, but where a word fits several runs none of them is meant.

        Raises `Refused`, naming them, also where it is the name of a spec with several runs.
        """
        run = self.find(word)
        begun = word.rstrip("/").rpartition("/")[2]
        if run.name == begun:
            return run
        named = self.list_by_name(begun)
        found = named or [one for one in self.list_runs() if one.name.startswith(begun)]
        if len(found) > 1:
            names = ", ".join(one.name for one in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise Refused(f"'{word}' names several runs: {names}{more}", fix="name the run itself")
        return run

    def remove(self, run: Run) -> None:
        """Delete the folder of a run, so that a kill leaves it whole or nothing of it.

        Goes with `lock_runs`, which clears what a killed process had begun to delete. Raises
        `Temporary` where a process works on the run, `OSError` where the disk refuses.
        """
        run.refuse_link()
        lock = RunLock.acquire(run.path)
        if lock is None:
            stop = format_command("vtspec", "stop", run.name)
            raise Temporary(f"a process works on {run.name}", fix=stop)
        try:
            # One step: from here on there is no such run, whenever this process is killed.
            if self.mirror is not None:
                self.mirror.remove(run.name)
            gone = self.folder / f"{_GONE}{run.name}-{os.urandom(3).hex()}"
            run.path.rename(gone)
            shutil.rmtree(gone)
        finally:
            lock.release()

    def create_attempt(self, plan: Mapping[str, object]) -> Attempt:
        """Make the folder of the plan's next attempt, with its `plan.json` and its lock held.

        The folder appears at once and whole; two processes that race get different ones.
        """
        self._make_folder()
        # Not by `tempfile`, whose folders are private whatever the umask says.
        made = self.folder / f".new-{os.urandom(6).hex()}"
        made.mkdir()
        try:
            # Locked before it has its name: nobody can take it for one that was killed.
            lock = RunLock.acquire(made)
            assert lock is not None
            write_json(made / PLAN_FILE, plan)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        plan_id = str(plan["id"])
        attempt = max((run.attempt for run in self.list_by_plan(plan_id)), default=0) + 1
        while True:
            path = self.folder / make_run_name(plan_id, attempt)
            try:
                made.rename(path)
            # Another process took the number; any other refusal is the disk's.
            except OSError:
                if not path.exists():
                    raise
                attempt += 1
                continue
            if self.mirror is None or self.mirror.open_writer(path.name).begin():
                return Attempt(run=Run(path), lock=lock)
            # Somebody else's, on another machine.
            path.rename(made)
            attempt += 1

    def fetch(self, run: Run, *folders: str) -> None:
        """Have a run's files here, where they are a store's: all but checkpoints and models,
        and of these the folders that are named."""
        if self.mirror is not None:
            self.mirror.fetch(run.name, *folders)

    @contextmanager
    def keep_stored(
        self, run: Run, on_lost: Callable[[], None] = lambda: None, patience_s: float = 0.0
    ) -> Iterator[None]:
        """Send what is written of a run to the store, meanwhile and at the end, at which one that
        is away is waited for for `patience_s`.

        Whoever enters holds its lock. Where somebody else goes on with the run, `on_lost` is
        called and `Temporary` raised at the end.
        """
        if self.mirror is None:
            yield
            return
        with self.mirror.open_writer(run.name).keep_pushed(on_lost, patience_s):
            yield

    def _make_folder(self) -> None:
        # What a kill left of its making is gone on with; any other folder is a person's own.
        if self.folder.is_dir() and not any(self.folder.glob(".tmp-.gitignore-*")):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # As caches do: `git add -A` must not commit checkpoints, whoever chose the folder.
        with suppress(FileExistsError):
            write_new_file(self.folder / ".gitignore", "*\n")

    @contextmanager
    def lock_runs(self) -> Iterator[None]:
        """Only one process at a time looks at the runs and decides whether to begin one."""
        self._make_folder()
        with hold_lock(self.folder / ".lock"):
            for left in self.folder.glob(".new-*"):
                # Killed while it was made, if before it was locked: nobody else makes one now.
                if find_holder(left) is None:
                    shutil.rmtree(left, ignore_errors=True)
            for gone in self.folder.glob(f"{_GONE}*"):
                # Killed while it was deleted, which goes on: it is no run any more.
                shutil.rmtree(gone, ignore_errors=True)
            yield


@lru_cache(maxsize=1 << 16)
def _read_beginning(path: Path, is_stored: bool, _stamps: object) -> tuple[float, float]:
    """What a run is ranked by before all else, and when it began; read once for each state of the
    files that tell of it."""
    run = Run(path)
    # The store has a clock for all machines; what is not there yet was made just now. A clock here
    # that was set back must not make an older run the last one.
    rank = (find_made(path) or math.inf) if is_stored else run.order
    return rank, run.started


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _suggest_run(word: str, runs: list[Run]) -> str:
    names = {run.name for run in runs} | {run.spec_name for run in runs}
    otherwise = "see 'vtspec status' for the runs there are" if runs else "vtspec run SPEC"
    return suggest_fix(word, sorted(names), otherwise)
