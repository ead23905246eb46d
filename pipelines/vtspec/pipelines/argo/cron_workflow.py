"""A plan that the cluster carries out at the times of its schedule, once: a CronWorkflow. Pure.

Its Workflows are the very one of the plan. Names of time zones and the numbers of a schedule are
all that it has of a spec beside them, and neither can hold a template.
"""

from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.schema.kinds.cron import parse_cron

from .settings import RenderSettings
from .workflow import PREFIX, render

if TYPE_CHECKING:
    from vtspec.schema.kinds.experiment import Schedule

Json = dict[str, Any]

SPEC: Final = f"{PREFIX}/spec"
"""The label of the spec that was planned: once that is edited, it is another plan, and the
schedule of the one before has to be found."""

LONGEST_NAME: Final = 52
"""Argo makes a Workflow's name of it and of a time in seconds, and that of a label."""

MOST_FAILURES: Final = 3
"""What failed so often would fail in the next night too, on GPUs that others wait for."""

_STARTING_DEADLINE_S: Final = 3600


def render_cron_workflow(
    plan: Plan, settings: RenderSettings, schedule: "Schedule", attempt: int = 1
) -> Json:
    """The CronWorkflow of a run, named like it: its Workflow at each time of the schedule, until
    one has succeeded.

    Raises `Refused` where the name is too long for one, or each run is to have a credential of its
    own.
    """
    if settings.runs.role is not None:
        raise Refused(
            f"{plan.id} has a schedule, and Argo, which begins its runs, cannot give each the "
            "credential of its own that cluster.runsRole asks for",
            fix="begin it now (--set schedule=null), or have vtspec.yaml name a Secret for all "
            "runs, cluster.runsSecret, instead of runsRole",
        )
    workflow = render(plan, settings, attempt)
    metadata, spec = workflow["metadata"], workflow["spec"]
    name = metadata["name"]
    if len(name) > LONGEST_NAME:
        raise Refused(
            f"{name} is too long a name for a CronWorkflow, which has {LONGEST_NAME} characters",
            fix=f"shorten the experiment's name by {len(name) - LONGEST_NAME}, or leave --attempt "
            "out",
        )
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": "CronWorkflow",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {**metadata["labels"], SPEC: plan.name},
            "annotations": {f"{PREFIX}/digest": plan.digest},
        },
        "spec": {
            # In numbers: Argo's schema takes no names.
            "schedules": [parse_cron(schedule.cron).text],
            "timezone": schedule.time_zone,
            # One run has one process at a time.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _STARTING_DEADLINE_S,
            # A plan that has been run is not run again.
            "stopStrategy": {
                "expression": "cronworkflow.succeeded >= 1 || "
                f"cronworkflow.failed >= {MOST_FAILURES}"
            },
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": MOST_FAILURES,
            "workflowMetadata": {
                "labels": dict(metadata["labels"]),
                "annotations": dict(metadata["annotations"]),
            },
            "workflowSpec": spec,
        },
    }
