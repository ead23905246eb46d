"""What several files here look after."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from object_storage import ObjectStorage
from served_pull_requests import PullRequests, serve_pull_requests


@pytest.fixture
def pulls(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PullRequests]:
    """A repository with a pull request, a cluster and a store, each on loopback."""
    with serve_pull_requests(storage, tmp_path, monkeypatch) as found:
        yield found
