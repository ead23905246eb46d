"""What `vtspec render` prints, on file: for every spec under `specs/`, and for runs on GPUs."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.workflows import models

from cluster_plans import GPU, a_cluster_project, a_published_plan, publish, some_settings
from vtspec.cli.views.manifests import format_manifests
from vtspec.pipelines.argo import render, render_cron_workflow, render_plan_config
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.repository import find_repository
from vtspec.schema.kinds.experiment import Schedule
from vtspec.schema.kinds.project import ProjectSpec

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "workflows"
SPECS = sorted((ROOT / "specs" / "experiments").rglob("*.yaml"))

SEMAPHORES = {
    "namespace": "vision",
    "volumeClaim": "vtspec",
    "runsSecret": "vtspec-runs",
    "semaphores": {"t4": 2},
}
RUN_ROLE = {
    "namespace": "vision",
    "volumeClaim": "vtspec",
    "runsRole": {"arn": "arn:aws:iam::123456789012:role/vtspec-run"},
}
TEAMS = {"vision": {"specs": ["specs/experiments"], "queue": "vision"}}

GPU_RUNS: Mapping[str, Mapping[str, Any]] = {
    "gpu-kueue": {},
    "gpu-semaphores": {"cluster": SEMAPHORES},
    "gpu-team": {"teams": TEAMS},
    "gpu-run-role": {"cluster": RUN_ROLE},
}

SCHEDULED = "gpu-schedule"


def print_documents(plan: Plan, project: ProjectSpec) -> str:
    settings = some_settings(plan, project)
    return format_manifests([render_plan_config(plan, settings), render(plan, settings)])


def check_golden(name: str, text: str) -> None:
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_objects_of_every_spec_are_those_on_file(spec: Path, tmp_path: Path) -> None:
    # Without runs, whose times an estimate would be made from.
    repository = find_repository(ROOT).with_runs(tmp_path)
    made = plan_spec(spec, repository).made
    # What is locked in images/ changes the ids with every upgrade, and nothing that is looked at.
    framework = replace(
        made.framework, adapter_version="1", requirements_hash="sha256:" + "b" * 64
    )
    plan = publish(replace(made, framework=framework))
    # This repository's own runs are in a folder, for those who clone it.
    check_golden(spec.stem, print_documents(plan, repository.project.spec))


def test_the_objects_of_a_scheduled_run_are_those_on_file() -> None:
    plan = a_published_plan(resources=GPU)
    settings = some_settings(plan, a_cluster_project())
    schedule = Schedule(cron="30 22 * * mon-fri", time_zone="Asia/Seoul")
    documents = [
        render_plan_config(plan, settings),
        render_cron_workflow(plan, settings, schedule),
    ]
    check_golden(SCHEDULED, format_manifests(documents))


@pytest.mark.parametrize("name", GPU_RUNS)
def test_the_objects_of_runs_on_gpus_are_those_on_file(name: str) -> None:
    plan = a_published_plan(resources=GPU)
    check_golden(name, print_documents(plan, a_cluster_project(**GPU_RUNS[name])))


def test_argos_own_types_take_every_one() -> None:
    files = sorted(GOLDEN.glob("*.yaml"))
    named = {*(spec.stem for spec in SPECS), *GPU_RUNS, SCHEDULED}
    assert {file.stem for file in files} == named
    assert len(SPECS) >= 2
    for file in files:
        config, workflow = yaml.safe_load_all(file.read_text(encoding="utf-8"))
        assert (config["kind"], config["immutable"]) == ("ConfigMap", True)
        kind = models.CronWorkflow if file.stem == SCHEDULED else models.Workflow
        taken = kind.model_validate(workflow)
        # A field that they do not know would be dropped in silence.
        kept = taken.model_dump(by_alias=True, exclude_none=True, mode="json")
        assert find_lost(workflow, kept) == []


def find_lost(ours: Any, kept: Any, path: str = "") -> list[str]:
    """Paths of ours that the models do not have."""
    if isinstance(ours, dict):
        if not isinstance(kept, dict):
            return [path]
        return [
            lost
            for key, value in ours.items()
            for lost in (
                find_lost(value, kept[key], f"{path}.{key}") if key in kept else [f"{path}.{key}"]
            )
        ]
    if isinstance(ours, list):
        pairs = zip(ours, kept, strict=True)
        return [
            lost
            for at, (one, other) in enumerate(pairs)
            for lost in find_lost(one, other, f"{path}[{at}]")
        ]
    return []


def test_a_field_that_argo_does_not_have_is_seen() -> None:
    workflow = yaml.safe_load_all((GOLDEN / "gpu-kueue.yaml").read_text(encoding="utf-8"))
    _, found = workflow
    found["spec"]["templates"][1]["patience"] = 1
    taken = models.Workflow.model_validate(found)
    kept = taken.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert find_lost(found, kept) == [".spec.templates[1].patience"]
