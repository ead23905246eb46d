"""`vtspec run --backend argo` on the real engine: the result is the one that this machine has."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster_plans import publish
from cluster_world import Heard
from kubernetes_server import await_true
from local_cluster.addresses import NODE, REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import KubernetesApi
from local_repository import a_repository
from object_storage import ObjectStorage
from toy_runs import name_plan, unmeasured
from vtspec.pipelines.argo import render, render_cron_workflow, render_plan_config
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.cluster.run_follower import FollowerCallbacks, RunFollower
from vtspec.pipelines.cluster.run_workflow import RunWorkflow
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.operations.render import find_run_settings
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.planning.plan_model import Plan, build_steps, plan_from_json
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.object_store import ObjectStore
from vtspec.pipelines.runs.workflow_file import WorkflowFile
from vtspec.schema.kinds.experiment import Schedule
from workflows import (
    CLAIM,
    CONFIG_MAPS,
    CRON_WORKFLOWS,
    NAMESPACE,
    PODS,
    QUEUE,
    RUNS_SECRET,
    WORKFLOWS,
    Object,
    a_run,
    delete,
    find_pods,
    follow,
    trains,
)

PROJECT = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: mine}}
spec:
  runs: s3://commands/team
  registry: {REGISTRY}
  remotes: {{storage: {{url: s3://commands-data/dvc}}}}
  gpuTypes: {{t4: {{memory: 16Gi, queue: {QUEUE}}}}}
  cluster:
    namespace: {NAMESPACE}
    volumeClaim: {CLAIM}
    runsSecret: {RUNS_SECRET}
    ephemeralStorage: 1Gi
"""

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")
LONG_S = 400.0
LACKS = "insufficient unused quota for nvidia.com/gpu"


@dataclass
class Laptop:
    """Where a person types, in a repository whose `vtspec.yaml` names the cluster."""

    root: Path
    environment: Mapping[str, str]
    plan: Plan

    @property
    def repository(self) -> Repository:
        found = find_repository(self.root)
        return found.with_runs(get_mirror_folder("s3://commands/team", self.environment))

    def write(self, name: str, plan: Plan) -> Plan:
        (self.root / f"{name}.json").write_text(json.dumps(plan.to_json()))
        return plan

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*MAIN, *words],
            cwd=self.root,
            env={**unmeasured(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def vtspec(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=LONG_S)
        return process.returncode, out, err

    def see(self, plan: Plan) -> Run:
        """The run as another machine sees it."""
        return self.see_run(plan.id)

    def see_run(self, name: str) -> Run:
        cache = {"VTSPEC_CACHE": f"{self.root}-elsewhere"}
        runs = Runs(get_mirror_folder("s3://commands/team", cache))
        run = Run(runs.folder / name)
        runs.refresh(run)
        return run

    def submit(self, name: str) -> "subprocess.Popen[str]":
        return self.start("run", "--plan", f"{name}.json", "--backend", "argo", "--no-tracking")


@pytest.fixture(scope="module")
def laptop(
    tmp_path_factory: pytest.TempPathFactory,
    api: KubernetesApi,
    cluster: Cluster,
    storage: ObjectStorage,
    image: str,
) -> Iterator[Laptop]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        storage.make_bucket("commands")
        folder = tmp_path_factory.mktemp("laptop")
        made = a_repository(folder / "repository", per_class=12, training={"epochs": 40})
        (made.root / "vtspec.yaml").write_text(PROJECT)
        plan = _make_plan(made.planned, image)
        pinned = plan.dataset.hash.removeprefix("md5:")
        # The list of its files, as DVC keeps it, for who asks whether pods could fetch them.
        data = ObjectStore(f"{storage.make_bucket('commands-data')}/dvc")
        data.put(f"files/md5/{pinned[:2]}/{pinned[2:]}", b"[]")
        # As an earlier run's step data has left it on the volume.
        kept = cluster.folder / "volume" / "data" / pinned
        shutil.copytree(made.root / "data" / "shapes", kept, dirs_exist_ok=True)
        for path in (kept.parent, kept, *kept.rglob("*")):
            os.chown(path, 10001, 10001)
        environment = {
            **storage.environment,
            "KUBECONFIG": str(cluster.kubeconfig()),
            "VTSPEC_CACHE": str(folder / "cache"),
        }
        found = Laptop(root=made.root, environment=environment, plan=plan)
        found.write("plan", plan)
        yield found


def _make_plan(made: Plan, image: str) -> Plan:
    toy = load_frameworks()["toy"]
    framework = replace(
        made.framework,
        adapter_version=toy.adapter_version,
        requirements_hash=toy.requirements_hash,
    )
    draft = replace(
        made,
        steps=build_steps(made.resources),
        dataset=replace(made.dataset, source=DvcSource(path="data/shapes")),
        framework=framework,
    )
    return publish(draft, image.rpartition("@")[2])


def _vary(laptop: Laptop, name: str, **training: object) -> Plan:
    """The same plan with another training, and so another name."""
    raw = laptop.plan.to_json()
    assert isinstance(raw["training"], dict)
    plan = plan_from_json(name_plan({**raw, "training": {**raw["training"], **training}}))
    return laptop.write(name, publish(plan, laptop.plan.framework.image_digest))


def _model_sum(run: Run) -> str:
    state = run.read_state()
    assert state.status == "succeeded", state.failure
    events = run.read_events()
    assert [event.seq for event in events] == list(range(len(events)))
    assert [event.kind for event in events].count("run.finished") == 1 + state.clock.pauses
    return state.artifacts["model/model.safetensors"]


def _await_checkpoint(laptop: Laptop, plan: Plan) -> None:
    await_true(
        lambda: laptop.see(plan).read_state().training.checkpoint, "a checkpoint is stored", LONG_S
    )


def _run_here(laptop: Laptop, name: str) -> str:
    """The sum of the model that this machine makes of the plan."""
    words = ("run", "--plan", f"{name}.json", "--runs", f"{laptop.root}/runs", "--no-tracking")
    code, _, err = laptop.vtspec(*words, "--backend", "process")
    assert code == 0, err
    plan = plan_from_json(json.loads((laptop.root / f"{name}.json").read_text()))
    return _model_sum(Run(laptop.root / "runs" / plan.id))


def test_one_command_makes_the_tensors_that_this_machine_makes(
    api: KubernetesApi, laptop: Laptop
) -> None:
    with laptop.submit("plan") as process:
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, err
    assert "accuracy" in out
    there = laptop.see(laptop.plan)
    assert _model_sum(there) == _run_here(laptop, "plan")
    here = Run(laptop.root / "runs" / laptop.plan.id).read_state()
    assert there.read_state().final == here.final
    # Live: an epoch's line came while it trained, and each once.
    assert err.count(" epoch   1/40 ") == 1
    code, _, err = laptop.vtspec("rm", laptop.plan.id, "--yes", "--force")
    assert code == 0, err
    assert laptop.plan.id not in {one["metadata"]["name"] for one in api.get(WORKFLOWS)["items"]}


def test_whatever_is_killed_the_tensors_are_the_same(
    api: KubernetesApi, cluster: Cluster, laptop: Laptop
) -> None:
    """The follower, the training's pod and Argo's controller, one after another."""
    plan = _vary(laptop, "killed", epochs=150)
    first = laptop.submit("killed")
    _await_checkpoint(laptop, plan)
    first.kill()
    first.communicate()
    (pod,) = find_pods(api, plan.id, "train")
    api.delete(f"{PODS}/{pod['metadata']['name']}", gracePeriodSeconds="0")
    cluster.kill("workflow-controller")
    with laptop.submit("killed") as second:
        _, err = second.communicate(timeout=LONG_S)
    assert second.returncode == 0, err
    assert "already" in err
    assert _model_sum(laptop.see(plan)) == _run_here(laptop, "killed")
    delete(api, plan.id)


def test_a_stopped_run_is_resumed_to_the_same_tensors(api: KubernetesApi, laptop: Laptop) -> None:
    plan = _vary(laptop, "stopped", epochs=151)
    first = laptop.submit("stopped")
    _await_checkpoint(laptop, plan)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert f"vtspec stop {plan.id}" in err
    code, out, err = laptop.vtspec("stop", plan.id)
    assert code == 0, err
    assert f"vtspec run {plan.id} --resume --backend argo" in out
    assert laptop.see(plan).read_state().status == "stopped"
    words = ("--resume", "--backend", "argo", "--no-tracking")
    code, _, err = laptop.vtspec("run", plan.id, *words)
    assert code == 0, err
    run = laptop.see(plan)
    assert run.read_state().clock.pauses == 1
    assert _model_sum(run) == _run_here(laptop, "stopped")
    delete(api, plan.id)


def test_the_second_run_on_one_gpu_says_why_it_waits_and_runs(
    api: KubernetesApi, laptop: Laptop, image: str, queue: str
) -> None:
    """Shell scripts for steps: of the frameworks that are here none can use a GPU."""
    hold = {"train": "sleep 300 & wait"}
    follow(api, a_run("holds", image=image, gpus=1, queue=queue, scripts=hold), until=trains)
    documents = a_run("waits-0123456789", image=image, gpus=1, queue=queue, scripts=hold)
    run, runs, workflow = _submit_documents(laptop, documents)
    heard = Heard()
    follower = RunFollower(
        runs,
        run,
        workflow.client,
        FollowerCallbacks(on_event=lambda *_: None, report=heard.said.append, stop=heard.stop),
    )
    looking = threading.Thread(target=follower.follow)
    looking.start()
    try:
        await_true(
            lambda: any(LACKS in line for line in heard.said), "Kueue's words are told", LONG_S
        )
        place = "train waits as 1st in queue gpus: "
        assert any(line.startswith(place) and LACKS in line for line in heard.said), heard.said
        code, out, err = laptop.vtspec("status", run.name)
        assert code == 0, err
        assert LACKS in out and place in out
        api.merge(f"{WORKFLOWS}/holds", {"spec": {"shutdown": "Terminate"}})
        await_true(lambda: f"train runs on {NODE}" in heard.said, "the second runs", LONG_S)
    finally:
        heard.stop.request("stopped")
        looking.join()
    # As nobody told of an end, whoever stops it writes that down.
    code, _, err = laptop.vtspec("stop", run.name)
    assert code == 0, err
    assert laptop.see_run(run.name).read_state().status == "stopped"
    delete(api, run.name)
    delete(api, "holds")


def test_another_policy_is_made_of_the_result_and_leaves_it_where_that_fails(
    api: KubernetesApi, laptop: Laptop
) -> None:
    plan = _vary(laptop, "completed", epochs=41)
    with laptop.submit("completed") as process:
        _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, err
    trained = _model_sum(laptop.see(plan))
    # The toy framework writes no ONNX: its pod says so, and the result stays.
    _ask_otherwise(laptop, "onnx", plan, {"export": {"formats": ["safetensors", "onnx"]}})
    with laptop.submit("onnx") as process:
        _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 2, err
    assert "onnx to be exported" in err and "cannot write onnx" in err
    state = laptop.see(plan).read_state()
    assert (state.status, state.completion) == ("succeeded", None)
    assert state.undone_update is not None
    assert "cannot write onnx" in state.undone_update.en
    (completion,) = [name for name in _list_workflows(api, plan.id) if name != plan.id]
    workflow = api.get(f"{WORKFLOWS}/{completion}")
    steps = {node["templateName"] for node in workflow["status"]["nodes"].values()}
    assert "train" not in steps and {"data", "export"} <= steps
    # A gate needs no pod.
    report = {**_report(plan), "gates": ["accuracy >= 0.01"]}
    asked = _ask_otherwise(laptop, "gate", plan, {"report": report})
    with laptop.submit("gate") as process:
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, err
    assert "gates to be judged anew" in err and "0.01" in out
    assert len(_list_workflows(api, plan.id)) == 2
    assert plan_from_json(laptop.see(plan).read_plan()) == asked
    # By hand, a whole Workflow: of the steps that are done none is done again.
    delete(api, plan.id)
    _apply(api, laptop, plan)
    await_true(
        lambda: (
            laptop.see(plan).read_state().provenance.plan_digest == plan.digest
            and laptop.see(plan).read_state().is_over
        ),
        "the first policy holds again",
        LONG_S,
    )
    run = laptop.see(plan)
    assert run.read_state().artifacts["model/model.safetensors"] == trained
    kinds = [(one.kind, one.step) for one in run.read_events() if one.kind == "step.started"]
    assert [step for _, step in kinds].count("train") == 1
    code, _, err = laptop.vtspec("rm", plan.id, "--yes", "--force")
    assert code == 0, err
    assert _list_workflows(api, plan.id) == []


def test_a_workflow_that_somebody_applied_is_seen_stopped_and_removed(
    api: KubernetesApi, laptop: Laptop
) -> None:
    plan = _vary(laptop, "applied", epochs=4000)
    _apply(api, laptop, plan)
    _await_checkpoint(laptop, plan)
    code, out, err = laptop.vtspec("status", plan.id)
    assert code == 0, err
    assert f"train runs on {NODE}" in out, err
    with laptop.start("logs", "-f", plan.id) as follower:
        code, out, err = laptop.vtspec("stop", plan.id)
        assert code == 0, err
        told, _ = follower.communicate(timeout=LONG_S)
    assert "run       stopped" in told
    assert f"vtspec run {plan.id} --resume --backend argo" in out
    assert laptop.see(plan).read_state().status == "stopped"
    code, _, err = laptop.vtspec("rm", plan.id, "--yes", "--force")
    assert code == 0, err
    assert _list_workflows(api, plan.id) == []


def test_a_workflow_of_a_schedule_is_followed_to_its_end(
    api: KubernetesApi, laptop: Laptop
) -> None:
    plan = _vary(laptop, "scheduled", epochs=42)
    config, _ = _render(laptop, plan)
    schedule = Schedule(cron="* * * * *", time_zone="Asia/Seoul")
    scheduled = render_cron_workflow(plan, find_run_settings(plan, laptop.repository), schedule)
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    api.create(CRON_WORKFLOWS, scheduled)
    await_true(lambda: laptop.see(plan).read_workflow(), "a time has come", LONG_S)
    workflow = laptop.see(plan).read_workflow()
    assert workflow is not None and workflow.name.startswith(f"{plan.id}-")
    with laptop.start("logs", "-f", plan.id) as follower:
        told, err = follower.communicate(timeout=LONG_S)
    assert (follower.returncode, "run       succeeded" in told) == (0, True), err
    api.delete(f"{CRON_WORKFLOWS}/{plan.id}")
    code, _, err = laptop.vtspec("rm", plan.id, "--yes", "--force")
    assert code == 0, err
    assert _list_workflows(api, plan.id) == []


def _ask_otherwise(laptop: Laptop, name: str, plan: Plan, changes: Mapping[str, object]) -> Plan:
    """The plan with another policy, in a file."""
    raw = {**plan.to_json(), **changes}
    asked = plan_from_json({**raw, "digest": identify(raw).digest})
    assert asked.id == plan.id
    return laptop.write(name, asked)


def _report(plan: Plan) -> Mapping[str, object]:
    report = plan.to_json()["report"]
    assert isinstance(report, dict)
    return report


def _render(laptop: Laptop, plan: Plan) -> tuple[Object, Object]:
    settings = find_run_settings(plan, laptop.repository)
    return render_plan_config(plan, settings), render(plan, settings)


def _apply(api: KubernetesApi, laptop: Laptop, plan: Plan) -> None:
    """What `vtspec render | kubectl apply -f -` does."""
    config, workflow = _render(laptop, plan)
    api.apply(f"{CONFIG_MAPS}/{config['metadata']['name']}", config)
    api.create(WORKFLOWS, workflow)


def _list_workflows(api: KubernetesApi, run: str) -> list[str]:
    found = api.get(WORKFLOWS, labelSelector=f"vtspec.dev/run={run}")["items"]
    return sorted(str(one["metadata"]["name"]) for one in found)


def _submit_documents(
    laptop: Laptop, documents: tuple[Object, Object]
) -> tuple[Run, Runs, RunWorkflow]:
    """What a submission leaves in store and cluster, of objects that a test has made."""
    config, workflow = documents
    file = WorkflowFile(
        namespace=NAMESPACE,
        name=workflow["metadata"]["name"],
        digest=workflow["metadata"]["annotations"]["vtspec.dev/digest"],
        created_at="2026-01-01T00:00:00.000Z",
    )
    store = ObjectStore("s3://commands/team")
    store.put(f"{file.name}/workflow.json", file.encode())
    store.put(f"{file.name}/plan.json", config["data"]["plan.json"].encode())
    runs = Runs(get_mirror_folder(store.url, laptop.environment))
    run = Run(runs.folder / file.name)
    runs.refresh(run)
    made = RunWorkflow(KubernetesClient(laptop.environment), run, file)
    made.create(documents)
    return run, runs, made
