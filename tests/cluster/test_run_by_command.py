"""`vtspec run --backend argo` on the real engine: the result is the one that this machine has."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster_plans import publish
from kubernetes_server import await_true
from local_cluster.addresses import REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import KubernetesApi
from local_repository import a_repository
from object_storage import ObjectStorage
from toy_runs import name_plan, unmeasured
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import Plan, build_steps, plan_from_json
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.object_store import ObjectStore
from workflows import CLAIM, NAMESPACE, PODS, QUEUE, RUNS_SECRET, WORKFLOWS, delete, find_pods

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


@dataclass
class Laptop:
    """Where a person types, in a repository whose `vtspec.yaml` names the cluster."""

    root: Path
    environment: Mapping[str, str]
    plan: Plan

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
        cache = {"VTSPEC_CACHE": f"{self.root}-elsewhere"}
        runs = Runs(get_mirror_folder("s3://commands/team", cache))
        run = Run(runs.folder / plan.id)
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
        shutil.copytree(made.root / "data" / "shapes", kept)
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
    api: KubernetesApi, laptop: Laptop, queue: str
) -> None:
    assert queue == QUEUE
    first, second = (_on_a_gpu(laptop, f"gpu-{seed}", seed) for seed in (1, 2))
    one = laptop.submit("gpu-1")
    await_true(lambda: find_pods(api, first.id, "train"), "the first trains", LONG_S)
    two = laptop.submit("gpu-2")
    # At first Kueue has not said anything.
    heard = _read_until(two, "insufficient unused quota for nvidia.com/gpu")
    assert heard.startswith("train waits in its queue: ")
    code, out, err = laptop.vtspec("status", second.id)
    assert code == 0, err
    assert "waits in its queue" in out
    for process in (one, two):
        _, err = process.communicate(timeout=LONG_S)
        assert process.returncode == 0, err
    assert _model_sum(laptop.see(second)) != _model_sum(laptop.see(first))


def _on_a_gpu(laptop: Laptop, name: str, seed: int) -> Plan:
    plan = _vary(laptop, name, seed=seed, epochs=150)
    resources = replace(plan.resources, gpus=1, gpu_type="t4")
    draft = replace(plan, resources=resources, steps=build_steps(resources))
    return laptop.write(name, publish(draft, plan.framework.image_digest))


def _read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """What a process says on standard error, to the first line with these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"it ended without saying '{words}'")
