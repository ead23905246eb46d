"""What tests on the real cluster share. They run inside its network: `make cluster-test`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster.addresses import NODE_IP
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from local_cluster.programs import Programs, build_programs
from local_cluster.vtspec_image import publish_toy
from object_storage import BreakableStorage
from run_namespace import give_storage, make_run_namespace
from vtspec.schema.kinds.experiment import Schedule
from workflows import (
    CONFIG_MAPS,
    CRON_WORKFLOWS,
    NAMESPACE,
    QUEUE,
    SCHEDULED,
    Object,
    a_scheduled_run,
    find_scheduled,
    has_ended,
)

KUEUE = "/apis/kueue.x-k8s.io/v1beta2"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the cluster, and is left out where nobody asked for it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    assert "VTSPEC_CLUSTER" in os.environ, "these tests are run by `make cluster-test`"
    return Cluster(os.environ["VTSPEC_CLUSTER"])


@pytest.fixture(scope="session")
def programs() -> Programs:
    return build_programs(print)


@pytest.fixture(scope="session")
def image(cluster: Cluster, programs: Programs) -> str:
    """Python and vtspec, by digest."""
    return publish_toy(cluster.folder, programs)


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[KubernetesApi]:
    """A client, and a namespace with all that docs/cluster.md says a run needs there."""
    api = KubernetesApi(cluster.folder)
    make_run_namespace(api, cluster.folder / "volume")
    yield api
    api.close()


@pytest.fixture(scope="session")
def storage(api: KubernetesApi) -> Iterator[BreakableStorage]:
    """An S3 server on the node's address, and the Secrets that let pods read and write there."""
    found = BreakableStorage(NODE_IP)
    give_storage(api, found.environment)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def succeeded_schedule(api: KubernetesApi, image: str) -> Iterator[Object]:
    """The Workflow that a schedule of every minute has made, once it has succeeded."""
    each_minute = Schedule(cron="* * * * *", time_zone="Asia/Seoul")
    config, scheduled = a_scheduled_run(SCHEDULED, each_minute, image=image)
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    created = api.create(CRON_WORKFLOWS, scheduled)
    assert created["spec"]["workflowMetadata"] == scheduled["spec"]["workflowMetadata"]
    wait_until(lambda: bool(find_scheduled(api)), what="its first Workflow", timeout_s=75)
    wait_until(lambda: has_ended(find_scheduled(api)[0]), what="its end", timeout_s=120)
    (workflow,) = find_scheduled(api)
    labels = scheduled["spec"]["workflowMetadata"]["labels"]
    assert labels.items() <= workflow["metadata"]["labels"].items()
    yield workflow
    api.delete(f"{CRON_WORKFLOWS}/{SCHEDULED}")


# Each resource that a pod asks for; Kueue admits none that asks for another.
QUOTA = {"cpu": "100", "memory": "100Gi", "ephemeral-storage": "1Ti", "nvidia.com/gpu": "1"}


@pytest.fixture(scope="session")
def queue(api: KubernetesApi) -> str:
    """A queue with one GPU for its team; the node has two."""
    resources = [{"name": name, "nominalQuota": quota} for name, quota in QUOTA.items()]
    cluster_queue = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ClusterQueue",
        "metadata": {"name": "team"},
        "spec": {
            "namespaceSelector": {},
            "resourceGroups": [
                {
                    "coveredResources": list(QUOTA),
                    "flavors": [{"name": "gpu", "resources": resources}],
                }
            ],
        },
    }
    flavor = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ResourceFlavor",
        "metadata": {"name": "gpu"},
        "spec": {},
    }
    local = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "LocalQueue",
        "metadata": {"name": QUEUE, "namespace": NAMESPACE},
        "spec": {"clusterQueue": "team"},
    }
    api.apply(f"{KUEUE}/resourceflavors/gpu", flavor)
    api.apply(f"{KUEUE}/clusterqueues/team", cluster_queue)
    api.apply(f"{KUEUE}/namespaces/{NAMESPACE}/localqueues/{QUEUE}", local)
    return QUEUE
