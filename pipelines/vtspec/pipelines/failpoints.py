"""Places at which a test ends a process, or has it fail: before and after each durable step.

`VTSPEC_FAILPOINT=workflow.create.after=kill` kills the process (SIGKILL) once a Workflow was
created, `=error` raises there, and `=kill@2` does so the second time; several are divided by
commas. Unset, nothing happens.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import count
from typing import Final, Literal, TypeAlias, get_args

from vtspec.pipelines.errors import Refused

VARIABLE: Final = "VTSPEC_FAILPOINT"

DurableStep: TypeAlias = Literal[
    "git.fetch",
    "cost.reserve",
    "run.take-name",
    "run.note-workflow",
    "run.store-plan",
    "run.drop-note",
    "run.tell-event",
    "plan-config.create",
    "workflow.create",
    "workflow.change",
    "credential.put",
    "comment.create",
    "comment.update",
    "reaction.add",
    "status.set",
    "check.report",
    "tracking.send",
]
"""What outlives the process that does it: in a mirror, a store, a cluster, a forge, MLflow."""

_ACTIONS: Final = ("kill", "error")

FAILPOINTS: Final = tuple(
    f"{step}.{side}" for step in get_args(DurableStep) for side in ("before", "after")
)


class InjectedError(Exception):
    """What a failpoint raises: an error that nobody foresaw."""


@dataclass(frozen=True)
class _Armed:
    point: str
    action: str
    hit: int
    hits: "count[int]" = field(default_factory=lambda: count(1))

    def reach(self, point: str) -> None:
        if point != self.point or next(self.hits) != self.hit:
            return
        if self.action == "kill":
            os.write(2, f"failpoint {point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        raise InjectedError(f"failpoint {point}")


@contextmanager
def durable_step(step: DurableStep) -> Iterator[None]:
    """What is done within can be killed before and after; the one that comes first does nothing
    of it, and after the other all of it is done."""
    _reach(f"{step}.before")
    yield
    _reach(f"{step}.after")


def find_failpoint() -> str | None:
    """The failpoints that the environment has armed, None where it names none. Raises `Refused`
    where it names what is none."""
    word = os.environ.get(VARIABLE)
    return None if word is None else ", ".join(one.point for one in _read(word))


def _reach(point: str) -> None:
    word = os.environ.get(VARIABLE)
    for one in () if word is None else _read(word):
        one.reach(point)


@lru_cache(maxsize=1)
def _read(words: str) -> tuple[_Armed, ...]:
    return tuple(_read_one(word) for word in words.split(","))


def _read_one(word: str) -> _Armed:
    point, _, rest = word.partition("=")
    action, _, hit = rest.partition("@")
    if point not in FAILPOINTS:
        (near,) = get_close_matches(point, FAILPOINTS, n=1, cutoff=0.0)
        raise Refused(f"{VARIABLE}={word}: there is no {point!r}", fix=f"{VARIABLE}={near}=kill")
    if action not in _ACTIONS or not (hit or "1").isdecimal():
        fix = f"{VARIABLE}={point}=kill, or =error; @2 behind it for the second time"
        raise Refused(f"{VARIABLE}={word}: {rest!r} is nothing to do there", fix=fix)
    return _Armed(point, action, int(hit or 1))
