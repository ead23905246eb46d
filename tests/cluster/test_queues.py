"""Kueue beside Argo: a pod that needs a GPU waits for its team's quota, and says so."""

from local_cluster.kubernetes_api import KubernetesApi, wait_until
from vtspec.pipelines.argo import observe
from workflows import (
    NAMESPACE,
    PODS,
    WORKFLOWS,
    Object,
    a_run,
    compare_with_recording,
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
