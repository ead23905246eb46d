"""What an adapter says: a line of JSON into an event, printed lines within a limit. Pure."""

import json
from typing import Final

from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.runs.events import KINDS, Told

ADAPTER_KINDS: Final = frozenset(kind for kind in KINDS if kind.startswith("train.")) | {
    "evaluated",
    "exported",
    "warning",
    "failed",
}
"""The kinds that an adapter may tell; the rest is for vtspec alone to say."""

_ENVELOPE: Final = frozenset(
    {"v", "run", "attempt", "seq", "time", "kind", "step", "n", "elapsed", "check"}
)

LINE_LIMIT: Final = 2000
"""Characters of a printed line that an event keeps."""


class InvalidEvent(ValueError):
    """A line on the events' descriptor that is none; the text says why."""


def parse_event(line: bytes, kinds: frozenset[str] = ADAPTER_KINDS) -> Told:
    """Kind and fields of a line that an adapter wrote. Raises `InvalidEvent`."""
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidEvent("it is not JSON") from None
    if not isinstance(raw, dict):
        raise InvalidEvent("it is not an object")
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidEvent(f"its kind is {str(kind)[:40]!r}, which is not an adapter's to tell")
    # The envelope is ours to write: an adapter's clock and numbers mean nothing here.
    return Told(
        kind=kind, fields={key: value for key, value in raw.items() if key not in _ENVELOPE}
    )


class OutputLimiter:
    """Lets a burst of printed lines through, then a steady trickle, and counts what it leaves out.

    `burst` lines at once and `per_s` lines a second; times are seconds on any steady clock.
    """

    def __init__(self, *, burst: float = 500, per_s: float = 20) -> None:
        self._burst, self._per_s = burst, per_s
        self._room = burst
        self._at: float | None = None
        self._left_out = 0

    def take(self, line: bytes, at: float) -> list[str]:
        """The lines to keep in place of this one: none, itself, or itself after a count."""
        if self._at is not None:
            self._room = min(self._burst, self._room + (at - self._at) * self._per_s)
        self._at = at
        # A flood costs the log's readers more than it tells them; the file has it whole.
        if self._room < 1:
            self._left_out += 1
            return []
        self._room -= 1
        return [*self.flush_omitted(), format_line(line)]

    def flush_omitted(self) -> list[str]:
        """The count of what was left out since the last one, if anything was."""
        left, self._left_out = self._left_out, 0
        return [f"… {pluralize(left, 'line')} left out here; output.log has all"] if left else []


def format_line(line: bytes) -> str:
    """A printed line as an event keeps it: what a terminal would show, cut at `LINE_LIMIT`."""
    # A progress bar rewrites its line with carriage returns; the last state is what stays.
    text = line.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
    if len(text) <= LINE_LIMIT:
        return text
    more = pluralize(len(text) - LINE_LIMIT, "more character")
    return f"{text[:LINE_LIMIT]}… {more} in output.log"
