"""Runs on the real cluster: Workflows as they are rendered, and what becomes of them over time.

A step's container has a shell script in the place of `vtspec step`, and asks for next to nothing,
so that every end comes within seconds; all else of it is what a run gets.
"""

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster_plans import a_cluster_project, a_published_plan, some_settings
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from vtspec.pipelines.argo import render, render_cron_workflow, render_plan_config
from vtspec.schema.kinds.experiment import Schedule

Object = dict[str, Any]
NAMESPACE = "runs"
SERVICE_ACCOUNT = "vtspec-run"
CLAIM = "vtspec"
KEPT = "/vtspec/kept"
RUNS_SECRET = "vtspec-runs"
DATA_SECRET = "dvc-storage"
QUEUE = "gpus"
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
CRON_WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/cronworkflows"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
SCHEDULED = "each-minute"
RECORDINGS = Path(__file__).parents[1] / "argo" / "recordings"

_RESOURCES = {"cpus": 1, "memory": "1Gi", "maxDuration": "30m"}


def a_run(
    name: str,
    *,
    image: str,
    scripts: Mapping[str, str] | None = None,
    gpus: int = 0,
    queue: str | Mapping[str, int] | None = None,
) -> tuple[Object, Object]:
    """The plan's ConfigMap and the Workflow of a run, named so.

    Args:
        name: the Workflow's.
        image: by digest; it has a shell.
        scripts: what steps do; the others succeed.
        gpus: that the training asks for.
        queue: Kueue's, where the training waits for them; or a semaphore of Argo's and its size.
    """
    semaphores = {} if isinstance(queue, str) else dict(queue or {})
    named = [queue] if isinstance(queue, str) else list(semaphores)
    engine = {"semaphores": semaphores} if semaphores else {}
    project = a_cluster_project(
        cluster={"namespace": NAMESPACE, "volumeClaim": CLAIM, **engine},
        remotes={"storage": {"url": "s3://data/dvc"}},
        gpuTypes={"t4": {"memory": "16Gi", **({"queue": next(iter(named))} if named else {})}},
    )
    asked = {"gpus": gpus, **({"gpuType": "t4"} if gpus else {}), **_RESOURCES}
    plan = a_published_plan(resources=asked)
    settings = replace(some_settings(plan, project), image=image)
    workflow = render(plan, settings)
    workflow["metadata"]["name"] = name
    workflow["metadata"]["labels"]["vtspec.dev/run"] = name
    for step in workflow["spec"]["templates"][1:]:
        container = step["container"]
        container["command"] = ["sh", "-c", (scripts or {}).get(step["name"], "exit 0")]
        container["args"] = []
        # A place that outlives a pod: a shell has no store of runs.
        container["volumeMounts"].append({"name": "cache", "mountPath": KEPT, "subPath": "kept"})
        container["resources"]["requests"] = {
            "cpu": "10m",
            "memory": "16Mi",
            "ephemeral-storage": "1Mi",
        }
    return render_plan_config(plan, settings), workflow


def a_scheduled_run(name: str, schedule: Schedule, *, image: str) -> tuple[Object, Object]:
    """The plan's ConfigMap and the CronWorkflow of a run whose steps succeed, named so."""
    config, workflow = a_run(name, image=image)
    plan = a_published_plan(resources=_RESOURCES)
    made = render_cron_workflow(plan, some_settings(plan), schedule)
    made["metadata"] |= {"name": name, "namespace": NAMESPACE}
    made["spec"]["workflowSpec"] = workflow["spec"]
    return config, made


def find_scheduled(api: KubernetesApi) -> list[Object]:
    """The Workflows that the CronWorkflow of the tests has made."""
    selector = f"workflows.argoproj.io/cron-workflow={SCHEDULED}"
    found = api.get(WORKFLOWS, labelSelector=selector)["items"]
    assert isinstance(found, list)
    return found


def template(workflow: Object, step: str) -> Object:
    """The template of a step."""
    (found,) = [one for one in workflow["spec"]["templates"] if one["name"] == step]
    assert isinstance(found, dict)
    return found


def follow(
    api: KubernetesApi,
    run: tuple[Object, Object],
    *,
    once: tuple[Callable[[Object], bool], Callable[[], object]] | None = None,
    until: Callable[[Object], bool] | None = None,
    timeout_s: int = 120,
) -> list[Object]:
    """Create the run and return each state that its Workflow was seen in, told by the API server.

    Args:
        api: the cluster.
        run: what is created, as `a_run` makes it; an earlier one of its name is deleted.
        once: what happens to it from outside, after the state in which it does: `(when, then)`.
        until: the state to stop at; otherwise the Workflow's end.
        timeout_s: after which the states so far are an error.
    """
    config, workflow = run
    name = workflow["metadata"]["name"]
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    delete(api, name)
    states = [api.create(WORKFLOWS, workflow)]
    version = states[0]["metadata"]["resourceVersion"]
    is_last = until or has_ended
    when, then = once or (lambda _: True, lambda: None)
    done = False
    for state in _changes(api, name, version, timeout_s):
        states.append(state)
        if not done and when(state):
            done = True
            then()
        if done and is_last(state):
            return states
    told = json.dumps(summary(states[-1]), indent=1)
    raise TimeoutError(f"workflow {name}: after {timeout_s} s it was\n{told}")


def delete(api: KubernetesApi, name: str) -> None:
    """Delete a Workflow and its pods, and wait until it is gone; nothing where there is none."""
    api.delete(f"{WORKFLOWS}/{name}")

    def is_gone() -> bool:
        try:
            api.get(f"{WORKFLOWS}/{name}")
        except ApiError as error:
            return error.status == 404
        return False

    wait_until(is_gone, what=f"workflow {name} is gone")


def _changes(api: KubernetesApi, name: str, version: str, timeout_s: int) -> Iterator[Object]:
    for event in api.watch(WORKFLOWS, version=version, name=name, timeout_s=timeout_s):
        assert event["type"] in ("ADDED", "MODIFIED"), event
        yield event["object"]


def has_ended(workflow: Object) -> bool:
    """Whether Argo says that nothing more will happen."""
    labels = workflow["metadata"].get("labels", {})
    return bool(labels.get("workflows.argoproj.io/completed") == "true")


def pods_of(workflow: Object, step: str) -> list[Object]:
    """The nodes of a step that are pods, in the order of its tries."""
    nodes = workflow.get("status", {}).get("nodes", {}).values()
    found = [node for node in nodes if node["type"] == "Pod" and node["templateName"] == step]
    return sorted(found, key=lambda node: str(node["displayName"]))


def trains(workflow: Object) -> bool:
    """Whether the pod of the training runs."""
    return any(node["phase"] == "Running" for node in pods_of(workflow, "train"))


def find_pods(api: KubernetesApi, workflow: str, step: str) -> list[Object]:
    """The pods of a step that the API server has."""
    selector = f"workflows.argoproj.io/workflow={workflow},vtspec.dev/step={step}"
    found = api.get(PODS, labelSelector=selector)["items"]
    assert isinstance(found, list)
    return found


def summary(workflow: Object) -> Object:
    """What does not differ from one recording to the next: phases and messages."""
    status = workflow.get("status", {})
    nodes = status.get("nodes", {}).values()
    return {
        "phase": status.get("phase"),
        "message": status.get("message"),
        "nodes": sorted(
            [node["displayName"], node["type"], node["phase"], node.get("message")]
            for node in nodes
        ),
    }


def phases(states: list[Object]) -> list[str]:
    """The phases that the workflow went through, each change once."""
    found: list[str] = []
    for state in states:
        phase = state.get("status", {}).get("phase")
        if phase and found[-1:] != [phase]:
            found.append(phase)
    return found


def compare_with_recording(end: str, states: list[Object]) -> None:
    """Hold what was seen against what is on record; write it under VTSPEC_REGENERATE=1.

    How many states are seen on the way is chance; the phases, their order and the last state's
    reasons are the engine's behaviour.
    """
    folder = RECORDINGS / end
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.json"):
            old.unlink()
        for number, state in enumerate(_drop_repeated(states)):
            text = json.dumps(_without_noise(state), indent=1, sort_keys=True, ensure_ascii=False)
            (folder / f"{number:02}.json").write_text(f"{text}\n", encoding="utf-8")
    recorded = recording(end)
    assert phases(states) == phases(recorded)
    assert summary(states[-1]) == summary(recorded[-1])


def recording(end: str) -> list[Object]:
    """The states on record of a workflow that ended so, first to last."""
    files = sorted((RECORDINGS / end).glob("*.json"))
    assert files, f"no recording of '{end}': make cluster-record"
    return [json.loads(path.read_text(encoding="utf-8")) for path in files]


def _drop_repeated(states: list[Object]) -> Iterator[Object]:
    """One state of several that differ in nothing that is told."""
    before = None
    for state in states:
        told = (summary(state), state["spec"].get("shutdown"), has_ended(state))
        if told != before:
            yield state
        before = told


def _without_noise(workflow: Object) -> Object:
    """A state without what is long and the same in every one: who wrote which field, containers
    that were rendered, and Argo's copy of them."""
    kept = copy.deepcopy(workflow)
    kept["metadata"].pop("managedFields", None)
    kept.get("status", {}).pop("storedTemplates", None)
    kept.get("status", {}).pop("storedWorkflowTemplateSpec", None)
    for one in kept["spec"]["templates"]:
        one.pop("container", None)
    return kept
