"""Asking a run that another process carries out to stop."""

import os
import signal
import time
from collections.abc import Callable

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.state import RunState

POLL_S = 0.1


def stop_run(run: Run, timeout_s: float, sleep: Callable[[float], None] = time.sleep) -> RunState:
    """Ask the run to write a checkpoint and end, and wait for it; the state it ended in.

    The signal is SIGINT: a person asked, where SIGTERM says that the machine is needed. It goes
    to nobody but the process that holds the run's lock.

    Raises `Refused` where nothing works on the run, `Permanent` where that is on another machine
    or is not ours, `Temporary` where the run has not ended in `timeout_s`.
    """
    holder, stop = run.find_holder(), format_command("vtspec", "stop", run.name)
    if holder is None:
        raise Refused(f"nothing works on {run.name}: it {_describe_end(run)}", fix="vtspec status")
    if not holder.is_here:
        raise Permanent(f"{run.name} is carried out on {holder.host}", fix=f"{stop} there")
    # Where vtspec itself was killed, its adapter is asked, which knows SIGTERM.
    target = (holder.pid, signal.SIGINT) if holder.pid else (holder.adapter, signal.SIGTERM)
    _send_signal(run, *target)
    waited = 0.0
    # The terminal event comes before the lock goes, so that its state is there to read.
    while run.is_alive():
        if waited >= timeout_s:
            raise Temporary(
                f"{run.name} was asked to stop and has not ended in {timeout_s:g} s",
                fix=f"wait, or end it without a checkpoint: {stop}",
            )
        sleep(POLL_S)
        waited += POLL_S
    return run.read_state()


def _send_signal(run: Run, pid: int | None, number: signal.Signals) -> None:
    if pid is None:
        # What holds the lock is on its way out.
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise Permanent(
            f"{run.name} is carried out by another user's process {pid}",
            fix=f"ask them, or as that user: {format_command('vtspec', 'stop', run.name)}",
        ) from error


def _describe_end(run: Run) -> str:
    state = run.read_state()
    return f"is over ({state.status})" if state.is_over else "is dead since it was killed"
