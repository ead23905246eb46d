"""The folder of the runs: which there are, whose process lives, and how events get into them."""

from .folder import Attempt, Run, Runs, run_name
from .lock import Holder, RunLock, holder_of
from .log import EventLog

__all__ = ["Attempt", "EventLog", "Holder", "Run", "RunLock", "Runs", "holder_of", "run_name"]
