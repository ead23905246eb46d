"""Rendering a plan as a Workflow, against Hera's DSL building the same DAG.

Both make plain data of the same five steps with the same containers, volumes and retries, in one
process, in rounds that take turns; CPU time, medians. The same DAG is held: what Hera builds is
compared with what is rendered, save the fields in which its DSL writes defaults of its own.

Run: python benchmarks/render.py [--rounds N] [--count N]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hera.workflows import DAG, Container, Task, Workflow, models

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from cluster_plans import GPU, a_published_plan, some_settings
from vtspec.pipelines.argo import RenderSettings, render, render_plan_config
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs.events import STEPS

BAR = 2000


def build_with_hera(ours: dict[str, Any]) -> dict[str, Any]:
    """The Workflow as someone writes it in Hera's DSL, of the values that ours has."""
    spec, templates = ours["spec"], {one["name"]: one for one in ours["spec"]["templates"]}
    with Workflow(
        name=ours["metadata"]["name"],
        namespace=ours["metadata"]["namespace"],
        labels=ours["metadata"]["labels"],
        annotations=ours["metadata"]["annotations"],
        entrypoint=spec["entrypoint"],
        service_account_name=spec["serviceAccountName"],
        automount_service_account_token=False,
        executor=models.ExecutorConfig(service_account_name=spec["serviceAccountName"]),
        security_context=models.PodSecurityContext.model_validate(spec["securityContext"]),
        pod_metadata=models.Metadata(labels=spec["podMetadata"]["labels"]),
        pod_spec_patch=spec["podSpecPatch"],
        archive_logs=False,
        active_deadline_seconds=spec["activeDeadlineSeconds"],
        ttl_strategy=models.TTLStrategy.model_validate(spec["ttlStrategy"]),
        pod_gc=models.PodGC.model_validate(spec["podGC"]),
        volumes=[models.Volume.model_validate(one) for one in spec["volumes"]],
    ) as workflow:
        made = {name: build_container(templates[name]) for name in STEPS}
        with DAG(name="run"):
            before = None
            for name in STEPS:
                task = Task(name=name, template=made[name])
                if before is not None:
                    task.dependencies = [before]
                before = name
    built: dict[str, Any] = workflow.to_dict()
    return built


def build_container(template: dict[str, Any]) -> Container:
    """One step's template in Hera's DSL."""
    container = template["container"]
    return Container(
        name=template["name"],
        image=container["image"],
        image_pull_policy=container["imagePullPolicy"],
        command=container["command"],
        args=container["args"],
        working_dir=container["workingDir"],
        env=[models.EnvVar.model_validate(one) for one in container["env"]],
        env_from=[models.EnvFromSource.model_validate(one) for one in container.get("envFrom", ())]
        or None,
        resources=models.ResourceRequirements.model_validate(container["resources"]),
        volume_mounts=[
            models.VolumeMount.model_validate(one) for one in container["volumeMounts"]
        ],
        security_context=models.SecurityContext.model_validate(container["securityContext"]),
        labels=template["metadata"]["labels"],
        active_deadline_seconds=template["activeDeadlineSeconds"],
        retry_strategy=models.RetryStrategy.model_validate(template["retryStrategy"]),
        node_selector=template.get("nodeSelector"),
        tolerations=[models.Toleration.model_validate(one) for one in template["tolerations"]]
        if "tolerations" in template
        else None,
        volumes=[models.Volume.model_validate(one) for one in template["volumes"]]
        if "volumes" in template
        else None,
    )


def normalize(workflow: dict[str, Any]) -> Any:
    """A Workflow as Argo's models have it, its templates by name."""
    taken = models.Workflow.model_validate(workflow)
    plain = taken.model_dump(by_alias=True, exclude_none=True, mode="json")
    plain["spec"]["templates"] = {one["name"]: one for one in plain["spec"]["templates"]}
    return plain


def measure(work: Callable[[], object], count: int) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - started) / count


def main() -> None:
    """Measure both and print the ratio; fails below the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    plan: Plan = a_published_plan(resources=GPU)
    settings: RenderSettings = some_settings(plan)
    ours = render(plan, settings)
    if normalize(build_with_hera(ours)) != normalize(ours):
        sys.exit("the two Workflows differ, so their times say nothing")
    times = [
        (
            measure(lambda: render(plan, settings), options.count),
            measure(lambda: build_with_hera(ours), max(1, options.count // 10)),
            measure(lambda: render_plan_config(plan, settings), options.count),
        )
        for _ in range(options.rounds)
    ]
    rendered, built, config = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"render       {1 / rendered:8.0f} Workflows/s (bar {BAR})")
    print(f"Hera's DSL   {1 / built:8.0f} Workflows/s, the same DAG: {built / rendered:.1f} x")
    print(f"the plan's ConfigMap beside it: {1 / (rendered + config):.0f} runs/s")
    if 1 / rendered < BAR:
        sys.exit(f"below the bar of {BAR}/s")


if __name__ == "__main__":
    main()
