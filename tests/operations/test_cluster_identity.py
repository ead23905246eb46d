"""Whose a Workflow is: nothing is concluded of another cluster's, and nobody else's is touched."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cluster_world import Heard, Pods, World, a_world, await_workflow, recorded_status
from kubernetes_server import Asked, Object, await_true, running_kubernetes
from object_storage import ObjectStorage
from run_folders import STARTED, SUCCEEDED, an_epoch
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.cluster_workflows import look_at_runs

pytestmark = pytest.mark.slow

NAMESPACE = ("get", "namespaces")
"""What a caller may not where a role is from before it was asked for."""


@pytest.fixture
def elsewhere(world: World) -> Iterator[World]:
    """The same store and repository, under a kubeconfig that leads to another cluster."""
    with running_kubernetes() as server:
        config = server.write_kubeconfig(world.root.parent / "elsewhere")
        environ = {**world.environ, "KUBECONFIG": str(config)}
        yield replace(world, server=server, environ=environ)


@pytest.fixture
def other_store(world: World, storage: ObjectStorage, tmp_path: Path) -> World:
    """Another store of runs on the same cluster, for the same plan."""
    (tmp_path / "other").mkdir()
    bucket = f"other{''.join(filter(str.isalnum, tmp_path.name.lower()))}"[-40:]
    return a_world(tmp_path / "other", storage, world.server, bucket)


def test_a_living_run_is_not_ended_by_who_looks_under_another_kubeconfig(
    world: World, elsewhere: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    before = world.store.read(f"{name}/events.jsonl")
    for words, code in (
        (["status"], 0),
        (["stop", name], Refused),
        (["rm", name, "--yes"], Refused),
        (["prune", "--unfinished", "--yes"], 0),
        (["status", name], 0),
    ):
        done = vtspec(elsewhere, monkeypatch, *words)
        told = done.output + str(done.exception or "")
        assert f"{name} is on another cluster than {elsewhere.server.endpoint}" in told, told
        assert isinstance(done.exception, Refused) == (code is Refused), told
    with pytest.raises(Refused, match="is on another cluster"):
        elsewhere.run()
    with pytest.raises(Refused, match="is on another cluster"):
        elsewhere.run(resume=True)
    assert elsewhere.server.workflows() == []
    assert world.store.read(f"{name}/events.jsonl") == before
    # Where it is, it ends as ever.
    world.server.play_gone(name)
    assert look_at_runs(world.runs, [world.find_run()], world.environ).problems == {}
    assert world.find_run().ending == "interrupted"


def test_who_follows_under_another_kubeconfig_hears_what_the_store_does(
    world: World, elsewhere: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    pods = Pods(world, name)
    pods.read_stored()
    pods.tell(SUCCEEDED, is_printed=False)
    answer = elsewhere.server.answer

    def finish(asked: Asked) -> tuple[int, Object | str]:
        # Once the other cluster was asked, the run goes on to its end.
        pods.store()
        return answer(asked)

    monkeypatch.setattr(elsewhere.server, "answer", finish)
    done = vtspec(elsewhere, monkeypatch, "logs", name, "-f")
    assert done.exception is None, done.output
    assert f"{name} is on another cluster" in done.stderr
    assert done.stdout.count("run       succeeded") == 1, done.stdout


@pytest.mark.parametrize("is_told", [True, False])
def test_without_a_right_to_read_the_namespace_nothing_is_concluded(
    world: World, elsewhere: World, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    if not is_told:
        world.server.denied.add(NAMESPACE)
    name = begin(world)
    run = world.find_run()
    file = run.read_workflow()
    assert file is not None and bool(file.namespace_uid) == is_told
    world.server.denied.add(NAMESPACE)
    elsewhere.server.denied.add(NAMESPACE)
    # Seen here it is known, whoever may read what.
    assert look_at_runs(world.runs, [run], world.environ).problems == {}
    done = vtspec(elsewhere, monkeypatch, "status")
    assert "you may not read namespace vision" in done.stderr
    assert "kubectl auth can-i get namespaces -n vision" in done.stderr
    assert f"vtspec stop {name} --gone" in done.stderr
    if not is_told:
        elsewhere.server.denied.clear()
        done = vtspec(elsewhere, monkeypatch, "status")
        assert "did not say which cluster it is on" in done.stderr
    assert world.find_run().is_on_cluster()


def test_who_saw_the_workflow_go_needs_no_right_to_say_that_it_is_gone(world: World) -> None:
    world.server.denied.add(NAMESPACE)
    name, heard = begin(world), Heard()
    with world.running(heard) as asked:
        await_true(lambda: any("evaluate" in line for line in heard.said), "it is seen")
        world.server.play_gone(name)
    assert asked.error is None
    assert world.find_run().ending == "interrupted"


def test_a_person_may_say_that_a_workflow_is_gone_with_its_cluster(
    world: World, elsewhere: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    there = vtspec(world, monkeypatch, "stop", name, "--gone")
    assert isinstance(there.exception, Refused) and "and not gone" in str(there.exception)
    assert (world.server.workflow(name) or {})["spec"].get("shutdown") is None
    gone = vtspec(elsewhere, monkeypatch, "stop", name, "--gone")
    assert gone.exception is None, gone.output
    assert world.find_run().ending == "interrupted"
    over = vtspec(elsewhere, monkeypatch, "stop", name, "--gone")
    assert isinstance(over.exception, Refused) and "is not on a cluster" in str(over.exception)


def test_a_workflow_that_only_its_pods_noted_and_that_is_gone_is_ended_by_the_line_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    file = world.find_run().read_workflow()
    assert file is not None
    # As a pod writes it, which knows neither when it was asked for nor the namespace's uid.
    noted = replace(file, created_at="", namespace_uid="")
    world.store.put(f"{name}/workflow.json", noted.encode())
    world.server.play_gone(name)
    for words in (["status"], ["status", name], ["rm", name, "--yes"]):
        done = vtspec(world, monkeypatch, *words)
        told = f"{done.stderr}\n{done.exception}"
        (line,) = {one for one in re.findall("where it is gone for good: (.*)", told)}
        assert line == f"vtspec stop {name} --gone --runs {world.url}"
    assert world.find_run().is_on_cluster()
    done = CliRunner().invoke(cli, shlex.split(line)[1:], standalone_mode=False)
    assert done.exception is None, done.output
    assert world.find_run().ending == "interrupted"


def test_a_run_of_another_store_keeps_its_workflow(
    world: World, other_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.plan.id
    # The other store's run ended; then ours took its place under that name.
    begin(other_store)
    pods = Pods(other_store, name)
    pods.read_stored()
    pods.tell(SUCCEEDED, is_printed=False)
    pods.store()
    other_store.server.play(name, recorded_status("succeeded"))
    with other_store.server.changed:
        other_store.server.objects.pop("/api/v1/namespaces/vision/pods/pod-of-train", None)
    begin(world)
    ours = world.server.workflow(name)
    assert vtspec(other_store, monkeypatch, "rm", name, "--yes", "--force").exception is None
    assert other_store.keys() == []
    assert world.server.workflow(name) == ours
    assert any("configmaps/plan-" in path for path in world.server.objects)
    # One that began while ours is at work has none to stop.
    assert "another store's Workflow" in str(other_store_run(other_store))
    vtspec(other_store, monkeypatch, "stop", name)
    vtspec(other_store, monkeypatch, "rm", name, "--yes", "--force")
    assert world.server.workflow(name) == ours
    assert vtspec(world, monkeypatch, "status", name).output.count("running") > 0


@pytest.mark.parametrize("is_over", [True, False])
@pytest.mark.parametrize(
    "told",
    [
        {"name": "innocent", "namespace": "vision"},
        {"name": "innocent", "namespace": "payroll"},
        {"name": "a/b?c", "namespace": "../../x"},
        {"name": None, "namespace": "payroll"},
    ],
)
def test_what_a_runs_file_names_is_touched_only_where_it_is_the_runs(
    world: World, monkeypatch: pytest.MonkeyPatch, told: dict[str, str | None], is_over: bool
) -> None:
    name = begin(world)
    space = told["namespace"]
    file = {"name": told["name"] or name, "namespace": space, "digest": "sha256:ab"}
    if is_over:
        pods = Pods(world, name)
        pods.read_stored()
        pods.tell(SUCCEEDED, is_printed=False)
        pods.store()
    world.store.put(f"{name}/workflow.json", json.dumps({**file, "createdAt": ""}).encode())
    world.server.namespaces.add("payroll")
    own = {"managed-by": "them"}
    innocent = {
        f"/apis/argoproj.io/v1alpha1/namespaces/{there}/workflows/{called}": {
            "metadata": {"name": called, "labels": own},
            "spec": {},
            "status": {"phase": "Running"},
        }
        for there in ("vision", "payroll")
        for called in ("innocent", f"{name}-x")
    }
    config = "/api/v1/namespaces/vision/configmaps/plan-ab"
    innocent[config] = {"metadata": {"name": "plan-ab", "labels": own}}
    for path, body in innocent.items():
        world.server.put(path, body)
    for words in (["stop", name, "--timeout", "0"], ["rm", name, "--yes", "--force"], ["status"]):
        vtspec(world, monkeypatch, *words)
    for path in innocent:
        assert path in world.server.objects, path
        assert world.server.objects[path].get("spec") in ({}, None)
    if is_over:
        assert world.keys() == []


def test_a_namespace_that_is_not_the_callers_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    config = world.root / "vtspec.yaml"
    config.write_text(config.read_text().replace("namespace: vision", "namespace: other"))
    done = vtspec(world, monkeypatch, "stop", name)
    assert isinstance(done.exception, Refused)
    assert f"{name} is said to be in namespace vision, and cluster.namespace is other" in str(
        done.exception
    )
    # Outside a repository it is the kubeconfig's own word.
    outside = replace(world, root=world.root.parent)
    kubeconfig = Path(world.environ["KUBECONFIG"])
    text = kubeconfig.read_text()
    kubeconfig.write_text(text.replace('"namespace": "vision"', '"namespace": "default"'))
    done = vtspec(outside, monkeypatch, "stop", name)
    assert "kubectl config set-context --current --namespace=vision" in str(done.exception)
    kubeconfig.write_text(text)
    assert (world.server.workflow(name) or {})["spec"].get("shutdown") is None
    vtspec(outside, monkeypatch, "stop", name, "--timeout", "0")
    assert (world.server.workflow(name) or {})["spec"].get("shutdown") == "Stop"


def test_a_workflow_that_takes_the_place_of_the_one_that_was_seen_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    answer, path = world.server.answer, world.server.workflow_path(name)

    def replaced_between(asked: Asked) -> tuple[int, Object | str]:
        if asked.method == "PATCH":
            world.server.objects[path]["metadata"]["uid"] = "another"
        return answer(asked)

    monkeypatch.setattr(world.server, "answer", replaced_between)
    vtspec(world, monkeypatch, "stop", name, "--timeout", "0")
    assert world.server.objects[path]["metadata"]["uid"] == "another"
    assert world.server.objects[path]["spec"].get("shutdown") is None


def test_one_run_that_cannot_be_asked_about_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    plan = world.store.read(f"{name}/plan.json")
    assert plan is not None
    for other, file in (
        ("theirs-0123456789", {"namespace": "otherteam", "name": "theirs-0123456789"}),
        ("broken-0123456789", {"namespace": "../x", "name": "a/b"}),
    ):
        world.store.put(f"{other}/plan.json", plan[0])
        world.store.put(f"{other}/workflow.json", json.dumps(file).encode())
    world.server.denied.add(("get", "workflows in otherteam"))
    world.server.play(name, recorded_status("oom-killed"))
    world.server.end_pod("pod-of-train", "Failed")
    done = vtspec(world, monkeypatch, "status")
    assert done.exception is None
    assert "the cluster was not asked" not in done.stderr
    assert "of theirs-0123456789 this is what the store knows" in done.stderr
    assert "you may not get workflows.argoproj.io" in done.stderr
    assert "broken-0123456789 has a workflow.json that names no Workflow of it" in done.stderr
    assert world.runs.find(name).ending == "failed"


def test_a_cluster_that_is_away_is_waited_for_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = begin(world)
    for n in range(5):
        for part in ("plan.json", "workflow.json"):
            found = world.store.read(f"{name}/{part}")
            assert found is not None
            text = found[0].decode().replace(name, f"more-000000000{n}")
            world.store.put(f"more-000000000{n}/{part}", text.encode())
    world.server.is_down = True
    done = vtspec(world, monkeypatch, "status")
    assert done.stderr.count("cannot be reached") == 1
    assert done.stderr.startswith("the cluster was not asked")


def begin(world: World) -> str:
    """A run that trains on the cluster, and is looked away from."""
    name, heard = world.plan.id, Heard()
    with world.running(heard) as asked:
        await_workflow(world, name)
        await_true(
            lambda: heard.said and f"{name}/plan.json" in world.keys(), "it is on the cluster"
        )
        world.server.play(name, recorded_status("succeeded", 8))
        pods = Pods(world, name)
        pods.begin()
        pods.tell(STARTED, an_epoch(1))
        pods.store()
        heard.stop.request("stopped")
    assert asked.error is None
    return name


def other_store_run(world: World) -> Exception | None:
    heard = Heard()
    with world.running(heard) as asked:
        await_true(lambda: not asked.thread.is_alive(), "it is refused")
    return asked.error


def vtspec(world: World, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """The command as it is typed in the world's repository."""
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    monkeypatch.setenv("VTSPEC_CACHE", world.environ["VTSPEC_CACHE"])
    monkeypatch.chdir(world.root)
    # As a process of its own, which has listed the store at no time.
    assert world.runs.mirror is not None
    given = [*words, "--runs", world.url]
    return CliRunner().invoke(cli, given, standalone_mode=False)
