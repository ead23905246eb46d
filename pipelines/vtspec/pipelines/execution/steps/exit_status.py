"""What the end of a step means: an exit code and what was asked, into words. Pure."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vtspec.adapters.contract import FailureCause
from vtspec.pipelines.errors import (
    Permanent,
    Refused,
    RunFailed,
    Temporary,
    refuse_system_error,
)
from vtspec.pipelines.runs.events import Ending

from .stop_request import Reason

INTERRUPTED: Final = Temporary.exit_code
FAILED: Final = RunFailed.exit_code
REFUSED: Final = 2

EXIT_CODES: Final[Mapping[Ending, int]] = {
    "succeeded": 0,
    "crashed": 1,
    "refused": REFUSED,
    "failed": FAILED,
    "interrupted": INTERRUPTED,
    "stopped": INTERRUPTED,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a step, or a run, ended; `cause` is what training met, where nothing else tells it."""

    ending: Ending
    exit_code: int
    message: str | None = None
    fix: str | None = None
    cause: FailureCause | None = None

    @property
    def is_good(self) -> bool:
        """Whether the next step may begin."""
        return self.ending == "succeeded"


_ENDINGS: Final[Mapping[type, Ending]] = {Temporary: "interrupted", Refused: "refused"}

SUCCEEDED: Final = Outcome(ending="succeeded", exit_code=0)


@dataclass(frozen=True, kw_only=True)
class AdapterExit:
    """How an adapter's process went.

    `code` is as `subprocess` gives it (-9: killed by signal 9). `asked` is why it was asked to
    stop, `overdue` that its time was up. `message` and `fix` are what it said of its failure,
    `last_lines` what it printed last.
    """

    code: int
    asked: Reason | None = None
    overdue: str | None = None
    message: str | None = None
    fix: str | None = None
    last_lines: tuple[str, ...] = ()


def interpret_exit(step: str, end: AdapterExit) -> Outcome:
    """What the end of an adapter's process means for the run."""
    if end.code == 0:
        return SUCCEEDED
    # Before the signals: a run whose time is up was asked to stop too, by us.
    if end.overdue is not None:
        return Outcome(
            ending="failed",
            exit_code=FAILED,
            message=f"{step} was stopped: the run's time limit of {end.overdue} is used up",
            fix="set resources.maxDuration higher (that makes another plan), or train less",
            cause="time-limit",
        )
    # An adapter that was asked may also die of the signal; that is no failure.
    if end.asked is not None or end.code == INTERRUPTED:
        return make_stopped_outcome(step, end.asked or "interrupted")
    if end.code == REFUSED:
        return Outcome(
            ending="refused",
            exit_code=REFUSED,
            message=end.message or _append_last_lines(f"{step} refused to go on", end),
            fix=end.fix,
        )
    if end.code < 0:
        return _make_killed_outcome(step, -end.code, end)
    return Outcome(
        ending="failed",
        exit_code=FAILED,
        message=f"{step} failed: {end.message}"
        if end.message
        else _append_last_lines(f"{step} failed with exit code {end.code}", end),
        fix=end.fix or "see all that it printed: vtspec logs RUN --raw",
    )


def make_stopped_outcome(step: str, reason: Reason) -> Outcome:
    """The outcome of a step that was asked to stop and did."""
    who = "stopped" if reason == "stopped" else "interrupted"
    return Outcome(ending=reason, exit_code=INTERRUPTED, message=f"{step} was {who}")


def find_error_outcome(error: BaseException) -> Outcome | None:
    """The outcome of a step in this process that raised a foreseen error; None for a bug."""
    match refuse_system_error(error) or error:
        case Permanent() | Temporary() | RunFailed() | Refused() as told:
            return Outcome(
                ending=_ENDINGS.get(type(told), "failed"),
                exit_code=told.exit_code,
                message=told.message,
                fix=told.fix,
            )
        case _:
            return None


def _make_killed_outcome(step: str, number: int, end: AdapterExit) -> Outcome:
    name = _format_signal(number)
    message, fix = f"{step}'s process was killed by {name}", "vtspec run SPEC --resume"
    # Nobody here sent it: a wish to stop is handled above.
    if number == signal.SIGKILL:
        message += ", as the kernel does when memory runs out"
        fix = "lower training.batchSize or training.workers, or free memory; then " + fix
    elif number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL):
        message = _append_last_lines(f"{message}: the framework crashed", end)
        fix = "see all that it printed: vtspec logs RUN --raw"
    return Outcome(ending="failed", exit_code=FAILED, message=message, fix=fix)


def _format_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _append_last_lines(message: str, end: AdapterExit) -> str:
    if not end.last_lines:
        return f"{message}, and printed nothing"
    return "\n".join((f"{message}; the last lines it printed:", *end.last_lines))
