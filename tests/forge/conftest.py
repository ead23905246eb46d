"""The real Gitea, of which one serves all tests."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gitea_site import GiteaSite


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[GiteaSite]":
    # Not for who tests GitHub alone: a server is built and started.
    from gitea_site import serve_gitea_site

    with serve_gitea_site(tmp_path_factory.mktemp("forge") / "gitea") as site:
        yield site
