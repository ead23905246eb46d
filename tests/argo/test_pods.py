"""The pods of a rendered run, carried out here one after another with what each would see.

The containers' folders are folders of this machine, and their commands are run as they stand:
what a Workflow says is what `vtspec step` does, without a cluster. The runs are in an S3 server.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster_plans import a_cluster_project, publish, some_settings
from dvc_repositories import command, dvc_repository
from local_repository import a_repository
from object_storage import BreakableStorage, ObjectStorage
from vtspec.pipelines.argo import render, render_plan_config
from vtspec.pipelines.argo.storage import CACHE, PLAN_FILE
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.workflow_file import OWN_NAMESPACE, OWN_WORKFLOW

pytestmark = pytest.mark.slow


class Pods:
    """A namespace in a folder: one volume, the plan's map, and a place for each container."""

    def __init__(self, place: Path, plan: Plan, remote: Path, storage: ObjectStorage) -> None:
        self.place, self.storage, self.started = place, storage, 0
        (place / "volume" / "data").mkdir(parents=True)
        bucket = "".join(letter for letter in place.parent.name.lower() if letter.isalnum())[-40:]
        self.runs = f"{storage.make_bucket(bucket)}/team"
        project = a_cluster_project(
            cluster={"namespace": "vision", "volumeClaim": "vtspec", "runsSecret": "vtspec-runs"},
            retention={"caches": "30d"},
        )
        settings = some_settings(plan, project, self.runs)
        # These pods share the folders of one machine, as no pods of a cluster do.
        settings = replace(settings, remote=replace(settings.remote, url=str(remote), secret=None))
        workflow = render(plan, settings)
        self.templates = {one["name"]: one for one in workflow["spec"]["templates"]}
        (place / "plan.json").write_text(render_plan_config(plan, settings)["data"]["plan.json"])

    def start(self, step: str) -> subprocess.CompletedProcess[str]:
        """Run the container of a step to its end."""
        container: dict[str, Any] = self.templates[step]["container"]
        self.started += 1
        pod = self.place / f"pod-{self.started}"
        (pod / "cache" / "stores").mkdir(parents=True)
        (pod / "cache" / "data").symlink_to(self.place / "volume" / "data")
        here: dict[str, str] = {
            PLAN_FILE: str(self.place / "plan.json"),
            CACHE: str(pod / "cache"),
            "/tmp": str(pod / "tmp"),
        }

        def find_here(word: str) -> str:
            return here.get(word, word)

        # What Kubernetes would fill in from the pod.
        own = {OWN_NAMESPACE: "vision", OWN_WORKFLOW: "by-hand"}
        given = {
            str(one["name"]): find_here(one["value"]) if "value" in one else own[one["name"]]
            for one in container["env"]
        }
        work = Path(here[container["workingDir"]])
        work.mkdir(parents=True, exist_ok=True)
        assert container["command"][0] == "vtspec"
        main = [sys.executable, "-c", "from vtspec.cli.main import main; main()"]
        words = [find_here(one) for one in (*container["command"][1:], *container["args"])]
        # What is not the pod's own is what the image has: this Python, and uv's.
        image = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        secrets = {"vtspec-runs": self.storage.environment}
        for one in container["envFrom"]:
            found = secrets[one["secretRef"]["name"]]
            given |= {one.get("prefix", "") + name: value for name, value in found.items()}
        return subprocess.run(
            [*main, *words], cwd=work, env={**image, **given}, capture_output=True, text=True
        )

    def see(self, monkeypatch: pytest.MonkeyPatch) -> Run:
        """The run as somebody with a laptop sees it, with its model."""
        for name, value in self.storage.environment.items():
            monkeypatch.setenv(name, value)
        runs = Runs(get_mirror_folder(self.runs, {"VTSPEC_CACHE": str(self.place / "laptop")}))
        (run,) = runs.list_runs()
        runs.fetch(run, "model")
        return run


@pytest.fixture
def pods(tmp_path: Path, storage: BreakableStorage) -> Pods:
    """The pods of a run of the toy, whose data was pushed to a remote and lies nowhere else."""
    made = a_repository(tmp_path / "repo")
    dvc_repository(made.root)
    command(made.root, "dvc", "add", "-q", "data/shapes")
    command(made.root, "dvc", "remote", "add", "-q", "-d", "shelf", str(tmp_path / "remote"))
    command(made.root, "dvc", "push", "-q")
    toy = load_frameworks()["toy"]
    plan = made.planned
    plan = publish(
        replace(
            plan,
            dataset=replace(plan.dataset, source=DvcSource(path="data/shapes")),
            framework=replace(
                plan.framework,
                adapter_version=toy.adapter_version,
                requirements_hash=toy.requirements_hash,
            ),
        )
    )
    shutil.rmtree(made.root)
    return Pods(tmp_path / "cluster", plan, tmp_path / "remote", storage)


def test_the_pods_of_a_run_carry_it_out_from_the_remote_to_the_report(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused = pods.place / "volume" / "data" / "0123.dir"
    unused.mkdir()
    os.utime(unused, (0, 0))
    for step in STEPS:
        done = pods.start(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    run = pods.see(monkeypatch)
    assert not unused.exists()
    state = run.read_state()
    assert (state.status, state.attempt) == ("succeeded", 1)
    assert {name: one.ending for name, one in state.steps.items()} == dict.fromkeys(
        STEPS, "succeeded"
    )
    assert (run.path / "report.md").is_file()
    assert (run.path / "model" / "model.safetensors").is_file()
    # Nothing but the data lies on the volume.
    assert [one.name for one in (pods.place / "volume").iterdir()] == ["data"]


def test_a_step_whose_pod_is_started_again_goes_on(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pods.start("data").returncode == 0
    for step in ("train", "train", "evaluate", "export", "report"):
        done = pods.start(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    run = pods.see(monkeypatch)
    events: list[Any] = list(run.read_events())
    assert run.read_state().status == "succeeded"
    told = [event.seq for event in events]
    assert told == sorted(set(told))
