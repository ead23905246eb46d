"""Events as a pod tells them on its standard output, told from what its framework prints. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from vtspec.pipelines.runs.events import PRINTED_PREFIX, Event, decode_event

_MOST_WAITING: Final = 10_000
"""Events of one run that may come before their turn; more are a flood, and read from the store."""


def read_tagged_line(line: str, run: str) -> Event | None:
    """The event that a line of a pod tells of this run, or None: whatever else was printed."""
    _, tag, told = line.partition(PRINTED_PREFIX)
    # Before the tag there may be half a line of the framework, which shares the stream.
    event = decode_event(told.rstrip("\r\n")) if tag else None
    return event if event is not None and event.run == run else None


@dataclass
class EventOrder:
    """Events that come from several places, handed on in the order of `seq`, each once.

    What a framework prints may look like an event: of what pods say nothing but the very next one
    is taken, and what the store has goes before it.
    """

    seq: int = -1
    _waiting: dict[int, Event] = field(default_factory=dict)

    @property
    def lacks(self) -> bool:
        """Whether one was told whose predecessors are still to come."""
        return bool(self._waiting)

    def add_told(self, event: Event) -> Iterator[Event]:
        """Take in what a pod says; those whose turn it now is."""
        if event.seq > self.seq and len(self._waiting) < _MOST_WAITING:
            self._waiting.setdefault(event.seq, event)
        yield from self._release()

    def add_stored(self, events: Sequence[Event]) -> Iterator[Event]:
        """Take in what the store has, which is all that there is up to its last; those that are
        new."""
        for event in events:
            if event.seq > self.seq:
                self.seq = event.seq
                yield event
        yield from self._release()

    def _release(self) -> Iterator[Event]:
        while (event := self._waiting.pop(self.seq + 1, None)) is not None:
            self.seq = event.seq
            yield event
        for seq in [seq for seq in self._waiting if seq <= self.seq]:
            del self._waiting[seq]
