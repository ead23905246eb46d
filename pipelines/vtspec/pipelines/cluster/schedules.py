"""The CronWorkflows of a namespace that begin a plan at their next time."""

from collections.abc import Callable
from dataclasses import dataclass

from vtspec.pipelines.argo.cron_workflow import SPEC
from vtspec.pipelines.argo.workflow import MANAGED

from .kubernetes_client import CRON_WORKFLOWS, KubernetesClient, Object
from .run_workflow import PLAN, find_stores


@dataclass(frozen=True, kw_only=True)
class ScheduledPlan:
    """A CronWorkflow, and the plan and the spec that it is of."""

    name: str
    plan_id: str
    spec_name: str


def find_schedules(
    client: KubernetesClient,
    namespace: str,
    store: str | None,
    is_meant: Callable[[ScheduledPlan], bool],
) -> list[ScheduledPlan]:
    """Those that are meant and will begin their plan, whose runs are in that store. Raises as
    `KubernetesClient` does."""
    raw = client.find(CRON_WORKFLOWS, namespace, MANAGED)
    there = [_read(one) for one in raw if _is_waiting(one) and _is_of_store(one, store)]
    return sorted(filter(is_meant, there), key=lambda one: one.name)


def _is_waiting(raw: Object) -> bool:
    # Argo's word for one whose plan has succeeded, or failed too often.
    return raw.get("status", {}).get("phase") != "Stopped" and not raw["spec"].get("suspend")


def _is_of_store(raw: Object, store: str | None) -> bool:
    stores = find_stores(raw["spec"].get("workflowSpec") or {})
    return store is None or not stores or stores == {store}


def _read(raw: Object) -> ScheduledPlan:
    labels = raw["metadata"].get("labels") or {}
    return ScheduledPlan(
        name=str(raw["metadata"]["name"]),
        plan_id=str(labels.get(PLAN)),
        spec_name=str(labels.get(SPEC)),
    )
