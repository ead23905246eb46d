"""The API server reads all that is rendered with its whole schema, and Argo lints it."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cluster_plans import a_cluster_project, publish, some_settings
from local_cluster.kubernetes_api import ApiError, KubernetesApi
from local_cluster.programs import Programs
from plan_inputs import experiments, inputs_of
from vtspec.pipelines.argo import render, render_semaphores
from vtspec.pipelines.planning.plan import build_plan
from vtspec.schema.kinds.experiment import Experiment
from workflows import Object, a_run

GOLDEN = Path(__file__).parents[1] / "golden" / "workflows"
PLANS = 1000
CONNECTIONS = 4
NAMESPACE = "vision"
PLURALS = {
    "ConfigMap": f"/api/v1/namespaces/{NAMESPACE}/configmaps",
    "Workflow": f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows",
    "CronWorkflow": f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/cronworkflows",
}


@pytest.fixture(scope="module")
def vision(api: KubernetesApi) -> KubernetesApi:
    """With the namespace that everything on file is in."""
    path = f"/api/v1/namespaces/{NAMESPACE}"
    api.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    return api


def create(api: KubernetesApi, document: Object) -> Object:
    """Everything that a creation is but the writing."""
    return api.create(PLURALS[document["kind"]], document, dryRun="All")


def lint(programs: Programs, target: Path) -> "subprocess.CompletedProcess[str]":
    argo = [str(programs.path("argo")), "lint", "--offline", "--strict"]
    return subprocess.run(
        [*argo, "--kinds=workflows,cronworkflows", str(target)], capture_output=True, text=True
    )


def read_goldens() -> Iterator[Object]:
    for file in sorted(GOLDEN.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


def test_everything_on_file_is_created_with_strict_fields(vision: KubernetesApi) -> None:
    documents = [*read_goldens(), render_semaphores(NAMESPACE, {"t4": 2})]
    assert len(documents) >= 13
    assert {document["kind"] for document in documents} == set(PLURALS)
    for document in documents:
        made = create(vision, document)
        assert made["metadata"]["name"] == document["metadata"]["name"]


def test_argo_finds_nothing_in_what_is_on_file(programs: Programs) -> None:
    for file in sorted(GOLDEN.glob("*.yaml")):
        done = lint(programs, file)
        assert done.returncode == 0, done.stdout + done.stderr


class Enough(Exception):
    """So many plans were drawn as are wanted."""


def draw_workflows(take: Callable[[Object], object]) -> None:
    """Hand a thousand Workflows over, of as many plans, each as soon as it is rendered."""
    seen: set[str] = set()
    project = a_cluster_project()

    @settings(
        # Some are drawn twice.
        max_examples=2 * PLANS,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        raw = data.draw(experiments())
        plan = publish(build_plan(Experiment.model_validate(raw), data.draw(inputs_of(raw))))
        if plan.resources.gpus:
            plan = publish(replace(plan, resources=replace(plan.resources, gpu_type="t4")))
        if plan.digest not in seen and len(seen) < PLANS:
            seen.add(plan.digest)
            take(render(plan, some_settings(plan, project)))
        if len(seen) == PLANS:
            raise Enough

    with pytest.raises(Enough):
        draw()


def test_the_workflows_of_a_thousand_plans_are_taken(
    vision: KubernetesApi, programs: Programs, tmp_path: Path
) -> None:
    # The server reads one while the next is drawn.
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers: list[Future[Object]] = []

        def take(workflow: Object) -> None:
            answers.append(pool.submit(create, vision, workflow))
            # As JSON, which is YAML and read faster.
            (tmp_path / f"{len(answers)}.json").write_text(json.dumps(workflow))

        draw_workflows(take)
        made = [answer.result()["metadata"]["name"] for answer in answers]
    assert len(made) == PLANS
    done = lint(programs, tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("spec.entryPoint", ("spec",)),
        ("spec.templates[1].retryStrategy.limitt", ("spec", "templates", 1, "retryStrategy")),
    ],
)
def test_a_field_that_no_workflow_has_is_refused_by_its_path(
    api: KubernetesApi, where: str, what: tuple[Any, ...]
) -> None:
    _, workflow = a_run("unknown", image="any")
    place = workflow
    for key in what:
        place = place[key]
    place[where.rpartition(".")[2]] = 1
    path = PLURALS["Workflow"].replace(NAMESPACE, workflow["metadata"]["namespace"])
    with pytest.raises(ApiError, match="strict decoding error: unknown field") as refused:
        api.create(path, workflow, dryRun="All")
    assert refused.value.status == 400
    assert f'"{where}"' in str(refused.value)


def test_what_argo_cannot_run_is_found(programs: Programs, tmp_path: Path) -> None:
    *_, workflow = read_goldens()
    spoilt = copy.deepcopy(workflow)
    spoilt["spec"]["templates"][0]["dag"]["tasks"][1]["dependencies"] = ["nothing"]
    (tmp_path / "spoilt.json").write_text(json.dumps(spoilt))
    done = lint(programs, tmp_path)
    assert done.returncode == 1
    assert "nothing" in done.stdout + done.stderr
