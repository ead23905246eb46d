"""The folder of the runs: which there are, whose process lives, and how events get into them."""

from .event_log import EventLog
from .lock import LockHolder, RunLock, find_holder
from .run import Run, is_completion_name, is_run_name, make_run_name
from .store import Attempt, Runs, UnknownRun, choose_baseline, keep_comparable

__all__ = [
    "Attempt",
    "EventLog",
    "LockHolder",
    "Run",
    "RunLock",
    "Runs",
    "UnknownRun",
    "choose_baseline",
    "find_holder",
    "is_completion_name",
    "is_run_name",
    "keep_comparable",
    "make_run_name",
]
