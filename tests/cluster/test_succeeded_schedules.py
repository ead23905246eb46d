"""A plan on a schedule is not run again once it has succeeded."""

import time
from datetime import UTC, datetime

from local_cluster.kubernetes_api import KubernetesApi, wait_until
from workflows import CRON_WORKFLOWS, SCHEDULED, Object, find_scheduled

# Over the next minute, and what the controller may take to see it.
SEEN_S = 75


def test_a_plan_that_has_succeeded_is_not_run_at_its_next_time(
    api: KubernetesApi, succeeded_schedule: Object
) -> None:
    path = f"{CRON_WORKFLOWS}/{SCHEDULED}"
    wait_until(
        lambda: api.get(path)["status"].get("phase") == "Stopped",
        what="Argo has counted the success",
    )
    ended = datetime.fromisoformat(succeeded_schedule["status"]["finishedAt"])
    time.sleep(max(0.0, SEEN_S - (datetime.now(UTC) - ended).total_seconds()))
    (workflow,) = find_scheduled(api)
    assert workflow["metadata"]["uid"] == succeeded_schedule["metadata"]["uid"]
    assert api.get(path)["status"]["succeeded"] == 1
