"""A run that real pods carry out, each with its step alone, and a store that has it all."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster_plans import a_cluster_project, publish, some_settings
from dvc_repositories import command, dvc_repository
from local_cluster.kubernetes_api import KubernetesApi, wait_until
from local_repository import a_repository
from object_storage import ObjectStorage
from vtspec.pipelines.argo import render, render_plan_config
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import Plan, build_steps
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import PRINTED_PREFIX, STEPS
from vtspec.pipelines.runs.object_store import ObjectStore
from workflows import (
    CLAIM,
    DATA_SECRET,
    NAMESPACE,
    PODS,
    RUNS_SECRET,
    Object,
    find_pods,
    follow,
    phases,
    trains,
)


@dataclass(frozen=True)
class Trained:
    """A plan, and the sum of the model that this machine trained by it."""

    plan: Plan
    model: str


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, storage: ObjectStorage) -> Iterator[Trained]:
    """The toy's plan, whose data is in a remote of DVC and lies nowhere else any more."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        # Long enough for a checkpoint to be in the store before the last epoch.
        made = a_repository(
            tmp_path_factory.mktemp("trained") / "repo", per_class=12, training={"epochs": 2000}
        )
        dvc_repository(made.root)
        command(made.root, "dvc", "add", "-q", "data/shapes")
        data = storage.make_bucket("data")
        command(made.root, "dvc", "remote", "add", "-q", "-d", "storage", f"{data}/dvc")
        command(made.root, "dvc", "push", "-q")
        toy = load_frameworks()["toy"]
        framework = replace(
            made.planned.framework,
            adapter_version=toy.adapter_version,
            requirements_hash=toy.requirements_hash,
        )
        plan = publish(
            replace(
                made.planned,
                steps=build_steps(made.planned.resources),
                dataset=replace(made.planned.dataset, source=DvcSource(path="data/shapes")),
                framework=framework,
            )
        )
        file = made.root / "plan.json"
        file.write_text(json.dumps(plan.to_json()))
        main = [sys.executable, "-c", "from vtspec.cli.main import main; main()"]
        done = subprocess.run(
            [*main, "run", "--plan", str(file), "--no-tracking"],
            cwd=made.root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        (run,) = Runs(made.root / "runs").list_runs()
        model = sum_model(run)
        shutil.rmtree(made.root)
        storage.make_bucket("runs")
        yield Trained(plan=plan, model=model)


def sum_model(run: Run) -> str:
    return hashlib.sha256((run.path / "model" / "model.safetensors").read_bytes()).hexdigest()


def a_real_run(plan: Plan, image: str, runs: str) -> tuple[Object, Object]:
    """What is rendered of the plan, as it stands."""
    project = a_cluster_project(
        cluster={
            "namespace": NAMESPACE,
            "volumeClaim": CLAIM,
            "runsSecret": RUNS_SECRET,
            "ephemeralStorage": "1Gi",
        },
        remotes={"storage": {"url": "s3://data/dvc", "secret": DATA_SECRET}},
    )
    settings = replace(some_settings(plan, project, runs), image=image)
    return render_plan_config(plan, settings), render(plan, settings)


def see(runs: str, place: Path) -> Run:
    """The run as somebody with a laptop sees it."""
    found = Runs(get_mirror_folder(runs, {"VTSPEC_CACHE": str(place)}))
    (run,) = found.list_runs()
    found.fetch(run, "model")
    return run


def read_logs(api: KubernetesApi, states: list[Object]) -> list[str]:
    """The lines that the run's pods have printed, of those which are still there, step by step."""
    found: list[str] = []
    for step in STEPS:
        for pod in find_pods(api, states[-1]["metadata"]["name"], step):
            log = api.text(f"{PODS}/{pod['metadata']['name']}/log", container="main")
            found += log.splitlines()
    return found


def check(run: Run, trained: Trained) -> None:
    state = run.read_state()
    assert (state.status, state.provenance.backend) == ("succeeded", "step")
    assert sum_model(run) == trained.model
    assert state.artifacts["model/model.safetensors"] == f"sha256:{trained.model}"
    lines = (run.path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines)))
    assert not run.is_alive()


def test_five_pods_make_the_model_that_one_machine_makes(
    api: KubernetesApi, image: str, trained: Trained, tmp_path: Path
) -> None:
    runs = "s3://runs/whole"
    states = follow(api, a_real_run(trained.plan, image, runs), timeout_s=420)
    assert phases(states) == ["Running", "Succeeded"], read_logs(api, states)
    run = see(runs, tmp_path)
    check(run, trained)
    printed = [line for line in read_logs(api, states) if line.startswith(PRINTED_PREFIX)]
    stored = (run.path / "events.jsonl").read_text().splitlines()
    assert printed == [PRINTED_PREFIX + line for line in stored]


def test_a_training_whose_pod_is_deleted_goes_on_in_another_to_the_same_model(
    api: KubernetesApi, image: str, trained: Trained, tmp_path: Path
) -> None:
    runs = "s3://runs/deleted"
    last = f"{trained.plan.id}/checkpoints/last.json"

    def lose_pod() -> None:
        store = ObjectStore(runs, os.environ)
        wait_until(lambda: store.find_tag(last) is not None, what="a checkpoint is in the store")
        (pod,) = find_pods(api, trained.plan.id, "train")
        # At once: its node is taken to be gone, and whatever runs there is not waited for.
        api.delete(f"{PODS}/{pod['metadata']['name']}", gracePeriodSeconds="0")

    states = follow(
        api,
        a_real_run(trained.plan, image, runs),
        once=(trains, lose_pod),
        timeout_s=420,
    )
    # Where one of the same name was there a moment ago, Argo lets the new one wait for its going.
    assert phases(states)[-2:] == ["Running", "Succeeded"], read_logs(api, states)
    run = see(runs, tmp_path)
    check(run, trained)
    begun = [
        one for one in run.read_events() if one.kind == "step.started" and one.step == "train"
    ]
    assert len(begun) == 2
