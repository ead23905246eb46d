"""timm's own image in pods: the model and the metrics are those that this machine makes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster_plans import publish
from dvc_repositories import command, dvc_repository
from local_cluster.addresses import REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import KubernetesApi
from local_cluster.programs import Programs
from local_cluster.vtspec_image import publish_timm
from object_storage import ObjectStorage
from toy_runs import unmeasured
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.data.sample_digits import write_digits
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import Evaluated, RunStarted, TrainEpoch
from workflows import CLAIM, DATA_SECRET, NAMESPACE, RUNS_SECRET, delete, find_pods

ROOT = Path(__file__).parents[2]
STORE = "s3://timm-runs/team"
PROJECT = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: mine}}
spec:
  runs: {STORE}
  registry: {REGISTRY}
  remotes: {{storage: {{url: s3://timm-data/dvc, secret: {DATA_SECRET}}}}}
  cluster:
    namespace: {NAMESPACE}
    volumeClaim: {CLAIM}
    runsSecret: {RUNS_SECRET}
    ephemeralStorage: 1Gi
"""
MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")
LONG_S = 1800.0


@dataclass(frozen=True)
class Project:
    """A repository with this one's spec and data, and its plan once timm's image is published."""

    root: Path
    environment: Mapping[str, str]
    plan: Plan

    def vtspec(self, *words: str) -> str:
        return run_vtspec(self.root, self.environment, *words)


def run_vtspec(root: Path, environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(
        [*MAIN, *words],
        cwd=root,
        env={**unmeasured(), **environment},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
    api: KubernetesApi,
    cluster: Cluster,
    programs: Programs,
    storage: ObjectStorage,
) -> Iterator[Project]:
    digest = publish_timm(cluster.folder, programs).rpartition("@")[2]
    folder = tmp_path_factory.mktemp("timm")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        storage.make_bucket("timm-runs")
        root = dvc_repository(folder / "repository")
        (root / "vtspec.yaml").write_text(PROJECT)
        for path in ("specs/datasets/digits.yaml", "specs/experiments/digits-resnet10t.yaml"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, root / path)
        write_digits(root / "data" / "digits")
        command(root, "dvc", "add", "-q", "data/digits")
        remote = f"{storage.make_bucket('timm-data')}/dvc"
        command(root, "dvc", "remote", "add", "-q", "-d", "storage", remote)
        command(root, "dvc", "push", "-q")
        environment = {
            **storage.environment,
            "KUBECONFIG": str(cluster.kubeconfig()),
            "VTSPEC_CACHE": str(folder / "cache"),
        }
        words = ("plan", "digits-resnet10t", "--set", "training.epochs=1", "--output", "json")
        made = json.loads(run_vtspec(root, environment, *words))
        plan = publish(plan_from_json(made), digest)
        (root / "plan.json").write_text(json.dumps(plan.to_json()))
        yield Project(root=root, environment=environment, plan=plan)


def read_measured(run: Run) -> list[TrainEpoch | Evaluated]:
    """All that the run measured, epoch by epoch and in the end; the time is none of it."""
    bodies = [event.body for event in run.read_events()]
    found: list[TrainEpoch | Evaluated] = [
        replace(one, seconds=None) for one in bodies if isinstance(one, TrainEpoch)
    ]
    return found + [one for one in bodies if isinstance(one, Evaluated)]


def read_versions(run: Run) -> dict[str, object]:
    """The packages that decide results, as the run found them installed."""
    (begun,) = [one.body for one in run.read_events() if isinstance(one.body, RunStarted)]
    # Debian's Python has another patch level than that of a machine.
    return {name: found for name, found in begun.versions.items() if name != "python"}


WORDS = ("run", "--plan", "plan.json", "--no-tracking", "--backend")


@pytest.fixture(scope="module")
def there(api: KubernetesApi, project: Project) -> Iterator[Run]:
    """The run that pods have carried out by one command, as another machine sees it."""
    project.vtspec(*WORDS, "argo")
    runs = Runs(get_mirror_folder(STORE, {"VTSPEC_CACHE": f"{project.root}-elsewhere"}))
    run = Run(runs.folder / project.plan.id)
    runs.refresh(run)
    yield run
    delete(api, run.name)


def test_pods_train_digits_in_the_framework_of_the_image(
    api: KubernetesApi, project: Project, there: Run
) -> None:
    state = there.read_state()
    assert state.status == "succeeded"
    assert state.provenance.environment == "environment /opt/framework"
    (pod,) = find_pods(api, there.name, "train")
    (container,) = [one for one in pod["status"]["containerStatuses"] if one["name"] == "main"]
    assert container["imageID"].endswith(f"@{project.plan.framework.image_digest}")


def test_digits_in_pods_have_the_tensors_and_metrics_of_this_machine(
    project: Project, there: Run
) -> None:
    project.vtspec(*WORDS, "process", "--runs", "runs")
    here = Run(project.root / "runs" / there.name)
    assert read_versions(there) == read_versions(here)
    assert read_versions(there)["torch"]
    # One epoch, and the test in the end.
    assert len(read_measured(here)) == 2
    assert read_measured(there) == read_measured(here)
    # Beside the tensors the probabilities of every image.
    for path in ("model/model.safetensors", "evaluation.json"):
        assert there.read_state().artifacts[path] == here.read_state().artifacts[path]
