"""The namespace of runs on the cluster of the tests, with all that docs/cluster.md asks for."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from local_cluster.addresses import NODE
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from workflows import CLAIM, DATA_SECRET, NAMESPACE, RUNS_SECRET, SERVICE_ACCOUNT

NAMESPACES = "/api/v1/namespaces"


def make_run_namespace(api: KubernetesApi, volume: Path) -> None:
    """Make it, in place of one of an earlier call; what runs share is in the folder `volume`."""
    _remove_namespace(api)
    _make_namespace(api)
    _make_volume(api, volume)


def give_storage(api: KubernetesApi, environment: Mapping[str, str]) -> None:
    """Let pods read and write there: the Secrets of runs and of data."""
    for name in (RUNS_SECRET, DATA_SECRET):
        secret = {"metadata": {"name": name}, "stringData": dict(environment)}
        api.create(f"{NAMESPACES}/{NAMESPACE}/secrets", secret)


def _remove_namespace(api: KubernetesApi) -> None:
    """That of an earlier call on the same cluster."""
    api.delete(f"{NAMESPACES}/{NAMESPACE}")
    api.delete(f"/api/v1/persistentvolumes/{CLAIM}")
    wait_until(
        lambda: NAMESPACE not in {one["metadata"]["name"] for one in api.get(NAMESPACES)["items"]},
        what=f"namespace {NAMESPACE} of an earlier run is gone",
        timeout_s=120,
    )


def _make_namespace(api: KubernetesApi) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create(NAMESPACES, {"metadata": {"name": NAMESPACE, "labels": labels}})
    account = {"metadata": {"name": SERVICE_ACCOUNT}}
    api.create(f"{NAMESPACES}/{NAMESPACE}/serviceaccounts", account)
    token = {
        "metadata": {
            "name": f"{SERVICE_ACCOUNT}.service-account-token",
            "annotations": {"kubernetes.io/service-account.name": SERVICE_ACCOUNT},
        },
        "type": "kubernetes.io/service-account-token",
    }
    api.create(f"{NAMESPACES}/{NAMESPACE}/secrets", token)
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
    rule = {
        "apiGroups": ["argoproj.io"],
        "resources": ["workflowtaskresults"],
        "verbs": ["create", "patch"],
    }
    api.create(f"{rbac}/roles", {**account, "rules": [rule]})
    binding = {
        **account,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": SERVICE_ACCOUNT,
        },
        "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}],
    }
    api.create(f"{rbac}/rolebindings", binding)


def _make_volume(api: KubernetesApi, folder: Path) -> None:
    """A folder of the node, which the kubelet gives to the group of the pods that mount it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    shared = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {
        "metadata": {"name": CLAIM},
        "spec": {
            **shared,
            "capacity": {"storage": "10Gi"},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
    claim = {
        "metadata": {"name": CLAIM},
        "spec": {
            **shared,
            "volumeName": CLAIM,
            "resources": {"requests": {"storage": "10Gi"}},
        },
    }
    api.create("/api/v1/persistentvolumes", volume)
    api.create(f"{NAMESPACES}/{NAMESPACE}/persistentvolumeclaims", claim)
