"""Inspection, training and a plain reading of the same bytes agree on spoiled datasets."""

from pathlib import Path

import pytest

from dataset_mutants import BUILDERS, iter_mutants
from plain_reading import read_plainly
from reader_trial import try_dataset

MUTANTS = 480


@pytest.mark.parametrize("form", BUILDERS)
def test_what_is_sound_is_taken(tmp_path: Path, form: str) -> None:
    trial = try_dataset(tmp_path / "data", form, BUILDERS[form]())
    assert (trial.fault, trial.is_taken) == (None, True), trial.detail


@pytest.mark.parametrize("form", BUILDERS)
def test_a_plain_reading_of_what_is_sound_has_every_image(form: str) -> None:
    reading = read_plainly(form, BUILDERS[form]())
    count = 4 if form in ("coco", "yolo", "masks") else 2
    assert {split: len(part) for split, part in reading.items()} == {"train": count, "val": count}
    assert all(labels for part in reading.values() for labels in part.values())


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MUTANTS, MUTANTS // 8))
def test_spoiled_datasets_are_read_by_all_alike_or_refused(tmp_path: Path, first: int) -> None:
    trials = {
        number: try_dataset(tmp_path / "data", form, files)
        for number, form, files in iter_mutants(range(first, first + MUTANTS // 8))
    }
    assert {number: trial for number, trial in trials.items() if trial.fault} == {}
    # Of both there are enough, or nothing was tried.
    assert 10 < sum(trial.is_taken for trial in trials.values()) < MUTANTS // 8 - 10
