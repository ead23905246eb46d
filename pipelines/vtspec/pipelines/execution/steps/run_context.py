"""Where and with what a run is carried out, whoever asked for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState
from vtspec.pipelines.tracking import SyncResult
from vtspec.pipelines.weights.model_versions import ModelDownload

from .stop_request import StopSignal

OnMessage: TypeAlias = Callable[[str], None]
OnEvent: TypeAlias = Callable[[Event, RunState], None]
OnLine: TypeAlias = Callable[[bytes], None]
"""Hears a line of `events.jsonl` once it is written."""

WriteReport: TypeAlias = Callable[[Path, OnMessage], str]
"""Writes the report of the run in a folder, tells what is amiss with it, and returns the name of
its verdict."""


class Tracker(Protocol):
    """A tracker at work on a run; the run's end ends it too, and it says what arrived."""

    def finish(self, timeout_s: float) -> SyncResult:
        """Wait a while for what is under way; what has arrived and what is left."""
        ...


StartTracker: TypeAlias = Callable[[Path], Tracker | None]
"""Starts the tracker on a run's folder, or does not."""


def start_no_tracker(_folder: Path) -> None:
    """A pod tracks nothing: whoever follows its run does."""


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """`root` is the repository's, `cache` keeps what can be made again, `told` hears events and
    `on_line` their lines, `download` brings a registered model that a plan starts from, `remote`
    is the address of the DVC remote that data is fetched from, where it is not the repository's
    to say. The framework's processes are given `variables` beside this one's own, and inherit the
    descriptors `heirs`."""

    root: Path
    cache: Path
    stop: StopSignal
    report: OnMessage
    write_report: WriteReport
    download: ModelDownload
    told: OnEvent
    track: StartTracker = start_no_tracker
    on_line: OnLine | None = None
    remote: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    heirs: tuple[int, ...] = ()
