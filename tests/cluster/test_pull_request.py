"""The whole way: a pull request is opened, its plan told and approved, pods train, MLflow and a
comment have the result, and it is merged; with two controllers that a Prometheus reads.

On the fake of GitHub pods train by the toy framework, on Gitea by timm in its own image, and the
model and the metrics are those that this machine makes.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2
import pytest

from helm_chart import VALUES, Object, find_objects, read_golden
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from local_cluster.programs import Programs
from local_cluster.vtspec_image import publish_timm
from object_storage import ObjectStorage
from prometheus_server import PrometheusServer, serve_prometheus
from pull_request_stage import APPROVER, SOFTMAX, Ground, Stage, propose_resnet, set_stage
from toy_runs import unmeasured
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import Evaluated, RunStarted, TrainEpoch
from workflows import WORKFLOWS, delete, find_pods

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")
LONG_S = 600.0
TIMM_BYTES = 13 * 10**9
"""What a node takes to unpack the image of timm: its layers, packed and unpacked."""


@pytest.fixture(scope="module")
def stored(storage: ObjectStorage) -> Iterator[ObjectStorage]:
    """The storage, which this process reads too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        yield storage


@pytest.fixture
def ground(api: KubernetesApi, cluster: Cluster, stored: ObjectStorage, image: str) -> Ground:
    """For the toy framework."""
    return Ground(cluster=cluster, storage=stored, image=image, proposal=SOFTMAX)


@pytest.fixture(scope="module")
def timm_stage(
    tmp_path_factory: pytest.TempPathFactory,
    api: KubernetesApi,
    cluster: Cluster,
    programs: Programs,
    stored: ObjectStorage,
) -> Iterator[Stage]:
    # A node whose disk is full pulls an image for ever.
    free = shutil.disk_usage(cluster.folder).free
    if free < TIMM_BYTES:
        pytest.skip(f"the image of timm takes {TIMM_BYTES:,} bytes of disk, {free:,} are free")
    image = publish_timm(cluster.folder, programs)
    ground = Ground(cluster=cluster, storage=stored, image=image, proposal=propose_resnet())
    with set_stage("gitea", tmp_path_factory.mktemp("timm") / "stage", ground, print) as found:
        yield found


@pytest.fixture(scope="module")
def trained(timm_stage: Stage, api: KubernetesApi) -> Iterator[Run]:
    """The run that a pull request on Gitea has led to, as another machine sees it."""
    name = carry_through(api, timm_stage)
    place = {"VTSPEC_CACHE": f"{timm_stage.root}-elsewhere"}
    runs = Runs(get_mirror_folder("s3://gitea-runs/team", place))
    run = Run(runs.folder / name)
    runs.refresh(run)
    yield run
    delete(api, name)


def carry_through(api: KubernetesApi, stage: Stage) -> str:
    """Open it, approve its plan, await its result and merge it; the run's name."""
    before = list_workflows(api)
    stage.open()
    plan = stage.await_comment("plan", 120.0, "/vtspec apply ")
    assert stage.proposal.name in plan and "epoch" in plan
    assert list_workflows(api) == before
    stage.approve()
    result = stage.await_comment("result", LONG_S, "accuracy")
    (run,) = list_workflows(api) - before
    assert run in result
    workflow = api.get(f"{WORKFLOWS}/{run}")
    assert workflow["metadata"]["labels"][f"vtspec.dev/pull-request-{stage.number}"] == "true"
    assert (
        f'"login": "{APPROVER}"'
        in workflow["metadata"]["annotations"][f"vtspec.dev/approval-{stage.number}"]
    )
    assert find_pods(api, run, "train")
    end_well(api, stage, run)
    assert list_workflows(api) - before == {run}
    return run


def end_well(api: KubernetesApi, stage: Stage, run: str) -> None:
    """The run has succeeded, its pull request is merged, and there is one comment of each kind."""
    assert api.get(f"{WORKFLOWS}/{run}")["status"]["phase"] == "Succeeded"
    # What is written is written one after the other.
    wait_until(lambda: read_status(stage) == "success", what="its status", timeout_s=60)
    stage.await_tracked(run)
    stage.merge()
    stage.await_rest()
    kinds = [re.match(r"<!-- vtspec:(\w+)", one.body) for one in stage.list_comments()]
    named = [one[1] for one in kinds if one]
    # Where both were as fast as each other, the later one became a word that points at the first.
    assert sorted(set(named) - {"duplicate"}) == ["plan", "progress", "reply", "result"]
    assert all(named.count(kind) == 1 for kind in named if kind != "duplicate")
    for log in stage.logs:
        assert "Traceback" not in log.read_text()


def await_told(ask: Callable[[], object], what: str) -> None:
    """Wait for something of an API server that may be away meanwhile."""

    def is_told() -> bool:
        try:
            return bool(ask())
        except (ApiError, httpx2.TransportError):
            return False

    wait_until(is_told, what=what, timeout_s=LONG_S)


def read_status(stage: Stage) -> str | None:
    head = stage.forge.site.forge.get_pull_request(stage.number).head_sha
    found = stage.forge.site.find_statuses(head).get(f"vtspec/{stage.proposal.name}")
    return None if found is None else found[0]


def list_workflows(api: KubernetesApi) -> set[str]:
    return {str(one["metadata"]["name"]) for one in api.get(WORKFLOWS)["items"]}


def test_a_pull_request_becomes_a_result_and_is_merged(
    api: KubernetesApi, ground: Ground, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        stage = stack.enter_context(set_stage("github", tmp_path / "stage", ground, print))
        served = serve_prometheus(tmp_path / "prometheus", stage.metrics, read_rules())
        prometheus = stack.enter_context(served)
        run = carry_through(api, stage)
        check_what_prometheus_knows(prometheus, stage)
    delete(api, run)


def read_rules() -> list[Object]:
    """The chart's alerts, of all that it installs."""
    (values,) = [one for one in VALUES if one.stem == "production"]
    (rule,) = find_objects(read_golden(values), "PrometheusRule")
    return list(rule["spec"]["groups"])


def check_what_prometheus_knows(prometheus: PrometheusServer, stage: Stage) -> None:
    assert prometheus.list_targets() == dict.fromkeys(stage.metrics, "up")
    names = {one["alert"] for group in read_rules() for one in group["rules"]}
    assert {"VtspecControllerBlind", "VtspecControllerUnseen"} <= names
    assert prometheus.list_rules() == dict.fromkeys(names, "ok")
    # Both may have decided it; the cluster has it once.
    created = 'vtspec_actions_total{kind="CreateRun",outcome="done"}'
    assert sum(value for _, value in prometheus.query(created)) in (1, 2)
    # One of them is told by webhooks, and both sweep.
    taken = prometheus.query('vtspec_webhooks_total{outcome="taken"} > 0')
    assert [at["instance"] for at, _ in taken] == [stage.metrics[0]]
    looks = prometheus.query('vtspec_looks_total{scope="everything",outcome="done"} > 0')
    assert {at["instance"] for at, _ in looks} == set(stage.metrics)
    assert {at["repository"] for at, _ in looks} == {stage.forge.site.forge.repository}
    at_work = prometheus.query('max_over_time(vtspec_workflows{phase="running"}[1h])')
    assert {at["instance"]: value for at, value in at_work} == dict.fromkeys(stage.metrics, 1.0)
    # It asks for the figures of this very repository.
    assert prometheus.query('ALERTS{alertname="VtspecControllerUnseen"}') == []


def test_an_api_server_and_its_store_are_restarted_under_a_run(
    api: KubernetesApi, cluster: Cluster, ground: Ground, tmp_path: Path
) -> None:
    with set_stage("github", tmp_path / "stage", ground, print, team="restarted") as stage:
        before = list_workflows(api)
        stage.open()
        stage.await_comment("plan", 120.0, "/vtspec apply ")
        # What is approved meanwhile is begun once it is back.
        cluster.kill("kube-apiserver")
        stage.approve()
        await_told(lambda: list_workflows(api) - before, "its Workflow")
        (run,) = list_workflows(api) - before
        for program, step in (("etcd", "train"), ("kube-apiserver", "evaluate")):
            await_told(partial(find_pods, api, run, step), f"its pod of {step}")
            cluster.kill(program)
        assert run in stage.await_comment("result", LONG_S, "accuracy")
        said = "".join(log.read_text() for log in stage.logs)
        assert "cannot be reached" in said or "not now" in said, "nothing befell them"
        end_well(api, stage, run)
        assert list_workflows(api) - before == {run}
        delete(api, run)


def test_digits_are_trained_by_timm_in_its_own_image(
    api: KubernetesApi, timm_stage: Stage, trained: Run
) -> None:
    state = trained.read_state()
    assert state.status == "succeeded"
    assert state.provenance.environment == "environment /opt/framework"
    (pod,) = find_pods(api, trained.name, "train")
    (container,) = [one for one in pod["status"]["containerStatuses"] if one["name"] == "main"]
    plan = plan_from_json(trained.read_plan())
    assert container["imageID"].endswith(f"@{plan.framework.image_digest}")


def test_digits_in_pods_have_the_tensors_and_metrics_of_this_machine(
    timm_stage: Stage, trained: Run, tmp_path: Path
) -> None:
    words = ("run", "--plan", str(trained.plan_file), "--no-tracking")
    done = subprocess.run(
        [*MAIN, *words, "--backend", "process", "--runs", str(tmp_path)],
        cwd=timm_stage.root,
        env={**unmeasured(), "VTSPEC_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    here = Run(tmp_path / trained.name)
    assert read_versions(trained) == read_versions(here)
    assert read_versions(trained)["torch"]
    # One epoch, and the test in the end.
    assert len(read_measured(here)) == 2
    assert read_measured(trained) == read_measured(here)
    # Beside the tensors the probabilities of every image.
    for path in ("model/model.safetensors", "evaluation.json"):
        assert trained.read_state().artifacts[path] == here.read_state().artifacts[path]


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
