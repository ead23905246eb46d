"""What is put into the cluster once its API server answers: kinds, webhooks, GPUs, images."""

import base64
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from local_cluster import images
from local_cluster.addresses import (
    KUEUE_VISIBILITY_PORT,
    KUEUE_WEBHOOK_PORT,
    NODE,
    NODE_IP,
    REGISTRY,
)
from local_cluster.daemon import run
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from local_cluster.probes import is_true
from local_cluster.programs import Programs

GPUS = 2
# Of Argo's kinds, those that vtspec creates. The API server takes ten seconds for each of the
# others' schemas, which are as large, and what Argo itself writes needs no check.
_CREATED = ("Workflow", "CronWorkflow")
# Kueue's webhooks of these kinds; the others are of frameworks that are not installed here.
_KUEUE_KINDS = ("clusterqueue", "cohort", "job", "pod", "resourceflavor", "workload")


def add_gpus(api: KubernetesApi) -> None:
    """Let the node say that it has GPUs: the scheduler counts what it says, no pod sees any."""
    gpus = {"nvidia.com/gpu": str(GPUS)}
    status = {"status": {"capacity": gpus, "allocatable": gpus}}
    api.merge(f"/api/v1/nodes/{NODE}/status", status)


def install_kinds(api: KubernetesApi, programs: Programs) -> None:
    """The namespaces of Argo and Kueue, and their kinds from their modules' manifests."""
    for name in ("argo", "kueue-system"):
        api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    settings = {"metadata": {"name": "workflow-controller-configmap"}, "data": {}}
    api.create("/api/v1/namespaces/argo/configmaps", settings)
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    paths = [
        path
        for path in (
            *programs.manifests("argo", "manifests/base/crds/full"),
            *programs.manifests("kueue", "config/components/crd/bases"),
        )
        if path.name != "kustomization.yaml"
    ]
    assert len(paths) > 15, f"of Argo and Kueue only {paths}"
    kinds = [_shorten(yaml.load(path.read_text(), yaml.CSafeLoader)) for path in paths]
    # All, and then each: the server publishes all schemas anew whenever there is another.
    for kind in kinds:
        api.create(crds, kind)
    for kind in kinds:
        name = kind["metadata"]["name"]
        wait_until(
            partial(_has_condition, api, f"{crds}/{name}", "Established"),
            what=f"{name} is established",
        )


def _shorten(kind: dict[str, Any]) -> dict[str, Any]:
    """The kind as it is read in half the time: without the words of its schema, or without one."""
    spec = kind["spec"]
    is_checked = spec["group"] != "argoproj.io" or spec["names"]["kind"] in _CREATED
    for version in spec["versions"]:
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schema = version["schema"]["openAPIV3Schema"] if is_checked else anything
        version["schema"]["openAPIV3Schema"] = _drop_words(schema)
    return kind


def _drop_words(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_drop_words(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    # A field that is called so has a schema, and no text.
    return {
        key: _drop_words(value)
        for key, value in schema.items()
        if key != "description" or not isinstance(value, str)
    }


def _has_condition(api: KubernetesApi, path: str, condition: str) -> bool:
    return is_true(api.get(path), condition)


def install_webhooks(api: KubernetesApi, programs: Programs, folder: Path) -> None:
    """Kueue's webhooks, by its address instead of a service."""
    authority = (folder / "kueue-certificates" / "tls.crt").read_bytes()
    (manifests,) = [
        path
        for path in programs.manifests("kueue", "config/components/webhook")
        if path.name == "manifests.yaml"
    ]
    for kind in yaml.load_all(manifests.read_text(), yaml.CSafeLoader):
        kept = [one for one in kind["webhooks"] if one["name"][1:].split(".")[0] in _KUEUE_KINDS]
        assert len(kept) >= 5, "Kueue's webhooks have other names"
        for webhook in kept:
            path = webhook["clientConfig"]["service"]["path"]
            webhook["clientConfig"] = {
                "url": f"https://{NODE_IP}:{KUEUE_WEBHOOK_PORT}{path}",
                "caBundle": base64.b64encode(authority).decode(),
            }
        plural = f"{kind['kind'][0].lower()}{kind['kind'][1:]}s".lower()
        kind["metadata"]["name"] = f"kueue-{kind['metadata']['name']}"
        api.create(f"/apis/admissionregistration.k8s.io/v1/{plural}", {**kind, "webhooks": kept})


def install_visibility(api: KubernetesApi) -> None:
    """Kueue's aggregated API, which tells the place in a queue, as its manifests have it; the
    service leads to the node, where Kueue is a process and no pod."""
    place = {"namespace": "kueue-system", "name": "visibility-server"}
    leads = {"type": "ExternalName", "externalName": NODE_IP}
    service = {"metadata": {"name": place["name"]}, "spec": leads}
    api.create("/api/v1/namespaces/kueue-system/services", service)
    kinds = "/apis/apiregistration.k8s.io/v1/apiservices"
    for version in ("v1beta1", "v1beta2"):
        name = f"{version}.visibility.kueue.x-k8s.io"
        spec = {
            "group": "visibility.kueue.x-k8s.io",
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {**place, "port": KUEUE_VISIBILITY_PORT},
        }
        api.create(kinds, {"metadata": {"name": name}, "spec": spec})
        served = partial(_has_condition, api, f"{kinds}/{name}", "Available")
        wait_until(served, what=f"{name} is served")


def push_program(folder: Path, programs: Programs, program: str, path: str) -> str:
    """An image of one program, and its reference by digest."""
    made = folder / "images"
    made.mkdir(exist_ok=True)
    layer = images.write_layer(made / f"{program}.tar", {path: programs.path(program)})
    config = {"Entrypoint": [f"/{path}"], "Env": ["PATH=/bin"]}
    # That of an earlier call on the same cluster.
    shutil.rmtree(made / program, ignore_errors=True)
    layout = images.write_image(made / program, [layer], config=config)
    crane = programs.path("crane")
    # The last line is the reference by digest.
    return run(crane, "push", layout, f"{REGISTRY}/{program}:1", "--insecure").split()[-1]
