"""A plan carried out on a cluster: begun once, followed live, and ended in every case."""

import json
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cluster_world import Heard, Pods, Submitter, World, await_workflow, recorded_status
from kubernetes_server import PENDING, await_true
from run_folders import STARTED, SUCCEEDED, an_epoch
from vtspec.cli.main import cli
from vtspec.pipelines.argo import render, render_cron_workflow
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.operations.cluster_runs import run_on_cluster
from vtspec.pipelines.operations.cluster_workflows import (
    follow_on_cluster,
    look_at_runs,
    stop_on_cluster,
)
from vtspec.pipelines.operations.removal import choose_runs, remove_runs
from vtspec.pipelines.operations.render import find_run_settings
from vtspec.pipelines.operations.seeds import run_seeds
from vtspec.schema.kinds.experiment import Schedule
from vtspec.schema.problem import SpecError

pytestmark = pytest.mark.slow


ROLE = 'runsRole: {arn: "arn:aws:iam::123456789012:role/vtspec-run"}'


def test_a_run_is_given_a_credential_of_its_own_by_whoever_submits_it(world: World) -> None:
    config = world.root / "vtspec.yaml"
    config.write_text(config.read_text().replace("cluster: {", f"cluster: {{{ROLE}, "))
    heard, name = Heard(), world.plan.id
    secret = f"/api/v1/namespaces/vision/secrets/run-{name}"
    with world.running(heard) as asked:
        # The first who asks a token service waits for boto3.
        await_true(
            lambda: asked.error or secret in world.server.objects, "its Secret is there", 90
        )
        assert asked.error is None
        workflow = world.server.workflow(name)
        assert workflow is not None
        mounted = [one.get("secret") for one in workflow["spec"]["volumes"]]
        assert {"secretName": f"run-{name}", "defaultMode": 0o440} in mounted
        # Of somebody who was killed before it was made, the next who looks on makes it.
        del world.server.objects[secret]
        looking = Heard()
        with world.running(looking) as second:
            await_true(
                lambda: second.error or secret in world.server.objects, "it is made anew", 90
            )
            looking.stop.request("stopped")
        assert second.error is None
        world.server.play(name, recorded_status("succeeded", 8))
        pods = Pods(world, name)
        pods.begin()
        pods.tell(STARTED, SUCCEEDED)
        pods.store()
        pods.end()
        world.server.play(name, recorded_status("succeeded"))
    assert asked.error is None
    # Before there is anything on the cluster.
    caution, told = [line for line in heard.said if "credential" in line]
    assert caution.startswith("caution: on the cluster the run may take 30m and wait 1 d")
    assert told.startswith("its pods hold a credential for this run alone, good for 1 h")
    # Nobody asked to read a Secret.
    assert world.server.count("GET", "/secrets") == 0


def test_who_only_follows_a_run_keeps_its_credential_good_or_says_that_nobody_does(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.root / "vtspec.yaml"
    config.write_text(config.read_text().replace("cluster: {", f"cluster: {{{ROLE}, "))
    heard, secret = Heard(), f"/api/v1/namespaces/vision/secrets/run-{world.plan.id}"
    with world.running(heard) as asked:
        await_true(lambda: asked.error or secret in world.server.objects, "its Secret", 90)
        heard.stop.request("stopped")
    assert asked.error is None
    run, runs = world.find_run(), world.runs
    for place, told in ((world.root, []), (tmp_path, ["fix: in the repository that began it"])):
        monkeypatch.chdir(place)
        world.server.objects.pop(secret, None)
        looking = Heard()
        client = KubernetesClient(world.environ)
        given = (run, runs, looking.callbacks, client, world.environ)
        thread = threading.Thread(target=follow_on_cluster, args=given)
        thread.start()
        try:
            await_true(
                partial(_is_settled, world, secret, looking),
                "it is renewed, or said that it is not",
                90,
            )
        finally:
            looking.stop.request("stopped")
            thread.join(30)
        assert (secret in world.server.objects) == (not told)
        said = "\n".join(looking.said)
        assert ("is not renewed here" in said) == bool(told)
        assert all(words in said for words in told)


def test_who_asks_for_the_plan_here_and_joins_the_clusters_run_keeps_its_credential_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.root / "vtspec.yaml"
    config.write_text(config.read_text().replace("cluster: {", f"cluster: {{{ROLE}, "))
    heard, name = Heard(), world.plan.id
    secret = f"/api/v1/namespaces/vision/secrets/run-{name}"
    with world.running(heard) as asked:
        await_true(lambda: asked.error or secret in world.server.objects, "its Secret", 90)
        heard.stop.request("stopped")
    assert asked.error is None
    monkeypatch.chdir(world.root)
    del world.server.objects[secret]
    looking, request = Heard(), replace(world.request().request, command="vtspec run deep")
    with ThreadPoolExecutor(1) as threads:
        joined = threads.submit(run_seeds, request, looking.callbacks, world.environ)
        try:
            await_true(lambda: joined.done() or secret in world.server.objects, "renewed", 90)
            # And an end that nobody told is found out as well.
            world.server.play(name, recorded_status("oom-killed"))
            (result,) = joined.result(60).results
        finally:
            looking.stop.request("stopped")
    assert (result.how, result.state.status) == ("joined", "failed")
    assert secret in world.server.objects


def test_who_joins_the_clusters_run_here_without_a_kubeconfig_is_told_what_is_not_done(
    world: World,
) -> None:
    _finish(world, None)
    looking, request = Heard(), replace(world.request().request, command="vtspec run deep")
    environ = {**world.environ, "KUBECONFIG": str(world.root / "none")}
    with ThreadPoolExecutor(1) as threads:
        joined = threads.submit(run_seeds, request, looking.callbacks, environ)
        try:
            await_true(lambda: any("is not renewed" in line for line in looking.said), "told")
        finally:
            looking.stop.request("stopped")
        assert joined.result(30).results[0].how == "joined"


def _is_settled(world: World, secret: str, looking: Heard) -> bool:
    said = any("is not renewed here" in line for line in looking.said)
    return said or secret in world.server.objects


def test_a_role_that_is_not_given_leaves_no_workflow(world: World) -> None:
    config = world.root / "vtspec.yaml"
    nobody = ROLE.replace("}", ', endpoint: "http://127.0.0.1:9"}')
    config.write_text(config.read_text().replace("cluster: {", f"cluster: {{{nobody}, "))
    with pytest.raises(Temporary, match="the token service cannot be reached") as refused:
        world.run()
    assert "cluster.runsRole.endpoint" in (refused.value.fix or "")
    assert world.server.workflows() == []


def test_a_run_is_begun_followed_live_and_ends_with_its_result(world: World) -> None:
    heard, name = Heard(), world.plan.id
    with world.running(heard) as asked:
        await_workflow(world, name)
        world.server.play(name, recorded_status("succeeded", 8))
        pods = Pods(world, name)
        pods.begin()
        pods.tell(STARTED, an_epoch(1))
        # Before the store has any of it.
        await_true(lambda: heard.kinds() == ["run.started", "train.epoch"], "told live")
        assert f"{name}/events.jsonl" not in world.keys()
        pods.tell(an_epoch(2), SUCCEEDED)
        pods.store()
        pods.end()
        world.server.play(name, recorded_status("succeeded"))
    assert asked.error is None
    (result,) = asked.result.results
    assert (result.how, result.outcome.ending) == ("carried out", "succeeded")
    assert heard.kinds() == ["run.started", "train.epoch", "train.epoch", "run.finished"]
    told = json.loads((result.run.path / "workflow.json").read_text())
    assert told["namespace"] == "vision" and told["digest"] == world.plan.digest
    # Asked for again it is shown, and nothing is made.
    again = world.run().results[0]
    assert (again.how, again.run.name) == ("shown", name)
    assert world.server.workflows() == [name]


def test_where_nothing_was_begun_there_is_nothing_to_resume(world: World) -> None:
    with pytest.raises(Refused, match="no attempt of this plan to resume"):
        world.run(resume=True)
    assert world.server.workflows() == []


def test_again_makes_another_attempt(world: World) -> None:
    _finish(world, SUCCEEDED)
    heard = Heard()
    with world.running(heard, again=True):
        await_workflow(world, f"{world.plan.id}-2")
        heard.stop.request("stopped")
    assert world.server.workflows() == [world.plan.id, f"{world.plan.id}-2"]


def test_who_stops_looking_leaves_the_run_alone_and_the_next_call_joins_it(world: World) -> None:
    heard = Heard()
    with world.running(heard) as asked:
        await_workflow(world, world.plan.id)
        heard.stop.request("stopped")
    assert asked.result.results[0].outcome is None
    assert "shutdown" not in (world.server.workflow(world.plan.id) or {})["spec"]
    second = Heard()
    with world.running(second) as joined:
        await_true(lambda: any("already" in line for line in second.said), "it is joined")
        second.stop.request("stopped")
    assert joined.result.results[0].how == "joined"
    assert world.server.count("POST", "workflows") == 1


# Of each recorded end of the real engine: how the run ended, and with which exit code.
ENDS = {
    "oom-killed": ("failed", 3, "used up the memory"),
    "deadline": ("failed", 3, "deadline"),
    "failed": ("failed", 3, "exit code 3"),
    "stopped": ("stopped", 75, "was stopped"),
    "terminated": ("stopped", 75, "was stopped"),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_ended_without_a_word_is_written_down_once_by_whoever_follows(
    world: World, end: str
) -> None:
    ending, code, words = ENDS[end]
    with world.running(Heard()) as first, world.running(Heard()) as second:
        await_workflow(world, world.plan.id)
        Pods(world, world.plan.id).tell(STARTED, is_printed=False)
        if end in ("stopped", "terminated"):
            _patch_shutdown(world)
        world.server.play(world.plan.id, recorded_status(end))
    for asked in (first, second):
        assert asked.error is None
        outcome = asked.result.results[0].outcome
        assert (outcome.ending, outcome.exit_code) == (ending, code)
        assert words in outcome.message
        assert outcome.fix
    events = world.find_run().read_events()
    assert [event.seq for event in events] == list(range(len(events)))
    assert sum(event.kind == "run.finished" for event in events) == 1


def test_the_steps_own_words_say_why_it_failed(world: World) -> None:
    with world.running(Heard()) as asked:
        await_workflow(world, world.plan.id)
        pods = Pods(world, world.plan.id)
        pods.tell(
            STARTED,
            ("failed", {"message": "the loss is NaN", "fix": "lower training.learningRate"}),
            is_printed=False,
        )
        pods.store()
        world.server.play(world.plan.id, recorded_status("failed"))
    outcome = asked.result.results[0].outcome
    assert (outcome.message, outcome.fix) == ("the loss is NaN", "lower training.learningRate")


def test_a_run_ends_only_once_its_pods_have(world: World) -> None:
    """A pod that was asked to stop still writes its checkpoint while Argo says it is over."""
    with world.running(Heard()) as asked:
        await_workflow(world, world.plan.id)
        pods = Pods(world, world.plan.id)
        pods.begin()
        pods.tell(STARTED)
        pods.store()
        _patch_shutdown(world)
        world.server.play(world.plan.id, recorded_status("stopped"))
        pods.tell(("train.checkpoint", {"path": "checkpoints/1", "epoch": 1, "step_in_epoch": 0}))
        pods.store()
        pods.end("Failed")
    (result,) = asked.result.results
    assert "checkpoints/1" in result.outcome.message
    assert [event.kind for event in world.find_run().read_events()] == [
        "run.started",
        "train.checkpoint",
        "run.finished",
    ]


def test_a_workflow_that_somebody_deleted_leaves_a_run_to_resume(world: World) -> None:
    with world.running(Heard()) as asked:
        await_workflow(world, world.plan.id)
        pods = Pods(world, world.plan.id)
        pods.tell(STARTED, is_printed=False)
        pods.store()
        world.server.play_gone(world.plan.id)
    outcome = asked.result.results[0].outcome
    assert (outcome.ending, outcome.exit_code) == ("interrupted", 75)
    assert "--resume --backend argo" in outcome.fix


def test_what_waits_too_long_is_stopped_with_the_schedulers_words(world: World) -> None:
    heard = Heard()
    with world.running(heard) as asked:
        await_workflow(world, world.plan.id)
        with world.server.changed:
            stored = world.server.objects[world.server.workflow_path(world.plan.id)]
            stored["metadata"]["annotations"]["vtspec.dev/max-wait-seconds"] = "1"
            world.server.play(world.plan.id, recorded_status("waiting-for-gpu"))
        await_true(lambda: _is_asked_to_stop(world), "the Workflow is asked to stop")
        world.server.play(world.plan.id, recorded_status("stopped"))
    outcome = asked.result.results[0].outcome
    assert (outcome.ending, outcome.exit_code) == ("interrupted", 75)
    assert "waited for a node" in outcome.message and "nvidia.com/gpu" in outcome.message
    assert any("waits for a node" in line for line in heard.said)


def test_a_wait_in_the_queue_is_told_in_kueues_words(world: World) -> None:
    heard, said = Heard(), "insufficient unused quota for nvidia.com/gpu"
    with world.running(heard):
        await_workflow(world, world.plan.id)
        _gate_training(world, said)
        await_true(lambda: any(said in line for line in heard.said), "Kueue's words are told")
        heard.stop.request("stopped")
    assert any("train waits in its queue" in line for line in heard.said)


def test_the_place_in_the_queue_is_told_beside_them_and_anew_when_it_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "VTSPEC_CACHE"):
        monkeypatch.setenv(name, world.environ[name])
    status = ["status", world.plan.id, "--runs", world.url]
    heard, said = Heard(), "insufficient unused quota for nvidia.com/gpu"
    with world.running(heard):
        await_workflow(world, world.plan.id)
        _let_queue(world, before=2)
        _gate_training(world, said)
        third = f"train waits as 3rd in queue t4: {said}"
        await_true(lambda: third in heard.said, "its place is told")
        _let_queue(world, before=0)
        first = f"train waits as 1st in queue t4: {said}"
        await_true(lambda: first in heard.said, "its new place is told")
        shown = CliRunner().invoke(cli, status, standalone_mode=False).output
        assert f"on the cluster: {first}" in " ".join(shown.split())
        words = [*status, "--output", "json"]
        told = json.loads(CliRunner().invoke(cli, words, standalone_mode=False).output)
        assert told["cluster"]["place"] == {"queue": "t4", "place": 1, "placeInCluster": 1}
        heard.stop.request("stopped")


@pytest.mark.parametrize("served", ["forbidden", "absent", "empty", "away"])
def test_a_place_that_is_not_told_is_left_out_without_a_word(world: World, served: str) -> None:
    heard, said = Heard(), "insufficient unused quota for nvidia.com/gpu"
    if served == "forbidden":
        world.server.denied.add(("get", "localqueues"))
    if served == "absent":
        world.server.absent.add(PENDING)
    if served == "away":
        # The API server's own word for an aggregated API whose program does not answer.
        world.server.away.add(PENDING)
    with world.running(heard):
        await_workflow(world, world.plan.id)
        if served != "empty":
            _let_queue(world, before=2)
        _gate_training(world, said)
        told = f"train waits in its queue: {said}"
        await_true(lambda: told in heard.said, "Kueue's words are told")
        await_true(
            lambda: world.server.count("GET", "localqueues/t4/pendingworkloads") > 3,
            "it is asked on",
        )
        heard.stop.request("stopped")
    assert not [one for one in heard.said if "localqueues" in one or "visibility" in one]


@pytest.mark.parametrize("may_list", [True, False])
def test_a_secret_that_is_not_there_is_named_with_what_makes_it(
    world: World, may_list: bool
) -> None:
    heard, name = Heard(), world.plan.id
    status = recorded_status("succeeded", 3)
    (node,) = [one["id"] for one in status["nodes"].values() if one["type"] == "Pod"]
    world.server.put(
        "/api/v1/namespaces/vision/events/one",
        {
            "metadata": {"name": "one"},
            "reason": "FailedMount",
            "involvedObject": {"kind": "Pod", "name": "held"},
            "message": 'MountVolume.SetUp failed for volume "runs" : secret "access" not found',
        },
    )
    if not may_list:
        world.server.denied.add(("list", "events"))
    with world.running(heard):
        await_workflow(world, name)
        world.server.put_pod(name, "data", name="held", phase="Pending", node=node)
        world.server.play(name, status)
        await_true(lambda: any("data " in line for line in heard.said), "its wait is told")
        heard.stop.request("stopped")
    (told,) = [line for line in heard.said if line.startswith("data ")]
    if may_list:
        assert told.startswith("data waits for Secret access, which namespace vision does not")
        assert "fix: kubectl -n vision create secret generic access" in told
    else:
        assert told == "data is starting: PodInitializing"


def test_what_a_framework_prints_is_not_taken_for_the_end(world: World) -> None:
    heard = Heard()
    with world.running(heard) as asked:
        await_workflow(world, world.plan.id)
        world.server.play(world.plan.id, recorded_status("succeeded", 8))
        pods = Pods(world, world.plan.id)
        pods.begin()
        pods.tell(STARTED)
        forger = Pods(world, world.plan.id, lines=list(pods.lines))
        forger.tell(SUCCEEDED)
        await_true(lambda: "run.finished" in heard.kinds(), "the forged end was shown")
        assert asked.thread.is_alive()
        pods.tell(("run.finished", {"ending": "failed", "exit_code": 3, "message": "it broke"}))
        pods.store()
        pods.end("Failed")
    assert asked.result.results[0].outcome.message == "it broke"


def test_a_cluster_that_is_away_for_a_while_is_asked_again(world: World) -> None:
    heard = Heard()
    with world.running(heard) as asked:
        await_workflow(world, world.plan.id)
        world.server.is_down = True
        await_true(lambda: any("cannot be reached" in line for line in heard.said), "it is told")
        world.server.is_down = False
        Pods(world, world.plan.id).tell(STARTED)
        world.server.play(world.plan.id, recorded_status("oom-killed"))
    assert sum("cannot be reached" in line for line in heard.said) == 1
    assert asked.result.results[0].outcome.ending == "failed"


def test_a_created_workflow_whose_answer_was_lost_is_taken_for_there(world: World) -> None:
    # Of the ConfigMap and of the Workflow.
    world.server.drops = 2
    assert _submit(world) is None
    assert world.server.drops == 0
    assert world.server.workflows() == [world.plan.id]
    assert len(world.runs.list_runs()) == 1


def test_a_workflow_that_somebody_applied_is_joined_and_not_made_again(world: World) -> None:
    name, heard = world.plan.id, Heard()
    rendered = render(world.plan, find_run_settings(world.plan, world.repository))
    applied = world.server.put(world.server.workflow_path(name), rendered)
    with world.running(heard) as asked:
        await_true(lambda: _read_stamp(world) or not asked.thread.is_alive(), "it is stamped")
        heard.stop.request("stopped")
    assert asked.error is None
    workflow = world.find_run().read_workflow()
    assert workflow is not None and workflow.created_at == _read_stamp(world)
    assert (world.server.workflow(name) or {})["metadata"]["uid"] == applied["metadata"]["uid"]


def _read_stamp(world: World) -> str | None:
    found = world.server.workflow(world.plan.id) or {}
    stamp = found["metadata"]["annotations"].get("vtspec.dev/created-at")
    return None if stamp is None else str(stamp)


def test_a_run_is_stopped_and_resumed_by_another_workflow_of_its_name(world: World) -> None:
    name = world.plan.id
    _finish(world, None)
    run = world.find_run()
    pods = Pods(world, name)
    pods.tell(STARTED, ("train.checkpoint", {"path": "checkpoints/1", "epoch": 1}))
    pods.store()
    world.server.play(name, recorded_status("succeeded", 8))
    with pytest.raises(Temporary, match="has not ended"):
        stop_on_cluster(run, world.runs, 0.0, world.environ, lambda _: None)
    assert _shutdown(world) == "Stop"
    world.server.play(name, recorded_status("stopped"))
    # A second one is impatient.
    state = stop_on_cluster(run, world.runs, 5.0, world.environ, lambda _: None)
    assert (state.status, _shutdown(world)) == ("stopped", "Terminate")
    with pytest.raises(Refused, match="was stopped before its end"):
        world.run()
    first = (world.server.workflow(name) or {})["metadata"]
    heard = Heard()
    with world.running(heard, resume=True):
        await_true(lambda: _is_another(world, first["uid"]), "another Workflow is made")
        heard.stop.request("stopped")
    second = (world.server.workflow(name) or {})["metadata"]
    key = "vtspec.dev/created-at"
    assert second["annotations"][key] != first["annotations"][key]
    state = world.find_run().read_state()
    assert (state.status, state.clock.pauses) == ("running", 1)
    assert world.find_run().is_on_cluster()


def test_a_run_that_the_cluster_has_lost_does_not_stay_on_it(world: World) -> None:
    _finish(world, None)
    pods = Pods(world, world.plan.id)
    pods.tell(STARTED)
    pods.store()
    run = world.find_run()
    assert run.is_on_cluster() and run.is_alive()
    world.server.play(world.plan.id, recorded_status("oom-killed"))
    look = look_at_runs(world.runs, [run], world.environ)
    assert look.problem is None
    assert look.found[run.name].cause == "memory"
    assert not run.is_on_cluster()
    assert world.find_run().ending == "failed"


def test_a_removed_run_takes_its_objects_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    _finish(world, None)
    with pytest.raises(Refused, match="being worked on"):
        choose_runs([world.plan.id], world.runs, world.repository)
    _finish(world, SUCCEEDED)
    chosen = choose_runs([world.plan.id], world.runs, world.repository)
    warned: list[str] = []
    remove_runs(chosen, world.runs, lambda _: None, warned.append)
    assert (warned, world.server.objects, world.keys()) == ([], {}, [])


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({}, True),
        ({"spec": {"suspend": True}}, False),
        # Argo's word for one that has succeeded, or failed too often.
        ({"status": {"phase": "Stopped"}}, False),
        ({"metadata": {"name": "other", "labels": {"vtspec.dev/plan": "other"}}}, False),
    ],
)
def test_whoever_stops_or_removes_a_run_is_told_of_the_schedule_that_begins_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], begins: bool
) -> None:
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    monkeypatch.setenv("VTSPEC_CACHE", world.environ["VTSPEC_CACHE"])
    name = world.plan.id
    settings = find_run_settings(world.plan, world.repository)
    nightly = render_cron_workflow(world.plan, settings, Schedule(cron="0 3 * * *")) | changes
    at = f"/apis/argoproj.io/v1alpha1/namespaces/vision/cronworkflows/{name}"
    world.server.put(at, nightly)
    _finish(world, None)
    world.server.play(name, recorded_status("stopped"))
    # The second finds it stopped.
    for code in (0, 2):
        words = ["stop", name, "--runs", world.url]
        done = CliRunner().invoke(cli, words, standalone_mode=False)
        assert isinstance(done.exception, Refused) == bool(code), done.output
        told = f"CronWorkflow {name} begins {name} again at its next time"
        assert (told in done.stderr) == begins, done.stderr
        kubectl = f"kubectl -n vision patch cronworkflow {name} --type merge -p"
        assert (kubectl in done.stderr) == begins
    warned: list[str] = []
    chosen = choose_runs([name], world.runs, world.repository)
    remove_runs(chosen, world.runs, lambda _: None, warned.append)
    assert [told in line for line in warned] == [True] * begins
    assert list(world.server.objects) == [at]


@pytest.mark.parametrize("verb", [["stop"], ["rm", "--yes"]])
@pytest.mark.parametrize("word", ["spec", "plan"])
def test_whoever_stops_or_removes_what_only_a_schedule_will_begin_is_told_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: list[str], word: str
) -> None:
    for name in ("KUBECONFIG", "VTSPEC_CACHE"):
        monkeypatch.setenv(name, world.environ[name])
    monkeypatch.chdir(world.root)
    name = world.plan.id
    asked = [*verb, world.plan.name if word == "spec" else name, "--runs", world.url]
    _put_schedule(world)
    done = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert isinstance(done.exception, Refused)
    assert f"yet; CronWorkflow {name} begins {name} at its next time" in str(done.exception)
    assert f"kubectl -n vision delete cronworkflow {name}" in str(done.exception)
    # Another store's is nobody's here, and one that is away is said to be.
    other = CliRunner().invoke(cli, [*asked[:-1], f"{world.url}/other"], standalone_mode=False)
    assert "CronWorkflow" not in str(other.exception)
    monkeypatch.setenv("KUBECONFIG", str(world.root / "none"))
    away = CliRunner().invoke(cli, asked, standalone_mode=False)
    assert "there is no run" in str(away.exception)
    assert "whether a CronWorkflow is to begin one could not be asked" in str(away.exception)


def test_who_stops_a_spec_is_told_of_the_schedule_of_another_plan_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "VTSPEC_CACHE"):
        monkeypatch.setenv(name, world.environ[name])
    monkeypatch.chdir(world.root)
    _finish(world, SUCCEEDED)
    edited = f"{world.plan.name}-0123456789"
    _put_schedule(world, {"name": edited, "labels": {"vtspec.dev/plan": edited}})
    for word, is_told in ((world.plan.name, True), (world.plan.id, False)):
        words = ["stop", word, "--runs", world.url]
        done = CliRunner().invoke(cli, words, standalone_mode=False)
        assert (f"CronWorkflow {edited} begins {edited} again" in done.stderr) == is_told


def _put_schedule(world: World, changes: Mapping[str, Any] | None = None) -> None:
    settings = find_run_settings(world.plan, world.repository)
    nightly = render_cron_workflow(world.plan, settings, Schedule(cron="0 3 * * *"))
    metadata, changes = nightly["metadata"], changes or {}
    labels = metadata["labels"] | changes.get("labels", {})
    nightly["metadata"] = {**metadata, **changes, "labels": labels}
    at = "/apis/argoproj.io/v1alpha1/namespaces/vision/cronworkflows"
    world.server.put(f"{at}/{nightly['metadata']['name']}", nightly)


def test_a_run_whose_pod_is_at_work_runs_also_before_the_store_knows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    monkeypatch.setenv("VTSPEC_CACHE", world.environ["VTSPEC_CACHE"])
    monkeypatch.chdir(world.root)
    heard = Heard()
    with world.running(heard):
        await_workflow(world, world.plan.id)
        heard.stop.request("stopped")
    for number, status in ((2, "queued"), (4, "running")):
        world.server.play(world.plan.id, recorded_status("succeeded", number))
        words = ["status", "--runs", world.url, "--status", status]
        listed = CliRunner().invoke(cli, words, standalone_mode=False)
        assert world.plan.id in listed.output, listed.output
    shown = CliRunner().invoke(
        cli, ["status", world.plan.id, "--runs", world.url], standalone_mode=False
    )
    assert f"{world.plan.id}  running" in shown.output
    assert "not begun yet" in shown.output and "never" not in shown.output


def test_a_plan_that_another_workflow_has_keeps_its_configmap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    _finish(world, SUCCEEDED)
    heard = Heard()
    with world.running(heard, again=True):
        await_workflow(world, f"{world.plan.id}-2")
        heard.stop.request("stopped")
    chosen = choose_runs([f"{world.plan.id}"], world.runs, world.repository)
    remove_runs(chosen, world.runs, lambda _: None)
    assert world.server.workflows() == [f"{world.plan.id}-2"]
    assert any("configmaps/plan-" in path for path in world.server.objects)


def test_a_cluster_that_cannot_be_asked_leaves_what_the_store_knows(world: World) -> None:
    _finish(world, None)
    run = world.find_run()
    nowhere = {**world.environ, "KUBECONFIG": str(world.root / "none")}
    look = look_at_runs(world.runs, [run], nowhere)
    assert look.found == {} and "there is no kubeconfig" in str(look.problem)
    assert run.is_on_cluster()


def test_runs_in_a_folder_and_a_controllers_cluster_are_refused(world: World) -> None:
    here = replace(world.repository, runs_folder=world.root / "runs")
    request = world.request()
    planned = replace(request.request.planned, repository=here)
    asked = replace(request, request=replace(request.request, planned=planned))
    with pytest.raises(SpecError) as lacks:
        run_on_cluster(asked, Heard().callbacks, world.environ)
    assert "needs its runs in a store" in str(lacks.value)
    file = world.root / "vtspec.yaml"
    text = file.read_text()
    file.write_text(text.replace("namespace: vision", "namespace: vision, submit: controller"))
    with pytest.raises(Refused, match="leaves creating runs to the controller"):
        world.run()
    assert world.server.objects == {}
    assert world.keys() == []


@pytest.fixture
def submitter(world: World) -> Iterator[Submitter]:
    found = Submitter(world)
    yield found
    found.close()


def test_whoever_submits_may_be_killed_after_any_request(
    world: World, submitter: Submitter
) -> None:
    name, kills = world.plan.id, 0
    while not submitter.submit(kills + 1):
        kills += 1
        assert submitter.submit()
        _assert_submitted_once(world)
        shutil.rmtree(world.runs_folder)
        world.server.objects.clear()
        world.store.delete(world.keys())
    # The name, the Workflow's file, the plan, the ConfigMap, the Workflow, and looks between.
    assert kills > 8
    _assert_submitted_once(world)
    assert world.server.workflows() == [name]


def test_a_call_that_is_killed_a_little_later_each_time_comes_to_one_run(
    world: World, submitter: Submitter
) -> None:
    requests = 1
    while not submitter.submit(requests):
        requests += 3
    _assert_submitted_once(world)


def _assert_submitted_once(world: World) -> None:
    name = world.plan.id
    assert world.server.workflows() == [name]
    assert sum("configmaps" in path for path in world.server.objects) == 1
    assert world.keys() == [f"{name}/plan.json", f"{name}/workflow.json"]


def _finish(world: World, end: tuple[str, object] | None) -> None:
    """Submit the plan, or go on with it, and have it end so; None leaves it on the cluster."""
    heard, name = Heard(), world.plan.id
    with world.running(heard) as asked:
        await_workflow(world, name)
        if end is None:
            heard.stop.request("stopped")
        else:
            pods = Pods(world, name)
            pods.tell(STARTED, end, is_printed=False)  # type: ignore[arg-type]
            pods.store()
            world.server.play(name, recorded_status("succeeded"))
    assert asked.error is None


def _submit(world: World) -> Exception | None:
    """Ask for the plan, and look away as soon as it is on the cluster; what went wrong."""
    heard = Heard()
    with world.running(heard) as asked:
        await_true(lambda: heard.said or not asked.thread.is_alive(), "it is submitted, or not")
        heard.stop.request("stopped")
    return asked.error


def _patch_shutdown(world: World) -> None:
    with world.server.changed:
        stored = world.server.objects[world.server.workflow_path(world.plan.id)]
        stored["spec"]["shutdown"] = "Stop"


def _shutdown(world: World) -> str | None:
    found = world.server.workflow(world.plan.id)
    return None if found is None else found["spec"].get("shutdown")


def _is_asked_to_stop(world: World) -> bool:
    return _shutdown(world) is not None


def _is_another(world: World, uid: str) -> bool:
    found = world.server.workflow(world.plan.id)
    return found is not None and found["metadata"]["uid"] != uid


def _let_queue(world: World, before: int) -> None:
    """Kueue's answer about who waits in the queue, with so many before the training's pod."""
    names = [*(f"other-{number}" for number in range(before)), "gated"]
    world.server.put(
        f"{PENDING}/namespaces/vision/localqueues/t4/pendingworkloads",
        {
            "kind": "PendingWorkloadsSummary",
            "apiVersion": "visibility.kueue.x-k8s.io/v1beta1",
            "items": [
                {
                    "metadata": {
                        "name": f"pod-{name}-0a1b2",
                        "namespace": "vision",
                        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": name}],
                    },
                    "priority": 0,
                    "localQueueName": "t4",
                    "positionInClusterQueue": place,
                    "positionInLocalQueue": place,
                }
                for place, name in enumerate(names)
            ],
        },
    )


def _gate_training(world: World, said: str) -> None:
    """The training's pod is held back by Kueue, as on record."""
    name, node, status = world.plan.id, "", recorded_status("waiting-in-queue", 0)
    for number in range(20):
        status = recorded_status("waiting-in-queue", number)
        waiting = [
            one["id"]
            for one in status.get("nodes", {}).values()
            if one["type"] == "Pod" and one.get("templateName") == "train"
        ]
        if waiting and status["nodes"][waiting[0]]["phase"] == "Pending":
            node = waiting[0]
            break
    gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
    held = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": said}
    world.server.put_pod(name, "train", name="gated", phase="Pending", node=node)
    with world.server.changed:
        pod = world.server.objects["/api/v1/namespaces/vision/pods/gated"]
        pod["status"]["conditions"] = [{**gated, "message": "gated"}]
        pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = "t4"
        world.server.put(
            "/apis/kueue.x-k8s.io/v1beta1/namespaces/vision/workloads/gated",
            {
                "metadata": {"name": "w", "ownerReferences": [{"name": "gated"}]},
                "status": {"conditions": [held]},
            },
        )
    world.server.play(name, status)


def test_who_asks_while_somebody_else_does_comes_to_the_same_run(world: World) -> None:
    elsewhere = {**world.environ, "VTSPEC_CACHE": str(world.root.parent / "other-cache")}
    other = replace(world, environ=elsewhere)
    theirs, mine = Heard(), Heard()

    def ask_slowly(*_: object) -> None:
        """The remote takes as long to answer as somebody else to begin."""
        with other.running(theirs):
            await_workflow(world, world.plan.id)
            theirs.stop.request("stopped")
        # A list of the store is kept for a second.
        time.sleep(1.5)

    request = replace(world.request(), check=ask_slowly)
    with world.asking(request, mine):
        await_true(
            lambda: any("is on the cluster" in line for line in mine.said), "it is looked at"
        )
        mine.stop.request("stopped")
    assert world.server.workflows() == [world.plan.id]
    assert [run.name for run in world.runs.list_runs()] == [world.plan.id]


def test_who_names_an_attempt_to_go_on_with_means_that_one(world: World) -> None:
    """Also the first, whose name is the plan's id; its fix was told before there was another."""
    name = world.plan.id
    for run in (name, f"{name}-2"):
        with world.running(Heard(), again=run != name):
            await_workflow(world, run)
            pods = Pods(world, run)
            pods.tell(STARTED, ("run.finished", {"ending": "stopped"}), is_printed=False)
            pods.store()
            world.server.play(run, recorded_status("succeeded"))
    # By the spec it is the last one; by its name it is the one that is named.
    for named, resumed in ((name, name), (None, f"{name}-2")):
        heard = Heard()
        with world.running(heard, resume=True, run=named):
            await_true(partial(len, heard.said), "it is on the cluster")
            heard.stop.request("stopped")
        kinds = {
            run.name: [one.kind for one in run.read_events()] for run in world.runs.list_runs()
        }
        assert kinds[resumed][-1] == "run.resumed"
        if named is not None:
            assert kinds[f"{name}-2"][-1] == "run.finished"
            # It is over again, as by hand: else who resumes joins it.
            pods = Pods(world, name)
            pods.read_stored()
            pods.tell(("run.finished", {"ending": "stopped"}), is_printed=False)
            pods.store()
