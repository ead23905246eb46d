"""What happens in a run, as lines of JSON: the only source of what is shown live or later.

Each line of `events.jsonl` is one event: `{"v": 1, "run", "attempt", "seq", "time", "kind",
"step", …}`. `seq` rises by one within a run, `time` is UTC in RFC 3339. Readers ignore kinds and
fields that they do not know; numbers that are not finite are written as null. `n` numbers the
lines that an adapter told within a step. Nothing here looks
at a clock or a file: whoever appends an event stamps it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

VERSION: Final = 1

Ending = Literal["succeeded", "failed", "interrupted", "stopped", "refused", "crashed"]
"""How a run ended. `failed`: the world or the training (exit 3 or 4); `interrupted`: a checkpoint
was left, try again (75); `stopped`: a person stopped it (75 where a checkpoint was left);
`refused`: the input was wrong (2); `crashed`: a bug (1)."""

KINDS: Final[dict[str, tuple[str, ...]]] = {
    # The run as a whole.
    "run.started": (
        "plan_id",
        "plan_digest",
        "backend",
        "environment",
        "machine",
        "versions",
        "git",
        "epochs",
        "monitor",
    ),
    "run.resumed": ("from_epoch", "from_step"),
    "run.finished": ("ending", "exit_code", "message", "fix", "artifacts", "seconds"),
    # A step of it; `step` in the envelope names which.
    "step.started": ("command",),
    "step.finished": ("ending", "exit_code", "seconds"),
    # What an adapter tells.
    "train.started": ("config",),
    "train.progress": ("epoch", "step_in_epoch", "steps_per_epoch", "loss", "images_per_s"),
    "train.epoch": ("epoch", "epochs", "train_loss", "val_loss", "metrics", "seconds", "lr"),
    "train.checkpoint": ("path", "epoch", "step_in_epoch", "best"),
    "train.finished": ("metrics", "best_epoch", "stopped_early", "own_seconds", "step_seconds"),
    "evaluated": ("split", "metrics", "details_path", "checkpoint_epoch"),
    "exported": ("format", "path", "max_difference"),
    "prediction": ("result",),
    "data.verified": ("hash", "files", "bytes", "path"),
    "report.written": ("path", "verdict"),
    "warning": ("message",),
    # What went wrong in a step, as a person should read it; a traceback only where it is a bug.
    "failed": ("message", "fix", "traceback"),
    # Lines that the framework printed.
    "output": ("stream", "line"),
}
"""The kinds of event and the fields of each, beside the envelope."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. `seq` orders a run's events; `data` holds the kind's fields."""

    run: str
    attempt: int
    seq: int
    time: str
    kind: str
    step: str | None
    data: Mapping[str, Any]


def encode_event(event: Event) -> str:
    """One line of JSON without its newline; NaN and infinities become null."""
    envelope = {
        "v": VERSION,
        "run": event.run,
        "attempt": event.attempt,
        "seq": event.seq,
        "time": event.time,
        "kind": event.kind,
        "step": event.step,
    }
    return json.dumps(
        {**envelope, **_replace_nonfinite(dict(event.data))},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def decode_event(line: str) -> Event | None:
    """The event of one line, or None where the line is torn or of another format."""
    try:
        raw = json.loads(line)
        event = Event(
            run=raw.pop("run"),
            attempt=raw.pop("attempt"),
            seq=raw.pop("seq"),
            time=raw.pop("time"),
            kind=raw.pop("kind"),
            step=raw.pop("step", None),
            data={key: value for key, value in raw.items() if key != "v"},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A process that was killed leaves half a line; the reader goes on without it.
        return None
    return event if _is_valid(event) else None


def _is_valid(event: Event) -> bool:
    numbers = (event.attempt, event.seq)
    texts = (event.run, event.time, event.kind, event.step or "")
    return all(type(one) is int for one in numbers) and all(type(one) is str for one in texts)


def decode_events(lines: Iterable[str]) -> list[Event]:
    """The events of a file in order of `seq`, each once."""
    found = {event.seq: event for line in lines if (event := decode_event(line)) is not None}
    return [found[seq] for seq in sorted(found)]


def _replace_nonfinite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _replace_nonfinite(item) for key, item in value.items()}
        case list() | tuple():
            return [_replace_nonfinite(item) for item in value]
        case _:
            return value
