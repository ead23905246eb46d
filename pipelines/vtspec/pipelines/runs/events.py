"""What happens in a run, as lines of JSON: the only source of what is shown live or later.

Each line of `events.jsonl` is one event: `{"v": 1, "run", "attempt", "seq", "time", "kind",
"step", …}`. `seq` rises by one within a run and alone orders its events; `time` is UTC in RFC
3339, for people: a wall clock may be set. `elapsed` are the seconds that the run had worked.
Readers ignore kinds and fields that they do not know; numbers that are not finite are written as
null. `n` numbers the lines that an adapter told within a step, and `check`, at a line's end, is
the CRC-32 of the line without it. Nothing here looks at a clock or a file: whoever appends an
event stamps it.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from vtspec.adapters.training.event_stream import replace_nonfinite

from .json_values import to_int, to_mapping, to_number, to_numbers, to_text, to_texts, to_words

VERSION: Final = 1

_CHECK: Final = re.compile(r',"check":"([0-9a-f]{8})"\}\s*\Z')

PRINTED_PREFIX: Final = "vtspec-event "
"""What stands before an event's line where a step prints it; whoever reads it takes only what is
an event and has the run's next `seq`."""

STEPS: Final = ("data", "train", "evaluate", "export", "report")
"""The steps of a run, in their order."""

ADAPTER_STEPS: Final = frozenset({"train", "evaluate", "export"})
"""Those that a framework carries out."""

Ending = Literal["succeeded", "failed", "interrupted", "stopped", "refused", "crashed"]
"""How a run ended. `failed`: the world or the training (exit 3 or 4); `interrupted`: a checkpoint
was left, try again (75); `stopped`: a person stopped it (75 where a checkpoint was left);
`refused`: the input was wrong (2); `crashed`: a bug (1)."""


@dataclass(frozen=True, kw_only=True)
class GitState:
    """The commit that the repository was at, None before the first one; `dirty` where files
    differed from it."""

    commit: str | None
    dirty: bool | None


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """The run began, on what it is carried out; `machine` and `versions` are facts by name.

    `order` is above that of every run there was: unlike a clock it says which of two began later.
    """

    kind: ClassVar[str] = "run.started"
    plan_id: str | None
    plan_digest: str | None
    backend: str | None
    environment: str | None
    machine: Mapping[str, object]
    versions: Mapping[str, object]
    git: GitState | None
    epochs: int | None
    monitor: str | None
    order: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunResumed:
    """The run goes on from its last checkpoint; where a cluster carries it out, `workflow` is what
    `workflow.json` would say of the Workflow that does from now on."""

    kind: ClassVar[str] = "run.resumed"
    from_epoch: float | None
    from_step: float | None
    workflow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunUpdated:
    """The same result is asked for with another policy: no training, and `steps` are done anew.

    `sections` take the place of the plan's own; `changed` are the dotted paths that differ.
    `completion` is its name, and its plan's file's, where the result was there before; `workflow`
    is as in `RunResumed`.
    """

    kind: ClassVar[str] = "run.updated"
    plan_digest: str | None
    previous_digest: str | None
    changed: tuple[str, ...]
    steps: tuple[str, ...]
    sections: Mapping[str, object]
    completion: str | None = None
    workflow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunFinished:
    """The run is over: the terminal event. `artifacts` are checksums by path."""

    kind: ClassVar[str] = "run.finished"
    ending: Ending
    exit_code: int | None
    message: str | None
    fix: str | None
    artifacts: Mapping[str, str]
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """A step began; the envelope names which."""

    kind: ClassVar[str] = "step.started"
    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """A step is over, well or not."""

    kind: ClassVar[str] = "step.finished"
    ending: str | None
    exit_code: int | None
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class TrainStarted:
    """Training starts or goes on; `config` is what the adapter says of it: device, images."""

    kind: ClassVar[str] = "train.started"
    config: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class TrainProgress:
    """Training is within an epoch. `data_wait` is the share of the time since the last one that
    was waited for data; `gpu_memory_bytes` is what the process holds of its GPU."""

    kind: ClassVar[str] = "train.progress"
    epoch: float | None
    step_in_epoch: float | None
    steps_per_epoch: float | None
    loss: float | None
    images_per_s: float | None
    data_wait: float | None = None
    gpu_memory_bytes: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrainEpoch:
    """An epoch was trained and validated; `class_metrics` are by `figure/class`."""

    kind: ClassVar[str] = "train.epoch"
    epoch: float | None
    epochs: int | None
    train_loss: float | None
    val_loss: float | None
    metrics: Mapping[str, float]
    seconds: float | None
    lr: float | None
    class_metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainCheckpoint:
    """A checkpoint is on the disk."""

    kind: ClassVar[str] = "train.checkpoint"
    path: str | None
    epoch: float | None
    step_in_epoch: float | None
    best: bool


@dataclass(frozen=True, kw_only=True)
class TrainAdapted:
    """Training goes on otherwise than planned, from `epoch` finished epochs and steps of the next
    one on: after what (`out-of-memory`, `not-a-number`, `time-limit`), and what it changed, by
    dotted path the value of before and of after."""

    kind: ClassVar[str] = "train.adapted"
    cause: str | None
    epoch: float | None
    step_in_epoch: float | None
    changes: Mapping[str, object]
    message: str | None


@dataclass(frozen=True, kw_only=True)
class TrainFinished:
    """Training is complete; what the framework's own loop did not tell is None."""

    kind: ClassVar[str] = "train.finished"
    metrics: Mapping[str, float]
    best_epoch: float | None
    # A framework that owns its loop does not tell these, which is not the same as no.
    stopped_early: bool | None
    own_seconds: float | None
    step_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The best checkpoint was measured on a split."""

    kind: ClassVar[str] = "evaluated"
    split: str | None
    metrics: Mapping[str, float]
    details_path: str | None
    checkpoint_epoch: float | None


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The model was written in one format."""

    kind: ClassVar[str] = "exported"
    format: str | None
    path: str | None
    max_difference: float | None


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """The model said something of one image: an `InferenceResult` as plain data."""

    kind: ClassVar[str] = "prediction"
    result: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class DataVerified:
    """The data is here, and is what the plan pins."""

    kind: ClassVar[str] = "data.verified"
    hash: str | None
    files: int | None
    bytes: int | None
    path: str | None


@dataclass(frozen=True, kw_only=True)
class ReportWritten:
    """The report is written."""

    kind: ClassVar[str] = "report.written"
    path: str | None
    verdict: str | None


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Something that a person should know came up."""

    kind: ClassVar[str] = "warning"
    message: str | None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A step went wrong, as a person should read it; a traceback only where it is a bug. `cause`
    is what training met, where it is that: a word of `TrainAdapted`."""

    kind: ClassVar[str] = "failed"
    message: str | None
    fix: str | None
    traceback: str | None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Printed:
    """The framework printed a line."""

    kind: ClassVar[str] = "output"
    stream: str
    line: str


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A later vtspec tells of something that this one does not know."""

    kind: str


RunEvent: TypeAlias = RunStarted | RunResumed | RunUpdated | RunFinished
StepEvent: TypeAlias = StepStarted | StepFinished
TrainEvent: TypeAlias = (
    TrainStarted | TrainProgress | TrainEpoch | TrainCheckpoint | TrainAdapted | TrainFinished
)
ResultEvent: TypeAlias = Evaluated | Exported | Predicted | DataVerified | ReportWritten
Message: TypeAlias = Warned | Failed | Printed

Body: TypeAlias = RunEvent | StepEvent | TrainEvent | ResultEvent | Message | Unknown
"""What happened, with the fields of its kind; a value that was not told, or is malformed, is None
or empty."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an adapter's line says: its fields as they came, with those that nobody knows here."""

    kind: str
    fields: Mapping[str, object]


KNOWN: Final = tuple(cls for cls in get_args(Body) if cls is not Unknown)

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    cls.kind: tuple(one.name for one in fields(cls)) for cls in KNOWN
}
"""The kinds of event and the fields of each, beside the envelope, in the order of a line."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. `seq` orders a run's events; `n` is of an adapter's line alone."""

    run: str
    attempt: int
    seq: int
    time: str
    step: str | None
    body: Body
    n: int | None = None
    elapsed: float | None = None

    @property
    def kind(self) -> str:
        """The kind as the line has it."""
        return self.body.kind


def encode_event(event: Event, told: Mapping[str, object] | None = None) -> str:
    """One line of JSON without its newline; NaN and infinities become null.

    `told` are the fields as an adapter wrote them: what its line says beyond what is known here
    is kept for those who know it.
    """
    envelope = {
        "v": VERSION,
        "run": event.run,
        "attempt": event.attempt,
        "seq": event.seq,
        "time": event.time,
        "kind": event.kind,
        "step": event.step,
        **({} if event.n is None else {"n": event.n}),
        **({} if event.elapsed is None else {"elapsed": event.elapsed}),
    }
    return json.dumps(
        replace_nonfinite({**envelope, **(asdict(event.body) if told is None else told)}),
        ensure_ascii=False,
        separators=(",", ":"),
    )


def seal_line(line: bytes) -> bytes:
    """A line of JSON as the log keeps it: with its sum, so that a changed figure is noticed."""
    return line[:-1] + b',"check":"%08x"}' % zlib.crc32(line)


def _is_intact(line: str) -> bool:
    match = _CHECK.search(line)
    # An earlier vtspec wrote none.
    if match is None:
        return True
    sealed = (line[: match.start()] + "}").encode(errors="surrogateescape")
    return zlib.crc32(sealed) == int(match[1], 16)


def decode_event(line: str) -> Event | None:
    """The event of one line, or None where the line is torn, damaged or of another format."""
    if not _is_intact(line):
        return None
    try:
        raw = json.loads(line)
        event = Event(
            # The envelope is not coerced: a line that lacks a part of it is no event of ours.
            run=raw["run"],
            attempt=raw["attempt"],
            seq=raw["seq"],
            time=raw["time"],
            step=raw.get("step"),
            body=read_body(raw["kind"], raw),
            n=to_int(raw.get("n")),
            elapsed=to_number(raw.get("elapsed")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A process that was killed leaves half a line; the reader goes on without it.
        return None
    return event if _is_valid(event) else None


def _is_valid(event: Event) -> bool:
    numbers = (event.attempt, event.seq)
    texts = (event.run, event.time, event.kind, event.step or "")
    # True is an int to isinstance, and no number of an event.
    return all(type(one) is int for one in numbers) and all(type(one) is str for one in texts)


def decode_events(lines: Iterable[str]) -> list[Event]:
    """The events of a file in order of `seq`, each once; in place of damaged ones a warning."""
    # Of two lines with one number the later is of whoever took the run over.
    found = {event.seq: event for line in lines if (event := decode_event(line)) is not None}
    events: list[Event] = []
    for seq in sorted(found):
        if events and seq > events[-1].seq + 1:
            events.append(_make_gap_warning(events[-1], seq))
        events.append(found[seq])
    return events


def _make_gap_warning(before: Event, seq: int) -> Event:
    first, last = before.seq + 1, seq - 1
    which = f"event {first} is" if first == last else f"events {first} to {last} are"
    message = f"{which} damaged or missing in events.jsonl; what follows is without"
    return replace(before, seq=first, n=None, elapsed=None, body=Warned(message=message))


def read_body(kind: str, told: Mapping[str, object]) -> Body:
    """The fields of a kind out of plain data; never raises for what is in it."""
    known = _READERS.get(kind)
    if known is None:
        return Unknown(kind=kind)
    make, readers = known
    return make(**{name: read(told.get(name)) for name, read in readers})


def _to_ending(value: object) -> Ending:
    # One that a later vtspec knows is none that anybody could act on here.
    return next((one for one in get_args(Ending) if one == value), "crashed")


def _to_git_state(value: object) -> GitState | None:
    told = to_mapping(value)
    if not told:
        return None
    dirty = told.get("dirty")
    return GitState(
        commit=to_text(told.get("commit")), dirty=None if dirty is None else bool(dirty)
    )


_Read: TypeAlias = Callable[[object], object]

# A field's annotation says how it is read, so that no kind needs a reader of its own.
_BY_TYPE: Final[Mapping[object, _Read]] = {
    # A blank line that was printed is one; a message that is empty is none.
    str: lambda value: value if isinstance(value, str) else "",
    str | None: to_text,
    float | None: to_number,
    int | None: to_int,
    bool: lambda value: value is True,
    bool | None: lambda value: value if isinstance(value, bool) else None,
    Mapping[str, float]: to_numbers,
    Mapping[str, str]: to_texts,
    Mapping[str, object]: to_mapping,
    tuple[str, ...]: to_words,
    Ending: _to_ending,
    GitState | None: _to_git_state,
}

_READERS: Final[Mapping[str, tuple[Callable[..., Body], Sequence[tuple[str, _Read]]]]] = {
    cls.kind: (cls, [(one.name, _BY_TYPE[one.type]) for one in fields(cls)]) for cls in KNOWN
}
