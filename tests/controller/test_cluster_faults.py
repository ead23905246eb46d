"""Whatever befalls what controllers ask of the cluster, they come to what they come to otherwise:
one Workflow, one of each comment, and nobody is asked without a pause."""

import copy
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from attended_pull_requests import LONG_S, Attended, expect_the_same
from cluster_world import Pods, recorded_status
from kubernetes_server import await_true
from run_folders import STARTED
from server_faults import Fault
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient

CREATE, LIST, CHANGE = "POST .*/workflows$", "GET .*/workflows$", "PATCH .*/workflows/"
CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"items": [{"meta'
NO_JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("controllers", "faults"),
    [
        pytest.param(
            1, [Fault(match=CREATE, drop="before"), Fault(match=CREATE, drop="after")], id="lost"
        ),
        pytest.param(
            2, [Fault(match=CREATE, drop="after")], id="lost-to-two", marks=pytest.mark.exhaustive
        ),
        pytest.param(
            2,
            [Fault(match="", status=status, times=2) for status in (500, 502, 503, 504)],
            id="burst",
        ),
        pytest.param(1, [Fault(match=LIST, raw=raw) for raw in (CUT, NO_JSON)], id="cut"),
        pytest.param(
            1,
            [Fault(match="", status=401, times=2)],
            id="expired",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            1,
            [Fault(match="POST .*/configmaps", status=409), Fault(match=CREATE, status=409)],
            id="in-conflict",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_an_approval_comes_to_the_same(
    controllers: int, faults: list[Fault], scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset(controllers)
    scene.server.faults = [replace(one) for one in faults]
    scene.approve()
    scene.time.live(LONG_S)
    assert all(one.times == 0 for one in scene.server.faults), "it befell nobody"
    expect_the_same(scene, faultless)


def test_a_cluster_that_is_back_is_found_within_seconds(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset()
    scene.server.is_down = True
    scene.approve()
    scene.time.live(300.0)
    assert scene.time.workers[0].looks < 60
    scene.server.is_down = False
    scene.time.live(11.0)
    assert len(scene.server.workflows()) == 1
    scene.time.live(LONG_S)
    expect_the_same(scene, faultless)


@pytest.mark.parametrize("what", [LIST, CREATE])
def test_who_asks_for_patience_is_given_it(what: str, scene: Attended) -> None:
    scene.reset()
    scene.server.faults = [Fault(match=what, status=429, headers={"Retry-After": "7"})]
    scene.approve()
    scene.time.live(0.0)
    asked = len(scene.server.asked)
    scene.time.live(6.5)
    assert len(scene.server.asked) == asked
    assert scene.server.workflows() == []
    scene.time.live(1.0)
    assert len(scene.server.workflows()) == 1


def test_what_fails_for_long_is_not_tried_without_a_pause(scene: Attended) -> None:
    """As where a webhook of the cluster's is away, which each Workflow has to pass."""
    scene.reset()
    scene.server.faults = [Fault(match=CREATE, status=500, times=10_000)]
    scene.approve()
    before = scene.server.count("POST", "/workflows")
    scene.time.live(200.0)
    assert 10 < scene.server.count("POST", "/workflows") - before < 40
    scene.server.faults = []
    scene.time.live(11.0)
    assert len(scene.server.workflows()) == 1


def test_what_may_not_be_made_is_answered_once(scene: Attended) -> None:
    scene.reset()
    scene.server.denied = {("create", "workflows")}
    before = scene.server.count("POST", "/workflows")
    asked = scene.approve()
    scene.time.live(LONG_S)
    assert "you may not create workflows.argoproj.io (403)" in scene.read_answer(asked)
    assert scene.describe()["reactions"] == [["-1"]]
    assert scene.server.count("POST", "/workflows") == before + 1
    scene.server.denied = set()
    scene.time.live(LONG_S)
    assert scene.server.workflows() == []
    scene.approve()
    scene.time.live(LONG_S)
    assert len(scene.server.workflows()) == 1


def test_who_may_not_stop_is_told_so(scene: Attended) -> None:
    scene.reset()
    scene.approve()
    scene.time.live(LONG_S)
    scene.server.denied = {("patch", "workflows")}
    before = scene.server.count("PATCH", "/workflows/")
    asked = scene.say("/vtspec stop")
    scene.time.live(LONG_S)
    assert "you may not patch workflows.argoproj.io (403)" in scene.read_answer(asked)
    # Its label, and what stops it.
    assert scene.server.count("PATCH", "/workflows/") <= before + 2
    scene.server.denied = set()
    scene.say("/vtspec stop")
    scene.time.live(LONG_S)
    assert scene.find_workflow()["spec"]["shutdown"] == "Stop"


@pytest.mark.exhaustive
def test_what_changed_meanwhile_is_stopped_all_the_same(scene: Attended) -> None:
    """The label and the field are each refused once, as where Argo writes its status."""
    scene.reset()
    scene.approve()
    scene.time.live(LONG_S)
    modified = "Operation cannot be fulfilled: the object has been modified"
    scene.server.faults = [Fault(match=CHANGE, status=409, message=modified, times=8)]
    asked = scene.say("/vtspec stop")
    scene.time.live(LONG_S)
    assert scene.find_workflow()["spec"]["shutdown"] == "Stop"
    assert scene.read_answer(asked).count("🚀") == 1


@pytest.mark.exhaustive
def test_what_may_not_be_listed_is_told_once_in_its_check(scene: Attended) -> None:
    scene.reset()
    scene.server.denied = {("list", "workflows")}
    before = scene.server.count("GET", "/workflows")
    scene.approve()
    scene.time.live(400.0)
    described = [one.description or "" for one in scene.github.repository.statuses]
    assert len([one for one in described if "you may not list" in one]) == 1
    assert 3 < scene.server.count("GET", "/workflows") - before < 20
    scene.server.denied = set()
    scene.time.live(260.0)
    assert len(scene.server.workflows()) == 1


def test_a_workflow_that_somebody_deleted_is_told_of_and_not_made_again(scene: Attended) -> None:
    scene.reset()
    scene.approve()
    scene.time.live(LONG_S)
    (name,) = scene.server.workflows()
    pods = Pods(world=scene.pulls.world, run=name)
    pods.begin()
    pods.tell(STARTED)
    pods.store()
    scene.time.live(20.0)
    scene.server.play_gone(name)
    scene.time.live(100.0)
    assert scene.server.workflows() == []
    (progress,) = scene.find_comments("progress")
    assert f"its Workflow was deleted from the cluster: `{name}`" in progress
    scene.approve()
    scene.time.live(LONG_S)
    assert scene.server.workflows() == [name]


@pytest.mark.exhaustive
def test_anothers_workflow_of_the_name_is_left_alone(scene: Attended) -> None:
    scene.reset()
    scene.approve()
    scene.time.live(LONG_S)
    theirs = scene.find_workflow()
    scene.reset()
    theirs["metadata"]["annotations"] = {"vtspec.dev/digest": "sha256:" + "0" * 64}
    theirs["metadata"]["labels"] = {}
    name = theirs["metadata"]["name"]
    theirs = copy.deepcopy(scene.server.put(scene.server.workflow_path(name), theirs))
    asked = scene.approve()
    before = scene.server.count("GET", f"/workflows/{name}")
    scene.time.live(100.0)
    assert scene.find_workflow() == theirs
    assert scene.server.count("GET", f"/workflows/{name}") - before < 40
    # Nobody is told that it runs, and who asked why it does not.
    assert f"another store's Workflow {name} is still at work" in scene.read_answer(asked)
    assert scene.read_answer(asked).count("👎") == 1
    assert scene.find_comments("progress") == []
    scene.server.play(name, recorded_status("succeeded"))
    scene.time.live(LONG_S)
    asked = scene.approve()
    scene.time.live(LONG_S)
    ours = scene.find_workflow()
    assert ours["metadata"]["annotations"]["vtspec.dev/digest"] != "sha256:" + "0" * 64
    assert scene.read_answer(asked).count("🚀") == 1


def test_who_never_answers_holds_nobody_up(scene: Attended, faultless: Mapping[str, Any]) -> None:
    """A list, and what is made twice: what nobody waited for arrives after all."""
    scene.reset()
    is_late = threading.Event()
    scene.server.faults = [
        Fault(match=LIST, drop="before", until=is_late, times=2),
        Fault(match=CREATE, drop="after", until=is_late),
    ]
    send = KubernetesClient._send
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            KubernetesClient,
            "_send",
            lambda client, request: send(client, replace(request, timeout_s=(0.3, 0.3))),
        )
        scene.approve()
        scene.time.live(LONG_S)
    assert len(scene.server.workflows()) == 1
    before = scene.server.count("POST", "/workflows")
    is_late.set()
    await_true(lambda: scene.server.count("POST", "/workflows") > before, "it arrives")
    expect_the_same(scene, faultless)


LABELS = {"app.kubernetes.io/managed-by": "vtspec", "vtspec.dev/run": "deep-b13bff7325"}
HUGE = {"vtspec.dev/approval-1": "x" * (1 << 20), "vtspec.dev/created-at": None}
METADATA = {"labels": LABELS, "annotations": HUGE}
STRANGE: Mapping[str, Any] = {
    "no-name": {"metadata": {"labels": LABELS}, "spec": {}},
    "no-metadata": {"metadata": None, "spec": {}},
    "no-labels": {"metadata": {"name": "no-labels", "labels": None, "annotations": None}},
    "no-spec": {"metadata": METADATA, "spec": None, "status": None},
    "words": {"metadata": METADATA, "spec": {"templates": "x"}, "status": "x"},
    "numbers": {"metadata": METADATA, "spec": {"templates": 3}, "status": {"phase": 3}},
    "nodes": {"metadata": METADATA, "spec": {"templates": [3]}, "status": {"nodes": {"a": 3}}},
}


def test_what_cannot_be_read_hides_nothing_else(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    """Beside the run whose they say they are."""
    assert any(LABELS["vtspec.dev/run"] in path for path, _ in faultless["objects"])
    scene.reset()
    strange = {scene.server.workflow_path(name): one for name, one in STRANGE.items()}
    scene.server.objects |= copy.deepcopy(strange)
    scene.approve()
    scene.time.live(LONG_S)
    for one in strange:
        del scene.server.objects[one]
    expect_the_same(scene, faultless)
    assert not [line for line in scene.said if "Traceback" in line]
