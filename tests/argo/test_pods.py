"""The pods of a rendered run, carried out here one after another with what each would see.

The containers' folders are folders of this machine, and their commands are run as they stand:
what a Workflow says is what `vtspec step` does, without a cluster.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster_plans import a_cluster_project, a_published_plan, publish, some_settings
from dvc_repositories import command, dvc_repository
from local_repository import a_repository
from vtspec.pipelines.argo import render, render_plan_config
from vtspec.pipelines.argo.storage import CACHE, PLAN_FILE, RUN_FOLDER
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.events import STEPS

pytestmark = pytest.mark.slow


class Pods:
    """A namespace in a folder: one volume, the plan's map, and a place for each container."""

    def __init__(self, place: Path, plan: Plan, remote: Path) -> None:
        self.place = place
        place.mkdir()
        project = a_cluster_project(remotes={"storage": {"url": str(remote)}})
        settings = some_settings(plan, project)
        workflow = render(plan, settings)
        self.run = place / "store" / "runs" / workflow["metadata"]["name"]
        self.templates = {one["name"]: one for one in workflow["spec"]["templates"]}
        (place / "plan.json").write_text(render_plan_config(plan, settings)["data"]["plan.json"])

    def start(self, step: str) -> subprocess.CompletedProcess[str]:
        """Run the container of a step to its end."""
        container: dict[str, Any] = self.templates[step]["container"]
        here: dict[str, str] = {
            PLAN_FILE: str(self.place / "plan.json"),
            RUN_FOLDER: str(self.run),
            CACHE: str(self.place / "store" / "cache"),
            "/tmp": str(self.place / "tmp"),
        }

        def find_here(word: str) -> str:
            return here.get(word, word)

        given = {str(one["name"]): find_here(one["value"]) for one in container["env"]}
        work = Path(here[container["workingDir"]])
        work.mkdir(parents=True, exist_ok=True)
        assert container["command"][0] == "vtspec"
        main = [sys.executable, "-c", "from vtspec.cli.main import main; main()"]
        words = [find_here(one) for one in (*container["command"][1:], *container["args"])]
        # What is not the pod's own is what the image has: this Python, and uv's.
        image = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run(
            [*main, *words], cwd=work, env={**image, **given}, capture_output=True, text=True
        )


@pytest.fixture
def pods(tmp_path: Path) -> Pods:
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
            steps=a_published_plan().steps,
            dataset=replace(plan.dataset, source=DvcSource(path="data/shapes")),
            framework=replace(
                plan.framework,
                adapter_version=toy.adapter_version,
                requirements_hash=toy.requirements_hash,
            ),
        )
    )
    shutil.rmtree(made.root)
    return Pods(tmp_path / "cluster", plan, tmp_path / "remote")


def test_the_pods_of_a_run_carry_it_out_from_the_remote_to_the_report(pods: Pods) -> None:
    for step in STEPS:
        done = pods.start(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    state = Run(pods.run).read_state()
    assert (state.status, state.attempt) == ("succeeded", 1)
    assert {name: one.ending for name, one in state.steps.items()} == dict.fromkeys(
        STEPS, "succeeded"
    )
    assert (pods.run / "report.md").is_file()
    assert (pods.run / "model" / "model.safetensors").is_file()
    # Nothing but the run and the data lies on the volume.
    assert {one.name for one in (pods.place / "store").iterdir()} == {"runs", "cache"}


def test_a_step_whose_pod_is_started_again_goes_on(pods: Pods) -> None:
    assert pods.start("data").returncode == 0
    for step in ("train", "train", "evaluate", "export", "report"):
        done = pods.start(step)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    events: list[Any] = list(Run(pods.run).read_events())
    assert Run(pods.run).read_state().status == "succeeded"
    told = [event.seq for event in events]
    assert told == sorted(set(told))
