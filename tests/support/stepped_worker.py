"""Controllers' workers without threads: each does what is due, and their clock is a test's."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.worker import Pass, SiteWorker

_MOST_LOOKS: Final = 40


class HotLoopError(BaseException):
    """Somebody looks again and again and never waits. No error that a worker may live with."""


class _Idle(Exception):
    """There is nothing to do for so many seconds; None until somebody tells of something."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds


class _Condition(threading.Condition):
    def wait(self, timeout: float | None = None) -> bool:
        raise _Idle(timeout)


class SteppedWorker:
    """One worker with its queue of what is to be written. `said` is what it reports, `looks` how
    often it has looked."""

    def __init__(self, site: Site, get_time: Callable[[], float], **options: Any) -> None:
        self.said: list[str] = []
        self.looks = 0
        self._looks_at_once = 0
        self.worker = SiteWorker(
            site=site,
            report=self.said.append,
            get_time=get_time,
            _changed=_Condition(),
            **options,
        )
        self.worker.queue._changed = _Condition()
        self.worker.serve = self._counted(self.worker.serve)
        self.worker.survey = self._counted(self.worker.survey)

    def _counted(self, look: Callable[..., Pass]) -> Callable[..., Pass]:
        def count(*given: Any) -> Pass:
            self.looks += 1
            self._looks_at_once += 1
            if self._looks_at_once > _MOST_LOOKS:
                raise HotLoopError(self.said[-3:])
            done = look(*given)
            _run(self.worker.queue.run)
            return done

        return count

    def work(self) -> float:
        """Do what is due, and write after each look what there is to be written; after how many
        seconds more is due."""
        self._looks_at_once = 0
        seconds = _run(self.worker.run)
        assert seconds is not None
        return seconds


def _run(run: Callable[[], None]) -> float | None:
    try:
        run()
    except _Idle as idle:
        return idle.seconds
    raise AssertionError("it was stopped")


@dataclass
class SteppedTime:
    """The time of some workers, in seconds; `on_pass` hears how much of it goes by."""

    on_pass: Callable[[float], None] = lambda seconds: None
    now: float = 0.0
    workers: list[SteppedWorker] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def add(self, site: Site, **options: Any) -> SteppedWorker:
        """One more worker."""
        made = SteppedWorker(site, self, **options)
        self.workers.append(made)
        return made

    def live(self, seconds: float) -> None:
        """Let so much time go by, and the workers do what is due in it."""
        until = self.now + seconds
        while True:
            pause = min(one.work() for one in self.workers)
            step = min(pause, until - self.now)
            self.now += step
            self.on_pass(step)
            if self.now >= until:
                return
