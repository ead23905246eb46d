"""An event written into a store by whoever follows a run, and does not carry it out.

On condition: it follows the events that it was decided by, and where others came meanwhile it is
decided anew. So several followers write it once.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.redaction import redact_data

from .event_log import EVENTS_FILE, get_timestamp
from .events import Body, Event, decode_events, encode_event, seal_line
from .object_store import ObjectStore, Overtaken
from .run import Run
from .state import RunState, fold_events

_TRIES: Final = 5


def read_stored_state(store: ObjectStore, run: str) -> tuple[RunState, bytes, str | None]:
    """What a run's events in the store add up to, their bytes, and their tag; no tag where there
    are none yet."""
    found = store.read(f"{run}/{EVENTS_FILE}")
    data, tag = (b"", None) if found is None else found
    return fold_events(decode_events(data.decode(errors="replace").split("\n"))), data, tag


def append_stored_event(
    store: ObjectStore,
    run: str,
    decide: Callable[[RunState], Body | None],
    get_time: Callable[[], str] = get_timestamp,
) -> RunState:
    """Write the event that is decided from a run's state, unless that is None; the state then.

    Raises `Temporary` where others write faster than this can decide.
    """
    for _ in range(_TRIES):
        state, data, tag = read_stored_state(store, run)
        body = decide(state)
        if body is None:
            return state
        whole = data[: data.rfind(b"\n") + 1] + _make_line(run, state, body, get_time())
        key = f"{run}/{EVENTS_FILE}"
        try:
            with durable_step("run.tell-event"):
                if tag is None:
                    store.create(key, whole)
                else:
                    store.replace(key, whole, tag)
        except Overtaken:
            continue
        return fold_events(decode_events(whole.decode(errors="replace").split("\n")))
    raise Temporary(f"{run} is being written by others in {store.url}", fix="try again")


def _make_line(run: str, state: RunState, body: Body, time: str) -> bytes:
    event = Event(
        run=run,
        attempt=Run(Path(run)).attempt,
        seq=state.seq + 1,
        time=time,
        step=None,
        body=body,
        elapsed=round(state.clock.seconds, 3),
    )
    told = redact_data(asdict(body))
    return seal_line(encode_event(event, told).encode(errors="backslashreplace")) + b"\n"
