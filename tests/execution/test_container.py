"""An adapter in a container: what it sees, what it is given, and how it ends. The engine is a
stand-in here; tests/images has a real one."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from container_engine import StandInEngine
from kubernetes_server import await_true
from local_repository import Repository, Watcher, a_local, a_repository, model_sum
from toy_runs import a_plan
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.execution.container import Container, find_image, name_container
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.local import LocalRunner, RunOptions
from vtspec.pipelines.execution.steps.adapter_command import place_command
from vtspec.pipelines.execution.steps.adapter_launch import AdapterCommand
from vtspec.pipelines.images import find_engine
from vtspec.pipelines.inference.sources import Source
from vtspec.pipelines.inference.video_frames import EACH
from vtspec.pipelines.operations.frameworks import (
    Wish,
    choose_environment,
    describe_environment,
    resolve_backend,
)
from vtspec.pipelines.operations.predict import Question, predict_sources
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.runs import Run

IMAGE = "localhost/vtspec-toy:0.1.0"
ASKED_FOR = Wish(backend="container")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInEngine:
    found = StandInEngine(tmp_path / "engine")
    monkeypatch.setenv("PATH", found.path)
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return a_repository(tmp_path / "repository")


def in_container(repository: Repository, watcher: Watcher) -> LocalRunner:
    """What carries the plan out in a container of the stand-in."""
    from dataclasses import replace

    environ = {**os.environ, "VTSPEC_CACHE": str(repository.root / "cache")}

    def choose() -> Environment:
        return choose_environment("toy", environ, watcher.said.append, ASKED_FOR)

    return replace(a_local(repository, watcher), choose=choose)


def test_a_run_in_a_container_gives_the_weights_of_one_in_a_process(
    repository: Repository, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "canary")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    watcher = Watcher()
    done = in_container(repository, watcher).run(repository.planned, RunOptions(), "vtspec run")
    assert done.state.status == "succeeded", watcher.said
    assert done.state.provenance.backend == "container"
    assert str(done.state.provenance.environment).startswith(f"container {IMAGE} by Podman 5.4.2")
    beside = a_local(repository, Watcher()).run(
        repository.planned, RunOptions(again=True), "vtspec run"
    )
    assert model_sum(repository, done.run.name) == model_sum(repository, beside.run.name)
    trained = engine.find_run("train")
    options = trained["options"]
    folder, data = repository.root / "runs" / done.run.name, Path(str(done.state.data))
    mounts = [value for name, value in options if name == "--volume"]
    writable = [one for one in mounts if not one.endswith(":ro")]
    assert writable == [f"{folder}:{folder}"]
    assert f"{data}:{data}:ro" in mounts
    assert ["--read-only", True] in options and ["--network", "none"] in options
    assert ["--cap-drop", "all"] in options
    assert trained["values"]["CUDA_VISIBLE_DEVICES"] == "1"
    assert "canary" not in json.dumps(engine.asked)
    # The engine looks for its images where it does without us.
    assert (trained["home"], trained["values"]["HOME"]) == (os.environ["HOME"], "/tmp")
    # Nothing that says what this machine is like.
    assert not {"PATH", "USER", "VTSPEC_CACHE"} & trained["values"].keys()


def test_its_model_answers_in_a_container_too(
    repository: Repository, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = in_container(repository, Watcher()).run(repository.planned, RunOptions(), "vtspec run")
    images = sorted((repository.root / "data").rglob("*.png"))[:3]
    environ = {**os.environ, "VTSPEC_CACHE": str(repository.root / "cache")}
    asked = Question(sources=[Source(path=path) for path in images], every=EACH)
    given = predict_sources(Run(done.run.path), asked, environ, print, Wish())
    answers = [one.told for one in given]
    assert [answer["image_path"] for answer in answers] == [str(path) for path in images]
    assert all(answer["predicted_label"] for answer in answers)
    seen = [value for name, value in engine.find_run("predict")["options"] if name == "--volume"]
    assert f"{done.run.path}:{done.run.path}:ro" in seen
    for path in images:
        assert f"{path.parent}:{path.parent}:ro" in seen


@pytest.mark.slow
def test_who_stops_it_finds_a_checkpoint_and_goes_on(
    repository: Repository, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher()
    runner = in_container(repository, watcher)

    def stop() -> None:
        await_true(lambda: "train.epoch" in watcher.kinds(), "an epoch is trained", 60)
        watcher.stop.request("stopped")

    asking = threading.Thread(target=stop)
    asking.start()
    stopped = runner.run(repository.planned, RunOptions(), "vtspec run")
    asking.join()
    if stopped.state.status != "succeeded":
        assert stopped.state.status in ("stopped", "interrupted")
    again = Watcher()
    done = in_container(repository, again).run(
        repository.planned, RunOptions(resume=True), "vtspec run"
    )
    assert done.state.status == "succeeded"
    beside = a_local(repository, Watcher()).run(
        repository.planned, RunOptions(again=True), "vtspec run"
    )
    assert model_sum(repository, done.run.name) == model_sum(repository, beside.run.name)


def test_what_a_killed_client_leaves_is_ended(
    repository: Repository, engine: StandInEngine
) -> None:
    """Who goes on with a run ends what an earlier vtspec left of it, before it begins."""
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    name = name_container(repository.root / "runs" / repository.name, "train")
    (engine.folder / name).write_text(str(left.pid))
    done = in_container(repository, Watcher()).run(repository.planned, RunOptions(), "vtspec run")
    assert done.run.name == repository.name and done.state.status == "succeeded"
    assert left.wait(10) == -signal.SIGKILL
    removed = [one["rm"] for one in engine.asked if "rm" in one]
    assert name in removed


@pytest.mark.parametrize("part", ["weights", "configuration", None])
def test_a_container_reaches_a_hub_where_something_of_the_model_comes_from_there(
    tmp_path: Path, engine: StandInEngine, part: str | None
) -> None:
    at = {"type": "hub", "id": "a/b", "revision": "0" * 40}
    model: dict[str, object] = {"name": "a/b", "parameters": None, "weights": None}
    plan = plan_from_json(a_plan(model=model if part is None else {**model, part: at}))
    container = Container(engine=find_engine(), image=IMAGE, cache=tmp_path / "cache")
    place = Environment(
        python=Path("/python"), kind="container", why="", versions={}, container=container
    )
    asked = AdapterCommand(
        step="train", arguments=[], variables={"HF_TOKEN": "t"}, folder=tmp_path
    )
    placed = place_command(asked, place, plan, readable=[])
    assert placed.call is not None
    hub = tmp_path / "cache" / "huggingface" if part else None
    assert (placed.call.mounts.cache, placed.call.has_network) == (hub, part is not None)
    expected = {"HF_TOKEN": "t", "HF_HOME": str(hub)} if part else {"HF_HUB_OFFLINE": "1"}
    told = {name: value for name, value in placed.variables.items() if name.startswith("HF_")}
    assert told == {"HF_HUB_DISABLE_TELEMETRY": "1", **expected}


def test_an_image_that_lacks_what_is_locked_is_refused(
    tmp_path: Path, engine: StandInEngine
) -> None:
    from dataclasses import replace

    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.execution.container import open_container

    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "requirements.txt").write_text("torch==1.0.0 --hash=sha256:00\n")
    timm = load_frameworks()["timm"]
    other = replace(timm, folder=tmp_path / "image", distributions=("torch",))
    found = Container(engine=find_engine(), image="localhost/vtspec-timm:1", cache=tmp_path)
    with pytest.raises(Permanent, match=r"vtspec-timm:1 is not timm's: torch .* 1\.0\.0 locked"):
        open_container(other, found, print, "asked for")


def test_an_image_that_is_published_is_pulled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.pipelines.execution.container import open_container

    engine = StandInEngine(tmp_path / "engine", has_image=False)
    monkeypatch.setenv("PATH", engine.path)
    toy = replace(load_frameworks()["toy"], digest=f"sha256:{'1' * 64}")
    image = str(find_image(toy, "ghcr.io/acme", find_engine(), "0.1.0"))
    assert image == f"ghcr.io/acme/vtspec-toy@sha256:{'1' * 64}"
    assert find_image(toy, None, find_engine(), "0.1.0") is None
    for _ in range(2):
        found = Container(engine=find_engine(), image=image, cache=tmp_path)
        open_container(toy, found, print, "asked for")
    assert [one["pull"] for one in engine.asked if "pull" in one] == [image]


def test_without_an_engine_or_an_image_it_is_told_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"VTSPEC_CACHE": str(tmp_path)}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Permanent, match="neither Docker nor Podman is on PATH"):
        choose_environment("toy", environ, print, ASKED_FOR)
    engine = StandInEngine(tmp_path / "engine", has_image=False)
    monkeypatch.setenv("PATH", engine.path)
    with pytest.raises(Permanent) as caught:
        choose_environment("toy", environ, print, ASKED_FOR)
    assert "vtspec images build toy" in str(caught.value.fix)
    # Where whatever fits will do, this Python fits.
    assert describe_environment("toy", environ) == "this Python (toy needs no package)"
    (engine.folder / "image").touch()
    told = describe_environment("toy", environ, ASKED_FOR)
    assert told == f"container {IMAGE} by Podman 5.4.2 (asked for)"


def test_the_option_wins_over_the_variable_and_that_over_the_repository(tmp_path: Path) -> None:
    root = a_repository(tmp_path / "repository").root
    (root / "vtspec.yaml").write_text(
        "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: mine}\n"
        "spec: {backend: argo}\n"
    )
    found = find_repository(root)
    assert resolve_backend(None, {}, found) == "argo"
    assert resolve_backend(None, {"VTSPEC_BACKEND": "container"}, found) == "container"
    assert resolve_backend("process", {"VTSPEC_BACKEND": "container"}, found) == "process"
    with pytest.raises(Refused, match="VTSPEC_BACKEND says 'docker', which is no backend"):
        resolve_backend(None, {"VTSPEC_BACKEND": "docker"}, found)
