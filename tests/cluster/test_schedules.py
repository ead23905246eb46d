"""A plan on a schedule: Argo makes its Workflow at the time, and none once one has succeeded."""

import time

from local_cluster.kubernetes_api import KubernetesApi, wait_until
from vtspec.schema.kinds.experiment import Schedule
from workflows import (
    CONFIG_MAPS,
    CRON_WORKFLOWS,
    WORKFLOWS,
    Object,
    a_scheduled_run,
    has_ended,
)

EACH_MINUTE = Schedule(cron="* * * * *", time_zone="Asia/Seoul")
NAME = "each-minute"


def _children(api: KubernetesApi) -> list[Object]:
    selector = f"workflows.argoproj.io/cron-workflow={NAME}"
    found = api.get(WORKFLOWS, labelSelector=selector)["items"]
    assert isinstance(found, list)
    return found


def test_a_plan_runs_at_its_time_and_not_again_once_it_has_succeeded(
    api: KubernetesApi, image: str
) -> None:
    config, scheduled = a_scheduled_run(NAME, EACH_MINUTE, image=image)
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    api.delete(f"{CRON_WORKFLOWS}/{NAME}")
    created = api.create(CRON_WORKFLOWS, scheduled)
    assert created["spec"]["workflowMetadata"] == scheduled["spec"]["workflowMetadata"]
    wait_until(lambda: bool(_children(api)), what="its first Workflow", timeout_s=75)
    wait_until(lambda: has_ended(_children(api)[0]), what="its end", timeout_s=120)
    [workflow] = _children(api)
    assert workflow["status"]["phase"] == "Succeeded"
    # Found by the plan as any run of it is.
    labels = scheduled["spec"]["workflowMetadata"]["labels"]
    assert labels.items() <= workflow["metadata"]["labels"].items()
    assert workflow["metadata"]["annotations"]["vtspec.dev/digest"].startswith("sha256:")
    wait_until(
        lambda: api.get(f"{CRON_WORKFLOWS}/{NAME}")["status"].get("phase") == "Stopped",
        what="Argo has counted the success",
    )
    # Over the next minute, and what the controller may take to see it.
    time.sleep(75)
    assert [one["metadata"]["uid"] for one in _children(api)] == [workflow["metadata"]["uid"]]
    assert api.get(f"{CRON_WORKFLOWS}/{NAME}")["status"]["succeeded"] == 1
    api.delete(f"{CRON_WORKFLOWS}/{NAME}")
