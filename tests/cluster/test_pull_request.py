"""The whole way: a pull request is opened, its plan told and approved, pods train, MLflow and a
comment have the result, and it is merged; on both forges, with two controllers."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from object_storage import ObjectStorage
from pull_request_stage import APPROVER, Ground, Stage, set_stage
from workflows import WORKFLOWS, delete, find_pods

LONG_S = 600.0


@pytest.fixture
def ground(
    api: KubernetesApi, cluster: Cluster, storage: ObjectStorage, image: str
) -> Iterator[Ground]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        yield Ground(cluster=cluster, storage=storage, image=image)


@pytest.fixture(params=["github", "gitea"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, ground: Ground) -> Iterator[Stage]:
    with set_stage(request.param, tmp_path / "stage", ground, print) as found:
        yield found


def test_a_pull_request_becomes_a_result_and_is_merged(api: KubernetesApi, stage: Stage) -> None:
    before = list_workflows(api)
    stage.open()
    plan = stage.await_comment("plan", 120.0, "/vtspec apply ")
    assert "digits-softmax" in plan and "epochs" in plan
    assert list_workflows(api) == before
    stage.approve()
    result = stage.await_comment("result", LONG_S, "accuracy")
    (run,) = list_workflows(api) - before
    assert run in result
    workflow = api.get(f"{WORKFLOWS}/{run}")
    assert workflow["metadata"]["labels"][f"vtspec.dev/pull-request-{stage.number}"] == "true"
    assert (
        f'"login": "{APPROVER}"'
        in workflow["metadata"]["annotations"][f"vtspec.dev/approval-{stage.number}"]
    )
    assert find_pods(api, run, "train")
    end_well(api, stage, run)
    assert list_workflows(api) - before == {run}
    delete(api, run)


def test_an_api_server_and_its_store_are_restarted_under_a_run(
    api: KubernetesApi, cluster: Cluster, ground: Ground, tmp_path: Path
) -> None:
    with set_stage("github", tmp_path / "stage", ground, print, team="restarted") as stage:
        before = list_workflows(api)
        stage.open()
        stage.await_comment("plan", 120.0, "/vtspec apply ")
        # What is approved meanwhile is begun once it is back.
        cluster.kill("kube-apiserver")
        stage.approve()
        await_told(lambda: list_workflows(api) - before, "its Workflow")
        (run,) = list_workflows(api) - before
        for program, step in (("etcd", "train"), ("kube-apiserver", "evaluate")):
            await_told(partial(find_pods, api, run, step), f"its pod of {step}")
            cluster.kill(program)
        assert run in stage.await_comment("result", LONG_S, "accuracy")
        said = "".join(log.read_text() for log in stage.logs)
        assert "cannot be reached" in said or "not now" in said, "nothing befell them"
        end_well(api, stage, run)
        assert list_workflows(api) - before == {run}
        delete(api, run)


def end_well(api: KubernetesApi, stage: Stage, run: str) -> None:
    """The run has succeeded, its pull request is merged, and there is one comment of each kind."""
    assert api.get(f"{WORKFLOWS}/{run}")["status"]["phase"] == "Succeeded"
    # What is written is written one after the other.
    wait_until(lambda: read_status(stage) == "success", what="its status", timeout_s=60)
    stage.await_tracked(run)
    stage.merge()
    stage.await_rest()
    kinds = [re.match(r"<!-- vtspec:(\w+)", one.body) for one in stage.list_comments()]
    named = [one[1] for one in kinds if one]
    # Where both were as fast as each other, the later one became a word that points at the first.
    assert sorted(set(named) - {"duplicate"}) == ["plan", "progress", "reply", "result"]
    assert all(named.count(kind) == 1 for kind in named if kind != "duplicate")
    for log in stage.logs:
        assert "Traceback" not in log.read_text()


def await_told(ask: Callable[[], object], what: str) -> None:
    """Wait for something of an API server that may be away meanwhile."""

    def is_told() -> bool:
        try:
            return bool(ask())
        except (ApiError, httpx2.TransportError):
            return False

    wait_until(is_told, what=what, timeout_s=LONG_S)


def read_status(stage: Stage) -> str | None:
    head = stage.forge.site.forge.get_pull_request(stage.number).head_sha
    found = stage.forge.site.find_statuses(head).get("vtspec/digits-softmax")
    return None if found is None else found[0]


def list_workflows(api: KubernetesApi) -> set[str]:
    return {str(one["metadata"]["name"]) for one in api.get(WORKFLOWS)["items"]}
