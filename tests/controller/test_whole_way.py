"""The whole way on stand-ins: real git, a GitHub, a cluster and a store on loopback."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import mlflow
import pytest

from canaries import Canaries
from cluster_world import Pods, recorded_status
from forge_sites import TOKEN
from kubernetes_server import TOKEN as KUBERNETES_TOKEN
from kubernetes_server import KubernetesServer
from mlflow_server import free_port
from object_storage import ObjectStorage
from proposed_changes import push_change
from run_folders import STARTED, Told
from served_pull_requests import TRACKING, PullRequests, serve_pull_requests
from vtspec.pipelines.controller.tenancy import Tenancy
from vtspec.pipelines.controller.worker import serve_once, track_once
from vtspec.pipelines.errors import Refused

CRASHED: Told = ("run.finished", {"ending": "crashed", "exit_code": 1})


def get_server(pulls: PullRequests) -> KubernetesServer:
    return pulls.world.server


def test_a_pull_request_is_told_its_plan_once(pulls: PullRequests) -> None:
    pulls.settle()
    (plan,) = pulls.read_comments()
    assert "epochs" in plan and "50" in plan
    assert pulls.find_line()
    assert get_server(pulls).workflows() == []
    pulls.settle()
    assert pulls.read_comments() == [plan]


def test_a_command_in_a_closed_pull_request_is_answered_without_a_webhook(
    pulls: PullRequests,
) -> None:
    pulls.settle()
    pulls.github.close(pulls.number)
    pulls.settle()
    pulls.site.opened = set()
    pulls.github.write_comment(pulls.number, "/vtspec plan", author="ben")
    pulls.settle()
    replies = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
    assert len(replies) == 1 and "closed" in replies[0]
    pulls.settle()
    assert len(pulls.read_comments()) == len(set(pulls.read_comments()))


def test_what_is_approved_is_carried_out_and_its_result_told(pulls: PullRequests) -> None:
    pulls.settle()
    asked = pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    (name,) = get_server(pulls).workflows()
    workflow = get_server(pulls).workflow(name)
    assert workflow is not None
    assert workflow["metadata"]["labels"][f"vtspec.dev/pull-request-{pulls.number}"] == "true"
    assert '"login": "ben"' in workflow["metadata"]["annotations"]["vtspec.dev/approval-1"]
    reactions = pulls.github.repository.reactions.values()
    assert {one.content for one in reactions if one.comment == asked} == {"eyes", "rocket"}

    pulls.end_pods(name)
    get_server(pulls).play(name, recorded_status("succeeded"))
    pulls.settle()
    result = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:result -->")]
    assert len(result) == 1
    assert name in result[0]

    track_once(pulls.site, pulls.said.append)
    (tracked,) = mlflow.MlflowClient(TRACKING.format(pulls.world.root.parent)).search_runs(["1"])
    assert tracked.info.run_name == name
    assert tracked.info.status == "FINISHED"
    assert not [line for line in pulls.said if "MLflow" in line]


@pytest.mark.slow
def test_the_credential_of_a_run_is_renewed_by_who_looks_at_its_pull_request(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = 'runsRole: {arn: "arn:aws:iam::123456789012:role/vtspec-run"}'
    edit = ("cluster: {", f"cluster: {{{role}, ")
    with serve_pull_requests(storage, tmp_path, monkeypatch, edit) as pulls:
        server, github = get_server(pulls), pulls.github
        pulls.settle()
        github.write_comment(pulls.number, pulls.find_line(), author="ben")
        pulls.settle()
        (name,) = server.workflows()
        secret = f"/api/v1/namespaces/vision/secrets/run-{name}"
        del server.objects[secret]
        # Not at each look: only once half of its time is over.
        pulls.serve()
        assert secret not in server.objects
        credential = pulls.site.credentials.find(name)
        assert credential is not None and credential.put_at is not None
        credential.put_at -= credential.role.duration_s / 2
        pulls.serve()
        assert "AWS_SECRET_ACCESS_KEY" in server.objects[secret]["stringData"]
        assert not [line for line in pulls.said if "is not renewed" in line]


def test_what_a_failed_run_printed_last_is_told_without_secrets(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    pods = Pods(world=pulls.world, run=name)
    pods.begin()
    secret = "canary-of-the-store-0123456789"
    pulls.site.environ = {**pulls.site.environ, "STORE_TOKEN": secret}
    printed = ("<b>no such kernel</b>", f"key {secret}")
    pods.tell(
        STARTED,
        *(("output", {"stream": "stderr", "line": line}) for line in printed),
        CRASHED,
    )
    pods.store()
    pods.end("Failed")
    get_server(pulls).play(name, recorded_status("failed"))
    pulls.settle()
    (result,) = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:result -->")]
    # Inside of a fence, where nothing has any power.
    assert "```text\n<b>no such kernel</b>\nkey " in result
    assert secret not in result


def test_two_controllers_at_once_come_to_one_of_everything(pulls: PullRequests) -> None:
    folder = pulls.world.root.parent / "other.git"
    other = replace(pulls.site, folder=folder, planned={}, statuses={}, checks={})

    def serve_both() -> int:
        with ThreadPoolExecutor(2) as pool:
            sites = (pulls.site, other)
            done = pool.map(lambda site: serve_once(site, pulls.said.append).actions, sites)
            return sum(done)

    def settle() -> None:
        for _ in range(8):
            if serve_both() == 0:
                return
        raise AssertionError(f"they do not come to rest: {pulls.said}")

    settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    settle()
    # What both have just written is not written anew so soon.
    pulls.github.server.world.now += timedelta(minutes=1)
    settle()
    assert len(get_server(pulls).workflows()) == 1
    kinds = [body.partition("\n")[0] for body in pulls.read_comments()]
    for kind in ("plan", "progress", "reply"):
        assert len([one for one in kinds if one.startswith(f"<!-- vtspec:{kind}")]) <= 1, kinds


def test_who_says_stop_is_obeyed_within_one_look(pulls: PullRequests) -> None:
    pulls.settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.serve()
    (name,) = get_server(pulls).workflows()
    workflow = get_server(pulls).workflow(name)
    assert workflow is not None
    assert workflow["spec"]["shutdown"] == "Stop"


def test_a_stranger_is_told_the_plan_and_begins_nothing(pulls: PullRequests) -> None:
    pulls.settle()
    asked = pulls.github.write_comment(pulls.number, pulls.find_line(), author="eve")
    pulls.settle()
    assert get_server(pulls).workflows() == []
    reactions = pulls.github.repository.reactions.values()
    assert [one.content for one in reactions if one.comment == asked] == ["-1"]


def test_a_push_before_the_run_is_begun_keeps_it_from_being_begun(pulls: PullRequests) -> None:
    pulls.settle()
    line = pulls.find_line()
    push_change(pulls.world.root, pulls.github, pulls.number)
    pulls.github.write_comment(pulls.number, line, author="ben")
    pulls.settle()
    assert get_server(pulls).workflows() == []
    assert pulls.find_line() != line


def test_what_another_team_has_is_neither_read_nor_written(pulls: PullRequests) -> None:
    """Whoever may merge writes `vtspec.yaml`; the controller's credentials reach further."""
    server, site = get_server(pulls), pulls.site
    site.tenancy = Tenancy(namespace="speech", runs="s3://acme-speech/runs")
    asked = len(server.asked)
    with pytest.raises(Refused, match=r"spec\.cluster\.namespace is 'vision'"):
        pulls.serve()
    pulls.github.write_comment(pulls.number, "/vtspec apply 1234567", author="ben")
    with pytest.raises(Refused):
        pulls.serve()
    assert len(server.asked) == asked
    assert pulls.read_comments() == []
    assert "spec.cluster.namespace is 'vision'" in pulls.read_check()

    site.tenancy = Tenancy(namespace="vision", runs=pulls.world.url)
    pulls.settle()
    assert pulls.read_comments()
    assert pulls.read_check() == "1 plan, 0 errors"


def test_no_secret_is_told_whoever_prints_it(
    pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API server, the store's pods and MLflow repeat what they were given; nobody is shown."""
    canaries = Canaries()
    server, github, folder = get_server(pulls), pulls.github, pulls.world.root.parent
    canaries.add("forge token", TOKEN)
    canaries.add("cluster token", KUBERNETES_TOKEN)
    given = {
        "AWS_SECRET_ACCESS_KEY": canaries.make("store's key"),
        "AWS_SESSION_TOKEN": canaries.make("store's token"),
        "VTSPEC_FORGE_TOKEN": TOKEN,
        "VTSPEC_WEBHOOK_SECRET": canaries.make("webhook's secret"),
        "MLFLOW_TRACKING_PASSWORD": canaries.make("MLflow's password"),
        "OPENAI_API_KEY": canaries.make("model's key", "sk-{}"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    address = f"http://bot:{canaries.make('password in an address')}@127.0.0.1:{free_port()}"
    pulls.site.environ = {**pulls.site.environ, **given, "MLFLOW_TRACKING_URI": address}
    everything = " ".join((*given.values(), address))

    pulls.settle()
    # The API server, as it refuses; the store, as pods tell how they failed.
    server.admit = lambda body: f"denied: {everything} {KUBERNETES_TOKEN}"
    refused = github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    server.admit = lambda body: None
    github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    (name,) = server.workflows()
    pods = Pods(world=pulls.world, run=name)
    pods.begin()
    pods.tell(STARTED)
    pods.tell(("step.started", {}), step="train")
    message = f"no GPU for {everything}"
    pods.tell(("run.finished", {"ending": "failed", "exit_code": 3, "message": message}))
    pods.store()
    pods.end("Failed")
    server.play(name, recorded_status("failed"))
    github.server.world.now += timedelta(minutes=1)
    pulls.settle()
    track_once(pulls.site, pulls.said.append)
    assert "in MLflow: " in pulls.said[-1]

    told = {
        "comments": json.dumps([one.body for one in github.repository.comments.values()]),
        "statuses": json.dumps([one.description for one in github.repository.statuses]),
        "cluster": json.dumps(server.objects),
        "log": json.dumps(pulls.said),
    }
    assert f"reply {refused}" in told["comments"]
    assert "no GPU for" in told["comments"]
    found = [
        finding
        for place, text in told.items()
        for finding in canaries.search(place, text.encode())
    ]
    found += canaries.search_files([folder / "mirror.git"], [])
    assert found == []
