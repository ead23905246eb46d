"""An adapter at its training, whole or stopped and gone on with, whatever it trains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from timm_jobs import assert_same_end
from toy_runs import Listener
from vtspec.adapters.contract import Interrupted, Job, TrainingAdapter
from vtspec.adapters.training.loop import fit

_Adapter = TypeVar("_Adapter", bound=TrainingAdapter)


def train(
    kind: type[Any], job: Job, *, stop_after: int | None = None, resume: bool = False
) -> Listener:
    """Train as the loop does; `Interrupted` after so many steps."""
    listener = Listener(stop_after=stop_after)
    fit(kind(job, listener), job, listener, resume)
    return listener


def prepare(kind: Callable[[Job, Listener], _Adapter], job: Job) -> _Adapter:
    """An adapter that could begin to train."""
    adapter = kind(job, Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    return adapter


def assert_stops_change_nothing(
    kind: type[Any], make_job: Callable[[Path], Job], folder: Path, *, stops: int = 4
) -> Job:
    """Stopped after every step of two epochs, so many times, a job with averaged weights ends with
    the bits of an unbroken one, which is given."""
    whole, broken = (make_job(folder / name) for name in ("whole", "broken"))
    train(kind, whole)
    times = 0
    while True:
        try:
            train(kind, broken, stop_after=1, resume=times > 0)
            break
        except Interrupted:
            times += 1
    assert times == stops
    assert_same_end(whole, broken)
    return whole
