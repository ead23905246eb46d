"""What the chart makes for one node, for production, for EKS and GKE: rights, limits, reach.

`make cluster-test` holds the files against Helm, and creates what is in them.
"""

import json
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from cluster_plans import a_cluster_project, a_published_plan, some_settings
from helm_chart import CHART, VALUES, Object, find_objects, read_golden
from vtspec.cli.commands.controller import command as controller
from vtspec.pipelines.argo import render
from vtspec.pipelines.controller.reservations import RECORD_NAME

EACH = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)


def test_every_kind_of_cluster_is_on_file() -> None:
    assert [path.stem for path in VALUES] == [
        "eks",
        "gke",
        "kind",
        "one-node",
        "production",
        "run-role",
    ]


@EACH
def test_values_are_those_that_the_schema_has(values: Path) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(values.read_text()), schema)


@pytest.mark.parametrize(
    "spoilt",
    [
        "runs: {namspace: vision}",
        "queues: {engine: slurm}",
        "store: {endpoint: 'http://user:word@host'}",
        "store: {url: gs://runs}",
        "mlflow: {image: mlflow}",
        "queues: {teams: {vision: {quota: {t4: {gpus: -1, cpus: 1, memory: 1Gi, "
        "ephemeralStorage: 1Gi}}}}}",
        "network: {never: [everything]}",
        "controller: {image: ghcr.io/acme/vtspec:latest}",
        "controller: {repository: vision}",
        "controller: {forge: gitlab}",
        "controller: {webhookSecrets: []}",
        "controller: {url: 'https://me:word@git.example'}",
        # To no peers is to all.
        "network: {apiServer: {cidrs: [], ports: [443]}}",
        "queues: {teams: {vision: {quota: {}}}}",
    ],
)
def test_values_that_would_have_no_effect_or_a_wrong_one_are_refused(spoilt: str) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(spoilt), schema)


def test_every_default_is_in_the_schema_and_the_other_way_round() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate(defaults, schema)
    # Helm's own, for charts in charts.
    assert set(defaults) == set(schema["properties"]) - {"global"}
    for name, value in defaults.items():
        assert set(value) == set(schema["properties"][name]["properties"]), name


@EACH
def test_nobody_may_do_more_than_runs_need(values: Path) -> None:
    documents = read_golden(values)
    assert not find_objects(documents, "ClusterRole", "ClusterRoleBinding")
    for role in find_objects(documents, "Role"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            # None may be read; who submits runs may put that of a run there, as the policy has it.
            if "secrets" in rule["resources"]:
                assert values.stem == "run-role"
                assert role["metadata"]["name"] in ("vtspec-submit", "vtspec-controller")
                assert rule["verbs"] == ["create", "patch"]
            assert not {"pods/exec", "serviceaccounts/token"} & set(rule["resources"])
    (run,) = [
        one for one in find_objects(documents, "Role") if one["metadata"]["name"] == "vtspec-run"
    ]
    assert run["rules"] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        }
    ]


@EACH
def test_who_looks_at_runs_may_know_which_cluster_that_is(values: Path) -> None:
    (view,) = [
        one
        for one in find_objects(read_golden(values), "Role")
        if one["metadata"]["name"] == "vtspec-view"
    ]
    rights = {
        (name, verb)
        for rule in view["rules"]
        for name in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {("namespaces", "get"), ("events", "list"), ("pods/log", "get")} <= rights


@EACH
def test_pods_of_the_chart_have_no_rights_and_a_limit(values: Path) -> None:
    for deployment in find_objects(read_golden(values), "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


CONTROLLERS = pytest.mark.parametrize("stem", ["production", "run-role"])


def read_controller(stem: str) -> tuple[list[Object], Object, Object]:
    """What the chart makes, the pod of the controller in it, and its container."""
    documents = read_golden(next(path for path in VALUES if path.stem == stem))
    (deployment,) = [
        one
        for one in find_objects(documents, "Deployment")
        if one["metadata"]["name"] == "vtspec-controller"
    ]
    assert deployment["spec"]["replicas"] == 2
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return documents, pod, container


@CONTROLLERS
def test_the_controller_is_started_with_words_that_its_command_has(stem: str) -> None:
    _, _, container = read_controller(stem)
    assert container["command"] == ["vtspec", "controller"]
    parser = controller.make_parser(click.Context(controller))
    given, left, _ = parser.parse_args(list(container["args"]))
    assert not left
    assert given["repositories"] == ("acme/vision",)
    assert given["namespace"] == "vision"
    assert given["runs"] == "s3://acme-runs/vtspec"
    mounts = {one["mountPath"] for one in container["volumeMounts"]}
    named = [*given["secret_files"], given.get("token_file") or given["private_key"]]
    for file in (*named, given["folder"], container["env"][1]["value"]):
        assert any(file.startswith(f"{mount}/") for mount in mounts), file
    listened = {
        name: int(given[option].rpartition(":")[2])
        for name, option in (("http", "listen"), ("metrics", "metrics"))
    }
    assert {one["name"]: one["containerPort"] for one in container["ports"]} == listened


@CONTROLLERS
def test_the_controller_may_do_what_it_does_and_no_more(stem: str) -> None:
    documents, pod, _ = read_controller(stem)
    account = pod["serviceAccountName"]
    bound = {
        (one["metadata"]["namespace"], one["roleRef"]["name"])
        for one in find_objects(documents, "RoleBinding")
        if account in [subject["name"] for subject in one["subjects"]]
    }
    assert bound == {("vision", "vtspec-controller"), ("vision", "vtspec-view")}
    (role,) = [
        one for one in find_objects(documents, "Role") if one["metadata"]["name"] == account
    ]
    rights = {
        (name, verb)
        for rule in role["rules"]
        for name in rule["resources"]
        for verb in rule["verbs"]
    }
    workflows = {("workflows", verb) for verb in ("create", "patch", "delete")}
    secrets = {("secrets", verb) for verb in ("create", "patch")}
    plans = {("configmaps", "create"), ("configmaps", "get")}
    costs = {("configmaps", "patch")}
    assert rights == workflows | plans | costs | (secrets if stem == "run-role" else set())
    changing = [rule for rule in role["rules"] if "patch" in rule["verbs"]]
    names = [rule["resourceNames"] for rule in changing if rule["resources"] == ["configmaps"]]
    assert names == [[RECORD_NAME]]


@CONTROLLERS
def test_webhooks_come_to_the_controller_and_who_reads_its_figures(stem: str) -> None:
    documents, pod, container = read_controller(stem)
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    (policy,) = [
        one
        for one in find_objects(documents, "NetworkPolicy")
        if one["metadata"]["name"] == "vtspec-controller"
    ]
    webhooks, figures = policy["spec"]["ingress"]
    assert webhooks == {"ports": [{"protocol": "TCP", "port": ports["http"]}]}
    assert figures["ports"] == [{"protocol": "TCP", "port": ports["metrics"]}]
    assert figures["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
        }
    ]
    # Not by the service, which webhooks come through.
    (service,) = [
        one
        for one in find_objects(documents, "Service")
        if one["metadata"]["name"] == "vtspec-controller"
    ]
    assert [one["targetPort"] for one in service["spec"]["ports"]] == ["http"]
    monitors = find_objects(documents, "PodMonitor")
    assert len(monitors) == (stem == "production")
    for monitor in monitors:
        assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "metrics"}]
        assert monitor["spec"]["selector"] == {"matchLabels": service["spec"]["selector"]}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    (token,) = [one["projected"] for one in pod["volumes"] if "projected" in one]
    assert token["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600


@EACH
def test_no_secret_of_ours_is_on_file(values: Path) -> None:
    for secret in find_objects(read_golden(values), "Secret"):
        for key, value in secret.get("stringData", {}).items():
            if key == "AWS_SECRET_ACCESS_KEY":
                assert value == "<random>"


def _allows(policy: Object, labels: dict[str, str]) -> bool:
    """Whether a network policy is about a pod with the labels."""
    selector = policy["spec"]["podSelector"]
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


def _find_reach(documents: list[Object], step: str) -> set[str]:
    labels = {"app.kubernetes.io/managed-by": "vtspec", "vtspec.dev/step": step}
    return {
        policy["metadata"]["name"]
        for policy in find_objects(documents, "NetworkPolicy")
        if policy["spec"].get("egress") and _allows(policy, labels)
    }


@EACH
def test_only_the_pod_of_data_reaches_the_remotes_of_data(values: Path) -> None:
    documents = read_golden(values)
    own = {"vtspec-cluster", "vtspec-runs"}
    assert _find_reach(documents, "data") == own | {"vtspec-data"}
    assert _find_reach(documents, "train") == own | {"vtspec-hubs"}
    assert _find_reach(documents, "report") == own
    closed = [
        one
        for one in find_objects(documents, "NetworkPolicy")
        if one["spec"]["podSelector"] == {} and not one["spec"].get("egress")
    ]
    assert [one["spec"]["policyTypes"] for one in closed] == [["Ingress", "Egress"]]


@EACH
def test_no_pod_of_a_run_reaches_what_hands_out_a_machines_rights(values: Path) -> None:
    for policy in find_objects(read_golden(values), "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    assert any(one.startswith("169.254.") for one in peer["ipBlock"]["except"]), (
                        policy["metadata"]["name"]
                    )


@EACH
def test_a_quota_covers_every_resource_that_a_pod_asks_for(values: Path) -> None:
    queues = find_objects(read_golden(values), "ClusterQueue")
    assert bool(queues) == (values.stem != "kind")
    for queue in queues:
        (group,) = queue["spec"]["resourceGroups"]
        covered = group["coveredResources"]
        assert {"cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"} <= set(covered)
        for flavor in group["flavors"]:
            assert [one["name"] for one in flavor["resources"]] == covered


def test_the_policy_knows_the_one_patch_of_pods_that_is_rendered() -> None:
    known = (CHART / "files" / "pod-patch.yaml").read_text()
    plan = a_published_plan()
    workflow = render(plan, some_settings(plan, a_cluster_project()))
    assert workflow["spec"]["podSpecPatch"] == known


def test_with_a_role_of_the_cloud_there_are_no_keys() -> None:
    (eks,) = [path for path in VALUES if path.stem == "eks"]
    documents = read_golden(eks)
    (account,) = find_objects(documents, "ServiceAccount")
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    (secret,) = [one for one in find_objects(documents, "Secret") if "stringData" in one]
    assert set(secret["stringData"]) == {"AWS_REGION", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"}


def test_with_a_credential_for_each_run_there_is_none_for_all() -> None:
    (values,) = [path for path in VALUES if path.stem == "run-role"]
    documents = read_golden(values)
    assert [one for one in find_objects(documents, "Secret") if "stringData" in one] == []
    names = [
        one["metadata"]["name"] for one in find_objects(documents, "ValidatingAdmissionPolicy")
    ]
    assert names == ["vtspec-vision", "vtspec-vision-secrets"]
