"""One step of a run: the adapter's process, what it tells into `events.jsonl`, and its end."""

from .adapter_process import OUTPUT_FILE
from .container_step import Task, do_step
from .exit_status import EXIT_CODES, SUCCEEDED, Outcome
from .run_lifecycle import begin, finish, sums_of
from .step import ADAPTER_STEPS, STEPS, Work, carry_out, recover_all, write_metrics
from .stop_request import Stop

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
