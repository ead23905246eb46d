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
import yaml

from argo_processes import ArgoProcesses
from kubernetes_server import TOKEN, Asked, KubernetesServer, await_true, running_kubernetes
from object_storage import BreakableStorage
from toy_runs import adapter_that_waits, adapter_with_onnx, unmeasured, write_pictures
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.object_store import ObjectStore
from vtspec.pipelines.tracking.mlflow_upload import read_sync_state

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


RUN = ("run", "shapes", "--backend", "argo", "--no-tracking")


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
            try:
                out, err = process.communicate(timeout=180)
            except subprocess.TimeoutExpired:
                # Or it would be waited for without an end.
                process.kill()
                raise
        return process.returncode, out, err

    def status(self) -> dict[str, object]:
        code, out, err = self.vtspec("status", "shapes", "--output", "json")
        assert code == 0, err
        found = json.loads(out)
        assert isinstance(found, dict)
        return found

    def see(self) -> Run:
        """The run as another machine sees it."""
        return self.see_only(self.name)

    def see_only(self, name: str) -> Run:
        """The run of that name as another machine sees it."""
        runs = Runs(get_mirror_folder(self.url, {"VTSPEC_CACHE": f"{self.root}-elsewhere"}))
        runs.refresh(Run(runs.folder / name))
        return Run(runs.folder / name)

    def write_plan(self, run: str, changes: Mapping[str, object]) -> str:
        """The run's plan in a file, with another policy than any spec for this framework has."""
        raw = json.loads((self.see_only(run).path / "plan.json").read_text()) | changes
        raw["digest"] = identify(raw).digest
        file = self.root.parent / "asked.json"
        file.write_text(json.dumps(raw))
        return str(file)

    def keys(self) -> list[str]:
        """What the store has."""
        return [one.key for one in ObjectStore(self.url).list_objects()]

    def apply(self, *words: str, at: str | None = None) -> None:
        """What `vtspec render` prints becomes the cluster's, as by `kubectl apply`; `at` a time
        as of a schedule."""
        code, out, err = self.vtspec("render", *words)
        assert code == 0, err
        for document in yaml.safe_load_all(out):
            resource = "workflows" if document["kind"] == "Workflow" else "configmaps"
            if at is not None and resource == "workflows":
                document["metadata"]["name"] += f"-{at}"
            path = self.server.workflow_path("").replace("/workflows/", f"/{resource}")
            if resource == "configmaps":
                path = f"/api/v1/namespaces/vision/{resource}"
            asked = Asked(method="POST", path=path, query={}, body=document)
            status, answer = self.server.answer(asked)
            assert status in (201, 409), answer

    @property
    def name(self) -> str:
        (name,) = self.server.workflows()
        return name


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


@pytest.mark.exhaustive
def test_a_lost_pod_and_a_killed_follower_lose_and_double_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = adapter_that_waits(place.root.parent, monkeypatch)
    follower = place.start(*RUN)
    _await_training(place)
    with place.argo.paused("train"):
        follower.kill()
        follower.communicate()
        place.argo.kill_pod("train")
    may_go_on.touch()
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


def test_a_run_is_stopped_resumed_and_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = adapter_that_waits(place.root.parent, monkeypatch)
    follower = place.start(*RUN)
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
    may_go_on.touch()
    words = ("--resume", "--backend", "argo", "--no-tracking")
    code, out, err = place.vtspec("run", place.name, *words)
    assert code == 0, err
    assert "resumed" in err
    code, out, err = place.vtspec("rm", place.name, "--yes", "--force")
    assert code == 0, err
    assert [path for path in place.server.objects if "/pods/" not in path] == []


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_come_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_that_waits(place.root.parent, monkeypatch)
    follower = place.start(*RUN)
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


GATES = ("--set", "report.gates=[accuracy >= 0.999]")


@pytest.mark.exhaustive
def test_another_policy_for_a_result_of_the_cluster_is_made_where_it_needs_to_be(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_with_onnx(place.root.parent, monkeypatch)
    code, _, err = place.vtspec("run", "shapes", "--backend", "argo")
    assert code == 0, err
    name, trained = place.name, _model_sum(place.status())
    # A format needs the framework, and so pods.
    onnx = ("--plan", place.write_plan(name, {"export": {"formats": ["safetensors", "onnx"]}}))
    code, out, err = place.vtspec("run", *onnx, "--backend", "argo")
    assert code == 0, err
    assert "onnx to be exported" in err and "model.onnx" in out
    (completion,) = [one for one in place.server.workflows() if one != name]
    told = place.status()
    assert (told["completion"], told["status"]) == (completion, "succeeded")
    assert _model_sum(told) == trained
    assert place.see_only(name).read_state().exports.keys() == {"safetensors", "onnx"}
    # What is asked for no more goes from the store, too.
    code, _, err = place.vtspec("run", "shapes", "--backend", "argo")
    assert code == 0, err
    assert "onnx to be removed" in err
    assert not any("onnx" in key for key in place.keys() if "/model/" in key)
    # A gate is judged here, of the figures that are there.
    whole = place.server.workflows()
    code, out, err = place.vtspec("run", "shapes", "--backend", "argo", *GATES)
    assert code == 0, err
    assert "gates to be judged anew" in err and "0.999" in out
    assert place.server.workflows() == whole
    # It arrives in MLflow as all that was before it.
    assert "not arrived" not in out + err
    assert place.see_only(name).read_state().seq == _read_shipped(place, name)
    code, _, err = place.vtspec("rm", name, "--yes", "--force")
    assert code == 0, err
    assert [path for path in place.server.objects if "/pods/" not in path] == []


def _read_shipped(place: Place, name: str) -> int:
    """The last event that arrived in MLflow, as those who look from elsewhere know."""
    read = read_sync_state(place.see_only(name).path)
    assert read is not None
    return read.shipped


def test_what_somebody_applied_is_followed_and_ended_as_if_it_had_been_submitted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`vtspec render SPEC | kubectl apply -f -`, which no vtspec is told of."""
    adapter_that_waits(place.root.parent, monkeypatch)
    place.apply("shapes")
    _await_training(place)
    code, out, err = place.vtspec("status")
    assert (code, "running" in out) == (0, True), err
    follower = place.start("logs", "-f", "shapes")
    with place.argo.paused("train"):
        code, out, err = place.vtspec("status", "shapes")
        assert "on the cluster: " in out, (out, err)
        stopping = place.start("stop", "shapes")
        await_true(lambda: _is_asked_to_stop(place), "it is asked to stop", 60)
    out, err = stopping.communicate(timeout=120)
    assert stopping.returncode == 0, err
    assert f"vtspec run {place.name} --resume --backend argo" in out
    out, err = follower.communicate(timeout=120)
    assert (follower.returncode, "run       stopped" in out) == (0, True), err
    assert place.see().read_state().status == "stopped"
    code, _, err = place.vtspec("rm", place.name, "--yes", "--force")
    assert code == 0, err
    assert place.server.workflows() == []


@pytest.mark.exhaustive
def test_a_scheduled_plan_goes_on_with_what_an_earlier_night_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workflows as a CronWorkflow makes them: of one run, each with a name of its own."""
    may_go_on = adapter_that_waits(place.root.parent, monkeypatch)
    place.apply("shapes", at="1000")
    name = place.name.removesuffix("-1000")
    await_true(lambda: place.see_only(name).read_state().training.checkpoint, "a checkpoint", 120)
    with place.argo.paused("train"):
        run = place.see_only(name)
        assert place.status()["run"] == run.name
        # The night is over before the training is.
        place.server.play_gone(place.name)
        place.argo.kill_pod("train")
    may_go_on.touch()
    place.apply("shapes", at="2000")
    await_true(lambda: place.see_only(name).has_result, "the second night is enough", 240)
    events = place.see_only(run.name).read_events()
    assert [event.seq for event in events] == list(range(len(events)))
    kinds = [event.kind for event in events]
    # Whoever looked between the two nights may have written the first one's end.
    assert (kinds.count("run.resumed"), kinds[-1]) == (1, "run.finished")
    code, _, err = place.vtspec(
        "run", run.name, "--again", "--no-tracking", "--backend", "process"
    )
    assert code == 0, err
    again = place.see_only(f"{run.name}-2").read_state()
    assert (
        again.artifacts["model/model.safetensors"]
        == (place.see_only(run.name).read_state().artifacts["model/model.safetensors"])
    )


@pytest.mark.exhaustive
def test_a_policy_that_is_applied_by_hand_does_what_is_missing(place: Place) -> None:
    code, _, err = place.vtspec("run", "shapes", "--backend", "argo", "--no-tracking")
    assert code == 0, err
    name, trained = place.name, _model_sum(place.status())
    # As after `cluster.keepFor`.
    place.server.play_gone(name)
    place.apply("shapes", *GATES)
    await_true(lambda: place.see_only(name).read_state().completion, "its policy is another", 120)
    await_true(lambda: place.see_only(name).read_state().is_over, "it is made", 120)
    steps = [
        (event.step, event.kind)
        for event in place.see_only(name).read_events()
        if event.kind == "step.started"
    ]
    assert [step for step, _ in steps[5:]] == ["data", "report"]
    assert _model_sum(place.status()) == trained


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
