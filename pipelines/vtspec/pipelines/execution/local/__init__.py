"""A plan carried out on this machine: locks, attempts, resuming, joining, and the end of a run."""

from .attach import copy_output, follow_run
from .backend import How, LocalRunner, RunResult, find_outcome, find_run_update, make_refusal
from .next_action import AttemptState, Decision, RunOptions, decide
from .runner import RunEnd, execute_run
from .smoke import SmokeResult, run_smoke_test
from .stop_run import stop_run

__all__ = [
    "AttemptState",
    "Decision",
    "How",
    "LocalRunner",
    "RunEnd",
    "RunOptions",
    "RunResult",
    "SmokeResult",
    "copy_output",
    "decide",
    "execute_run",
    "find_outcome",
    "find_run_update",
    "follow_run",
    "make_refusal",
    "run_smoke_test",
    "stop_run",
]
