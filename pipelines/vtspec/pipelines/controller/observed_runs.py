"""What the files of a repository's runs tell, read anew only where they have changed."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.reporting.writer import find_baseline, read_facts
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.event_log import EVENTS_FILE
from vtspec.pipelines.runs.events import Event, Printed
from vtspec.pipelines.runs.state import PLAN_FILE, RunState, fold_events
from vtspec.pipelines.runs.workflow_file import WorkflowFile
from vtspec.pipelines.tracking import find_run_page

from .faults import describe_fault

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.reporting.facts import Facts

_Stamp: TypeAlias = tuple[int, ...]

_SETTLED_NS: Final = 1_000_000_000
"""What was written less long ago may be written again at what is the same time to a disk."""

_LOG_LINES: Final = 200

_MOST_ALONE: Final = 50
"""Runs that are asked for each by itself; for more of them the store is listed."""


class Ended(NamedTuple):
    """A run, of which experiment, and how it ended; None while it has not."""

    name: str
    spec_name: str
    ending: str | None


@dataclass(frozen=True, kw_only=True)
class ObservedRun:
    """A run as its files have it. `plan` is None while it is still to come; where it or what the
    run has come to cannot be read, `fault` says why. `log` are the last lines that its last step
    printed, where it is over without a result; `ended` is when it was over, `link` where MLflow
    shows it.
    """

    run: Run
    name: str
    spec_name: str
    state: RunState
    file: WorkflowFile | None
    plan: "Plan | None"
    fault: str | None
    ended: datetime | None
    log: tuple[str, ...]
    link: str | None

    @cached_property
    def end(self) -> Ended:
        """How it ended, for those that plans are told with."""
        return Ended(self.name, self.spec_name, self.state.ending)


class ObservedRuns:
    """The runs of one store. It remembers nothing that it could not read again."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._every: dict[str, ObservedRun] = {}
        self._absent: set[str] = set()
        self._known: dict[Path, tuple[_Stamp, ObservedRun]] = {}
        self._facts: dict[Path, tuple[object, Facts | None]] = {}
        self._told: dict[str, _Stamp] = {}
        self._changes: Counter[str] = Counter()
        self._errors: list[Exception] = []

    def read(self, runs: Runs) -> list[ObservedRun]:
        """All runs there are now, by their names."""
        every = runs.list_by_folder()
        there = {one.path for one in every}
        self._known = {path: one for path, one in self._known.items() if path in there}
        self._facts = {path: one for path, one in self._facts.items() if path in there}
        self._folder, self._absent = runs.folder, set()
        self._forget({run.name for run in every})
        self._every = {run.name: self._read(run) for run in every}
        return list(self._every.values())

    def read_some(
        self, runs: Runs, names: Collection[str], mentioned: Iterable[str] = ()
    ) -> list[ObservedRun]:
        """All runs, as they were read last but for these, for those that are new in the folder,
        and for those mentioned that were not known yet; some of `names` need not be there."""
        if self._folder != runs.folder or len(names) > _MOST_ALONE:
            return self.read(runs)
        here = runs.list_names_here()
        unknown = {*here, *mentioned} - {*self._every} - self._absent
        fresh = {*names, *unknown}
        found = {run.name: run for run in runs.refresh_all(sorted(fresh))}
        self._absent |= fresh - {*found}
        self._forget({*here, *found})
        self._every |= {name: self._read(run) for name, run in found.items()}
        return [self._every[name] for name in sorted(self._every)]

    def read_facts(self, one: ObservedRun, runs: Runs) -> "Facts | None":
        """What a report of a run that `read` has found says now; None where nothing can."""
        if one.plan is None:
            return None
        # What it is held against, and the other seeds of its plan.
        names = sorted({one.spec_name, one.plan.report.baseline or ""})
        told = (one.link, [self._changes[name] for name in names])
        known = self._facts.get(one.run.path)
        if known is not None and known[0] == told:
            return known[1]
        runs.fetch(one.run)
        found = None
        try:
            with suppress(Permanent):
                found = read_facts(one.run.path, find_baseline(one.run.path))
        except (OSError, Temporary):
            raise
        # A fault of ours, which is this run's: what is told of it does without a report.
        except Exception as error:
            self._note_error(one.run, error)
        self._facts[one.run.path] = (told, found)
        return found

    def take_errors(self) -> list[Exception]:
        """The errors of ours that were come upon since this was asked last, a run's each."""
        found, self._errors = self._errors, []
        return found

    def _note_error(self, run: Run, error: Exception) -> None:
        error.add_note(f"in what {run.name} has told")
        self._errors.append(error)

    def _forget(self, there: Collection[str]) -> None:
        """Let go of the runs that are none of these."""
        for name in [one for one in self._told if one not in there]:
            del self._told[name]
            self._every.pop(name, None)
            self._changes[Run(Path(name)).spec_name] += 1

    def _read(self, run: Run) -> ObservedRun:
        # Each file but that of the events is replaced as a whole, which changes the folder.
        events = _stamp(run.path / EVENTS_FILE)
        if self._told.get(run.name) != events:
            self._told[run.name] = events
            self._changes[run.spec_name] += 1
        stamp = (*_stamp(run.path), *events)
        known = self._known.get(run.path)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            found = _read_run(run)
        except (OSError, Temporary):
            raise
        # A fault of ours, which is this run's: others are looked at.
        except Exception as error:
            self._note_error(run, error)
            found = _make_unreadable(run, error)
        if time.time_ns() - max(stamp[0], stamp[2]) > _SETTLED_NS:
            self._known[run.path] = (stamp, found)
        return found


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _read_run(run: Run) -> ObservedRun:
    from vtspec.pipelines.planning.plan_model import plan_from_json

    events = run.read_events()
    state, plan, fault = fold_events(events), None, None
    try:
        plan = plan_from_json(run.read_plan(state))
    except Permanent as error:
        # Of one that is only begun it may still be to come; whoever tells of a run has it.
        is_to_come = not (run.path / PLAN_FILE).exists() and state.seq < 0
        fault = None if is_to_come else error.message
    # Pods may write what is no time; the last one that can be read is that of its end.
    updated = state.clock.updated
    if state.is_over and updated is None:
        fault = "its events.jsonl does not tell when it was over"
    return ObservedRun(
        run=run,
        name=run.name,
        spec_name=run.spec_name,
        state=state,
        file=run.read_workflow(state),
        plan=plan,
        fault=fault,
        ended=datetime.fromisoformat(updated) if updated and state.is_over else None,
        log=_find_last_lines(events) if state.is_over and not state.has_result else (),
        link=find_run_page(run.path),
    )


def _make_unreadable(run: Run, error: Exception) -> ObservedRun:
    """A run of which nothing is known but its name, and why."""
    return ObservedRun(
        run=run,
        name=run.name,
        spec_name=run.spec_name,
        state=RunState(),
        file=None,
        plan=None,
        fault=describe_fault(error),
        ended=None,
        log=(),
        link=None,
    )


def _find_last_lines(events: Sequence[Event]) -> tuple[str, ...]:
    printed = [(one.step, one.body.line) for one in events if isinstance(one.body, Printed)]
    return tuple(line for step, line in printed if step == printed[-1][0])[-_LOG_LINES:]
