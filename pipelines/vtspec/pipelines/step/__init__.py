"""One step of a run: the adapter's process, what it tells into `events.jsonl`, and its end."""

from .adapter import OUTPUT_FILE
from .carry import ADAPTER_STEPS, STEPS, Work, carry_out, recover_all, write_metrics
from .ends import begin, finish, sums_of
from .outcome import EXIT_CODES, SUCCEEDED, Outcome
from .single import Task, do_step
from .stop import Stop

__all__ = [
    "ADAPTER_STEPS",
    "EXIT_CODES",
    "OUTPUT_FILE",
    "STEPS",
    "SUCCEEDED",
    "Outcome",
    "Stop",
    "Task",
    "Work",
    "begin",
    "carry_out",
    "do_step",
    "finish",
    "recover_all",
    "sums_of",
    "write_metrics",
]
