"""`runs/<run>/`: one folder a run, named by its plan; and what can be read of it at any time."""

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic, write_new_file
from vtspec.adapters.shell_command import format_command
from vtspec.adapters.system_errors import is_shortage
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.schema.suggestions import suggest_fix

from .event_log import EVENTS_FILE
from .events import Event, RunStarted, decode_event, decode_events
from .lock import LockHolder, RunLock, find_holder, hold_lock, is_left_here
from .metrics import Metrics, build_metrics
from .run_mirror import RunMirror, find_made, find_mirror, find_writer
from .state import MODEL_FOLDER, PLAN_FILE, RunState, fold_events
from .workflow_file import WorkflowFile, read_workflow_file, workflow_from_json

METRICS_FILE: Final = "metrics.json"

EVALUATION_FILE: Final = "evaluation.json"

_MAKERS: Final = {MODEL_FOLDER: "export", EVALUATION_FILE: "evaluate"}
"""The step that makes each part of a result whose sums are held against its terminal event."""

_CARD: Final = f"{MODEL_FOLDER}/README.md"
"""Each report writes it anew."""

CLUSTER: Final = "the cluster"
"""The holder of a run that a Workflow carries out."""

_GONE: Final = ".gone-"
"""What the name of a run that is being deleted begins with."""

_NAME: Final = re.compile(r"(?P<plan>(?P<spec>[a-z0-9-]+)-[0-9a-f]{10})(?:-(?P<attempt>[0-9]+))?")

_COMPLETION: Final = re.compile(rf"(?P<run>{_NAME.pattern})-c[0-9a-f]{{6}}")


def make_run_name(plan_id: str, attempt: int) -> str:
    """The name of a plan's attempt: the plan's id, from the second on with its number."""
    return plan_id if attempt == 1 else f"{plan_id}-{attempt}"


def is_run_name(word: str) -> bool:
    """Whether a word is made as the name of a run is."""
    return _NAME.fullmatch(word) is not None


def is_completion_name(word: str) -> bool:
    """Whether a word is made as the name of a completion is."""
    return _COMPLETION.fullmatch(word) is not None


def measure_folder(folder: Path) -> int:
    """Bytes of all files below a folder; what goes away meanwhile counts nothing."""
    size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(above, name)).st_size
    return size


@dataclass(frozen=True)
class Run:
    """One run, by its folder. Nothing is kept: every call reads what is there now.

    A damaged folder gives an empty state, never an error; only `read_plan` and `ending` of it do.
    """

    path: Path

    @property
    def name(self) -> str:
        """The run's name, which is the folder's."""
        return self.path.name

    @property
    def plan_id(self) -> str:
        """The id of the plan that it is an attempt of."""
        match = _NAME.fullmatch(self.name)
        return match["plan"] if match else self.name

    @property
    def spec_name(self) -> str:
        """The name of the spec that was planned."""
        match = _NAME.fullmatch(self.name)
        return match["spec"] if match else self.name

    @property
    def attempt(self) -> int:
        """Which attempt of the plan it is, from 1."""
        match = _NAME.fullmatch(self.name)
        return int(match["attempt"] or 1) if match else 1

    @property
    def plan_file(self) -> Path:
        """The plan as it is asked for now: the last completion's, else the one that trained."""
        return self.path / self.read_state().plan_file

    def read_plan(self) -> dict[str, object]:
        """The plan as it is asked for now; a completion's whose file is gone or was changed out
        of `plan.json` and what its event says. Raises `Permanent` where it is missing or damaged.
        """
        state = self.read_state()
        if _find_plan_fault(self.path, state) is None:
            return _read_plan_file(self.path / state.plan_file)
        trained = _read_plan_file(self.path / PLAN_FILE)
        told = {**state.sections, "digest": state.provenance.plan_digest}
        # A plan leaves out that nothing was overridden.
        gone = {key for key, value in told.items() if key not in trained and not value}
        return {key: value for key, value in {**trained, **told}.items() if key not in gone}

    def describe_lost_plan(self) -> str | None:
        """What became of the file of its completion since it was written, or None."""
        state = self.read_state()
        fault = _find_plan_fault(self.path, state)
        return None if fault is None else f"{state.plan_file} of {self.name} {fault}"

    def restore_plan(self) -> str | None:
        """Write the file of its completion anew where it is gone or was changed; what to tell of
        that, or None. Raises as `read_plan` does."""
        lost = self.describe_lost_plan()
        if lost is None:
            return None
        write_json(self.plan_file, self.read_plan())
        return f"{lost}: it was made anew of what the run's events say"

    def read_events(self) -> list[Event]:
        """All events so far, in order, each once."""
        try:
            with (self.path / EVENTS_FILE).open(encoding="utf-8", errors="replace") as lines:
                return decode_events(lines)
        except OSError as error:
            # Taken for empty, a run that is done would be carried out a second time.
            if is_shortage(error):
                raise
            return []

    def read_state(self) -> RunState:
        """What the events add up to."""
        return fold_events(self.read_events())

    def compute_metrics(self) -> Metrics:
        """`metrics.json`, made from the events: true even where the file was never written."""
        return build_metrics(self.read_state())

    def list_changed(self, part: str) -> tuple[str, ...]:
        """The files of a part of the result (`MODEL_FOLDER`, `EVALUATION_FILE`) that are gone, or
        not what the run left by its terminal event; none where that tells no sums."""
        state = self.read_state()
        before, step = state.before, _MAKERS[part]
        # One that is being made has no sum yet.
        is_made = before is not None and before.steps.get(step) == state.steps.get(step)
        if not state.is_over and not is_made:
            return ()
        told = state.artifacts if before is None else before.artifacts
        return tuple(
            name
            for name, digest in told.items()
            if (name == part or name.startswith(f"{part}/"))
            and name != _CARD
            and not _has_sum(self.path / name, digest)
        )

    @property
    def ending(self) -> str | None:
        """How the run ended, or None where it has no terminal event."""
        state = self.read_state()
        return state.status if state.is_over else None

    @property
    def has_result(self) -> bool:
        """Whether it succeeded; as it may be while another policy is applied to it."""
        return self.read_state().has_result

    def find_holder(self) -> LockHolder | None:
        """Who works on it now, or None; the cluster on a run of one, until that has an end."""
        found = find_holder(self.path) or find_writer(self.path)
        if found is None and self.is_on_cluster():
            return LockHolder(host=CLUSTER)
        return found

    def read_workflow(self) -> WorkflowFile | None:
        """Which Workflow of a cluster carries it out; None for a run of a machine, or while a
        machine makes of its result what another policy asks for."""
        return self._find_workflow(self.read_state())

    def is_on_cluster(self) -> bool:
        """Whether a Workflow carries it out and no end of it was told. Whether that Workflow is
        still there only the cluster knows."""
        # A cluster's runs are a store's: for those of a folder here no event is read.
        if find_store(self.path.parent) is None and read_workflow_file(self.path) is None:
            return False
        state = self.read_state()
        return not state.is_over and self._find_workflow(state) is not None

    def _find_workflow(self, state: RunState) -> WorkflowFile | None:
        # Of the last part of the run, which may be another one than the file says.
        if state.workflow:
            return workflow_from_json(state.workflow)
        return None if state.before is not None else read_workflow_file(self.path)

    def is_alive(self) -> bool:
        """Whether a process works on it, on whatever machine shares the folder."""
        return self.find_holder() is not None

    def refuse_link(self) -> None:
        """Raise `Permanent` where the folder is a link: the run lies elsewhere."""
        if self.path.is_symlink():
            raise Permanent(
                f"{self.path} is a link to {self.path.resolve()}",
                fix=format_command("rm", "-r", "--", self.path.resolve(), self.path),
            )

    def was_killed(self) -> bool:
        """Whether it is known to have been killed: it has no end, and its process, which was one
        of this machine, is gone. Of a container's steps the next may be still to come."""
        state = self.read_state()
        is_open = state.status == "running" and state.before is None
        return is_open and state.provenance.backend == "process" and is_left_here(self.path)

    @property
    def order(self) -> int:
        """How late it began among the runs of its folder; 0 where that was not told."""
        first = self._read_first_event()
        started = first.body if first is not None else None
        return (started.order or 0) if isinstance(started, RunStarted) else 0

    @property
    def started(self) -> float:
        """When its first event was written, else when its folder was, in seconds since 1970."""
        try:
            first = self._read_first_event()
            if first is not None:
                return datetime.fromisoformat(first.time).timestamp()
        except (OSError, ValueError, TypeError, OverflowError):
            pass
        try:
            return self.path.stat().st_mtime
        except OSError:
            return datetime.min.replace(tzinfo=UTC).timestamp()

    def measure_size(self) -> int:
        """Bytes of all its files, as `measure_folder` counts them."""
        return measure_folder(self.path)

    def _read_first_event(self) -> Event | None:
        try:
            with (self.path / EVENTS_FILE).open(encoding="utf-8", errors="replace") as lines:
                return decode_event(lines.readline())
        except OSError as error:
            if is_shortage(error):
                raise
            return None


def _find_plan_fault(folder: Path, state: RunState) -> str | None:
    """What is wrong with a completion's file, by what was told of it; None for `plan.json`, of
    which nothing tells but its own id."""
    if state.plan_file == PLAN_FILE:
        return None
    try:
        plan = _read_plan_file(folder / state.plan_file)
    except Permanent:
        return "was damaged" if (folder / state.plan_file).exists() else "was gone"
    told = {**state.sections, "digest": state.provenance.plan_digest}
    is_same = all((plan.get(key) or None) == (told[key] or None) for key in told)
    return None if is_same else "was changed"


def _read_plan_file(path: Path) -> dict[str, object]:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if is_shortage(error):
            raise
        raise Permanent(
            f"{path} cannot be read: {error}", fix="plan and run the spec again"
        ) from error
    if not isinstance(plan, dict):
        raise Permanent(f"{path} is not a plan", fix="plan and run the spec again")
    return plan


def choose_baseline(finished: Sequence[Run], plan_id: str | None) -> Run | None:
    """The run that is compared with, among the finished ones of the baseline's spec, the oldest
    first: the last of the plan that this spec has, else the last; None where there is none."""
    exact = [run for run in finished if run.plan_id == plan_id]
    return next(reversed(exact or finished), None)


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

    def list_runs(self) -> list[Run]:
        """Every run, the oldest first; those of a store as they are there now."""
        return self._list(lambda run: True)

    def _list(self, fits: Callable[[Run], bool]) -> list[Run]:
        if self.mirror is not None:
            self.mirror.pull(lambda name: fits(Run(self.folder / name)))
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
        found = [
            Run(self.folder / entry.name)
            for entry in entries
            if _NAME.fullmatch(entry.name)
            and fits(Run(self.folder / entry.name))
            and entry.is_dir()
        ]
        return sorted(found, key=self._rank)

    def _rank(self, run: Run) -> tuple[float, float, int, str]:
        # A clock that was set back must not make an older run the last one.
        rank: float = run.order
        if self.mirror is not None:
            # The store has one for all machines; one that is not there yet was made just now.
            rank = find_made(run.path) or math.inf
        return rank, run.started, run.attempt, run.name

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

        Raises `Refused` where there is none, or a beginning fits several.
        """
        # A shell completes a folder's path, with its slash.
        word = word.rstrip("/").rpartition("/")[2]
        # A run's whole name wins over a spec that happens to be called like its beginning.
        completed = _COMPLETION.fullmatch(word)
        exact = self.find_named(completed["run"] if completed else word)
        if exact is not None and (not completed or (exact.path / f"{word}.json").is_file()):
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
        raise Refused(f"there is no run '{word}' in {self.place}", fix=_suggest_run(word, runs))

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
            if self.mirror is None or self.mirror.begin(path.name):
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
        with self.mirror.keep_pushed(run.name, on_lost, patience_s):
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


def write_json(path: Path, data: object) -> None:
    """Write plain data, whole or not at all, in a form that a diff reads well."""
    write_file_atomic(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def describe_changed_file(run: Run, name: str) -> str:
    """What is wrong with a file that `list_changed` names."""
    path = run.path / name
    return f"{path} is not what the run left: " + (
        "its SHA-256 differs" if path.exists() else "it is gone"
    )


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, as events have it."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _has_sum(path: Path, digest: str) -> bool:
    try:
        return hash_file(path) == digest
    except OSError as error:
        if is_shortage(error):
            raise
        return False


def _suggest_run(word: str, runs: list[Run]) -> str:
    names = {run.name for run in runs} | {run.spec_name for run in runs}
    otherwise = "see 'vtspec status' for the runs there are" if runs else "vtspec run SPEC"
    return suggest_fix(word, sorted(names), otherwise)
