"""A lock file lets one process in; one that waits says so, one that only tries is told at once."""

import threading
from pathlib import Path

from vtspec.pipelines.runs.lock import hold_lock, try_lock


def test_a_lock_file_is_made_and_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "data.lock"
    with hold_lock(path) as descriptor:
        assert descriptor > 2
        with try_lock(path) as mine:
            assert not mine
    with try_lock(path) as mine:
        assert mine


def test_who_waits_says_so_and_gets_the_lock_in_turn(tmp_path: Path) -> None:
    path, waits, told = tmp_path / "data.lock", threading.Event(), []

    def take() -> None:
        with hold_lock(path, waits.set):
            told.append("second")

    second = threading.Thread(target=take)
    with hold_lock(path):
        second.start()
        assert waits.wait(10)
        told.append("first")
    second.join()

    assert told == ["first", "second"]


def test_a_free_lock_is_taken_without_waiting(tmp_path: Path) -> None:
    told: list[str] = []
    with hold_lock(tmp_path / "data.lock", lambda: told.append("waited")):
        assert told == []
