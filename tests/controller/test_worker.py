"""A worker looks when it is told to, and anyway; no error ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from vtspec.pipelines.controller.worker import Pass, SiteWorker
from vtspec.pipelines.errors import Permanent, Temporary

AT_REST = Pass(actions=0, delay_s=None)


@dataclass
class Looks:
    """What each look is to come to, and what it was asked; the last one stops the worker."""

    outcomes: list[Pass | Exception]
    asked: list[set[int]] = field(default_factory=list)
    during: Callable[[int], None] = lambda number: None
    said: list[str] = field(default_factory=list)

    def run(self, **changes: Any) -> "Looks":
        site: Any = SimpleNamespace(forge=SimpleNamespace(repository="acme/vision"))

        def serve(site: object, report: object, numbers: set[int]) -> Pass:
            self.asked.append(set(numbers))
            self.during(len(self.asked))
            outcome = self.outcomes[len(self.asked) - 1]
            if len(self.asked) == len(self.outcomes):
                self.worker.stop()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.worker = SiteWorker(site=site, report=self.said.append, serve=serve, **changes)
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        return self


def test_what_was_done_is_looked_at_once_more() -> None:
    looks = Looks([Pass(actions=3, delay_s=None), AT_REST]).run()
    assert len(looks.asked) == 2


def test_everything_is_looked_at_after_a_while() -> None:
    looks = Looks([AT_REST, AT_REST, AT_REST]).run(sweep_s=0.01)
    assert looks.asked == [set(), set(), set()]


def test_what_is_told_while_it_looks_is_looked_at_next() -> None:
    looks = Looks([AT_REST, AT_REST])

    def tell(number: int) -> None:
        if number == 1:
            for each in (7, 7, 8):
                looks.worker.tell(each)

    looks.during = tell
    assert looks.run(sweep_s=3600).asked == [set(), {7, 8}]


@pytest.mark.parametrize("error", [Temporary("away"), Permanent("refused", fix="grant it")])
def test_what_fails_is_reported_and_looked_at_again(error: Exception) -> None:
    looks = Looks([AT_REST, error, AT_REST])
    looks.during = lambda number: looks.worker.tell(7) if number == 1 else None
    looks.run(sweep_s=3600)
    assert looks.asked == [set(), {7}, {7}]
    assert looks.said == [f"acme/vision: {error}"]


def test_a_forge_that_asks_for_patience_is_given_it() -> None:
    now = [0.0]
    waited: list[float] = []

    class Condition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waited.append(timeout)
            now[0] += timeout
            return False

    looks = Looks([Temporary("limit", delay_s=90.0), AT_REST])
    looks.during = lambda number: looks.worker.tell(7) if number == 1 else None
    looks.run(get_time=lambda: now[0], _changed=Condition())
    assert waited == [90.0]
