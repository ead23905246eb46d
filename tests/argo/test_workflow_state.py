"""What is observed of a Workflow: every end and every wait by its name, and never an error."""

import base64
import copy
import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_plans import GPU, a_published_plan, some_settings
from vtspec.pipelines.argo import WorkflowState, observe, render
from vtspec.pipelines.argo.run_ending import find_ending, find_stop_reason
from vtspec.pipelines.argo.workflow_state import Cause, Phase, Wait
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.state import RunState

RECORDINGS = Path(__file__).parent / "recordings"

BEGAN, LATER = "2026-11-29T08:00:00Z", "2026-11-29T08:10:00Z"


PLAN = a_published_plan(resources=GPU)

RENDERED = render(PLAN, some_settings(PLAN), attempt=2)
RUN_NAME: Final = RENDERED["metadata"]["name"]


def a_node(step: str, retry: int | None = None, **changes: Any) -> dict[str, Any]:
    """A node as Argo has it: the one that stands for a step's pods, or with `retry` a pod."""
    shown = step if retry is None else f"{step}({retry})"
    return {
        "id": f"w-{shown}",
        "name": f"w.{shown}",
        "displayName": shown,
        "type": "Retry" if retry is None else "Pod",
        "templateName": step,
        "phase": "Running",
        "startedAt": BEGAN,
        **changes,
    }


def a_workflow(*nodes: dict[str, Any], phase: str = "Running", **changes: Any) -> dict[str, Any]:
    """The Workflow of a run on a GPU, with these nodes."""
    workflow = copy.deepcopy(RENDERED)
    workflow["metadata"]["creationTimestamp"] = BEGAN
    root = {"id": "w", "type": "DAG", "templateName": "run", "displayName": "w", "phase": phase}
    every = {one["id"]: one for one in (root, *nodes)}
    workflow["status"] = {"phase": phase, "startedAt": BEGAN, "nodes": every}
    for key, value in changes.items():
        workflow["spec" if key == "shutdown" else "status"][key] = value
    return workflow


def done(*steps: str) -> list[dict[str, Any]]:
    """The nodes of steps that have succeeded."""
    return [
        node
        for step in steps
        for node in (
            a_node(step, phase="Succeeded", finishedAt=LATER),
            a_node(step, 0, phase="Succeeded", finishedAt=LATER, outputs={"exitCode": "0"}),
        )
    ]


def failing(message: str, exit_code: str | None = None, phase: str = "Failed") -> dict[str, Any]:
    """A Workflow whose training ended so."""
    outputs = {} if exit_code is None else {"outputs": {"exitCode": exit_code}}
    return a_workflow(
        *done("data"),
        a_node("train", phase=phase, message="retryStrategy.expression evaluated to false"),
        a_node("train", 0, phase=phase, message=message, finishedAt=LATER, **outputs),
        phase="Failed",
    )


def test_a_run_is_known_by_its_labels() -> None:
    found = observe(a_workflow(*done("data")))
    assert (found.run, found.plan_id, found.attempt) == (f"{PLAN.id}-2", PLAN.id, 2)
    assert (found.digest, found.max_wait_s) == (PLAN.digest, 86400)


def test_a_workflow_that_argo_has_not_met_waits_for_the_engine() -> None:
    workflow = a_workflow()
    del workflow["status"]
    found = observe(workflow)
    assert (found.phase, found.wait, found.step) == ("waiting", "engine", None)
    assert found.since == datetime(2026, 11, 29, 8, tzinfo=UTC)


def test_a_step_at_work_is_the_state_of_the_run() -> None:
    found = observe(a_workflow(*done("data"), a_node("train"), a_node("train", 0)))
    assert (found.phase, found.step, found.is_over) == ("running", "train", False)
    assert found.steps["data"].phase == "succeeded"
    assert found.steps["data"].exit_code == 0
    assert found.steps["train"].attempts == 1


def test_between_two_steps_the_run_is_at_work() -> None:
    assert observe(a_workflow(*done("data", "train"))).phase == "running"


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "node"),
        ("ImagePullBackOff: Back-off pulling image", "image"),
        ("ErrImagePull: not found", "image"),
        ("PodInitializing", "start"),
        ("ContainerCreating", "start"),
        ('Unschedulable: 0/3 nodes are available: persistentvolumeclaim "v" not found.', "object"),
        ('CreateContainerConfigError: secret "runs-access" not found', "object"),
    ],
)
def test_a_pending_pod_says_what_it_waits_for(message: str, wait: str) -> None:
    pod = a_node("train", 0, phase="Pending", message=message)
    found = observe(a_workflow(*done("data"), a_node("train"), pod))
    assert (found.phase, found.step, found.wait) == ("waiting", "train", wait)
    assert found.message == message


def test_a_pod_that_a_queue_holds_back_says_nothing_and_is_known_by_its_queue() -> None:
    pods = (a_node("train"), a_node("train", 0, phase="Pending"))
    assert observe(a_workflow(*done("data"), *pods)).wait == "queue"
    # One that has no queue has only just been made.
    export = (a_node("export"), a_node("export", 0, phase="Pending"))
    assert observe(a_workflow(*done("data", "train", "evaluate"), *export)).wait == "start"


def test_kueue_says_why_it_holds_a_pod_back() -> None:
    workflow = a_workflow(*done("data"), a_node("train"), a_node("train", 0, phase="Pending"))
    gated = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }
    pod = {
        "kind": "Pod",
        "metadata": {
            "name": "w-train-1",
            "annotations": {"workflows.argoproj.io/node-id": "w-train(0)"},
        },
        "status": {"conditions": [gated]},
    }
    found = observe(workflow, [pod])
    assert (found.wait, found.message) == ("queue", gated["message"])
    quota = {
        "type": "QuotaReserved",
        "status": "False",
        "message": "couldn't assign flavors to pod set main: insufficient unused quota",
    }
    workload = {
        "kind": "Workload",
        "metadata": {"ownerReferences": [{"kind": "Pod", "name": "w-train-1"}]},
        "status": {"conditions": [quota]},
    }
    assert observe(workflow, [workload, pod]).message == quota["message"]
    # Admitted, it is no longer held back, whatever the Workload said before.
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "True"}]}
    workflow["status"]["nodes"]["w-train(0)"]["message"] = "PodInitializing"
    assert observe(workflow, [workload, pod]).wait == "start"


def a_held_pod() -> dict[str, Any]:
    """The pod of training, which Kueue holds back."""
    return {
        "kind": "Pod",
        "metadata": {
            "name": "w-train-1",
            "annotations": {"workflows.argoproj.io/node-id": "w-train(0)"},
        },
        "status": {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "SchedulingGated",
                    "message": "gated",
                }
            ]
        },
    }


def a_pending(pod: str, **changes: Any) -> dict[str, Any]:
    """Who waits in a queue, as Kueue's types of visibility have it; places count from 0."""
    return {
        "kind": "PendingWorkload",
        "metadata": {
            "name": f"pod-{pod}-0a1b2",
            "namespace": "vision",
            "creationTimestamp": BEGAN,
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": "1"}],
        },
        "priority": 0,
        "localQueueName": "gpus",
        "positionInClusterQueue": 2,
        "positionInLocalQueue": 2,
        **changes,
    }


@pytest.mark.parametrize(
    ("in_queue", "in_cluster", "told"),
    [
        (0, 0, "train waits as 1st in queue gpus: gated"),
        (1, 1, "train waits as 2nd in queue gpus: gated"),
        (2, 2, "train waits as 3rd in queue gpus: gated"),
        (10, 10, "train waits as 11th in queue gpus: gated"),
        (111, 111, "train waits as 112th in queue gpus: gated"),
        (20, 22, "train waits as 21st in queue gpus (23rd of all that share its quota): gated"),
        # What is no place tells none.
        (-1, 0, "train waits in its queue: gated"),
        (True, 0, "train waits in its queue: gated"),
        ("2", 0, "train waits in its queue: gated"),
        (None, 0, "train waits in its queue: gated"),
        (2, None, "train waits as 3rd in queue gpus: gated"),
    ],
)
def test_the_place_in_a_queue_is_told_as_people_count(
    in_queue: Any, in_cluster: Any, told: str
) -> None:
    workflow = a_workflow(*done("data"), a_node("train"), a_node("train", 0, phase="Pending"))
    places = {"positionInLocalQueue": in_queue, "positionInClusterQueue": in_cluster}
    beside = [a_pending("other"), a_pending("w-train-1", **places), a_held_pod()]
    assert describe_workflow(observe(workflow, beside)) == told


def test_a_place_in_a_queue_is_that_of_a_pod_which_waits_there() -> None:
    pending, pod = a_pending("w-train-1"), a_held_pod()
    waits = a_workflow(*done("data"), a_node("train"), a_node("train", 0, phase="Pending"))
    found = observe(waits, [pending, pod])
    assert found.place is not None and found.steps["train"].place == found.place
    # Of another's there is none, and none once it is admitted and runs.
    assert observe(waits, [a_pending("other"), pod]).place is None
    runs = a_workflow(*done("data"), a_node("train"), a_node("train", 0, phase="Running"))
    assert observe(runs, [pending, a_held_pod() | {"status": {}}]).place is None
    stopped = a_workflow(a_node("train", phase="Failed"), phase="Failed", shutdown="Stop")
    assert observe(stopped, [pending, pod]).place is None


def test_who_holds_a_semaphore_is_told_beside_argos_words() -> None:
    lock = "vision/ConfigMap/vtspec-semaphores/t4"
    said = f"Waiting for {lock} lock. Lock status: 0/2"
    holders = ["vision/cats-1/cats-1-77", "vision/cats-1/cats-1-78", "vision/dogs-2/dogs-2-9"]
    whole = a_node("train", phase="Pending", message=said, synchronizationStatus={"waiting": lock})
    taken = {"semaphore": {"waiting": [{"semaphore": lock, "holders": holders}]}}
    waits = a_workflow(*done("data"), whole, synchronization=taken)
    assert describe_workflow(observe(waits)) == (
        f"train waits in its queue: {said}; held by cats-1, dogs-2"
    )
    # Also where the node itself has no word.
    whole["message"] = ""
    waits = a_workflow(*done("data"), whole, synchronization=taken)
    assert observe(waits).message == "held by cats-1, dogs-2"
    # What a step waits for that is no semaphore is nobody's.
    pod = a_node("train", 0, phase="Pending", message="Unschedulable: none")
    elsewhere = a_workflow(*done("data"), a_node("train"), pod, synchronization=taken)
    assert observe(elsewhere).message == "Unschedulable: none"


def test_the_living_engine_tells_who_holds_a_semaphore() -> None:
    files = sorted((RECORDINGS / "waiting-for-semaphore").glob("*.json"))
    told = {describe_workflow(observe(json.loads(file.read_text()))) for file in files}
    (waits,) = {one for one in told if one.startswith("train waits in its queue")}
    assert waits == (
        "train waits in its queue: Waiting for runs/ConfigMap/vtspec-semaphores/t4 lock. "
        "Lock status: 0/1; held by holder"
    )


MOUNT = 'MountVolume.SetUp failed for volume "x" : {} not found'


@pytest.mark.parametrize(
    ("said", "named", "fix"),
    [
        (
            'CreateContainerConfigError: secret "runs-access" not found',
            "Secret runs-access",
            "kubectl -n vision create secret generic runs-access --from-env-file=FILE",
        ),
        (
            'Unschedulable: 0/3 nodes are available: persistentvolumeclaim "v" not found.',
            "PersistentVolumeClaim v",
            "kubectl -n vision get persistentvolumeclaims",
        ),
        (
            MOUNT.format(f'secret "run-{RUN_NAME}"'),
            f"Secret run-{RUN_NAME}",
            f"vtspec run {PLAN.id} --backend argo",
        ),
        (
            MOUNT.format('configmap "plan-0123"'),
            "ConfigMap plan-0123",
            f"vtspec run {PLAN.id} --backend argo",
        ),
        (
            MOUNT.format('configmap "tools"'),
            "ConfigMap tools",
            "kubectl -n vision create configmap tools --from-file=FILE",
        ),
    ],
)
def test_an_object_that_the_namespace_lacks_is_named_with_what_makes_it(
    said: str, named: str, fix: str
) -> None:
    is_mount = said.startswith("MountVolume")
    # Of a mount Argo says no more than that the pod begins: the node's kubelet tells it.
    node = a_node("train", 0, phase="Pending", message="PodInitializing" if is_mount else said)
    pod = {
        "kind": "Pod",
        "metadata": {
            "name": "pod-of-train",
            "annotations": {"workflows.argoproj.io/node-id": node["id"]},
        },
    }
    event = {
        "reason": "FailedMount",
        "involvedObject": {"kind": "Pod", "name": "pod-of-train"},
        "message": said,
    }
    others = [
        event | {"involvedObject": {"name": "other"}, "message": MOUNT.format('secret "other"')},
        event | {"message": "MountVolume.SetUp failed for volume: timed out"},
    ]
    beside = [pod, *([event] if is_mount else []), *others]
    state = observe(a_workflow(*done("data"), a_node("train"), node), beside)
    assert state.wait == "object"
    told, mends = describe_workflow(state).split("\n")
    assert told.startswith(f"train waits for {named}, which namespace vision does not have: ")
    assert mends.startswith("  fix: ") and fix in mends
    assert state.since is not None and state.max_wait_s is not None
    late = state.since + timedelta(seconds=state.max_wait_s + 1)
    assert named.split()[1] in (find_stop_reason(state, late) or "")
    # Once the pod is at work, what was said before holds no more.
    at_work = a_node("train", 0, message="")
    again = observe(a_workflow(*done("data"), a_node("train"), at_work), beside)
    assert (again.phase, again.message) == ("running", "")


def test_a_service_account_that_is_not_there_ends_a_run_with_what_makes_it() -> None:
    said = (
        'pods "w-train" is forbidden: error looking up service account vision/vtspec-run: '
        'serviceaccount "vtspec-run" not found'
    )
    failed = a_node("data", 0, phase="Error", message=said)
    whole = a_node("data", phase="Error", message=said)
    state = observe(a_workflow(whole, failed, phase="Failed"))
    make = "kubectl -n vision create serviceaccount vtspec-run"
    assert make in describe_workflow(state)
    ending = find_ending(state, RunState(), RUN_NAME)
    assert ending is not None and said in (ending.message or "")
    assert make in (ending.fix or "") and "--resume --backend argo" in (ending.fix or "")
    reason = f"data waited for what the namespace lacks for 25 h: {said}"
    stopped = replace(state, phase="stopped", stop_reason=reason)
    ending = find_ending(stopped, RunState(), RUN_NAME)
    assert ending is not None and make in (ending.fix or "")


def test_a_semaphore_that_is_taken_is_a_queue() -> None:
    said = "Waiting for vision/ConfigMap/vtspec-semaphores/t4 lock. Lock status: 0/1"
    whole = a_node(
        "train", phase="Pending", message=said, synchronizationStatus={"waiting": "vision/…/t4"}
    )
    found = observe(a_workflow(*done("data"), whole))
    assert (found.phase, found.wait, found.message) == ("waiting", "queue", said)
    assert found.steps["train"].attempts == 0


def test_a_run_waits_for_a_node_no_longer_than_it_may() -> None:
    pod = a_node("train", 0, phase="Pending", message="Unschedulable: none")
    found = observe(a_workflow(*done("data"), a_node("train"), pod))
    began = datetime(2026, 11, 29, 8, tzinfo=UTC)
    assert not found.is_overdue(began + timedelta(hours=24))
    assert found.is_overdue(began + timedelta(hours=24, seconds=1))
    # What is at work, or waits for something else, has other limits.
    at_work = observe(a_workflow(*done("data"), a_node("train"), a_node("train", 0)))
    assert not at_work.is_overdue(began + timedelta(days=9))


def test_a_lost_pod_is_followed_by_another() -> None:
    found = observe(
        a_workflow(
            *done("data"),
            a_node("train", message="Backoff for 10 seconds"),
            a_node("train", 0, phase="Error", message="pod deleted", finishedAt=LATER),
        )
    )
    assert (found.phase, found.wait, found.cause) == ("waiting", "retry", None)
    assert found.message == "pod deleted; Backoff for 10 seconds"
    assert (found.steps["train"].cause, found.steps["train"].attempts) == ("pod", 1)
    after = observe(
        a_workflow(
            *done("data"),
            a_node("train"),
            a_node("train", 0, phase="Error", message="pod deleted", finishedAt=LATER),
            a_node("train", 10),
            a_node("train", 2, phase="Failed"),
        )
    )
    assert (after.phase, after.steps["train"].attempts) == ("running", 3)


@pytest.mark.parametrize(
    ("message", "exit_code", "phase", "cause"),
    [
        ("main: Error (exit code 3)", "3", "Failed", "failed"),
        ("main: Error (exit code 2)", "2", "Failed", "refused"),
        ("main: Error (exit code 1)", "1", "Failed", "crashed"),
        ("main: Error (exit code 75)", "75", "Failed", "interrupted"),
        ("main: OOMKilled (exit code 137)", "137", "Failed", "memory"),
        ("main: Error (exit code 137)", "137", "Failed", "pod"),
        ("Step exceeded its deadline", None, "Failed", "deadline"),
        (
            "Pod was active on the node longer than the specified deadline",
            None,
            "Failed",
            "deadline",
        ),
        ("pod deleted", None, "Error", "pod"),
        ("Pod was terminated in response to imminent node shutdown.", None, "Failed", "pod"),
        ("The node was low on resource: memory.", None, "Failed", "pod"),
        ("Pod failed before main container starts due to ErrImagePull: x", None, "Error", "image"),
        ("task result missing", None, "Error", "engine"),
        ("something else", None, "Failed", "pod"),
    ],
)
def test_a_failure_has_a_cause(
    message: str, exit_code: str | None, phase: str, cause: str
) -> None:
    found = observe(failing(message, exit_code, phase))
    assert (found.phase, found.step, found.cause) == ("failed", "train", cause)
    assert found.message == message
    assert found.is_over


@pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
def test_a_run_that_somebody_stopped_has_not_failed(strategy: str) -> None:
    said = f"Stopped with strategy '{strategy}'"
    found = observe(
        a_workflow(
            *done("data"),
            a_node("train", phase="Failed", message=said),
            a_node("train", 0, phase="Failed", message=said),
            phase="Failed",
            message=said,
            shutdown=strategy,
        )
    )
    assert (found.phase, found.is_over, found.message) == ("stopped", True, said)


def test_a_run_that_argo_refuses_says_so() -> None:
    found = observe(a_workflow(phase="Error", message="invalid spec: templates.run: no"))
    assert (found.phase, found.cause) == ("failed", "engine")
    assert found.message == "invalid spec: templates.run: no"


def test_a_finished_run_has_every_step() -> None:
    found = observe(a_workflow(*done(*STEPS), phase="Succeeded", finishedAt=LATER))
    assert (found.phase, found.is_over, found.cause, found.wait) == ("succeeded", True, None, None)
    assert list(found.steps) == list(STEPS)
    assert found.finished == datetime(2026, 11, 29, 8, 10, tzinfo=UTC)


def test_packed_nodes_are_unpacked_and_a_bomb_is_not() -> None:
    workflow = a_workflow(*done("data"), a_node("train"), a_node("train", 0))
    plain = observe(workflow)
    nodes = workflow["status"].pop("nodes")
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    workflow["status"]["compressedNodes"] = packed
    assert observe(workflow) == plain
    # Sound, were it read to its end.
    large = b" " * 33 * 2**20 + json.dumps(nodes).encode()
    bomb = base64.b64encode(gzip.compress(large)).decode()
    workflow["status"]["compressedNodes"] = bomb
    found = observe(workflow)
    assert (found.phase, found.is_partial, found.steps) == ("running", True, {})


def test_nodes_that_are_kept_elsewhere_leave_the_phase() -> None:
    workflow = a_workflow(phase="Succeeded", offloadNodeStatusVersion="fnv:1")
    workflow["status"]["nodes"] = None
    found = observe(workflow)
    assert (found.phase, found.is_partial) == ("succeeded", True)


def test_what_others_wrote_is_visible_and_bounded() -> None:
    found = observe(failing("main: \x1b[2J\u202e" + "x" * 5000, "3"))
    assert "\x1b" not in found.message
    assert "⟨U+202E⟩" in found.message
    assert len(found.message) == 1000


@pytest.mark.parametrize("thing", [None, 3, "Workflow", [], ["a"]])
def test_what_is_no_object_is_unreadable_and_not_over(thing: object) -> None:
    assert (observe(thing).phase, observe(thing).is_over) == ("unreadable", False)


def test_a_phase_that_nobody_knows_is_no_end() -> None:
    found = observe(a_workflow(phase="Transcended"))
    assert (found.phase, found.is_over) == ("unreadable", False)


PHASES = ["", "Pending", "Running", "Succeeded", "Failed", "Error", "Skipped", "Omitted", "New"]

WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "Unschedulable: 0/1 nodes are available",
            "main: OOMKilled (exit code 137)",
            "Step exceeded its deadline",
            "pod deleted",
            "Stopped with strategy 'Stop'",
            "Waiting for a/b lock. Lock status: 0/1",
            "Backoff for 10 seconds",
        ]
    ),
)

JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def statuses(draw: st.DrawFn) -> dict[str, Any]:
    """Workflows with statuses of the right shape in every combination."""
    nodes = []
    for step in draw(st.lists(st.sampled_from(STEPS), unique=True)):
        pods = draw(st.integers(0, 3))
        for retry in (None, *range(pods)):
            outputs = draw(st.sampled_from([{}, *({"exitCode": str(c)} for c in (0, 1, 3, 75))]))
            nodes.append(
                a_node(
                    step,
                    retry,
                    phase=draw(st.sampled_from(PHASES)),
                    message=draw(WORDS),
                    outputs=outputs,
                    finishedAt=draw(st.sampled_from([None, LATER])),
                )
            )
    workflow = a_workflow(*nodes, phase=draw(st.sampled_from(PHASES[:6])), message=draw(WORDS))
    if draw(st.booleans()):
        workflow["spec"]["shutdown"] = draw(st.sampled_from(["Stop", "Terminate"]))
    return workflow


def check_state(found: WorkflowState) -> None:
    """What holds of every state."""
    assert found.phase in get_args(Phase)
    assert found.wait is None or found.wait in get_args(Wait)
    assert found.cause is None or found.cause in get_args(Cause)
    assert (found.wait is not None) == (found.phase == "waiting")
    assert (found.cause is not None) == (found.phase == "failed")
    assert found.step is None or found.step in found.steps
    assert len(found.message) <= 1000
    for step in found.steps.values():
        assert (step.wait is not None) == (step.phase == "waiting")
    found.is_overdue(datetime(2026, 11, 30, tzinfo=UTC))


@given(statuses())
def test_every_status_has_a_state(workflow: dict[str, Any]) -> None:
    found = observe(workflow)
    check_state(found)
    told = workflow["status"]["phase"]
    assert found.is_over == (told in ("Succeeded", "Failed", "Error"))


@given(st.data())
def test_a_status_with_anything_in_it_has_a_state(data: st.DataObject) -> None:
    workflow: Any = data.draw(statuses())
    for _ in range(data.draw(st.integers(1, 4))):
        place = workflow
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
                place[key] = data.draw(JUNK)
                break
            place = place[key]
    check_state(observe(workflow, data.draw(st.lists(JUNK, max_size=2))))


@given(JUNK, st.lists(JUNK, max_size=3))
def test_anything_at_all_has_a_state(thing: object, beside: list[object]) -> None:
    check_state(observe(thing, beside))


ENDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "succeeded": ("succeeded", None),
    "failed": ("failed", "failed"),
    "oom-killed": ("failed", "memory"),
    "deadline": ("failed", "deadline"),
    "stopped": ("stopped", None),
    "terminated": ("stopped", None),
    "retried": ("succeeded", None),
    "pod-deleted": ("succeeded", None),
    "waiting-for-gpu": ("waiting", "node"),
    "waiting-in-queue": ("succeeded", None),
    "waiting-for-semaphore": ("succeeded", None),
    "node-gone": ("succeeded", None),
    "controller-restarted": ("succeeded", None),
}
"""What was recorded of the living engine, and the phase, and cause or wait, that it comes to."""

ON_THE_WAY: Final[Mapping[str, tuple[str, str | None]]] = {
    "retried": ("waiting", "retry"),
    "waiting-in-queue": ("waiting", "queue"),
    "waiting-for-semaphore": ("waiting", "queue"),
    "node-gone": ("waiting", "node"),
}


def recordings() -> list[Path]:
    """A folder an end: the Workflow over time, one file a state."""
    return sorted(path for path in RECORDINGS.glob("*") if path.is_dir())


def test_every_end_is_on_record() -> None:
    assert {folder.name for folder in recordings()} == set(ENDS)


@pytest.mark.parametrize("folder", recordings(), ids=lambda folder: folder.name)
def test_a_recorded_run_of_the_engine_comes_to_what_its_name_says(folder: Path) -> None:
    files = sorted(folder.glob("*.json"))
    assert files
    states = [observe(json.loads(file.read_text())) for file in files]
    for state in states:
        check_state(state)
    told = [(state.phase, state.cause or state.wait) for state in states]
    assert told[-1] == ENDS[folder.name]
    assert ON_THE_WAY.get(folder.name, told[0]) in told
    # What an end is told of is the step that began last, and none goes on after it.
    last = states[-1]
    assert last.step == list(last.steps)[-1]
    if last.is_over:
        assert {one.phase for one in last.steps.values()} <= {"succeeded", last.phase}
    # Nothing happens to a run that is over.
    over = [state.is_over for state in states]
    assert over == sorted(over)


def test_observing_changes_nothing() -> None:
    workflow = failing("main: Error (exit code 3)", "3")
    before = copy.deepcopy(workflow)
    observe(workflow, [workflow])
    assert workflow == before
