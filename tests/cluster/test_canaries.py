"""A secret in every slot where one can stand, a whole run, and the search for each of them."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
import yaml

from canaries import Canaries, Finding, ProcessWatch, SeenProcess
from cluster_plans import a_cluster_project, publish, some_settings
from dvc_repositories import command, dvc_repository
from local_cluster.addresses import REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from local_repository import a_repository
from object_storage import ObjectStorage
from toy_runs import unmeasured
from vtspec.pipelines.argo import render, render_plan_config
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.planning.plan_model import Plan, build_steps
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.object_store import OWN_PREFIX, ObjectStore
from vtspec.pipelines.runs.workflow_file import OWN_WORKFLOW
from workflows import (
    CLAIM,
    CONFIG_MAPS,
    NAMESPACE,
    PODS,
    SERVICE_ACCOUNT,
    Object,
    delete,
    find_pods,
)

RUNS = "s3://canaries/team"
REMOTE = "s3://canaries-data/dvc"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"

PROJECT = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: mine}}
spec:
  runs: {RUNS}
  registry: {REGISTRY}
  remotes: {{storage: {{url: "{REMOTE}", secret: canary-data}}}}
  cluster:
    namespace: {NAMESPACE}
    volumeClaim: {CLAIM}
    runsSecret: canary-runs
    ephemeralStorage: 1Gi
"""

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")

# As docs/cluster.md says: what the commands ask of a cluster.
RULES = [
    {
        "apiGroups": ["argoproj.io"],
        "resources": ["workflows"],
        "verbs": ["create", "get", "list", "patch", "delete"],
    },
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["create", "get", "list", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["kueue.x-k8s.io"], "resources": ["workloads"], "verbs": ["list"]},
]


@dataclass
class World:
    """A run that is over, all who had a secret in it, and what they left behind."""

    api: KubernetesApi
    cluster: Cluster
    folder: Path
    canaries: Canaries
    processes: ProcessWatch
    slots: tuple[Path, ...]
    plan: Plan
    said: dict[str, str]
    mounts: Mapping[str, list[str]]

    def find_in_pods(self, *words: str) -> list[SeenProcess]:
        """Processes of the run's pods whose command has all of the words: beside them others may
        work on this machine, of which nobody here put a secret anywhere."""
        own = f"{OWN_WORKFLOW}={self.plan.id}".encode()
        found = self.processes.find(*words)
        return [one for one in found if own in one.environment.split(b"\0")]

    def search(self) -> list[Finding]:
        """Every secret in every place where it must not be."""
        return sorted({*self._search_machine(), *self._search_cluster(), *self._search_store()})

    def _search_machine(self) -> Iterator[Finding]:
        for place, text in self.said.items():
            yield from self.canaries.search(f"what {place} said", text.encode())
        for seen in self.processes.seen.values():
            words = " ".join(seen.command.decode(errors="replace").split("\0"))[:60]
            yield from self.canaries.search(f"the process {words}", seen.command)
        yield from self.canaries.search_files([self.folder], self.slots)

    def _search_cluster(self) -> Iterator[Finding]:
        for path in _list_resources(self.api):
            for one in self.api.get(path)["items"]:
                place = f"{path} {one['metadata']['name']}"
                yield from self.canaries.search(place, json.dumps(one).encode())
        for pod in self.api.get(PODS)["items"]:
            name = pod["metadata"]["name"]
            for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
                try:
                    log = self.api.text(f"{PODS}/{name}/log", container=container["name"])
                except ApiError:
                    continue
                place = f"the log of {name}, {container['name']}"
                yield from self.canaries.search(place, log.encode())
        # Argo's controller's, the kubelet's, the API server's.
        yield from self.canaries.search_files([self.cluster.folder / "log"], [])
        # What is pulled: manifests, and the configuration of every image.
        for blob in (self.cluster.folder / "registry").rglob("*"):
            if blob.is_file() and blob.stat().st_size < 1 << 20:
                yield from self.canaries.search(f"the registry's {blob.name}", blob.read_bytes())

    def _search_store(self) -> Iterator[Finding]:
        for url in (RUNS, REMOTE):
            store = ObjectStore(url)
            for one in store.list_objects():
                found = store.read(one.key)
                content = b"" if found is None else found[0]
                place = f"{url}/{one.key}"
                yield from self.canaries.search(place, one.key.encode() + content)


def _list_resources(api: KubernetesApi) -> Iterator[str]:
    """The address of each kind of object that can be listed, in all namespaces; Secrets are slots
    themselves."""
    groups = api.get("/apis")["groups"]
    others = [f"/apis/{one['groupVersion']}" for group in groups for one in group["versions"]]
    for folder in ("/api/v1", *others):
        for one in api.get(folder)["resources"]:
            if "list" in one["verbs"] and one["name"] != "secrets":
                yield f"{folder}/{one['name']}"


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    api: KubernetesApi,
    cluster: Cluster,
    storage: ObjectStorage,
    image: str,
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("machine")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        for url in (RUNS, REMOTE):
            storage.make_bucket(url.split("/")[2])
        root, plan = _make_repository(folder, image)
        mlflow = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
        threading.Thread(target=mlflow.serve_forever, args=(0.05,), daemon=True).start()
        try:
            port = mlflow.server_address[1]
            yield _carry_out(_Begun(api, cluster, storage, folder, root, plan, port))
        finally:
            mlflow.shutdown()
            mlflow.server_close()
            delete(api, plan.id)
            api.merge(f"{ACCOUNTS}/{SERVICE_ACCOUNT}", {"imagePullSecrets": None})


class _Refusing(BaseHTTPRequestHandler):
    """An MLflow that knows nobody, so that whatever tells of it in an error is told."""

    asked: Final[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _make_repository(folder: Path, image: str) -> tuple[Path, Plan]:
    made = a_repository(folder / "repository", per_class=12, training={"epochs": 1500})
    dvc_repository(made.root)
    command(made.root, "dvc", "add", "-q", "data/shapes")
    command(made.root, "dvc", "remote", "add", "-q", "-d", "storage", REMOTE)
    command(made.root, "dvc", "push", "-q")
    (made.root / "vtspec.yaml").write_text(PROJECT)
    toy = load_frameworks()["toy"]
    framework = replace(
        made.planned.framework,
        adapter_version=toy.adapter_version,
        requirements_hash=toy.requirements_hash,
    )
    draft = replace(
        made.planned,
        steps=build_steps(made.planned.resources),
        dataset=replace(made.planned.dataset, source=DvcSource(path="data/shapes")),
        framework=framework,
    )
    plan = publish(draft, image.rpartition("@")[2])
    (made.root / "plan.json").write_text(json.dumps(plan.to_json()))
    return made.root, plan


@dataclass(frozen=True)
class _Begun:
    """What is there before the first secret is."""

    api: KubernetesApi
    cluster: Cluster
    storage: ObjectStorage
    folder: Path
    root: Path
    plan: Plan
    mlflow: int


def _carry_out(begun: _Begun) -> World:
    canaries = Canaries()
    _fill_cluster(begun, canaries)
    slots = (
        _write_dvc_config(begun, canaries),
        _write_git_config(begun, canaries),
        kubeconfig := _write_kubeconfig(begun, canaries),
    )
    environment = _make_environment(begun, canaries, kubeconfig)
    processes, said = ProcessWatch(), {}
    mounts: dict[str, list[str]] = {}
    with processes:
        for words in (
            ("run", "--plan", "plan.json", "--backend", "argo"),
            ("status", "--output", "json"),
            ("logs", begun.plan.id),
            ("report", begun.plan.id),
            ("sync", begun.plan.id),
        ):
            done = subprocess.run(
                [*MAIN, *words],
                cwd=begun.root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=400,
            )
            said[" ".join(words)] = done.stdout + done.stderr
            # MLflow refuses it.
            assert done.returncode == 0 or words[0] == "sync", done.stderr
            # Argo lets go of a pod five minutes after it has succeeded.
            mounts |= _find_mounts(begun.api, begun.plan)
    said["render"] = _render(begun.plan)
    return World(
        api=begun.api,
        cluster=begun.cluster,
        folder=begun.folder,
        canaries=canaries,
        processes=processes,
        slots=slots,
        plan=begun.plan,
        said=said,
        mounts=mounts,
    )


def _find_mounts(api: KubernetesApi, plan: Plan) -> dict[str, list[str]]:
    """Where the container of each step has something mounted, by its pod."""
    return {
        pod["metadata"]["name"]: [one["mountPath"] for one in main["volumeMounts"]]
        for step in STEPS
        for pod in find_pods(api, plan.id, step)
        for main in pod["spec"]["containers"]
        if main["name"] == "main"
    }


def _fill_cluster(begun: _Begun, canaries: Canaries) -> None:
    """The Secrets that pods are given, and that of the registry."""
    for name in ("canary-runs", "canary-data"):
        keys = {
            "AWS_ENDPOINT_URL": begun.storage.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": canaries.make(f"key of {name}"),
            "AWS_SECRET_ACCESS_KEY": canaries.make(f"secret key of {name}"),
        }
        body = {"metadata": {"name": name}, "stringData": keys}
        begun.api.apply(f"{SECRETS}/{name}", {"apiVersion": "v1", "kind": "Secret", **body})
    password = canaries.make("the registry's pull secret")
    auths = {"auths": {REGISTRY: {"username": "puller", "password": password}}}
    pull = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "canary-registry"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(auths)},
    }
    begun.api.apply(f"{SECRETS}/canary-registry", pull)
    given = {"imagePullSecrets": [{"name": "canary-registry"}]}
    begun.api.merge(f"{ACCOUNTS}/{SERVICE_ACCOUNT}", given)


def _write_dvc_config(begun: _Begun, canaries: Canaries) -> Path:
    def set_locally(*words: str) -> None:
        command(begun.root, "dvc", "remote", *words[:1], "-q", "--local", *words[1:])

    set_locally("modify", "storage", "access_key_id", canaries.make("DVC's key"))
    set_locally("modify", "storage", "secret_access_key", canaries.make("DVC's secret key"))
    password = canaries.make("password in the address of a remote of DVC")
    set_locally("add", "other", f"https://somebody:{password}@dvc.example.org/data")
    return begun.root / ".dvc" / "config.local"


def _write_git_config(begun: _Begun, canaries: Canaries) -> Path:
    token = canaries.make("token in the address of git's remote")
    url = f"https://somebody:{token}@git.example.org/acme/vision.git"
    command(begun.root, "git", "remote", "add", "origin", url)
    command(begun.root, "git", "add", "-A")
    command(begun.root, "git", "commit", "-q", "-m", "shapes")
    return begun.root / ".git" / "config"


def _write_kubeconfig(begun: _Begun, canaries: Canaries) -> Path:
    """Of somebody who may do what docs/cluster.md says that it takes, and nothing else."""
    api, name = begun.api, "canary-submitter"
    api.apply(f"{ACCOUNTS}/{name}", _named("v1", "ServiceAccount", name))
    role = _named("rbac.authorization.k8s.io/v1", "Role", name)
    api.apply(f"{RBAC}/roles/{name}", {**role, "rules": RULES})
    binding = {
        **_named("rbac.authorization.k8s.io/v1", "RoleBinding", name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }
    api.apply(f"{RBAC}/rolebindings/{name}", binding)
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600},
    }
    token = api.create(f"{ACCOUNTS}/{name}/token", asked)["status"]["token"]
    # What it says of itself is no secret, and is logged; its signature is.
    canaries.add("the kubeconfig's token", token, token.rpartition(".")[2])
    config = yaml.safe_load(begun.cluster.kubeconfig().read_text())
    config["users"][0]["user"] = {"token": token}
    file = begun.folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


def _named(version: str, kind: str, name: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def _make_environment(begun: _Begun, canaries: Canaries, kubeconfig: Path) -> dict[str, str]:
    home = begun.folder / "home"
    (home / "tmp").mkdir(parents=True)
    secrets = {
        name: canaries.make(name, shape)
        for name, shape in {
            "AWS_ACCESS_KEY_ID": "{}",
            "AWS_SECRET_ACCESS_KEY": "{}",
            "AWS_SESSION_TOKEN": "{}",
            "MLFLOW_TRACKING_USERNAME": "{}",
            "MLFLOW_TRACKING_PASSWORD": "{}",
            "GITHUB_TOKEN": "ghp_{}",
            "GIT_PASSWORD": "{}",
            "GEMINI_API_KEY": "AIza{}",
            "ANTHROPIC_API_KEY": "sk-ant-{}",
            "OPENAI_API_KEY": "sk-{}",
            "HF_TOKEN": "hf_{}",
        }.items()
    }
    password = canaries.make("password in MLFLOW_TRACKING_URI")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    return {
        **kept,
        **{key: begun.storage.environment[key] for key in ("AWS_ENDPOINT_URL", "AWS_REGION")},
        **secrets,
        "MLFLOW_TRACKING_URI": f"http://somebody:{password}@127.0.0.1:{begun.mlflow}",
        "KUBECONFIG": str(kubeconfig),
        "VTSPEC_CACHE": str(begun.folder / "cache"),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
    }


def _render(plan: Plan) -> str:
    """What would be committed for Argo CD or Flux."""
    spec = yaml.safe_load(PROJECT)["spec"]
    settings = some_settings(plan, a_cluster_project(**spec), RUNS)
    return yaml.safe_dump_all([render_plan_config(plan, settings), render(plan, settings)])


def test_no_secret_is_found_anywhere_after_a_whole_run(world: World) -> None:
    assert world.search() == []
    # It was a whole one, and was looked at while it ran.
    assert all(world.processes.find("vtspec", "step", step) for step in STEPS)
    assert "accuracy" in world.said["run --plan plan.json --backend argo"]
    assert any(one.startswith("Basic ") for one in _Refusing.asked)
    assert "MLflow" in world.said[f"sync {world.plan.id}"]


def _make_pod(name: str, image: str, script: str) -> Object:
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    main = {"name": "main", "image": image, "command": ["sh", "-c", script]}
    containers = [{**main, "securityContext": restricted}]
    spec = {"restartPolicy": "Never", "containers": containers}
    return {**_named("v1", "Pod", name), "spec": spec}


def test_a_secret_that_is_somewhere_is_found_there(world: World, image: str) -> None:
    """One in each kind of place, plain or in base64; the search sees them all, by their names."""
    secret = world.canaries.make("planted")
    encoded = base64.b64encode(f"user:{secret}".encode()).decode()
    world.api.apply(
        f"{CONFIG_MAPS}/planted", {**_named("v1", "ConfigMap", "planted"), "data": {"a": encoded}}
    )
    world.api.create(PODS, _make_pod("planted", image, f"echo {secret}"))
    store = ObjectStore(RUNS)
    store.put("planted/report.md", f"https://somebody:{secret}@example.org".encode())
    files = [world.folder / "home" / "planted.txt", world.cluster.folder / "log" / "planted.log"]
    for file in files:
        file.write_text(encoded)
    blob = world.cluster.folder / "registry" / "planted"
    blob.write_text(secret)
    with world.processes, subprocess.Popen(["sh", "-c", "sleep 2; exit", secret]) as process:
        process.wait()
    wait_until(
        lambda: world.api.get(f"{PODS}/planted")["status"].get("phase") == "Succeeded",
        what="the pod has said it",
        timeout_s=120,
    )
    said = replace(world, said={**world.said, "planted": f"no such key: {secret}"})
    try:
        found = {finding.place for finding in said.search()}
    finally:
        for file in (*files, blob):
            file.unlink()
        store.delete(["planted/report.md"])
        world.api.delete(f"{CONFIG_MAPS}/planted")
        world.api.delete(f"{PODS}/planted", gracePeriodSeconds="0")
    assert {finding.slot for finding in said.search()} <= {"planted"}
    places = [
        "what planted said",
        "the process sh -c sleep",
        *map(str, files),
        "/api/v1/configmaps planted",
        "/api/v1/pods planted",
        "the log of planted, main",
        "the registry's planted",
        f"{RUNS}/planted/report.md",
    ]
    assert [place for place in places if not any(one.startswith(place) for one in found)] == []


def test_only_the_pod_of_step_data_holds_what_reads_the_data(world: World) -> None:
    """By what the processes in pods really had, and by what their objects say."""
    for step in STEPS:
        processes = world.find_in_pods("step", step, "--runs")
        assert processes, step
        for process in processes:
            held = {finding.slot for finding in world.canaries.search("", process.environment)}
            runs = {"key of canary-runs", "secret key of canary-runs"}
            data = {"key of canary-data", "secret key of canary-data"}
            assert held == (runs | data if step == "data" else runs)
            assert not any(name.startswith("MLFLOW") for name in process.names)
            # Without a prefix a library would take it for anybody's.
            assert any(name.startswith("AWS_") for name in process.names) == (step == "data")
            assert f"{OWN_PREFIX}AWS_ACCESS_KEY_ID" in process.names
    for name, mounts in world.mounts.items():
        assert not any("serviceaccount" in path for path in mounts), name
    assert len(world.mounts) == len(STEPS)


def test_the_process_of_a_framework_holds_no_secret(world: World) -> None:
    adapters = world.find_in_pods("vtspec.adapters")
    assert any(b"train" in one.command.split(b"\0") for one in adapters)
    for process in adapters:
        assert list(world.canaries.search("", process.environment)) == []
        assert not any("AWS_" in name for name in process.names)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("runs", "s3://key:{}@canaries/team"),
        ("registry", "puller:{}@registry.example.org/acme"),
        ("remotes", {"storage": {"url": "https://somebody:{}@dvc.example.org"}}),
        ("tracking", {"uri": "https://somebody:{}@mlflow.example.org"}),
        (
            "cluster",
            {
                "namespace": "a",
                "runsRole": {"arn": "a", "endpoint": "https://k:{}@sts.example.org"},
            },
        ),
    ],
)
def test_a_password_in_an_address_of_vtspec_yaml_is_refused_and_not_repeated(
    field: str, value: object, tmp_path: Path
) -> None:
    """So that none can stand there in a run."""
    secret = (canaries := Canaries()).make(field)
    config = yaml.safe_load(PROJECT)
    config["spec"][field] = yaml.safe_load(yaml.safe_dump(value).replace("{}", secret))
    (tmp_path / "vtspec.yaml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [*MAIN, "status"], cwd=tmp_path, env=unmeasured(), capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "vtspec.yaml:" in done.stderr
    assert list(canaries.search("", (done.stdout + done.stderr).encode())) == []
