"""Looking on at a run that another process carries out."""

import selectors
from collections.abc import Callable
from typing import BinaryIO

from vtspec.pipelines.execution.steps import OUTPUT_FILE, OnEvent, StopSignal
from vtspec.pipelines.execution.steps.file_tail import Tail, open_tail
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.event_log import EVENTS_FILE
from vtspec.pipelines.runs.events import decode_event
from vtspec.pipelines.runs.state import RunState, apply_event

POLL_S = 0.2


def follow_run(
    run: Run, on_event: OnEvent, stop: StopSignal, refresh: Callable[[], None]
) -> RunState:
    """Tell of every event from the first one on, until the run is over, dead, or `stop` is asked.

    `refresh` is `Runs.refresh` of it: of a run elsewhere it has the events here.
    The state that was reached; it is not over where somebody stopped looking or the run died.
    """
    state = RunState()
    path = run.path / EVENTS_FILE
    path.touch(exist_ok=True)
    with open_tail(path) as tail, selectors.DefaultSelector() as selector:
        selector.register(stop, selectors.EVENT_READ)
        while True:
            # Asked before reading: what was written before its death is still read.
            refresh()
            alive = run.is_alive()
            state = _read_events(tail, state, on_event)
            if stop.reason is not None or not alive:
                return state
            selector.select(POLL_S)


def copy_output(run: Run, into: BinaryIO, stop: StopSignal, *, follow: bool) -> None:
    """Copy every byte that the framework printed; with `follow` until nothing works on the run."""
    with (run.path / OUTPUT_FILE).open("rb") as printed, selectors.DefaultSelector() as selector:
        selector.register(stop, selectors.EVENT_READ)
        while True:
            alive = follow and run.is_alive()
            while block := printed.read(1 << 16):
                into.write(block)
            into.flush()
            if not alive or stop.reason is not None:
                return
            selector.select(POLL_S)


def _read_events(tail: Tail, state: RunState, on_event: OnEvent) -> RunState:
    while tail.is_behind:
        for line in tail.read_lines():
            event = decode_event(line.decode(errors="replace"))
            if event is not None and event.seq > state.seq:
                state = apply_event(state, event)
                on_event(event, state)
    return state
