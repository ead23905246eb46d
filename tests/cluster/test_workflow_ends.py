"""What Argo makes of a run in every end, against what is on record under `tests/argo/`."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from local_cluster.addresses import NODE
from local_cluster.cluster import Cluster
from local_cluster.installation import add_gpus
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from local_cluster.probes import is_node_ready
from vtspec.pipelines.argo import observe
from vtspec.pipelines.argo.workflow_state import find_missing
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.cluster.run_workflow import RunWorkflow
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.workflow_file import WorkflowFile
from workflows import (
    CONFIG_MAPS,
    KEPT,
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
    summary,
    template,
    trains,
)

# More than these at once wait for the node longer than one after the other.
AT_ONCE = 4
LONG = "sleep 300 & wait"
# More than the node has.
TOO_MANY = 8


Ends = dict[str, Future[list[Object]]]


def _training(states: list[Object]) -> list[tuple[str, str | None]]:
    """How each try of the training ended, and why."""
    return [(pod["phase"], pod.get("message")) for pod in pods_of(states[-1], "train")]


def _once(name: str) -> dict[str, str]:
    """A training that goes on forever, and is done when it is begun again."""
    begun = f"{KEPT}/{name}"
    return {"train": f"test -e {begun} || {{ touch {begun}; {LONG}; }}"}


@pytest.fixture(scope="module")
def ends(api: KubernetesApi, image: str) -> Iterator[Ends]:
    """The states of each run that ends by itself or by what is done to it alone, side by side."""

    def shut_down(name: str, how: str) -> Callable[[], object]:
        return lambda: api.merge(f"{WORKFLOWS}/{name}", {"spec": {"shutdown": how}})

    def lose_pod() -> None:
        (pod,) = find_pods(api, "pod-deleted", "train")
        # At once: one that has its grace period ends with an exit code first.
        api.delete(f"{PODS}/{pod['metadata']['name']}", gracePeriodSeconds="0")

    scripts = {
        "succeeded": {},
        "failed": {"train": "exit 3"},
        "oom-killed": {"train": "python3 -c 'bytearray(400_000_000)'"},
        "deadline": {"train": LONG},
        "stopped": {"train": LONG},
        "terminated": {"train": LONG},
        "retried": {"train": "test {{retries}} != 0 || exit 75"},
        "pod-deleted": _once("pod-deleted"),
    }
    runs = {name: a_run(name, image=image, scripts=script) for name, script in scripts.items()}
    small = template(runs["oom-killed"][1], "train")["container"]["resources"]["limits"]
    small["memory"] = "64Mi"
    template(runs["deadline"][1], "train")["activeDeadlineSeconds"] = 15
    done_to = {
        "stopped": shut_down("stopped", "Stop"),
        "terminated": shut_down("terminated", "Terminate"),
        "pod-deleted": lose_pod,
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            name: pool.submit(
                follow,
                api,
                run,
                once=(trains, done_to[name]) if name in done_to else None,
                timeout_s=240,
            )
            for name, run in runs.items()
        }


def test_steps_that_succeed_are_followed_by_the_next(ends: Ends) -> None:
    states = ends["succeeded"].result()
    assert phases(states) == ["Running", "Succeeded"]
    compare_with_recording("succeeded", states)


def test_an_exit_code_fails_once_and_is_named(ends: Ends) -> None:
    states = ends["failed"].result()
    assert _training(states) == [("Failed", "main: Error (exit code 3)")]
    compare_with_recording("failed", states)


def test_too_much_memory_is_told_apart_from_an_error_and_is_final(ends: Ends) -> None:
    states = ends["oom-killed"].result()
    assert _training(states) == [("Failed", "main: OOMKilled (exit code 137)")]
    compare_with_recording("oom-killed", states)


def test_a_deadline_ends_what_runs_and_is_final(ends: Ends) -> None:
    states = ends["deadline"].result()
    ((phase, message),) = _training(states)
    assert phase == "Failed"
    assert message is not None and "deadline" in message
    compare_with_recording("deadline", states)


@pytest.mark.parametrize("end", ["stopped", "terminated"])
def test_whoever_stops_it_is_obeyed(ends: Ends, end: str) -> None:
    states = ends[end].result()
    assert phases(states)[-1] == "Failed"
    assert len(_training(states)) == 1
    compare_with_recording(end, states)


def test_what_was_interrupted_is_tried_again(ends: Ends) -> None:
    states = ends["retried"].result()
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Failed", "main: Error (exit code 75)"), ("Succeeded", None)]
    compare_with_recording("retried", states)


def test_a_deleted_pod_is_made_anew(ends: Ends) -> None:
    """Argo does not even count it as a retry, unless the pod could still say how it ended."""
    states = ends["pod-deleted"].result()
    assert phases(states) == ["Running", "Succeeded"]
    assert _training(states) == [("Succeeded", None)]
    compare_with_recording("pod-deleted", states)


@pytest.mark.parametrize(
    ("name", "security", "words"),
    [
        # What the namespace's rules for pods refuse.
        ("forbidden", {"runAsNonRoot": False}, 'violates PodSecurity "restricted:latest"'),
        ("invalid", {"privileged": True}, "cannot set `allowPrivilegeEscalation` to false and"),
    ],
)
def test_a_pod_that_the_cluster_refuses_ends_the_run_at_once_in_its_words(
    api: KubernetesApi, image: str, name: str, security: Object, words: str
) -> None:
    config, workflow = a_run(name, image=image)
    template(workflow, "train")["container"]["securityContext"] |= security
    states = follow(api, (config, workflow), timeout_s=120)
    assert phases(states)[-1] == "Error"
    assert len(pods_of(states[-1], "train")) == 1
    state = observe(states[-1])
    assert (state.step, state.cause) == ("train", "engine")
    assert words in state.message
    delete(api, name)


def test_what_a_pod_lacks_is_named_as_each_component_says_it(
    api: KubernetesApi, cluster: Cluster, image: str
) -> None:
    """The scheduler of a claim, the kubelet of what is mounted or an environment, the API server
    of a service account."""
    volumes: dict[str, Object] = {
        "PersistentVolumeClaim": {"persistentVolumeClaim": {"claimName": "lacks"}},
        "Secret": {"secret": {"secretName": "lacks"}},
        "ConfigMap": {"configMap": {"name": "lacks"}},
    }
    client = KubernetesClient({"KUBECONFIG": str(cluster.kubeconfig())})
    runs = {}
    for number, kind in enumerate((*volumes, "Secret", "ServiceAccount")):
        name = f"lacks-{number}"
        config, workflow = a_run(name, image=image)
        container = template(workflow, "data")["container"]
        if number < len(volumes):
            workflow["spec"]["volumes"].append({"name": "lacks", **volumes[kind]})
            container["volumeMounts"].append({"name": "lacks", "mountPath": "/lacks"})
        elif kind == "Secret":
            container["envFrom"] = [{"secretRef": {"name": "lacks"}}]
        else:
            workflow["spec"]["serviceAccountName"] = "lacks"
        api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
        delete(api, name)
        api.create(WORKFLOWS, workflow)
        file = WorkflowFile(namespace=NAMESPACE, name=name, digest="", created_at="")
        runs[name] = (kind, RunWorkflow(client, Run(Path(name)), file))
    for name, (kind, run) in runs.items():
        wait_until(
            partial(_lacks, run, kind),
            what=f"{name} says that it lacks a {kind}",
            timeout_s=120,
        )
        state = run.look().workflow
        assert state is not None
        # Argo makes a pod that has no account anew, some times.
        waits = "retry" if kind == "ServiceAccount" else "object"
        assert (state.phase, state.wait) in (("waiting", waits), ("failed", None))
        assert "\n  fix: " in describe_workflow(state)
        delete(api, name)


def _lacks(run: RunWorkflow, kind: str) -> bool:
    state = run.look().workflow
    return state is not None and find_missing(state.message) == (kind, "lacks")


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
