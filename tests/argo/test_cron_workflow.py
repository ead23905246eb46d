"""A plan on a schedule: the very Workflow of the plan, at its times, until it has succeeded."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hera.workflows import models

from cluster_plans import GPU, a_cluster_project, a_published_plan, publish, some_settings
from vtspec.pipelines.argo import render, render_cron_workflow
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.schema.kinds.experiment import Schedule

NIGHTLY = Schedule(cron="30 22 * * mon-FRI", time_zone="Asia/Seoul")

# Argo's own schema of a schedule, manifests/base/crds/full/argoproj.io_cronworkflows.yaml.
SCHEDULE = r"([0-9*,/?-]+\s+){4}[0-9*,/?-]+"


def rendered(plan: Plan, schedule: Schedule = NIGHTLY, attempt: int = 1) -> dict[str, Any]:
    return render_cron_workflow(plan, some_settings(plan), schedule, attempt)


def test_its_workflows_are_the_very_one_of_the_plan() -> None:
    plan = a_published_plan(resources=GPU)
    found, workflow = rendered(plan), render(plan, some_settings(plan))
    assert found["spec"]["workflowSpec"] == workflow["spec"]
    assert found["spec"]["workflowMetadata"] == {
        "labels": workflow["metadata"]["labels"],
        "annotations": workflow["metadata"]["annotations"],
    }
    assert found["metadata"]["name"] == workflow["metadata"]["name"]
    assert found["metadata"]["namespace"] == workflow["metadata"]["namespace"]


def test_its_times_are_numbers_and_in_a_zone_that_is_named() -> None:
    spec = rendered(a_published_plan())["spec"]
    assert (spec["schedules"], spec["timezone"]) == (["30 22 * * 1-5"], "Asia/Seoul")
    assert re.fullmatch(SCHEDULE, spec["schedules"][0])
    # Argo's controller would take its own machine's.
    assert rendered(a_published_plan(), Schedule(cron="0 3 * * *"))["spec"]["timezone"] == "UTC"


def test_no_two_run_at_once_and_none_after_one_has_succeeded() -> None:
    spec = rendered(a_published_plan())["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    stops = spec["stopStrategy"]["expression"]
    assert stops == "cronworkflow.succeeded >= 1 || cronworkflow.failed >= 3"


def test_the_schedules_of_a_spec_are_found_by_its_name() -> None:
    plan = a_published_plan()
    labels = rendered(plan)["metadata"]["labels"]
    assert (labels["vtspec.dev/spec"], labels["vtspec.dev/plan"]) == (plan.name, plan.id)


def test_a_name_that_argo_could_not_lengthen_is_refused() -> None:
    # The longest name of an experiment, and a run's that Argo adds a time to.
    plan = publish(replace(a_published_plan(), name="n" * 40))
    first = rendered(plan)["metadata"]["name"]
    assert len(first) + len("-1764385200") <= 63
    with pytest.raises(Refused, match=r"has 52 characters\n  fix: shorten .* by 1,"):
        rendered(plan, attempt=2)
    assert rendered(a_published_plan(), attempt=2)["metadata"]["name"].endswith("-2")


def test_a_schedule_changes_neither_the_id_nor_the_digest_of_a_plan() -> None:
    scheduled = a_published_plan(schedule={"cron": "0 3 * * *"})
    assert scheduled == a_published_plan()


def test_nothing_of_it_is_a_template_or_shared() -> None:
    plan, project = a_published_plan(description="{{workflow.name}}"), a_cluster_project()
    found = render_cron_workflow(plan, some_settings(plan, project), NIGHTLY)
    assert "{{" not in json.dumps(found)
    models.CronWorkflow.model_validate(found)
    labels = found["metadata"]["labels"]
    assert labels is not found["spec"]["workflowMetadata"]["labels"]
