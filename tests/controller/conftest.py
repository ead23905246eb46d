"""What several files here look after."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from attended_pull_requests import LONG_S, Attended, attend_pull_request
from object_storage import ObjectStorage
from served_pull_requests import PullRequests, serve_pull_requests


@pytest.fixture
def pulls(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PullRequests]:
    """A repository with a pull request, a cluster and a store, each on loopback."""
    with serve_pull_requests(storage, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def scene(
    request: pytest.FixtureRequest,
    storage: ObjectStorage,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Attended]:
    """A pull request and who attends to it, where faults are to be met."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "")
    with attend_pull_request(storage, tmp_path_factory.mktemp(name)) as found:
        yield found


@pytest.fixture(scope="module")
def faultless(scene: Attended) -> Mapping[str, Any]:
    """What comes of an approval that nothing befalls."""
    scene.reset()
    scene.approve()
    scene.time.live(LONG_S)
    found = scene.describe()
    assert len(scene.server.workflows()) == 1
    assert found["reactions"] == [["rocket"]]
    return found
