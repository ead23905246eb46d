"""One command carries a plan out on a cluster, and its result is the one that this machine has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from argo_processes import ArgoProcesses
from kubernetes_server import TOKEN, KubernetesServer, await_true, running_kubernetes
from object_storage import BreakableStorage
from toy_runs import unmeasured, write_pictures
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.object_store import ObjectStore

pytestmark = pytest.mark.slow

PROJECT = """\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: mine}}
spec:
  runs: {url}
  registry: ghcr.io/acme
  remotes: {{storage: {{url: {url}-data}}}}
  cluster: {{namespace: vision, volumeClaim: vtspec}}
  tracking: {{uri: "sqlite:///{mlflow}"}}
"""

DATASET = """\
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata: {name: shapes}
spec:
  tasks: [image-classification]
  format: imagefolder
  source: {dvc: {path: data/shapes}}
  classes: [circle, cross, stripe]
  splits: {train: {path: train}, val: {path: val}, test: {path: test}}
"""

EXPERIMENT = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: shapes}
spec:
  task: image-classification
  framework: toy
  model: {name: softmax-regression}
  dataset: {ref: shapes}
  training: {epochs: 6, batchSize: 8, learningRate: 0.2, imageSize: 8, seed: 7}
  resources: {gpus: 0, cpus: 1, memory: 1Gi, maxDuration: 30m}
"""

MAIN = """\
import dataclasses
from vtspec.pipelines.catalog import framework
parse = framework._parse_framework
framework._parse_framework = lambda *given: dataclasses.replace(
    parse(*given), digest="sha256:" + "c" * 64
)
from vtspec.cli.main import main; main()
"""
"""An image.yaml of this checkout has no digest before its image is published."""


LONG = ("run", "shapes", "--backend", "argo", "--no-tracking", "--set", "training.epochs=300")


@dataclass
class Place:
    """A repository, and a cluster that carries its plans out."""

    root: Path
    server: KubernetesServer
    argo: ArgoProcesses
    environment: Mapping[str, str]
    url: str

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, *words],
            cwd=self.root,
            env={**unmeasured(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def vtspec(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=180)
        return process.returncode, out, err

    def status(self) -> dict[str, object]:
        code, out, err = self.vtspec("status", "shapes", "--output", "json")
        assert code == 0, err
        found = json.loads(out)
        assert isinstance(found, dict)
        return found

    def see(self) -> Run:
        """The run as another machine sees it."""
        runs = Runs(get_mirror_folder(self.url, {"VTSPEC_CACHE": f"{self.root}-elsewhere"}))
        run = Run(runs.folder / self.name)
        runs.refresh(run)
        return run

    @property
    def name(self) -> str:
        (name,) = self.server.workflows()
        return name


@pytest.fixture(scope="module")
def storage() -> Iterator[BreakableStorage]:
    found = BreakableStorage()
    yield found
    found.stop()


@pytest.fixture
def place(
    tmp_path: Path, storage: BreakableStorage, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    root = tmp_path / "repository"
    bucket = "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    url = f"{storage.make_bucket(bucket)}/team"
    write_pictures(root / "data" / "shapes", per_class=12)
    pinned = hash_content(root / "data" / "shapes").hash
    # The list of a folder's files, as DVC keeps it: of what a pod would fetch, were it not kept.
    md5 = pinned.removeprefix("md5:")
    ObjectStore(f"{url}-data").put(f"files/md5/{md5[:2]}/{md5[2:]}", b"[]")
    files = {
        "vtspec.yaml": PROJECT.format(url=url, mlflow=tmp_path / "mlflow.db"),
        "data/shapes.dvc": f"outs:\n- md5: {pinned.removeprefix('md5:')}\n  hash: md5\n"
        "  path: shapes\n",
        "specs/datasets/shapes.yaml": DATASET,
        "specs/experiments/shapes.yaml": EXPERIMENT,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with running_kubernetes() as server:
        own = {f"VTSPEC_RUNS_{name}": value for name, value in storage.environment.items()}
        argo = ArgoProcesses(server, tmp_path / "node", own)
        # Fetched before, by an earlier run's step data.
        write_pictures(argo.claim / "data" / pinned.removeprefix("md5:"), per_class=12)
        config = server.write_kubeconfig(tmp_path / "kubeconfig")
        environment = {
            **storage.environment,
            "KUBECONFIG": str(config),
            "VTSPEC_CACHE": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": "1",
        }
        try:
            yield Place(root=root, server=server, argo=argo, environment=environment, url=url)
        finally:
            argo.close()


def _model_sum(told: Mapping[str, object]) -> object:
    artifacts = told["artifacts"]
    assert isinstance(artifacts, dict)
    return artifacts["model/model.safetensors"]


def test_one_command_has_the_result_that_this_machine_has(place: Place) -> None:
    code, out, err = place.vtspec("run", "shapes", "--backend", "argo")
    assert code == 0, err
    assert "accuracy" in out and "on the cluster" in err
    assert TOKEN not in out + err
    there = place.status()
    # Then here, of the same plan: another attempt.
    code, _, err = place.vtspec(
        "run", "shapes", "--backend", "process", "--again", "--no-tracking"
    )
    assert code == 0, err
    here = place.status()
    assert (there["run"], here["run"]) == (place.name, f"{place.name}-2")
    assert _model_sum(there) == _model_sum(here)
    assert there["final"] == here["final"] and there["best"] != {}
    # What it told has arrived in MLflow, once.
    code, out, err = place.vtspec("sync", place.name)
    assert (code, "0 left" in out) == (0, True), err
    # It is shown, and not run again.
    code, out, err = place.vtspec("apply", "shapes", "--backend", "argo")
    assert code == 0, err
    assert "has been carried out" in err
    assert place.server.count("POST", "workflows") == 1


def test_a_lost_pod_and_a_killed_follower_lose_and_double_nothing(place: Place) -> None:
    follower = place.start(*LONG)
    _await_training(place)
    with place.argo.paused("train"):
        follower.kill()
        follower.communicate()
        place.argo.kill_pod("train")
    code, _, err = place.vtspec("run", place.name, "--backend", "argo", "--no-tracking")
    assert code == 0, err
    assert "already" in err
    there = place.status()
    events = place.see().read_events()
    assert [event.seq for event in events] == list(range(len(events)))
    assert [event.kind for event in events].count("run.finished") == 1
    pods = [event for event in events if event.kind == "step.started" and event.step == "train"]
    assert len(pods) == 2
    code, _, err = place.vtspec("run", place.name, "--again", "--no-tracking")
    assert code == 0, err
    assert _model_sum(there) == _model_sum(place.status())


def test_a_run_is_stopped_resumed_and_removed(place: Place) -> None:
    follower = place.start(*LONG)
    _await_training(place)
    with place.argo.paused("train"):
        told = place.status()
        assert told["status"] == "running"
        assert isinstance(told["cluster"], dict)
        assert told["cluster"]["description"] == "train runs on here"
        code, _, err = place.vtspec("rm", place.name, "--yes")
        assert (code, "is being worked on" in err) == (2, True)
        stopping = place.start("stop", place.name)
        await_true(lambda: _is_asked_to_stop(place), "it is asked to stop", 60)
    out, err = stopping.communicate(timeout=120)
    assert stopping.returncode == 0, err
    assert f"vtspec run {place.name} --resume --backend argo" in out
    _, err = follower.communicate(timeout=120)
    assert follower.returncode == 75, err
    words = ("--resume", "--backend", "argo", "--no-tracking")
    code, out, err = place.vtspec("run", place.name, *words)
    assert code == 0, err
    assert "resumed" in err
    code, out, err = place.vtspec("rm", place.name, "--yes", "--force")
    assert code == 0, err
    assert [path for path in place.server.objects if "/pods/" not in path] == []


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_come_back(place: Place) -> None:
    follower = place.start(*LONG)
    _await_training(place)
    with place.argo.paused("train"):
        os.kill(follower.pid, signal.SIGINT)
        _, err = follower.communicate(timeout=120)
        assert follower.returncode == 0, err
        assert f"vtspec logs {place.name} -f" in err and f"vtspec stop {place.name}" in err
        assert place.argo.is_at_work("train")
        # Without a kubeconfig the store is asked alone, and that is said.
        place.environment = {**place.environment, "KUBECONFIG": str(place.root / "none")}
        code, out, err = place.vtspec("status")
        assert (code, "running" in out) == (0, True)
        assert "the cluster was not asked" in err and "kubeconfig" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--smoke"], "--smoke tries one batch"), (["--environment", "made"], "--environment is of")],
)
def test_what_has_no_effect_there_is_refused(place: Place, words: list[str], said: str) -> None:
    code, _, err = place.vtspec("run", "shapes", "--backend", "argo", *words)
    assert (code, said in err) == (2, True), err
    assert place.server.objects == {}


def _await_training(place: Place) -> None:
    """Wait until the store has a checkpoint of a training that goes on."""

    def has_begun() -> bool:
        if not place.server.workflows():
            return False
        return place.see().read_state().training.checkpoint is not None

    await_true(has_begun, "the store has a checkpoint", 120)
    assert place.argo.is_at_work("train")


def _is_asked_to_stop(place: Place) -> bool:
    found = place.server.workflow(place.name)
    return found is not None and found["spec"].get("shutdown") == "Stop"
