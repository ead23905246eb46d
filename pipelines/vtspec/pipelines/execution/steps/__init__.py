"""One step of a run: the adapter's process, what it tells into `events.jsonl`, and its end."""

from vtspec.pipelines.runs.events import ADAPTER_STEPS, STEPS

from .container_step import StepRequest, execute_single_step
from .exit_status import EXIT_CODES, SUCCEEDED, Outcome
from .output_log import OUTPUT_FILE
from .run_context import OnEvent, OnMessage, RunContext, Tracker, WriteReport
from .run_lifecycle import hash_artifacts, log_run_end, log_run_start
from .step import (
    StepContext,
    StepTarget,
    execute_step,
    recover_all,
    write_metrics,
)
from .stop_request import StopSignal

__all__ = [
    "ADAPTER_STEPS",
    "EXIT_CODES",
    "OUTPUT_FILE",
    "STEPS",
    "SUCCEEDED",
    "OnEvent",
    "OnMessage",
    "Outcome",
    "RunContext",
    "StepContext",
    "StepRequest",
    "StepTarget",
    "StopSignal",
    "Tracker",
    "WriteReport",
    "execute_single_step",
    "execute_step",
    "hash_artifacts",
    "log_run_end",
    "log_run_start",
    "recover_all",
    "write_metrics",
]
