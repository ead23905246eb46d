"""The chart, by Helm and by a real API server: its goldens, its policy, its alerts, an install."""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from helm_chart import (
    CHART,
    GOLDEN,
    RELEASE,
    RELEASE_NAMESPACE,
    VALUES,
    Object,
    find_objects,
    read_golden,
)
from local_cluster.cluster import Cluster
from local_cluster.kubernetes_api import ApiError, KubernetesApi, wait_until
from local_cluster.programs import KUBERNETES_VERSION, Programs
from vtspec.schema.kinds.project import ProjectSpec

EACH = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
WORKFLOWS = Path(__file__).parents[1] / "golden" / "workflows"
NAMESPACE = "vision"
# Where each kind is created; {} is its namespace.
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "ResourceFlavor": "/apis/kueue.x-k8s.io/v1beta2/resourceflavors",
    "ClusterQueue": "/apis/kueue.x-k8s.io/v1beta2/clusterqueues",
    "LocalQueue": "/apis/kueue.x-k8s.io/v1beta2/namespaces/{}/localqueues",
    "ValidatingAdmissionPolicy": (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    ),
    "ValidatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    ),
}


def helm(programs: Programs, *words: str) -> str:
    done = subprocess.run(
        [str(programs.path("helm")), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def render_chart(programs: Programs, values: Path, *more: str) -> str:
    words = ("template", RELEASE, str(CHART), "--namespace", RELEASE_NAMESPACE)
    version = ("--kube-version", KUBERNETES_VERSION)
    text = helm(programs, *words, *version, "--values", str(values), *more)
    # A key that is drawn anew each time, in a Secret of the runs and in the storage's own.
    return re.sub(r'(AWS_SECRET_ACCESS_KEY: )"[A-Za-z0-9]{40}"', r'\1"<random>"', text)


@EACH
def test_what_helm_makes_is_what_is_on_file(programs: Programs, values: Path) -> None:
    text = render_chart(programs, values)
    file = GOLDEN / values.name
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def read_refusal(programs: Programs, tmp_path: Path, values: str) -> str:
    """What Helm says against values, which are those of the chart beside these."""
    file = tmp_path / "values.yaml"
    file.write_text(values)
    words = ("template", RELEASE, str(CHART), "--namespace", RELEASE_NAMESPACE)
    version = ("--kube-version", KUBERNETES_VERSION)
    done = subprocess.run(
        [str(programs.path("helm")), *words, *version, "--values", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr


QUOTA = "{gpus: 1, cpus: 1, memory: 1Gi, ephemeralStorage: 1Gi}"
FLAVORS = "flavors: {t4: {resource: nvidia.com/gpu}}"
TEAMS = f"teams: {{vision: {{quota: {{t4: {QUOTA}}}}}}}"
TWINS = f"teams: {{a: {{queue: q, quota: {{t4: {QUOTA}}}}}, q: {{quota: {{t4: {QUOTA}}}}}}}"
KEYS = "accessKeyId: me, secretAccessKey: word"
IMAGE_OF_OURS = f"'ghcr.io/acme/vtspec@sha256:{'c' * 64}'"
CONTROLLED = f"enabled: true, image: {IMAGE_OF_OURS}, repository: a/b"
ROLE = "runsRole: 'arn:aws:iam::111122223333:role/vtspec-run'"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (f"queues: {{{TEAMS}}}", "queues.teams: has no effect with queues.engine none; set"),
        (f"queues: {{{FLAVORS}}}", "queues.flavors: has no effect with queues.engine none"),
        ("queues: {semaphores: {t4: 1}}", "queues.semaphores: has no effect .* to semaphores"),
        ("queues: {engine: semaphores}", "queues.semaphores: .* makes no queue without it"),
        (
            f"queues: {{engine: semaphores, semaphores: {{t4: 1}}, {TEAMS}}}",
            "queues.teams: has no effect with queues.engine semaphores; .* to kueue",
        ),
        (f"queues: {{engine: kueue, {FLAVORS}}}", "queues.teams: .* makes no queue without it"),
        (
            f"queues: {{engine: kueue, {FLAVORS}, {TEAMS}, semaphores: {{t4: 1}}}}",
            "queues.semaphores: has no effect with queues.engine kueue",
        ),
        (f"queues: {{engine: kueue, {FLAVORS}, {TWINS}}}", "q is the queue of team a already"),
        ("{storage: {enabled: true}, store: {endpoint: 'https://a.b'}}", "store.endpoint: the st"),
        ("{storage: {enabled: true}, store: {existingSecret: a}}", "store.existingSecret: the st"),
        (f"{{storage: {{enabled: true}}, store: {{{ROLE}}}}}", "no token service"),
        ("store: {accessKeyId: me}", "one is no use without the other"),
        ("store: {secretAccessKey: word}", "one is no use without the other"),
        (
            f"store: {{existingSecret: mine, {KEYS}}}",
            "store.accessKeyId, store.secretAccessKey: Secret mine of store.existingSecret has it",
        ),
        ("store: {existingSecret: mine, region: a}", "store.region: Secret mine"),
        ("store: {existingSecret: mine, pathStyle: true}", "store.pathStyle: Secret mine"),
        (f"store: {{{ROLE}, endpoint: 'https://a.b'}}", "store.endpoint: with store.runsRole no"),
        (f"store: {{{ROLE}, existingSecret: mine}}", "store.existingSecret: with store.runsRole"),
        ("controller: {repository: a/b}", "controller.repository: has no effect .* to true"),
        ("controller: {enabled: true, repository: a/b}", "vtspec images push vtspec"),
        (f"controller: {{enabled: true, image: {IMAGE_OF_OURS}}}", "it looks after none"),
        (f"controller: {{{CONTROLLED}, forge: gitea}}", "https://git.example.org"),
        (
            f"controller: {{{CONTROLLED}, forge: gitea, url: 'https://a.b', appId: '1'}}",
            "Gitea has no Apps",
        ),
        (
            f"{{controller: {{{CONTROLLED}}}, store: {{existingSecret: mine}}}}",
            "controller.storeSecret: Secret mine .* is in namespace vision",
        ),
        (
            f"{{controller: {{{CONTROLLED}}}, store: {{{ROLE}}}}}",
            "controller.storeSecret: by what the controller may assume",
        ),
        (
            "network: {forge: {cidrs: [169.254.0.0/16], ports: [443]}}",
            "network.forge.cidrs: 169.254.0.0/16 lies in",
        ),
        (
            "network: {store: {cidrs: [10.0.0.0/8, 169.254.169.254/32], ports: [443]}}",
            "network.store.cidrs: 169.254.169.254/32 lies in 169.254.0.0/16 of network.never",
        ),
        ("network: {hubs: {cidrs: [169.254.0.0/16], ports: [443]}}", "network.hubs.cidrs: 169.2"),
        (
            "network: {never: ['fd00:ec2::/32'], remotes: {cidrs: ['FD00:0ec2::254/128'], "
            "ports: [443]}}",
            "network.remotes.cidrs: FD00:0ec2::254/128 lies in fd00:ec2::/32",
        ),
        ("network: {store: {cidrs: [300.0.0.0/8], ports: [443]}}", "is no range of addresses"),
        ("network: {never: [10.0.0.0/33]}", "network.never: 10.0.0.0/33 is no range"),
        (
            "network: {apiServer: {cidrs: [], ports: [443]}}",
            "network.apiServer.cidrs: .* at least 1",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_what_to_write(
    programs: Programs, tmp_path: Path, values: str, said: str
) -> None:
    assert re.search(said, read_refusal(programs, tmp_path, values))


@pytest.mark.parametrize(
    "values",
    [
        f"store: {{{KEYS}, endpoint: 'https://a.b', region: a, pathStyle: true}}",
        "{storage: {enabled: true}, store: {secretAccessKey: word}}",
        "queues: {engine: semaphores, semaphores: {t4: 1}}",
        f"queues: {{engine: kueue, {FLAVORS}, {TEAMS}}}",
        f"{{controller: {{{CONTROLLED}}}, storage: {{enabled: true}}}}",
        f"{{controller: {{{CONTROLLED}, storeSecret: own}}, store: {{{ROLE}}}}}",
        "network: {enabled: false, store: {cidrs: [169.254.0.0/16], ports: [443]}}",
    ],
)
def test_values_that_agree_are_taken(programs: Programs, tmp_path: Path, values: str) -> None:
    assert read_refusal(programs, tmp_path, values) == ""


def test_what_is_never_reached_is_left_out_of_every_range_that_holds_it(
    programs: Programs, tmp_path: Path
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(
        "network:\n"
        "  never: [169.254.0.0/16, 10.9.0.0/16, 'fd00:ec2::254/128']\n"
        "  store: {cidrs: [128.0.0.0/1, 10.0.0.0/8, 192.168.0.0/16, '::/0', 'fd00::/8'], "
        "ports: [443]}\n"
    )
    documents = [one for one in yaml.safe_load_all(render_chart(programs, file)) if one]
    policies = find_objects(documents, "NetworkPolicy")
    (policy,) = [one for one in policies if one["metadata"]["name"] == "vtspec-runs"]
    (rule,) = policy["spec"]["egress"]
    assert {one["ipBlock"]["cidr"]: one["ipBlock"].get("except") for one in rule["to"]} == {
        "128.0.0.0/1": ["169.254.0.0/16"],
        "10.0.0.0/8": ["10.9.0.0/16"],
        "192.168.0.0/16": None,
        "::/0": ["fd00:ec2::254/128"],
        "fd00::/8": ["fd00:ec2::254/128"],
    }


@EACH
def test_helm_finds_nothing_in_it(programs: Programs, values: Path) -> None:
    words = ("--strict", "--kube-version", KUBERNETES_VERSION, "--values", str(values))
    said = helm(programs, "lint", str(CHART), *words)
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


@pytest.fixture(scope="module")
def namespaces(api: KubernetesApi) -> KubernetesApi:
    for name in (NAMESPACE, RELEASE_NAMESPACE):
        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        api.apply(f"/api/v1/namespaces/{name}", wanted)
    return api


@EACH
def test_the_api_server_takes_all_of_it_with_strict_fields(
    namespaces: KubernetesApi, values: Path
) -> None:
    created = 0
    for document in read_golden(values):
        # Of the Prometheus operator, which is not here; promtool reads its rules below.
        if document["apiVersion"].startswith("monitoring.coreos.com/"):
            continue
        document = copy.deepcopy(document)
        path = PATHS[document["kind"]].format(document["metadata"].get("namespace"))
        if document["kind"] == "Namespace":
            document["metadata"]["name"] += "-other"
        made = namespaces.create(path, document, dryRun="All")
        assert made["kind"] == document["kind"]
        created += 1
    assert created >= 20


@EACH
def test_prometheus_reads_the_alerts(programs: Programs, values: Path, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "install Debian's package prometheus: `make cluster-packages`"
    text = render_chart(programs, values, "--set", "alerts.enabled=true")
    (rules,) = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "PrometheusRule"]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rules["spec"]))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint=all", str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@EACH
def test_what_an_install_says_is_a_vtspec_yaml(programs: Programs, values: Path) -> None:
    words = ("install", RELEASE, str(CHART), "--namespace", RELEASE_NAMESPACE)
    # The namespace is there already, and no operator that reads alerts.
    known = ("--set", "alerts.enabled=false,runs.createNamespace=false")
    said = helm(programs, *words, "--values", str(values), *known, "--dry-run=client")
    notes = said.partition("NOTES:\n")[2]
    fragment = notes[notes.index("spec:") : notes.index("Argo's controller")]
    spec = yaml.safe_load(fragment)["spec"]
    for name, settings in spec.get("gpuTypes", {}).items():
        # What a GPU type is beside its place in the cluster is the project's to say.
        spec["gpuTypes"][name] = {"memory": "16Gi", **settings}
    read = ProjectSpec.model_validate(spec)
    assert read.cluster is not None
    assert read.cluster.namespace == NAMESPACE


@pytest.fixture(scope="module")
def policy(namespaces: KubernetesApi) -> Iterator[KubernetesApi]:
    """The policy of the chart in force in the namespace of runs."""
    (values,) = [path for path in VALUES if path.stem == "production"]
    made = [one for one in read_golden(values) if one["kind"].startswith("ValidatingAdmission")]
    assert len(made) == 2
    for one in made:
        namespaces.apply(f"{PATHS[one['kind']]}/{one['metadata']['name']}", one)
    spoilt = copy.deepcopy(a_workflow())
    spoilt["spec"]["serviceAccountName"] = "default"

    def is_in_force() -> bool:
        try:
            create(namespaces, spoilt)
        except ApiError as error:
            return "denied" in str(error)
        return False

    wait_until(is_in_force, what="the policy is in force")
    yield namespaces
    for one in made:
        namespaces.delete(f"{PATHS[one['kind']]}/{one['metadata']['name']}")


def a_workflow(name: str = "digits-resnet18") -> Object:
    text = (WORKFLOWS / f"{name}.yaml").read_text()
    documents = yaml.safe_load_all(text.replace("registry.example.org/acme", "ghcr.io/acme"))
    (found,) = [one for one in documents if one["kind"] in ("Workflow", "CronWorkflow")]
    return dict(found)


def create(api: KubernetesApi, document: Object) -> Object:
    plural = f"{document['kind'].lower()}s"
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/{plural}"
    return api.create(path, document, dryRun="All")


# With a credential of its own: where the chart was told of the role.
OWN = "gpu-run-role"


@pytest.mark.parametrize(
    "golden",
    sorted(path for path in WORKFLOWS.glob("*.yaml") if path.stem != OWN),
    ids=lambda path: path.stem,
)
def test_the_policy_takes_what_vtspec_renders(policy: KubernetesApi, golden: Path) -> None:
    assert create(policy, a_workflow(golden.stem))["kind"].endswith("Workflow")


DIGEST = "sha256:" + "c" * 64
HOST = {"name": "host", "hostPath": {"path": "/"}}
DATA = {"secretRef": {"name": "dvc-storage"}}
CLAIM = {"name": "c", "persistentVolumeClaim": {"claimName": "other"}}
BESIDE = {"name": "more", "image": f"ghcr.io/acme/vtspec-timm@{DIGEST}"}
RESOURCE = {"name": "train", "resource": {"action": "get", "manifest": "kind: Secret"}}
HOOKS = {"running": {"template": "train", "expression": "true"}}
STEAL = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "other", "key": "key"}}}
TRAIN = ("spec", "templates", 2)
IMAGE = (*TRAIN, "container", "image")
TASK = ("spec", "templates", 0, "dag", "tasks", 0)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (IMAGE, f"docker.io/other/image@{DIGEST}", "by digest"),
        (IMAGE, "ghcr.io/acme/vtspec-timm:latest", "by digest"),
        (IMAGE, f"ghcr.io/acmeother/vtspec-timm@{DIGEST}", "by digest"),
        ((*TRAIN, "container", "command"), ["sh", "-c"], "runs vtspec step"),
        ((*TRAIN, "container", "env"), [STEAL], "by envFrom alone"),
        ((*TRAIN, "container", "envFrom"), [DATA], "for step data"),
        ((*TRAIN, "container", "envFrom"), [{"configMapRef": {"name": "other"}}], "secrets are"),
        ((*TRAIN, "sidecars"), [BESIDE], "nothing beside it"),
        ((*TRAIN, "initContainers"), [BESIDE], "nothing beside it"),
        ((*TRAIN, "volumes"), [HOST], "empty folders"),
        ((*TRAIN, "serviceAccountName"), "default", "nothing beside it"),
        ((*TRAIN, "podSpecPatch"), "hostNetwork: true", "nothing beside it"),
        ((*TASK, "inline"), {"container": {"image": "other"}}, "a task is"),
        ((*TASK, "templateRef"), {"name": "other", "template": "x"}, "a task is"),
        (("spec", "templates", 2), RESOURCE, "a dag or a container"),
        (
            ("spec", "templates", 2),
            {"name": "train", "http": {"url": "x"}},
            "a dag or a container",
        ),
        (("spec", "templates", 2), {"name": "train", "suspend": {}}, "a dag or a container"),
        (("spec", "volumes"), [HOST], "volumes are"),
        (("spec", "volumes"), [{"name": "s", "secret": {"secretName": "other"}}], "volumes are"),
        (("spec", "volumes"), [CLAIM], "volumes are"),
        (("spec", "serviceAccountName"), "default", "service account is"),
        (("spec", "automountServiceAccountToken"), True, "token is not mounted"),
        (("spec", "executor"), {"serviceAccountName": "default"}, "service account is"),
        (("spec", "onExit"), "train", "only what vtspec renders"),
        (("spec", "hooks"), HOOKS, "only what vtspec renders"),
        (("spec", "workflowTemplateRef"), {"name": "other"}, "only what vtspec renders"),
        (("spec", "templateDefaults"), {"container": {"image": "x"}}, "only what vtspec renders"),
        (("spec", "podSpecPatch"), "containers: [{name: main, image: other}]", "podSpecPatch is"),
        (("metadata", "labels"), {"vtspec.dev/plan": "mine"}, "managed-by: vtspec is missing"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_the_policy_refuses_whatever_else(
    policy: KubernetesApi, path: tuple[Any, ...], value: object, said: str
) -> None:
    workflow = copy.deepcopy(a_workflow())
    place: Any = workflow
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ApiError, match="denied request") as refused:
        create(policy, workflow)
    assert said in str(refused.value)


SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "run-digits-resnet18",
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "vtspec"},
        "ownerReferences": [
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "name": "digits-resnet18",
                "uid": "1",
            }
        ],
    },
    "type": "Opaque",
    "stringData": {"AWS_ACCESS_KEY_ID": "a"},
}


def test_with_a_credential_for_each_run_nobody_has_anothers(
    policy: KubernetesApi, cluster: Cluster
) -> None:
    """By who may submit runs and no more: what of Secrets they may write, and Workflows mount."""
    (values,) = [path for path in VALUES if path.stem == "run-role"]
    documents = [
        one
        for one in read_golden(values)
        if one["kind"].startswith("ValidatingAdmission")
        or one["metadata"]["name"] == "vtspec-submit"
    ]
    for one in documents:
        path = PATHS[one["kind"]].format(one["metadata"].get("namespace"))
        policy.apply(f"{path}/{one['metadata']['name']}", one)
    jin = KubernetesApi(cluster.folder, like=("jin", "vision"))
    secrets = PATHS["Secret"].format(NAMESPACE)

    def write(**changes: Any) -> Object:
        metadata = {**SECRET["metadata"], **changes.pop("metadata", {})}
        return jin.create(secrets, {**SECRET, **changes, "metadata": metadata}, dryRun="All")

    def is_in_force() -> bool:
        try:
            write(metadata={"name": "other"})
        except ApiError as error:
            return "denied request" in str(error)
        return False

    wait_until(is_in_force, what="the policy is in force")
    try:
        write()
        owner = SECRET["metadata"]["ownerReferences"][0]
        spoilt: dict[str, Any]
        for spoilt in (
            {"metadata": {"name": "vtspec-runs"}},
            {"metadata": {"name": "run-another"}},
            {"metadata": {"ownerReferences": []}},
            {"metadata": {"ownerReferences": [{**owner, "kind": "CronWorkflow"}]}},
            {"metadata": {"labels": {}}},
            {"type": "acme.dev/other"},
        ):
            with pytest.raises(ApiError, match="denied request"):
                write(**spoilt)
        with pytest.raises(ApiError, match="cannot get resource"):
            jin.get(f"{secrets}/run-digits-resnet18")
        workflow = a_workflow(OWN)
        create(jin, workflow)
        (own,) = [one for one in workflow["spec"]["volumes"] if "secret" in one]
        own["secret"]["secretName"] = "run-another"
        with pytest.raises(ApiError, match="the Workflow's own Secret"):
            create(jin, workflow)
    finally:
        jin.close()
        for one in documents:
            path = PATHS[one["kind"]].format(one["metadata"].get("namespace"))
            policy.delete(f"{path}/{one['metadata']['name']}")
        production = next(path for path in VALUES if path.stem == "production")
        for one in read_golden(production):
            if one["kind"].startswith("ValidatingAdmission") or one["kind"].startswith("Role"):
                path = PATHS[one["kind"]].format(one["metadata"].get("namespace"))
                policy.apply(f"{path}/{one['metadata']['name']}", one)


def test_the_policy_refuses_the_kinds_around_a_workflow(policy: KubernetesApi) -> None:
    workflow = a_workflow()
    template = {**workflow, "kind": "WorkflowTemplate"}
    with pytest.raises(ApiError, match="uses no WorkflowTemplates"):
        create(policy, template)
    labels = workflow["metadata"]["labels"]
    cron: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "nightly", "namespace": NAMESPACE, "labels": labels},
        "spec": {"schedules": ["0 3 * * *"], "workflowSpec": copy.deepcopy(workflow["spec"])},
    }
    create(policy, cron)
    cron["spec"]["workflowSpec"]["serviceAccountName"] = "default"
    with pytest.raises(ApiError, match="denied request"):
        create(policy, cron)


def test_the_names_of_the_alerts_are_those_of_the_engines(programs: Programs) -> None:
    """A name that no engine has would be an alert that never comes."""
    text = json.dumps(read_golden(next(path for path in VALUES if path.stem == "production")))
    argo = set(re.findall(r"argo_workflows_\w+", text))
    kueue = set(re.findall(r"kueue_\w+(?=\{)", text))
    assert len(argo) >= 4 and len(kueue) >= 2
    for name, program in [
        *((one, "workflow-controller") for one in argo),
        *((one, "kueue") for one in kueue),
    ]:
        own = name.removeprefix("argo_workflows_").removeprefix("kueue_")
        assert own.encode() in programs.path(program).read_bytes(), name
