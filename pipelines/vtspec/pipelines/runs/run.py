"""One run, by its folder: its name, and what can be read of it at any time."""

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command
from vtspec.adapters.system_errors import is_shortage
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.language import Sentence

from .event_log import EVENTS_FILE
from .events import Event, RunStarted, decode_event, decode_events
from .lock import LockHolder, find_holder, is_left_here
from .metrics import Metrics, build_metrics
from .mirror_index import find_writer
from .state import MODEL_FOLDER, PLAN_FILE, RunState, fold_events
from .workflow_file import (
    WORKFLOW_FILE,
    WorkflowFile,
    read_workflow_file,
    workflow_from_json,
)

METRICS_FILE: Final = "metrics.json"

EVALUATION_FILE: Final = "evaluation.json"

_MAKERS: Final = {MODEL_FOLDER: "export", EVALUATION_FILE: "evaluate"}
"""The step that makes each part of a result whose sums are held against its terminal event."""

_CARD: Final = f"{MODEL_FOLDER}/README.md"
"""Each report writes it anew."""

CLUSTER: Final = "the cluster"
"""The holder of a run that a Workflow carries out."""

_NAME: Final = re.compile(r"(?P<plan>(?P<spec>[a-z0-9-]+)-[0-9a-f]{10})(?:-(?P<attempt>[0-9]+))?")

_COMPLETION: Final = re.compile(rf"(?P<run>{_NAME.pattern})-c[0-9a-f]{{6}}")


def make_run_name(plan_id: str, attempt: int) -> str:
    """The name of a plan's attempt: the plan's id, from the second on with its number."""
    return plan_id if attempt == 1 else f"{plan_id}-{attempt}"


def find_plan_id(run: str) -> str:
    """The id of the plan that a run of this name is an attempt of."""
    match = _NAME.fullmatch(run)
    return match["plan"] if match else run


def is_run_name(word: str) -> bool:
    """Whether a word is made as the name of a run is."""
    return _NAME.fullmatch(word) is not None


def is_completion_name(word: str) -> bool:
    """Whether a word is made as the name of a completion is."""
    return find_completed_run(word) is not None


def find_completed_run(word: str) -> str | None:
    """The name of the run whose completion a word names; None where it is made otherwise."""
    match = _COMPLETION.fullmatch(word)
    return match["run"] if match else None


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
        return find_plan_id(self.name)

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

    def read_plan(self, state: RunState | None = None) -> dict[str, object]:
        """The plan as it is asked for now; a completion's whose file is gone or was changed out
        of `plan.json` and what its event says. Raises `Permanent` where it is missing or damaged.
        `state` is what `read_state` gives, where it was read already.
        """
        state = self.read_state() if state is None else state
        if _find_plan_fault(self.path, state) is None:
            return _read_plan_file(self.path / state.plan_file)
        trained = _read_plan_file(self.path / PLAN_FILE)
        told = {**state.sections, "digest": state.provenance.plan_digest}
        # A plan leaves out that nothing was overridden.
        gone = {key for key, value in told.items() if key not in trained and not value}
        return {key: value for key, value in {**trained, **told}.items() if key not in gone}

    def describe_lost_plan(self) -> Sentence | None:
        """What became of the file of its completion since it was written, or None."""
        state = self.read_state()
        fault = _find_plan_fault(self.path, state)
        if fault is None:
            return None
        return Sentence(
            en=f"{state.plan_file} of {self.name} {fault.en}",
            ko=f"{self.name}의 {state.plan_file} {fault.ko}",
        )

    def restore_plan(self) -> str | None:
        """Write the file of its completion anew where it is gone or was changed; what to tell of
        that, or None. Raises as `read_plan` does."""
        lost = self.describe_lost_plan()
        if lost is None:
            return None
        write_json(self.plan_file, self.read_plan())
        return f"{lost.en}: it was made anew of what the run's events say"

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

    def read_workflow(self, state: RunState | None = None) -> WorkflowFile | None:
        """Which Workflow of a cluster carries it out; None for a run of a machine, or while a
        machine makes of its result what another policy asks for. `state` as in `read_plan`."""
        return self._find_workflow(self.read_state() if state is None else state)

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
            found = workflow_from_json(state.workflow)
            return found if found is not None and found.is_of(self.name) else None
        return None if state.before is not None else read_workflow_file(self.path)

    def has_foreign_workflow(self) -> bool:
        """Whether what is said of its Workflow names none of this run."""
        state = self.read_state()
        if state.workflow:
            return self._find_workflow(state) is None
        file = self.path / WORKFLOW_FILE
        return file.is_file() and read_workflow_file(self.path) is None

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
        of this machine, is gone. Of a pod's steps the next may be still to come."""
        state = self.read_state()
        is_open = state.status == "running" and state.before is None
        is_whole = state.provenance.backend in ("process", "container")
        return is_open and is_whole and is_left_here(self.path)

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


def _find_plan_fault(folder: Path, state: RunState) -> Sentence | None:
    """What is wrong with a completion's file, by what was told of it; None for `plan.json`, of
    which nothing tells but its own id."""
    if state.plan_file == PLAN_FILE:
        return None
    try:
        plan = _read_plan_file(folder / state.plan_file)
    except Permanent:
        return _DAMAGED if (folder / state.plan_file).exists() else _GONE
    told = {**state.sections, "digest": state.provenance.plan_digest}
    is_same = all((plan.get(key) or None) == (told[key] or None) for key in told)
    return None if is_same else _CHANGED


_DAMAGED: Final = Sentence(en="was damaged", ko="파일이 손상되었습니다")
_GONE: Final = Sentence(en="was gone", ko="파일이 없어졌습니다")
_CHANGED: Final = Sentence(en="was changed", ko="파일이 바뀌었습니다")


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
