"""What of a store's run is in its folder here, kept beside its files."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic

from .event_log import EVENTS_FILE
from .lock import LockHolder, hold_lock
from .run_files import measure_file, read_whole_lines

MARKER: Final = ".mirror.json"
"""In a run's folder: which of its objects are there."""

ALIVE_S: Final = 150.0
"""How long a writer is believed that said that it lives."""

_LOCK: Final = ".mirror.lock"
_PART: Final = ".mirror.part"


@dataclass(frozen=True, kw_only=True)
class ObjectCopy:
    """An object's tag, and the file here that has its bytes: size, and mtime in nanoseconds."""

    tag: str
    size: int
    mtime: int

    def differs_from(self, file: Path) -> bool:
        """Whether a file that is there is another than the one that was sent or copied."""
        with suppress(FileNotFoundError):
            return measure_file(file) != (self.size, self.mtime)
        return False


@dataclass(frozen=True, kw_only=True)
class MirrorIndex:
    """What of a run's objects is here, by path in it.

    `made` is when the run came into the store, by its clock. `writer` is the tag by which a
    process of this machine said last that it works on the run, `beat` when another machine's did.
    """

    copies: Mapping[str, ObjectCopy] = field(default_factory=dict)
    made: float = 0.0
    writer: str = ""
    beat: float = 0.0


def read_index(home: Path) -> MirrorIndex:
    """That of a run's folder; empty where there is none."""
    try:
        told = json.loads((home / MARKER).read_text())
        copies = {path: ObjectCopy(**each) for path, each in told.pop("copies").items()}
        return MirrorIndex(copies=copies, **told)
    # Without it everything is copied again, which is no loss.
    except (OSError, ValueError, TypeError, KeyError):
        return MirrorIndex()


def write_index(home: Path, index: MirrorIndex) -> None:
    """Keep it in the run's folder, which is made."""
    home.mkdir(parents=True, exist_ok=True)
    write_file_atomic(home / MARKER, _encode(index))


def note_copies(home: Path, index: MirrorIndex) -> None:
    """Keep it in the run's folder, whole or not at all; for whoever holds the index, and has just
    copied what it tells of. Neither is flushed to the disk: what a power cut takes of an index is
    copied again, and one that outlived the copies would tell of files that are not whole."""
    part = home / _PART
    part.write_text(_encode(index))
    os.replace(part, home / MARKER)


def _encode(index: MirrorIndex) -> str:
    copies = {path: vars(one) for path, one in index.copies.items()}
    return json.dumps({**vars(index), "copies": copies})


@contextmanager
def hold_index(home: Path) -> Iterator[None]:
    """Within, no other process of this machine changes what is here of the run by copying."""
    with hold_lock(home / _LOCK):
        yield


def find_writer(home: Path) -> LockHolder | None:
    """Who works on a mirrored run elsewhere, as far as the last look has heard; or None."""
    if not (home / MARKER).exists() or time.time() - read_index(home).beat > ALIVE_S:
        return None
    return LockHolder(host="another machine")


def find_made(home: Path) -> float | None:
    """When a mirrored run came into its store, by the store's clock; None where it has not."""
    return read_index(home).made or None


def has_unsent(home: Path, index: MirrorIndex) -> bool:
    """Whether more was told here than was ever sent."""
    known = index.copies.get(EVENTS_FILE)
    sent = known.size if known else 0
    with suppress(OSError):
        return (home / EVENTS_FILE).stat().st_size > sent and (
            len(read_whole_lines(home / EVENTS_FILE)) > sent
        )
    return False
