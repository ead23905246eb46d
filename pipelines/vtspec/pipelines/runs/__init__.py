"""The folder of the runs: which there are, whose process lives, and how events get into them."""

from .event_log import EventLog
from .lock import Holder, RunLock, holder_of
from .store import Attempt, Run, Runs, run_name

__all__ = ["Attempt", "EventLog", "Holder", "Run", "RunLock", "Runs", "holder_of", "run_name"]
