"""Where a run's folder, data and plan lie in a pod: the one place that says so. Pure.

A run is in its store: each pod copies what its step needs of it into a folder of its own, and
sends what it makes, with the store's Secret or one of the run's own. The pods share a
PersistentVolumeClaim for what can be made again: data that was fetched by its hash, and weights of
a hub.
"""

from typing import Any, Final

from vtspec.pipelines.cache_folder import STORES_FOLDER
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs.object_store import CREDENTIAL_FOLDER, OWN_PREFIX

from .settings import RenderSettings

Json = dict[str, Any]

CACHE: Final = "/vtspec/cache"
HUB_CACHE: Final = f"{CACHE}/huggingface"
PLAN_FILE: Final = "/etc/vtspec/plan.json"
_CREDENTIAL: Final = "/vtspec/credential"


def build_arguments(step: str, attempt: int, settings: RenderSettings) -> list[str]:
    """The arguments of `vtspec step` in a pod. A pod that follows a lost one goes on from it."""
    words = [step, "--plan", PLAN_FILE, "--runs", settings.runs.url]
    words += ["--attempt", str(attempt), "--resume", "--print-events"]
    if step == "data":
        words += ["--remote", settings.remote.url]
        if settings.cache_age is not None:
            words += ["--prune-cache", settings.cache_age]
    return words


def get_credential_name(workflow: str) -> str:
    """The name of the Secret that only the pods of one Workflow are given."""
    return f"run-{workflow}"


def build_variables(settings: RenderSettings) -> list[Json]:
    """What a step's container is told of places."""
    found = [
        {"name": "HOME", "value": "/tmp"},
        {"name": "VTSPEC_CACHE", "value": CACHE},
        {"name": "HF_HOME", "value": HUB_CACHE},
        {"name": "MPLCONFIGDIR", "value": "/tmp/matplotlib"},
    ]
    if settings.runs.role is not None:
        found.append({"name": CREDENTIAL_FOLDER, "value": _CREDENTIAL})
    return found


def build_secrets(step: str, settings: RenderSettings) -> list[Json]:
    """What the environment of a step's container is filled from.

    The data pod has two stores, which need not be of one provider: what is of the runs has a
    prefix, and DVC does not see it.
    """
    found: list[Json] = []
    if settings.runs.secret is not None:
        found.append({"prefix": OWN_PREFIX, "secretRef": {"name": settings.runs.secret}})
    if step == "data" and settings.remote.secret is not None:
        found.append({"secretRef": {"name": settings.remote.secret}})
    return found


def build_volumes(plan_config: str, workflow: str, settings: RenderSettings) -> list[Json]:
    """What every pod of the Workflow may mount."""
    found: list[Json] = [
        {"name": "cache", "persistentVolumeClaim": {"claimName": settings.volume_claim}},
        {"name": "plan", "configMap": {"name": plan_config}},
        {"name": "run", "emptyDir": {"sizeLimit": settings.ephemeral_storage}},
        # The root of a container is read-only.
        {"name": "tmp", "emptyDir": {"sizeLimit": settings.ephemeral_storage}},
    ]
    if settings.runs.role is not None:
        # As files, which the kubelet brings up to date in a pod that runs.
        secret = {"secretName": get_credential_name(workflow), "defaultMode": 0o440}
        found.append({"name": "credential", "secret": secret})
    return found


def build_mounts(step: str, plan: Plan, settings: RenderSettings) -> list[Json]:
    """What the pod of a step sees of them: data is written by step data alone."""
    mounts: list[Json] = [
        {"name": "plan", "mountPath": "/etc/vtspec", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "run", "mountPath": f"{CACHE}/{STORES_FOLDER}"},
        {
            "name": "cache",
            "mountPath": f"{CACHE}/data",
            "subPath": "data",
            "readOnly": step != "data",
        },
    ]
    if settings.runs.role is not None:
        mounts.append({"name": "credential", "mountPath": _CREDENTIAL, "readOnly": True})
    # The adapter fetches weights of a hub itself, at their revision.
    if step != "data" and step != "report" and plan.model.weights is not None:
        mounts.append({"name": "cache", "mountPath": HUB_CACHE, "subPath": "huggingface"})
    return mounts
