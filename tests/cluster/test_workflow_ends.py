"""What Argo makes of a run in every end, against what is on record under `tests/argo/`."""

import signal

import pytest

from local_cluster.addresses import NODE
from local_cluster.cluster import Cluster
from local_cluster.installation import add_gpus
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from local_cluster.probes import is_node_ready
from vtspec.pipelines.argo import observe
from workflows import (
    KEPT,
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
    summary,
    template,
    trains,
)

LONG = "sleep 300 & wait"
# More than the node has.
TOO_MANY = 8


def _training(states: list[Object]) -> list[tuple[str, str | None]]:
    """How each try of the training ended, and why."""
    return [(pod["phase"], pod.get("message")) for pod in pods_of(states[-1], "train")]


def test_steps_that_succeed_are_followed_by_the_next(api: KubernetesApi, image: str) -> None:
    states = follow(api, a_run("succeeded", image=image))
    assert phases(states) == ["Running", "Succeeded"]
    compare_with_recording("succeeded", states)


def test_an_exit_code_fails_once_and_is_named(api: KubernetesApi, image: str) -> None:
    states = follow(api, a_run("failed", image=image, scripts={"train": "exit 3"}))
    assert _training(states) == [("Failed", "main: Error (exit code 3)")]
    compare_with_recording("failed", states)


def test_too_much_memory_is_told_apart_from_an_error_and_is_final(
    api: KubernetesApi, image: str
) -> None:
    scripts = {"train": "python3 -c 'bytearray(400_000_000)'"}
    config, workflow = a_run("oom-killed", image=image, scripts=scripts)
    template(workflow, "train")["container"]["resources"]["limits"]["memory"] = "64Mi"
    states = follow(api, (config, workflow))
    assert _training(states) == [("Failed", "main: OOMKilled (exit code 137)")]
    compare_with_recording("oom-killed", states)


def test_a_deadline_ends_what_runs_and_is_final(api: KubernetesApi, image: str) -> None:
    config, workflow = a_run("deadline", image=image, scripts={"train": LONG})
    template(workflow, "train")["activeDeadlineSeconds"] = 6
    states = follow(api, (config, workflow))
    ((phase, message),) = _training(states)
    assert phase == "Failed"
    assert message is not None and "deadline" in message
    compare_with_recording("deadline", states)


@pytest.mark.parametrize(("end", "how"), [("stopped", "Stop"), ("terminated", "Terminate")])
def test_whoever_stops_it_is_obeyed(api: KubernetesApi, image: str, end: str, how: str) -> None:
    states = follow(
        api,
        a_run(end, image=image, scripts={"train": LONG}),
        once=(trains, lambda: api.merge(f"{WORKFLOWS}/{end}", {"spec": {"shutdown": how}})),
    )
    assert phases(states)[-1] == "Failed"
    assert len(_training(states)) == 1
    compare_with_recording(end, states)


def test_what_was_interrupted_is_tried_again(api: KubernetesApi, image: str) -> None:
    script = "test {{retries}} != 0 || exit 75"
    states = follow(api, a_run("retried", image=image, scripts={"train": script}))
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Failed", "main: Error (exit code 75)"), ("Succeeded", None)]
    compare_with_recording("retried", states)


def _once(name: str) -> dict[str, str]:
    """A training that goes on forever, and is done when it is begun again."""
    begun = f"{KEPT}/{name}"
    return {"train": f"test -e {begun} || {{ touch {begun}; {LONG}; }}"}


def test_a_deleted_pod_is_made_anew(api: KubernetesApi, image: str) -> None:
    """Argo does not even count it as a retry, unless the pod could still say how it ended."""

    def lose_pod() -> None:
        (pod,) = find_pods(api, "pod-deleted", "train")
        # At once: one that has its grace period ends with an exit code first.
        api.delete(f"{PODS}/{pod['metadata']['name']}", gracePeriodSeconds="0")

    states = follow(
        api,
        a_run("pod-deleted", image=image, scripts=_once("pod-deleted")),
        once=(trains, lose_pod),
    )
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Succeeded", None)]
    compare_with_recording("pod-deleted", states)


def test_a_pod_that_the_cluster_forbids_ends_the_run_at_once_in_its_words(
    api: KubernetesApi, image: str
) -> None:
    config, workflow = a_run("forbidden", image=image)
    # What the namespace's rules for pods refuse each time.
    workflow["spec"]["templates"][2]["container"]["securityContext"]["privileged"] = True
    states = follow(api, (config, workflow), timeout_s=120)
    assert phases(states)[-1] == "Failed"
    assert len(pods_of(states[-1], "train")) == 1
    state = observe(states[-1])
    assert (state.step, state.cause) == ("train", "engine")
    assert 'violates PodSecurity "restricted:latest"' in state.message
    delete(api, "forbidden")


def test_a_pod_that_fits_nowhere_says_what_is_missing(api: KubernetesApi, image: str) -> None:
    def is_unschedulable(state: Object) -> bool:
        return "Unschedulable" in str(summary(state))

    states = follow(api, a_run("waiting", image=image, gpus=TOO_MANY), until=is_unschedulable)
    ((phase, message),) = _training(states)
    assert phase == "Pending"
    assert message is not None and "Insufficient nvidia.com/gpu" in message
    compare_with_recording("waiting-for-gpu", states)
    delete(api, "waiting")


def test_a_deadline_does_not_end_what_waits_for_a_node(api: KubernetesApi, image: str) -> None:
    """Argo's own limit is none on waiting, so that whoever renders needs one of their own."""
    config, workflow = a_run("waits", image=image)
    first = template(workflow, "data")
    first["container"]["resources"]["limits"]["nvidia.com/gpu"] = str(TOO_MANY)
    first["activeDeadlineSeconds"] = 2
    workflow["spec"]["activeDeadlineSeconds"] = 4
    with pytest.raises(TimeoutError, match="Unschedulable"):
        follow(api, (config, workflow), timeout_s=15)
    delete(api, "waits")


def test_a_killed_controller_goes_on_where_it_was(
    api: KubernetesApi, cluster: Cluster, image: str
) -> None:
    states = follow(
        api,
        a_run("restarted", image=image, scripts={"train": "sleep 4"}),
        once=(trains, lambda: cluster.kill("workflow-controller")),
    )
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Succeeded", None)]
    compare_with_recording("controller-restarted", states)


def test_a_run_outlives_the_node_that_it_was_on(
    api: KubernetesApi, cluster: Cluster, image: str
) -> None:
    """The last one here: all pods on the node are gone with it."""
    node = f"/api/v1/nodes/{NODE}"

    def uids() -> set[str]:
        return {pod["metadata"]["uid"] for pod in find_pods(api, "node-gone", "train")}

    def lose_node() -> None:
        cluster.kill("kubelet", signal.SIGSTOP)
        api.delete(node)
        before = uids()
        wait_until(lambda: not before & uids(), what="its pods are deleted", timeout_s=120)
        cluster.kill("kubelet")
        wait_until(lambda: is_node_ready(api), what="the node is back")
        add_gpus(api)

    states = follow(
        api,
        a_run("node-gone", image=image, scripts=_once("node-gone")),
        once=(trains, lose_node),
        timeout_s=300,
    )
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Succeeded", None)]
    compare_with_recording("node-gone", states)
