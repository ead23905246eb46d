"""Where a run's folder, data and plan lie in a pod: the one place that says so. Pure.

The pods of a run share a PersistentVolumeClaim. Runs that travel through a run store change this
module and no other of the Workflow's.
"""

from typing import Any, Final

from vtspec.pipelines.planning.plan_model import Plan

from .settings import RenderSettings

Json = dict[str, Any]

RUN_FOLDER: Final = "/vtspec/run"
CACHE: Final = "/vtspec/cache"
HUB_CACHE: Final = f"{CACHE}/huggingface"
PLAN_FILE: Final = "/etc/vtspec/plan.json"


def build_arguments(step: str, attempt: int, settings: RenderSettings) -> list[str]:
    """The arguments of `vtspec step` in a pod. A pod that follows a lost one goes on from it."""
    words = [step, "--plan", PLAN_FILE, "--workdir", RUN_FOLDER]
    words += ["--attempt", str(attempt), "--resume"]
    if step == "data":
        words += ["--remote", settings.remote.url]
    return words


def build_volumes(plan_config: str, settings: RenderSettings) -> list[Json]:
    """What every pod of the run may mount."""
    return [
        {"name": "store", "persistentVolumeClaim": {"claimName": settings.volume_claim}},
        {"name": "plan", "configMap": {"name": plan_config}},
        # The root of a container is read-only.
        {"name": "tmp", "emptyDir": {"sizeLimit": settings.ephemeral_storage}},
    ]


def build_mounts(step: str, run: str, plan: Plan) -> list[Json]:
    """What the pod of a step sees of them: no other run, and data that only step data writes."""
    mounts: list[Json] = [
        {"name": "plan", "mountPath": "/etc/vtspec", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "store", "mountPath": RUN_FOLDER, "subPath": f"runs/{run}"},
        {
            "name": "store",
            "mountPath": f"{CACHE}/data",
            "subPath": "cache/data",
            "readOnly": step != "data",
        },
    ]
    # The adapter fetches weights of a hub itself, at their revision.
    if step != "data" and step != "report" and plan.model.weights is not None:
        mounts.append({"name": "store", "mountPath": HUB_CACHE, "subPath": "cache/huggingface"})
    return mounts
