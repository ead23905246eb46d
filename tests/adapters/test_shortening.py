"""How many epochs fit into a time limit is told by what was measured."""

import pytest

from vtspec.adapters.training.shortening import EpochTimes, count_fitting_epochs


@pytest.mark.parametrize(
    ("left_s", "epochs", "wanted", "fitting"),
    [
        (100.0, [10.0], 8, 8),
        (100.0, [10.0], 9, 9),
        (100.0, [10.0], 10, 9),
        (100.0, [20.0, 10.0], 10, 6),
        (10.0, [10.0], 1, 0),
        (-50.0, [10.0], 1, 0),
        (-50.0, [0.0], 7, 7),
    ],
)
def test_as_many_fit_as_there_is_time_for_without_the_reserve(
    left_s: float, epochs: list[float], wanted: int, fitting: int
) -> None:
    assert count_fitting_epochs(left_s, 10.0, epochs, wanted) == fitting


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def train_epoch(times: EpochTimes, clock: Clock, seconds: float, *, is_whole: bool = True) -> None:
    times.begin_epoch(is_whole=is_whole)
    clock.now += seconds
    with times.measure_validation():
        clock.now += 2


def test_the_steps_that_follow_are_left_their_time() -> None:
    clock = Clock()
    times = EpochTimes(clock, 120.0)
    clock.now += 8
    times.end_preparation()
    train_epoch(times, clock, 8)
    # 102 s are left; three steps of 8 s and 2 s take 30 of them.
    assert times.count_fitting(50) == 7
    assert EpochTimes(clock, None).count_fitting(50) is None


def test_the_first_epoch_counts_until_there_is_another_and_a_part_of_one_never() -> None:
    clock = Clock()
    times = EpochTimes(clock, 1000.0)
    train_epoch(times, clock, 3, is_whole=False)
    assert times.count_fitting(100) is None
    train_epoch(times, clock, 98)
    assert times.count_fitting(100) == 7
    with times.measure_checkpoint():
        clock.now += 1
    train_epoch(times, clock, 7)
    # Each takes 10 s with its checkpoint, and 785 s are free.
    assert times.count_fitting(100) == 78
