"""A pod that needs a GPU waits for its team's quota, and says so: by Kueue beside Argo, or by
Argo's semaphores."""

from pathlib import Path

from local_cluster.kubernetes_api import KubernetesApi, wait_until
from vtspec.pipelines.argo import observe, render_semaphores
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.cluster.run_workflow import RunWorkflow
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.workflow_file import WorkflowFile
from workflows import (
    CONFIG_MAPS,
    NAMESPACE,
    PODS,
    WORKFLOWS,
    Object,
    a_run,
    compare_with_recording,
    delete,
    find_pods,
    follow,
    phases,
    pods_of,
    trains,
)

KUEUE = "/apis/kueue.x-k8s.io/v1beta2"
LACKS = "insufficient unused quota for nvidia.com/gpu"


def _workloads(api: KubernetesApi, workflow: str) -> dict[str, Object]:
    """What Kueue made of the run's pods, by their step."""
    selector = f"workflows.argoproj.io/workflow={workflow}"
    pods = {
        pod["metadata"]["name"]: pod["metadata"]["labels"]["vtspec.dev/step"]
        for pod in api.get(PODS, labelSelector=selector)["items"]
    }
    return {
        pods[owner["name"]]: {"kind": "Workload", **workload}
        for workload in api.get(f"{KUEUE}/namespaces/{NAMESPACE}/workloads")["items"]
        for owner in workload["metadata"].get("ownerReferences", [])
        if owner["name"] in pods
    }


def _conditions(workload: Object) -> dict[str, tuple[str, str]]:
    conditions = workload.get("status", {}).get("conditions", [])
    return {one["type"]: (one["status"], one["message"]) for one in conditions}


def test_the_second_run_on_one_gpu_waits_says_why_and_runs(
    api: KubernetesApi, image: str, queue: str
) -> None:
    first = a_run("first", image=image, gpus=1, queue=queue, scripts={"train": "sleep 300 & wait"})
    follow(api, first, until=trains)

    def release() -> None:
        wait_until(
            lambda: LACKS in str(_workloads(api, "second")),
            what="Kueue says why the second waits",
        )
        workload = _workloads(api, "second")["train"]
        status, message = _conditions(workload)["QuotaReserved"]
        assert status == "False"
        (pod,) = find_pods(api, "second", "train")
        assert {"name": "kueue.x-k8s.io/admission"} in pod["spec"]["schedulingGates"]
        told = observe(api.get(f"{WORKFLOWS}/second"), [{"kind": "Pod", **pod}, workload])
        assert (told.phase, told.step, told.wait) == ("waiting", "train", "queue")
        assert told.message == message
        api.merge(f"{WORKFLOWS}/first", {"spec": {"shutdown": "Terminate"}})

    states = follow(
        api,
        a_run("second", image=image, gpus=1, queue=queue),
        once=(lambda state: bool(pods_of(state, "train")), release),
    )
    assert phases(states) == ["Running", "Succeeded"]
    # Of its five pods those that need a GPU are Kueue's business.
    workloads = _workloads(api, "second")
    assert set(workloads) == {"train", "evaluate"}
    assert _conditions(workloads["train"])["Admitted"][0] == "True"
    compare_with_recording("waiting-in-queue", states)


HOLDS = {"train": "sleep 300 & wait"}


def test_the_place_in_the_queue_is_told_by_kueues_visibility_api(
    api: KubernetesApi, image: str, queue: str
) -> None:
    names = ("placed-1", "placed-2", "placed-3")
    follow(api, a_run(names[0], image=image, gpus=1, queue=queue, scripts=HOLDS), until=trains)
    for name in names[1:]:
        # In the order in which their pods come to it.
        follow(api, a_run(name, image=image, gpus=1, queue=queue), until=_has_training_pod)
    wait_until(lambda: "waits as 2nd in queue gpus" in _describe("placed-3"), what="its place")
    assert "waits as 1st in queue gpus" in _describe("placed-2")
    assert LACKS in _describe("placed-2")
    assert _describe("placed-1").startswith("train runs")
    # And anew when somebody before it goes.
    delete(api, "placed-2")
    wait_until(lambda: "waits as 1st in queue gpus" in _describe("placed-3"), what="its next one")
    for name in names:
        delete(api, name)


def _has_training_pod(state: Object) -> bool:
    return bool(pods_of(state, "train"))


def _describe(name: str) -> str:
    """Where a run stands, as `status` and followers ask for it."""
    file = WorkflowFile(namespace=NAMESPACE, name=name, digest="", created_at="")
    workflow = RunWorkflow(KubernetesClient(), Run(Path("/runs", name)), file).look().workflow
    return "" if workflow is None else describe_workflow(workflow)


def test_who_holds_a_semaphore_is_told_to_who_waits_for_it(api: KubernetesApi, image: str) -> None:
    sizes = {"t4": 1}
    config = render_semaphores(NAMESPACE, sizes)
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    first = a_run("holder", image=image, gpus=1, queue=sizes, scripts=HOLDS)
    follow(api, first, until=trains)

    def release() -> None:
        told = _describe("waiter")
        assert told.startswith("train waits in its queue: Waiting for "), told
        assert told.endswith("; held by holder")
        api.merge(f"{WORKFLOWS}/holder", {"spec": {"shutdown": "Terminate"}})

    second = a_run("waiter", image=image, gpus=1, queue=sizes)
    states = follow(api, second, once=(_waits_for_a_lock, release))
    assert phases(states) == ["Running", "Succeeded"]
    compare_with_recording("waiting-for-semaphore", states)


def _waits_for_a_lock(state: Object) -> bool:
    nodes = state.get("status", {}).get("nodes", {}).values()
    return any(node.get("synchronizationStatus", {}).get("waiting") for node in nodes)
