"""The folder of the runs: which there are, whose process lives, and how events get into them."""

from .event_log import EventLog
from .lock import LockHolder, RunLock, find_holder
from .store import (
    Attempt,
    Run,
    Runs,
    choose_baseline,
    is_completion_name,
    is_run_name,
    make_run_name,
)

__all__ = [
    "Attempt",
    "EventLog",
    "LockHolder",
    "Run",
    "RunLock",
    "Runs",
    "choose_baseline",
    "find_holder",
    "is_completion_name",
    "is_run_name",
    "make_run_name",
]
