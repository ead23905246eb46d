"""Data that was changed after a run is told of where the run's result is only shown."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from local_repository import Repository, Watcher, a_local, a_repository
from run_folders import EVALUATED, STARTED, SUCCEEDED, a_run_folder, events_of
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.fetch import PinnedData, describe_changed_data
from vtspec.pipelines.data.source import DvcSource, PathSource
from vtspec.pipelines.execution.local import RunOptions
from vtspec.pipelines.runs.events import Event

UPDATE = "vtspec datasets update shapes"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return a_repository(tmp_path)


def folder_of(repository: Repository) -> Path:
    return repository.root / "data" / "shapes"


def checked(repository: Repository) -> list[Event]:
    content = hash_content(folder_of(repository))
    told = {"hash": content.hash, "files": content.files, "bytes": content.bytes}
    return events_of([STARTED, ("data.verified", told), EVALUATED, SUCCEEDED], repository.name)


def describe(repository: Repository, events: list[Event], **source: str) -> str | None:
    made = {"path": "data/shapes", **source}
    pinned = PinnedData(
        name="shapes",
        hash=repository.planned.dataset.hash,
        source=PathSource(**made) if not source else DvcSource(**made),
    )
    return describe_changed_data(pinned, repository.root, events)


def add(folder: Path) -> None:
    (folder / "train" / "circle" / "new.png").write_bytes(b"new")


def remove(folder: Path) -> None:
    (folder / "train" / "circle" / "000.png").unlink()


def flip_a_byte(folder: Path) -> None:
    picture = folder / "train" / "circle" / "000.png"
    content = bytearray(picture.read_bytes())
    content[-1] ^= 1
    picture.write_bytes(content)


def swap_two(folder: Path) -> None:
    first, second = (folder / "train" / name / "000.png" for name in ("circle", "cross"))
    first.rename(folder / "kept")
    second.rename(first)
    (folder / "kept").rename(second)


@pytest.mark.parametrize("change", [add, remove, flip_a_byte, swap_two])
@pytest.mark.parametrize("source", [{}, {"remote": "shelf"}])
def test_a_change_is_told_with_what_brings_the_spec_up_to_it(
    repository: Repository, change: Callable[[Path], None], source: dict[str, str]
) -> None:
    events = checked(repository)
    assert describe(repository, events, **source) is None
    change(folder_of(repository))
    told = describe(repository, events, **source) or ""
    assert "is not the data that the plan pins" in told
    assert told.endswith(UPDATE)


def test_files_that_were_only_touched_are_no_change(repository: Repository) -> None:
    events = checked(repository)
    for file in folder_of(repository).rglob("*.png"):
        file.touch()
    assert describe(repository, events) is None


def test_what_lies_nowhere_in_the_workspace_is_dvcs_to_bring(repository: Repository) -> None:
    events = checked(repository)
    shutil.rmtree(folder_of(repository))
    assert describe(repository, events, remote="shelf") is None
    assert "there is no" in (describe(repository, events) or "")
    # Another repository's data is not what lies at its path here.
    add_to = folder_of(repository) / "train" / "circle"
    add_to.mkdir(parents=True)
    add(folder_of(repository))
    assert describe(repository, events, repo="../other", rev="main") is None


def test_a_result_that_is_shown_says_that_its_data_was_changed(repository: Repository) -> None:
    content = hash_content(folder_of(repository))
    told = {"hash": content.hash, "files": content.files, "bytes": content.bytes}
    events = [STARTED, ("data.verified", told), EVALUATED, SUCCEEDED]
    a_run_folder(repository.root / "runs", events, repository.planned.to_json())
    for change, count in ((None, 0), (add, 1)):
        if change is not None:
            change(folder_of(repository))
        watcher = Watcher()
        runner = a_local(repository, watcher)
        result = runner.run(repository.planned, RunOptions(), "vtspec run shapes")
        assert result.how == "shown"
        warned = [line for line in watcher.said if line.startswith("warning: ")]
        assert len(warned) == count
        assert all(UPDATE in line for line in warned)
