"""A worker looks at what it is told of, and anyway at everything; no error ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vtspec.pipelines.controller.actions import WriteComment
from vtspec.pipelines.controller.effects import REFUSED_S, Effects
from vtspec.pipelines.controller.site import Site
from vtspec.pipelines.controller.worker import Pass, SiteWorker
from vtspec.pipelines.errors import Permanent, Temporary

AT_REST = Pass(actions=0, delay_s=None)


@dataclass
class Looks:
    """What each look is to come to, and what it was asked, None for everything; the last one stops
    the worker."""

    outcomes: list[Pass | Exception]
    asked: list[list[int] | None] = field(default_factory=list)
    during: Callable[[int], None] = lambda number: None
    said: list[str] = field(default_factory=list)

    def run(self, surveyed: set[int] | None = None, **changes: Any) -> "Looks":
        forge = SimpleNamespace(repository="acme/vision")
        site: Any = SimpleNamespace(
            forge=forge, metrics=None, surveyed=surveyed or set(), told=set()
        )

        def serve(
            site: object, report: object, numbers: Any = None, hand_over: object = None
        ) -> Pass:
            self.asked.append(numbers)
            self.during(len(self.asked))
            outcome = self.outcomes[len(self.asked) - 1]
            if len(self.asked) == len(self.outcomes):
                self.worker.stop()
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        looks: Any = {"serve": serve, "survey": serve}
        self.worker = SiteWorker(site=site, report=self.said.append, **looks, **changes)
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        return self


class Clock:
    """A clock that a worker's waiting puts on; `waited` is how long each time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        clock = self

        class Condition(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                assert timeout is not None
                clock.waited.append(timeout)
                clock.now += timeout
                return False

        self.options: dict[str, Any] = {"get_time": lambda: self.now, "_changed": Condition()}


def test_what_was_acted_on_is_looked_at_once_more_and_nothing_else() -> None:
    acted = Pass(actions=3, delay_s=None, due={7: 0.0})
    looks = Looks([acted, AT_REST]).run(sweep_s=3600)
    assert looks.asked == [None, [7]]


def test_what_runs_is_looked_at_after_its_pause() -> None:
    clock = Clock()
    looks = Looks([Pass(actions=0, delay_s=None, due={7: 15.0, 8: 15.0}), AT_REST])
    assert looks.run(**clock.options).asked == [None, [7, 8]]
    assert clock.waited == [15.0]


def test_everything_is_looked_at_after_a_while() -> None:
    clock = Clock()
    assert Looks([AT_REST, AT_REST]).run(sweep_s=60, **clock.options).asked == [None, None]
    assert clock.waited == [60.0]


def test_what_is_told_while_it_looks_is_looked_at_next() -> None:
    looks = Looks([AT_REST, AT_REST])

    def tell(number: int) -> None:
        if number == 1:
            for each in (7, 7, 8):
                looks.worker.tell(each)

    looks.during = tell
    assert looks.run(sweep_s=3600).asked == [None, [7, 8]]


def test_what_somebody_asked_for_goes_before_all_else() -> None:
    looks = Looks([AT_REST, AT_REST, AT_REST])

    def tell(number: int) -> None:
        if number == 1:
            for each in (7, 8, 9):
                looks.worker.tell(each, is_urgent=each == 8)

    looks.during = tell
    assert looks.run(sweep_s=3600).asked == [None, [8], [7, 9]]


def test_a_look_is_at_few_so_that_who_asks_waits_for_few() -> None:
    looks = Looks([AT_REST] * 4)

    def tell(number: int) -> None:
        if number == 1:
            for each in range(1, 8):
                looks.worker.tell(each)
        if number == 2:
            looks.worker.tell(9, is_urgent=True)

    looks.during = tell
    assert looks.run(sweep_s=3600).asked == [None, [1, 2, 3, 4, 5], [9], [6, 7]]


def test_what_a_survey_has_found_waits_for_what_was_told() -> None:
    found = Pass(actions=0, delay_s=None, due=dict.fromkeys(range(1, 8), 0.0))
    looks, surveyed = Looks([found, AT_REST, AT_REST]), {1, 7, 9}

    def tell(number: int) -> None:
        if number == 1:
            looks.worker.tell(9)
            looks.worker.tell(7)

    looks.during = tell
    assert looks.run(surveyed, sweep_s=3600).asked == [None, [1, 2, 3, 7, 9], [4, 5, 6]]
    # What was told of is not as the survey found it.
    assert surveyed == {1}


def test_everything_waits_for_what_was_told_but_not_for_ever() -> None:
    clock = Clock()
    looks = Looks([AT_REST] * 5)

    def tell(number: int) -> None:
        clock.now += 30
        looks.worker.tell(7)

    looks.during = tell
    # At 60 s everything is due, and at 120 s it has waited for as long as it may.
    assert looks.run(sweep_s=60, **clock.options).asked == [None, [7], [7], [7], None]


def test_everything_is_looked_at_in_a_quiet_moment() -> None:
    clock = Clock()
    looks = Looks([AT_REST] * 3)

    def tell(number: int) -> None:
        if number == 1:
            clock.now += 60
            looks.worker.tell(7)

    looks.during = tell
    assert looks.run(sweep_s=60, **clock.options).asked == [None, [7], None]
    assert clock.waited == [2.0]


@pytest.mark.parametrize("error", [Temporary("away"), Permanent("refused", fix="grant it")])
def test_what_fails_is_reported_and_looked_at_again(error: Exception) -> None:
    clock = Clock()
    looks = Looks([AT_REST, error, AT_REST])
    looks.during = lambda number: looks.worker.tell(7) if number == 1 else None
    looks.run(sweep_s=3600, **clock.options)
    assert looks.asked == [None, [7], [7]]
    assert looks.said == [f"acme/vision: {error}"]
    assert clock.waited == [2.0]


def test_what_could_not_be_done_is_tried_again_when_it_may_be() -> None:
    clock = Clock()
    looks = Looks([AT_REST, Pass(actions=1, delay_s=9.0, behind={7}), AT_REST])
    looks.during = lambda number: looks.worker.tell(7) if number == 1 else None
    assert looks.run(sweep_s=3600, **clock.options).asked == [None, [7], [7]]
    assert clock.waited == [9.0]


@pytest.mark.parametrize("behind", [7, None])
def test_what_fails_again_and_again_is_tried_ever_later_and_soon_enough(
    behind: int | None,
) -> None:
    clock = Clock()
    left = Pass(actions=1, delay_s=1.0, behind={behind})
    looks = Looks([AT_REST, *[left] * 6, AT_REST])
    looks.during = lambda number: looks.worker.tell(7) if number == 1 else None
    assert looks.run(sweep_s=3600, **clock.options).asked == [None, *[[7]] * 7]
    assert clock.waited == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_cluster_that_asks_for_patience_is_given_it_by_all() -> None:
    clock = Clock()
    left = Pass(actions=1, delay_s=7.0, behind={7}, patience_s=7.0)
    looks = Looks([AT_REST, left, AT_REST])
    looks.during = lambda number: looks.worker.tell(6 + number) if number < 3 else None
    assert looks.run(sweep_s=3600, **clock.options).asked == [None, [7], [7, 8]]
    assert clock.waited == [7.0]


def test_a_forge_that_asks_for_patience_is_given_it_whatever_is_told() -> None:
    clock = Clock()
    looks = Looks([AT_REST, Temporary("limit", delay_s=90.0), AT_REST])
    looks.during = lambda number: looks.worker.tell(6 + number) if number < 3 else None
    assert looks.run(sweep_s=3600, **clock.options).asked == [None, [7], [7, 8]]
    assert clock.waited == [90.0]


def test_what_was_written_is_looked_at_and_what_failed_later() -> None:
    clock = Clock()
    looks = Looks([AT_REST, AT_REST, AT_REST])

    def write(number: int) -> None:
        if number == 1:
            looks.worker.queue.on_written(8, 20.0)
            looks.worker.queue.on_written(7, None)
            looks.worker.queue.on_written("a" * 40, None)

    looks.during = write
    assert looks.run(sweep_s=3600, **clock.options).asked == [None, [7], [8]]
    assert clock.waited == [20.0]


def test_what_is_handed_over_is_written_by_the_queue() -> None:
    looks = Looks([AT_REST]).run()
    comment = WriteComment(pull_request=7, kind="plan", body="x")
    looks.worker.queue.put(None, [comment])
    assert looks.worker.queue.count() == 1


def test_an_error_that_nobody_foresaw_ends_nothing_and_says_where_it_is_from() -> None:
    looks = Looks([KeyError("plan"), AT_REST]).run(sweep_s=3600)
    assert len(looks.asked) == 2
    (said,) = looks.said
    assert "KeyError: 'plan'" in said and "test_worker.py" in said


def an_effect(
    outcome: Exception | None, asked: list[str], **changes: Any
) -> tuple[Effects, list[str]]:
    """What carries comments out on a forge that ends each first one so."""
    outcomes = iter([outcome])

    def update_comment(comment_id: int, body: str) -> None:
        asked.append(body)
        if (error := next(outcomes, None)) is not None:
            raise error

    said: list[str] = []
    forge: Any = SimpleNamespace(update_comment=update_comment)
    site = Site(forge=forge, folder=Path(), environ={"MY_TOKEN": "canary-1234"})
    repository: Any = None
    return Effects(site=site, repository=repository, report=said.append, **changes), said


BOTH = [
    WriteComment(pull_request=number, kind="progress", body=str(number), comment_id=number)
    for number in (1, 2)
]


@pytest.mark.parametrize(
    ("error", "delay_s"),
    [
        (Temporary("away", delay_s=7.0), 7.0),
        (Permanent("refused", fix="grant it"), REFUSED_S),
        (KeyError("canary-1234"), REFUSED_S),
    ],
)
def test_what_one_action_comes_upon_leaves_the_others_and_is_tried_later(
    error: Exception, delay_s: float
) -> None:
    asked: list[str] = []
    effects, said = an_effect(error, asked)
    effects.carry_out(BOTH)
    assert asked == ["1", "2"]
    assert effects.delay_s == delay_s
    assert len(said) == 1 and "canary" not in said[0]


def test_what_nothing_befalls_is_not_tried_again() -> None:
    asked: list[str] = []
    effects, said = an_effect(None, asked)
    effects.carry_out(BOTH)
    assert (asked, effects.delay_s, said) == (["1", "2"], None, [])
