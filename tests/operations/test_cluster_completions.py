"""Another policy for a result of a cluster: made there of it, and nothing else is."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster_plans import a_published_plan
from cluster_world import Heard, Pods, Submitter, World, await_workflow, recorded_status
from kubernetes_server import await_true
from run_folders import STARTED, SUCCEEDED, an_epoch
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.cluster_runs import run_on_cluster, would_begin_on_cluster
from vtspec.pipelines.operations.cluster_workflows import look_at_runs, stop_on_cluster
from vtspec.pipelines.operations.removal import choose_runs, remove_runs
from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.events import STEPS

pytestmark = pytest.mark.slow

ONNX = {"formats": ["safetensors", "onnx"]}


@pytest.fixture
def done(world: World) -> Run:
    """The plan's run, which the cluster has carried out."""
    with world.running(Heard()) as asked:
        await_workflow(world, world.plan.id)
        pods = Pods(world, world.plan.id)
        pods.tell(STARTED, an_epoch(1), is_printed=False)
        pods.finish(*STEPS)
        pods.tell(SUCCEEDED, is_printed=False)
        pods.store()
        world.server.play(world.plan.id, recorded_status("succeeded"))
    assert asked.error is None
    return world.find_run()


@pytest.fixture
def asked_for(world: World) -> Plan:
    """The plan with a format more."""
    plan = a_published_plan(export=ONNX)
    assert plan.id == world.plan.id
    return plan


def _await_another(world: World, name: str, first: str) -> None:
    """Wait for a Workflow of the name that is not the first one, by its uid."""
    await_true(
        lambda: (
            (world.server.workflow(name) or {}).get("metadata", {}).get("uid") not in (None, first)
        ),
        "another Workflow of the name",
    )


def _complete(world: World, name: str, *, ending: str = "succeeded") -> None:
    """Play the pods of a completion to their end."""
    pods = Pods(world, world.plan.id, name="pod-of-export")
    pods.read_stored()
    if ending == "succeeded":
        pods.finish("data", "export", "report")
        pods.tell(SUCCEEDED)
    else:
        pods.tell(("step.started", {}), step="export")
        pods.tell(("failed", {"message": "no room", "fix": "make some"}), step="export")
    pods.store()
    world.server.play(name, recorded_status(ending))


def test_what_a_result_lacks_is_a_workflow_of_its_own_with_the_missing_steps(
    world: World, done: Run, asked_for: Plan
) -> None:
    name, heard = name_completion(done.name, asked_for.to_json()), Heard()
    assert would_begin_on_cluster(world.request(asked_for), world.environ)
    with world.running(heard, asked_for) as asked:
        await_workflow(world, name)
        assert world.find_run().is_on_cluster()
        workflow = world.server.workflow(name) or {}
        _complete(world, name)
    assert asked.error is None
    (result,) = asked.result.results
    assert (result.how, result.run.name) == ("updated", done.name)
    assert result.outcome.is_good
    assert any("onnx to be exported" in line for line in heard.said)
    # What was there before is not told again.
    assert heard.kinds()[0] == "run.updated" and "train.epoch" not in heard.kinds()
    templates = [one["name"] for one in workflow["spec"]["templates"]]
    assert templates == ["run", "data", "export", "report"]
    labels = workflow["metadata"]["labels"]
    assert (labels["vtspec.dev/run"], labels["vtspec.dev/plan"]) == (done.name, done.plan_id)
    (config,) = [path for path in world.server.objects if path.endswith(f"configmaps/plan-{name}")]
    text = world.server.objects[config]["data"]["plan.json"]
    assert json.loads(text)["export"]["formats"] == ["safetensors", "onnx"]
    run = world.find_run()
    assert run.read_state().completion == name
    assert plan_from_json(run.read_plan()).export.formats == ("safetensors", "onnx")
    assert json.loads((run.path / "plan.json").read_text())["export"]["formats"] == ["safetensors"]
    # Asked for again it is shown.
    assert world.run(plan=asked_for).results[0].how == "shown"
    assert world.server.workflows() == [done.name, name]


def test_a_completion_that_fails_leaves_what_held_before(
    world: World, done: Run, asked_for: Plan
) -> None:
    name = name_completion(done.name, asked_for.to_json())
    before = done.read_state()
    with world.running(Heard(), asked_for) as asked:
        await_workflow(world, name)
        _complete(world, name, ending="failed")
    outcome = asked.result.results[0].outcome
    assert (outcome.ending, outcome.exit_code) == ("failed", 3)
    assert (outcome.message, outcome.fix) == ("no room", "make some")
    after = world.find_run().read_state()
    same = replace(after, seq=before.seq, told=before.told, clock=before.clock)
    assert replace(same, undone_update=None) == before
    assert after.undone_update is not None
    assert after.undone_update.en.startswith(f"{name} failed")
    assert world.run().results[0].outcome.is_good
    # It may be asked for again, and has the same name.
    first = (world.server.workflow(name) or {})["metadata"]["uid"]
    with world.running(Heard(), asked_for) as again:
        _await_another(world, name, first)
        _complete(world, name)
    assert again.result.results[0].outcome.is_good
    assert world.find_run().read_state().undone_update is None


def test_a_completion_is_stopped_shown_and_gone_on_with(
    world: World, done: Run, asked_for: Plan
) -> None:
    name, heard = name_completion(done.name, asked_for.to_json()), Heard()
    with world.running(heard, asked_for) as asked:
        await_workflow(world, name)
        heard.stop.request("stopped")
    assert asked.result.results[0].outcome is None
    run = world.find_run()
    world.server.play(name, recorded_status("succeeded", 8))
    assert set(look_at_runs(world.runs, [run], world.environ).found) == {run.name}
    with pytest.raises(Refused, match="being worked on"):
        choose_runs([run.name], world.runs, world.repository)
    # Who asks for another policy meanwhile joins it first.
    other = a_published_plan(export=ONNX, report={"gates": ["accuracy >= 0.1"]})
    second = Heard()
    with world.running(second, other):
        await_true(lambda: any("already" in line for line in second.said), "it is joined")
        second.stop.request("stopped")
    world.server.play(name, recorded_status("stopped"))
    state = stop_on_cluster(run, world.runs, 5.0, world.environ, lambda _: None)
    assert (state.status, state.has_result) == ("stopped", True)
    first = (world.server.workflow(name) or {})["metadata"]["uid"]
    with world.running(Heard(), asked_for) as again:
        _await_another(world, name, first)
        _complete(world, name)
    assert again.error is None
    assert again.result.results[0].outcome.is_good
    kinds = [event.kind for event in world.find_run().read_events()]
    assert kinds.count("run.updated") == 1 and kinds.count("run.resumed") == 1


def test_a_removed_run_takes_its_completions_along(
    world: World, done: Run, asked_for: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", world.environ["KUBECONFIG"])
    name = name_completion(done.name, asked_for.to_json())
    with world.running(Heard(), asked_for):
        await_workflow(world, name)
        _complete(world, name)
    chosen = choose_runs([done.name], world.runs, world.repository)
    warned: list[str] = []
    remove_runs(chosen, world.runs, lambda _: None, warned.append)
    assert (warned, world.server.objects, world.keys()) == ([], {}, [])


def test_a_completion_whose_data_no_pod_can_fetch_is_refused_first(
    world: World, done: Run, asked_for: Plan
) -> None:
    asked: list[str] = []

    def lacks(plan: Plan, *_: object) -> str | None:
        asked.append(plan.id)
        raise Refused("the remote lacks it", fix="dvc push")

    request = replace(world.request(asked_for), check=lacks)
    with pytest.raises(Refused, match="lacks it"):
        would_begin_on_cluster(request, world.environ)
    assert world.find_run().read_state().completion is None
    assert world.server.workflows() == [done.name]
    assert asked == [done.plan_id]


def test_a_remote_is_asked_once_before_and_after_the_question(world: World) -> None:
    asked, heard = [], Heard()
    request = replace(world.request(), check=lambda plan, *_: asked.append(plan.id))
    assert would_begin_on_cluster(request, world.environ)
    heard.stop.request("stopped")
    run_on_cluster(replace(request), heard.callbacks, world.environ)
    assert asked == [world.plan.id]


@pytest.fixture
def submitter(world: World, done: Run) -> Iterator[Submitter]:
    found = Submitter(world, {"export": ONNX})
    yield found
    found.close()


def test_whoever_asks_for_it_may_be_killed_after_any_request(
    world: World, done: Run, asked_for: Plan, submitter: Submitter
) -> None:
    name, kills = name_completion(done.name, asked_for.to_json()), 0
    events = world.store.read(f"{done.name}/events.jsonl")
    assert events is not None
    while not submitter.submit(kills + 1):
        kills += 1
        assert submitter.submit()
        _assert_completed_once(world, name)
        # As it was before anybody asked.
        shutil.rmtree(world.runs_folder)
        world.store.put(f"{done.name}/events.jsonl", events[0])
        world.store.delete([f"{done.name}/{name}.json"])
        with world.server.changed:
            for path in [path for path in world.server.objects if path.endswith(name)]:
                del world.server.objects[path]
    # The plan, the event, the ConfigMap, the Workflow, and looks between.
    assert kills > 5


def _assert_completed_once(world: World, name: str) -> None:
    run = world.find_run()
    kinds = [event.kind for event in run.read_events()]
    assert kinds.count("run.updated") == 1
    workflow = run.read_workflow()
    assert workflow is not None and workflow.name == name
    assert world.server.workflows() == [run.name, name]
    assert sum(path.endswith(f"configmaps/plan-{name}") for path in world.server.objects) == 1
    created = (world.server.workflow(name) or {})["metadata"]["annotations"]
    assert created["vtspec.dev/created-at"] == workflow.created_at
