"""Plans and configurations for a cluster: whole and sound, changed where a test says so."""

from dataclasses import replace
from typing import Any, Final

from plan_inputs import an_experiment, some_inputs
from vtspec.pipelines.argo import RenderSettings, find_settings
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.schema.kinds.project import ProjectSpec

IMAGE_DIGEST: Final = "sha256:" + "c" * 64
RUNS: Final = "s3://acme-runs/vtspec"

PROJECT: Final[dict[str, Any]] = {
    "registry": "registry.example.org/acme",
    "remotes": {"storage": {"url": "s3://data/dvc", "secret": "dvc-storage"}},
    "cluster": {"namespace": "vision", "volumeClaim": "vtspec"},
    "gpuTypes": {
        "t4": {
            "memory": "16Gi",
            "nodeSelector": {"nvidia.com/gpu.product": "Tesla-T4"},
            "tolerations": [
                {"key": "nvidia.com/gpu"},
                {"key": "tier", "value": "spot", "effect": "NoSchedule"},
            ],
            "queue": "t4",
        }
    },
}

GPU: Final = {"gpus": 2, "gpuType": "t4", "cpus": 8, "memory": "32Gi", "maxDuration": "2h"}


def a_cluster_project(**changes: Any) -> ProjectSpec:
    """The configuration of a repository that has a cluster; a value of None takes a field out."""
    fields = {**PROJECT, **changes}
    return ProjectSpec.model_validate({k: v for k, v in fields.items() if v is not None})


def a_published_plan(inputs: dict[str, Any] | None = None, **spec: Any) -> Plan:
    """The plan of an experiment whose framework has a published image."""
    return publish(build_plan(an_experiment(**spec), some_inputs(**(inputs or {}))))


def publish(plan: Plan, digest: str | None = IMAGE_DIGEST) -> Plan:
    """The plan as it is made once its framework's image has been published."""
    draft = replace(plan, framework=replace(plan.framework, image_digest=digest))
    names = identify(draft.to_json())
    return replace(draft, id=names.id, digest=names.digest)


def some_settings(
    plan: Plan, project: ProjectSpec | None = None, runs: str = RUNS
) -> RenderSettings:
    """The settings of the plan's Workflow."""
    found = find_settings(plan, project or a_cluster_project(), runs)
    assert isinstance(found, RenderSettings), found
    return found
