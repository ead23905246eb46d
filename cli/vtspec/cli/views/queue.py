"""The queue of this machine as a person reads it, and as data."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vtspec.pipelines.operations.queue import describe_turn, format_devices

if TYPE_CHECKING:
    from vtspec.pipelines.execution.local.queue_turns import Ticket, Turn

    from .styled_text import Line


def format_queue(queue: "Sequence[tuple[Ticket, Turn | None]]", width: int) -> Iterator["Line"]:
    """A line for each run that has its place or waits for it; nothing for an empty queue."""
    from .styled_text import format_paragraph

    if not queue:
        return
    yield ()
    yield (("queue of this machine", "bold"),)
    for ticket, turn in queue:
        if turn is None:
            words = f"has {format_devices(ticket.held)}"
        else:
            words = f"is {describe_turn(ticket, turn)}"
        yield from format_paragraph(f"{ticket.run} (process {ticket.pid}) {words}", width)


def serialize_queue(queue: "Sequence[tuple[Ticket, Turn | None]]") -> list[dict[str, object]]:
    """The queue as plain data."""
    return [
        {
            "plan": ticket.run,
            "repository": ticket.root,
            "pid": ticket.pid,
            "devices": list(ticket.held),
            "waitsFor": None
            if turn is None
            else {"count": ticket.count, "of": list(ticket.among)},
            "position": None if turn is None else turn.position,
        }
        for ticket, turn in queue
    ]
