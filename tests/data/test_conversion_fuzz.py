"""Spoiled datasets of every kind of label: inspection, conversion and training agree on them."""

from pathlib import Path

import pytest

from conversion_trial import try_conversion
from dataset_mutants import MORE_BUILDERS, iter_mutants

MUTANTS = 360
MANY = 20_000


def count_taken(root: Path, numbers: range) -> int:
    """How many mutants are converted; none of them may go wrong."""
    trials = {
        number: (form, try_conversion(root, files, number))
        for number, form, files in iter_mutants(numbers, MORE_BUILDERS)
    }
    assert {n: (form, trial) for n, (form, trial) in trials.items() if trial.fault} == {}
    assert max(trial.seconds for _, trial in trials.values()) < 5
    return sum(trial.is_taken for _, trial in trials.values())


@pytest.mark.parametrize("form", MORE_BUILDERS)
def test_what_is_sound_is_converted(tmp_path: Path, form: str) -> None:
    trial = try_conversion(tmp_path / "data", MORE_BUILDERS[form](), number=1)
    assert trial.fault is None, trial.detail
    # Pairs have one format, and no other has a place for them.
    assert trial.is_taken == (form != "pairs")


@pytest.mark.slow
def test_spoiled_datasets_are_converted_as_they_are_read_or_refused(tmp_path: Path) -> None:
    # Of both there are enough, or nothing was tried.
    assert MUTANTS // 10 < count_taken(tmp_path / "data", range(MUTANTS)) < MUTANTS * 9 // 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(0, MANY, MANY // 10))
def test_so_are_very_many(tmp_path: Path, first: int) -> None:
    taken = count_taken(tmp_path / "data", range(first, first + MANY // 10))
    assert MANY // 100 < taken < MANY // 10 * 9 // 10
