"""A repository with a cluster and a store on loopback, for tests of plans on a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster_world import World, a_world
from kubernetes_server import KubernetesServer, running_kubernetes
from object_storage import ObjectStorage


@pytest.fixture
def server() -> Iterator[KubernetesServer]:
    with running_kubernetes() as found:
        yield found


@pytest.fixture
def world(
    storage: ObjectStorage,
    server: KubernetesServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    bucket = "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    return a_world(tmp_path, storage, server, bucket)
