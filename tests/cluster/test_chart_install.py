"""The chart, really installed: its storage, MLflow and controller are services that answer."""

import base64
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from forge_sites import REPOSITORY
from git_repositories import commit, git
from helm_chart import CHART, RELEASE, Object
from local_cluster.addresses import NODE, NODE_IP, REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.installation import push_program
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from local_cluster.programs import Programs
from local_cluster.vtspec_image import publish_controller, publish_mlflow
from plan_repository import a_repository, change
from proposing_forges import SECRET, ProposingForge, serve_gitea_for
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.runs.object_store import ObjectStore, Overtaken

OURS, RUNS = "installed-system", "installed"
NAMESPACES = "/api/v1/namespaces"
VALUES = CHART.parent / "values" / "one-node.yaml"
CONTROLLER = f"{RELEASE}-controller"
FORGE_SECRET = "forge"
# What `helm install` says at its end; test_chart.py holds that it is a vtspec.yaml.
PROJECT = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: vision}}
spec:
  registry: {REGISTRY}
  runs: s3://runs/vtspec
  cluster:
    namespace: {RUNS}
    serviceAccount: vtspec-run
    volumeClaim: vtspec
    runsSecret: vtspec-runs
  tracking: {{uri: "http://{RELEASE}-mlflow.{OURS}:5000"}}
"""


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProposingForge]:
    """A forge on the node's address, which pods reach, with a repository and a branch."""
    folder = tmp_path_factory.mktemp("forge")
    root = a_repository(folder / "repository")
    (root / "vtspec.yaml").write_text(PROJECT)
    commit(root)
    git(root, "checkout", "-q", "-b", "longer")
    change(root, "specs/experiments/deep.yaml", "epochs: 5", "epochs: 6")
    commit(root)
    with serve_gitea_for(root, folder / "gitea", NODE_IP) as found:
        yield found


@pytest.fixture(scope="module")
def chart(
    api: KubernetesApi, cluster: Cluster, programs: Programs, gitea: ProposingForge
) -> Iterator[KubernetesApi]:
    """Installed by one command, with images that this cluster's registry has."""
    volumes = ["vtspec", f"{RELEASE}-storage", f"{RELEASE}-mlflow"]
    clean(api, volumes)
    for name in volumes:
        make_volume(api, cluster.folder / f"chart-{name}", name)
    storage = push_program(cluster.folder, programs, "versitygw", "bin/versitygw")
    mlflow = publish_mlflow(cluster.folder, programs)
    api.create(NAMESPACES, {"metadata": {"name": OURS}})
    kept = {"token": gitea.token, "webhook-secret": SECRET}
    secret = {"metadata": {"name": FORGE_SECRET}, "stringData": kept}
    api.create(f"{NAMESPACES}/{OURS}/secrets", secret)
    settings = [
        f"runs.namespace={RUNS}",
        f"storage.image={storage}",
        f"mlflow.image={mlflow}",
        "controller.enabled=true",
        f"controller.image={publish_controller(cluster.folder, programs)}",
        f"controller.repository={REPOSITORY}",
        "controller.forge=gitea",
        f"controller.url={gitea.url}",
        f"controller.secret={FORGE_SECRET}",
        # Together no more than a node of two cores has beside what else runs on it.
        *(f"{part}.resources.cpus=100m" for part in ("storage", "mlflow", "controller")),
        # Longer than these tests take: what is seen is seen by webhooks.
        "controller.sweep=3600",
    ]
    helm = str(programs.path("helm"))
    install = [helm, "install", RELEASE, str(CHART), "--namespace", OURS]
    install += ["--values", str(VALUES), "--set", ",".join(settings)]
    done = subprocess.run(
        [*install, "--wait", "--timeout", "8m"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr + describe(api)
    yield api
    subprocess.run([helm, "uninstall", RELEASE, "--namespace", OURS, "--wait"], check=True)
    clean(api, volumes)


def clean(api: KubernetesApi, volumes: list[str]) -> None:
    """What an uninstall leaves on purpose, and what an earlier call of these tests left."""
    for name in (OURS, RUNS):
        api.delete(f"{NAMESPACES}/{name}")
    wait_until(
        lambda: (
            not {OURS, RUNS} & {one["metadata"]["name"] for one in api.get(NAMESPACES)["items"]}
        ),
        what="the chart's namespaces are gone",
        timeout_s=120,
    )
    for name in volumes:
        api.delete(f"/api/v1/persistentvolumes/chart-{name}")


def make_volume(api: KubernetesApi, folder: Path, claim: str) -> None:
    """A folder of the node, for one claim of the chart."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    volume = {
        "metadata": {"name": f"chart-{claim}"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "200Gi"},
            "claimRef": {"namespace": RUNS if claim == "vtspec" else OURS, "name": claim},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
    api.create("/api/v1/persistentvolumes", volume)


def describe(api: KubernetesApi) -> str:
    """Why the pods of the release are not ready, for whoever reads a failure."""
    try:
        pods = api.get(f"{NAMESPACES}/{OURS}/pods")["items"]
        events = api.get(f"{NAMESPACES}/{OURS}/events")["items"]
    except ApiError as error:
        return str(error)
    said = [f"{one['reason']}: {one['message']}" for one in events]
    for pod in pods:
        try:
            said.append(
                api.text(f"{NAMESPACES}/{OURS}/pods/{pod['metadata']['name']}/log")[-2000:]
            )
        except ApiError as error:
            said.append(str(error))
    return "\n".join(said)


def find_address(api: KubernetesApi, name: str) -> str:
    service: Object = api.get(f"{NAMESPACES}/{OURS}/services/{name}")
    return f"{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}"


def read_store_variables(api: KubernetesApi) -> dict[str, str]:
    """The variables that pods of runs are given, with an address that this process resolves."""
    data = api.get(f"{NAMESPACES}/{RUNS}/secrets/vtspec-runs")["data"]
    found = {key: base64.b64decode(value).decode() for key, value in data.items()}
    assert found["AWS_ENDPOINT_URL"] == f"http://{RELEASE}-storage.{OURS}.svc:7070"
    address = find_address(api, f"{RELEASE}-storage")
    return found | {"AWS_ENDPOINT_URL": f"http://{address}"}


def test_its_storage_takes_runs_with_the_key_that_pods_are_given(
    chart: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in read_store_variables(chart).items():
        monkeypatch.setenv(name, value)
    url = yaml.safe_load(VALUES.read_text())["store"]["url"]
    store = ObjectStore(url)
    tag = store.create("run/events.jsonl", b"one\n")
    with pytest.raises(Overtaken):
        store.create("run/events.jsonl", b"other\n")
    store.replace("run/events.jsonl", b"one\ntwo\n", tag)
    with pytest.raises(Overtaken):
        store.replace("run/events.jsonl", b"three\n", tag)
    assert [(one.key, one.size) for one in store.list_objects("run/")] == [
        ("run/events.jsonl", len(b"one\ntwo\n"))
    ]


def test_its_storage_keeps_what_it_has_when_its_pod_goes(
    chart: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in read_store_variables(chart).items():
        monkeypatch.setenv(name, value)
    ObjectStore("s3://runs").put("kept", b"whole")
    pods = f"{NAMESPACES}/{OURS}/pods"
    selector = "app.kubernetes.io/name=vtspec-storage"
    (before,) = chart.get(pods, labelSelector=selector)["items"]
    chart.delete(f"{pods}/{before['metadata']['name']}")

    def is_back() -> bool:
        found = chart.get(pods, labelSelector=selector)["items"]
        return [one["metadata"]["name"] for one in found] != [before["metadata"]["name"]] and any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for one in found
            for condition in one["status"].get("conditions", [])
            if "deletionTimestamp" not in one["metadata"]
        )

    wait_until(is_back, what="the storage's next pod is ready", timeout_s=120)

    def list_keys() -> list[str]:
        try:
            return [one.key for one in ObjectStore("s3://runs").list_objects()]
        # The service's rules follow its pods a moment later.
        except Temporary:
            return []

    wait_until(lambda: bool(list_keys()), what="the storage answers again")
    assert list_keys() == ["kept", "vtspec/run/events.jsonl"]


def test_its_mlflow_answers_by_its_name_and_by_no_other(chart: KubernetesApi) -> None:
    address = find_address(chart, f"{RELEASE}-mlflow")
    ask = f"http://{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
    name = f"{RELEASE}-mlflow.{OURS}.svc:5000"
    request = urllib.request.Request(ask, headers={"Host": name})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert b'"experiment_id"' in answer.read()
    request = urllib.request.Request(ask, headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403
    refused.value.close()


def list_controllers(api: KubernetesApi) -> list[Object]:
    selector = "app.kubernetes.io/name=vtspec-controller"
    return list(api.get(f"{NAMESPACES}/{OURS}/pods", labelSelector=selector)["items"])


def read_figures(pod: Object) -> dict[str, float]:
    """What a Prometheus reads of a pod, by name and labels."""
    address = f"http://{pod['status']['podIP']}:8091/metrics"
    with urllib.request.urlopen(address, timeout=30) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_its_controllers_tell_a_pull_request_its_plan(
    chart: KubernetesApi, gitea: ProposingForge
) -> None:
    address = find_address(chart, CONTROLLER)
    gitea.tell(f"http://{address}/webhook")
    number = gitea.propose("longer", "Longer")

    def list_plans() -> list[str]:
        comments = gitea.site.forge.list_comments(number)
        return [one.body for one in comments if one.body.startswith("<!-- vtspec:plan")]

    try:
        wait_until(lambda: bool(list_plans()), what="the plan is told", timeout_s=120)
    except TimeoutError as error:
        raise AssertionError(describe(chart)) from error
    assert "`deep`" in list_plans()[0]
    pods = list_controllers(chart)
    statuses = [one["status"]["containerStatuses"][0] for one in pods]
    assert [(one["ready"], one["restartCount"]) for one in statuses] == [(True, 0)] * 2
    figures = [read_figures(pod) for pod in pods]
    looked = f'outcome="done",repository="{REPOSITORY}",scope="everything"'
    assert all(one[f"vtspec_looks_total{{{looked}}}"] >= 1 for one in figures)
    assert sum(one.get('vtspec_webhooks_total{outcome="taken"}', 0) for one in figures) >= 1
    assert len(list_plans()) == 1


def test_its_service_takes_signed_webhooks_and_tells_no_figures(chart: KubernetesApi) -> None:
    address = find_address(chart, CONTROLLER)
    for request, status in (
        (urllib.request.Request(f"http://{address}/webhook", data=b"{}"), 401),
        (urllib.request.Request(f"http://{address}/metrics"), 404),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert refused.value.code == status
        refused.value.close()


def test_a_second_install_keeps_the_key(chart: KubernetesApi, programs: Programs) -> None:
    before = read_store_variables(chart)["AWS_SECRET_ACCESS_KEY"]
    assert len(before) == 40
    words = [str(programs.path("helm")), "upgrade", RELEASE, str(CHART), "--namespace", OURS]
    subprocess.run(
        [*words, "--reuse-values", "--set", "cache.size=60Gi", "--dry-run=server"],
        check=True,
        capture_output=True,
    )
    subprocess.run([*words, "--reuse-values"], check=True, capture_output=True)
    assert read_store_variables(chart)["AWS_SECRET_ACCESS_KEY"] == before


def test_pods_with_rights_are_refused_where_runs_are(chart: KubernetesApi) -> None:
    pod = {
        "metadata": {"name": "rights"},
        "spec": {
            "hostNetwork": True,
            "containers": [
                {"name": "main", "image": "any", "securityContext": {"privileged": True}}
            ],
        },
    }
    with pytest.raises(ApiError, match="violates PodSecurity"):
        chart.create(f"{NAMESPACES}/{RUNS}/pods", pod)
