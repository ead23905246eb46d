"""A plan as a Workflow: what it asks of Kubernetes and Argo, and what never enters it."""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hera.workflows import models
from hypothesis import given
from hypothesis import strategies as st

from cluster_plans import GPU, a_cluster_project, a_published_plan, publish, some_settings
from plan_inputs import WEIGHTS, experiments, inputs_of, unhurried
from vtspec.pipelines.argo import render, render_plan_config, render_semaphores
from vtspec.pipelines.argo.workflow import MAX_PLAN_BYTES
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs.events import STEPS
from vtspec.schema.kinds.experiment import Experiment

# It has no types.
parse_quantity: Callable[[str], Decimal] = importlib.import_module(
    "kubernetes.utils"
).parse_quantity


def leaves(node: Any) -> Iterator[Any]:
    """Every value of plain data, keys too."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from leaves(value)
    elif isinstance(node, list):
        for item in node:
            yield from leaves(item)
    else:
        yield node


def templates(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in workflow["spec"]["templates"]}


def rendered(plan: Plan, **project: Any) -> dict[str, Any]:
    return render(plan, some_settings(plan, a_cluster_project(**project)))


def test_the_steps_run_one_after_another_in_pods_of_the_image_by_digest() -> None:
    found = templates(rendered(a_published_plan()))
    tasks = found["run"]["dag"]["tasks"]
    assert [one["name"] for one in tasks] == list(STEPS)
    assert [one.get("dependencies") for one in tasks] == [
        None,
        ["data"],
        ["train"],
        ["evaluate"],
        ["export"],
    ]
    for name in STEPS:
        container = found[name]["container"]
        assert container["image"] == f"registry.example.org/acme/vtspec-timm@sha256:{'c' * 64}"
        assert container["command"] == ["vtspec", "step"]
        assert container["args"][0] == name


def test_a_pod_is_started_with_options_that_the_step_has(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from vtspec.cli.commands.step import command

    monkeypatch.setenv("VTSPEC_CACHE", str(tmp_path))
    plan = a_published_plan()
    for name in STEPS:
        args = templates(rendered(plan))[name]["container"]["args"]
        # The plan is the pod's own; everything else must be understood before it is read.
        args[args.index("--plan") + 1] = str(tmp_path / "absent.json")
        done = CliRunner().invoke(command, args)
        assert isinstance(done.exception, Refused), (name, done.output)
        assert "absent.json: there is no such file" in str(done.exception)


def test_steps_that_others_change_are_seen() -> None:
    plan = a_published_plan()
    with pytest.raises(ValueError, match="train, evaluate, export, report"):
        rendered(replace(plan, steps=plan.steps[1:]))


def test_the_gpu_is_asked_for_where_it_is_needed_and_nowhere_else() -> None:
    found = templates(rendered(a_published_plan(resources=GPU)))
    asked = {
        name: found[name]["container"]["resources"]["limits"].get("nvidia.com/gpu")
        for name in STEPS
    }
    assert asked == {"data": None, "train": "2", "evaluate": "1", "export": None, "report": None}
    for name in STEPS:
        wants = asked[name] is not None
        labels = found[name]["metadata"]["labels"]
        assert labels.get("kueue.x-k8s.io/queue-name") == ("t4" if wants else None)
        assert found[name].get("nodeSelector") == (
            {"nvidia.com/gpu.product": "Tesla-T4"} if wants else None
        )
        assert found[name].get("tolerations") == (
            [
                {"key": "nvidia.com/gpu", "operator": "Exists"},
                {"key": "tier", "operator": "Equal", "value": "spot", "effect": "NoSchedule"},
            ]
            if wants
            else None
        )


def test_a_queue_is_a_semaphore_where_there_is_no_kueue() -> None:
    cluster = {"namespace": "vision", "volumeClaim": "vtspec", "semaphores": {"t4": 3}}
    found = templates(rendered(a_published_plan(resources=GPU), cluster=cluster))
    assert found["train"]["synchronization"] == {
        "semaphores": [{"configMapKeyRef": {"name": "vtspec-semaphores", "key": "t4"}}]
    }
    assert "synchronization" not in found["data"]
    assert not [one for one in leaves(found) if str(one).startswith("kueue")]
    sizes = render_semaphores("vision", {"t4": 3})
    assert (sizes["metadata"]["name"], sizes["data"]) == ("vtspec-semaphores", {"t4": "3"})


def quantities(unit: st.SearchStrategy[str], most: Callable[[str], int]) -> st.SearchStrategy[str]:
    """Quantities of a unit, of which the least and the most are drawn as often as all others."""
    return unit.flatmap(
        lambda one: st.builds(
            f"{{}}{one}".format,
            st.one_of(st.just(1), st.just(most(one)), st.integers(1, most(one))),
        )
    )


MEMORY = quantities(st.sampled_from(["Mi", "Gi", "Ti"]), lambda _: 999_999)
TIMES = quantities(
    st.sampled_from("smhd"), lambda one: {"h": 87_600, "d": 3_650}.get(one, 999_999)
)


@unhurried
@given(
    st.fixed_dictionaries(
        {
            "gpus": st.sampled_from([1, 2, 1024]),
            "gpuType": st.just("t4"),
            "cpus": st.sampled_from([1, 1024]),
            "memory": MEMORY,
            "maxDuration": TIMES,
        }
    ),
    st.fixed_dictionaries(
        {
            "namespace": st.just("vision"),
            "volumeClaim": st.just("vtspec"),
            "maxWait": TIMES,
            "keepFor": TIMES,
            "ephemeralStorage": MEMORY,
            "semaphores": st.fixed_dictionaries({"t4": st.sampled_from([1, 100_000])}),
        }
    ),
)
def test_whatever_is_accepted_fits_the_numbers_of_kubernetes(
    resources: dict[str, Any], cluster: dict[str, Any]
) -> None:
    workflow = rendered(a_published_plan(resources=resources), cluster=cluster)
    # Seconds of 32 bits, whichever field they are in: also of pods, which Kubernetes holds to it.
    for number in leaves(workflow):
        if isinstance(number, int):
            assert 0 <= number < 2**31, number
    assert workflow["spec"]["activeDeadlineSeconds"] > max(
        one.get("activeDeadlineSeconds", 0) for one in workflow["spec"]["templates"]
    )
    assert int(workflow["metadata"]["annotations"]["vtspec.dev/max-wait-seconds"]) < 2**31
    for step in templates(workflow).values():
        limits = step.get("container", {}).get("resources", {}).get("limits", {})
        for name, asked in limits.items():
            # Kubernetes adds up bytes, and of cores thousandths, in 64 bits.
            factor = 1000 if name == "cpu" else 1
            assert 0 < parse_quantity(asked) * factor < 2**63, (name, asked)
        for volume in step.get("volumes", []):
            assert 0 < parse_quantity(volume["emptyDir"]["sizeLimit"]) < 2**63


def test_a_pod_may_do_nothing_that_the_restricted_profile_refuses() -> None:
    workflow = rendered(a_published_plan(resources=GPU))
    spec = workflow["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["executor"] == {"serviceAccountName": "vtspec-run"}
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for name in STEPS:
        inside = templates(workflow)[name]["container"]["securityContext"]
        assert inside == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    kinds = {key for volume in spec["volumes"] for key in volume if key != "name"}
    assert kinds == {"persistentVolumeClaim", "configMap", "emptyDir"}


def test_only_the_pod_of_step_data_holds_its_credential_or_writes_data() -> None:
    plan = a_published_plan(inputs={"weights": WEIGHTS}, resources=GPU)
    found = templates(rendered(plan))
    holders = [name for name in STEPS if "envFrom" in found[name]["container"]]
    assert holders == ["data"]
    data = {"secretRef": {"name": "dvc-storage"}}
    assert found["data"]["container"]["envFrom"] == [data]
    # That of the store of runs every pod has, under names that are no other client's.
    cluster = {"namespace": "vision", "volumeClaim": "vtspec", "runsSecret": "vtspec-runs"}
    found = templates(rendered(plan, cluster=cluster))
    runs = {"prefix": "VTSPEC_RUNS_", "secretRef": {"name": "vtspec-runs"}}
    assert {name: found[name]["container"]["envFrom"] for name in STEPS} == {
        name: [runs, data] if name == "data" else [runs] for name in STEPS
    }
    writers = [
        name
        for name in STEPS
        for mount in found[name]["container"]["volumeMounts"]
        if mount.get("subPath") == "data" and not mount["readOnly"]
    ]
    assert writers == ["data"]


def test_a_run_is_in_its_store_and_in_a_folder_that_ends_with_its_pod() -> None:
    plan = a_published_plan()
    found = render(plan, some_settings(plan, runs="s3://acme-runs/team"), attempt=3)
    assert found["metadata"]["name"] == f"{plan.id}-3"
    train = templates(found)["train"]["container"]
    assert train["args"][3:] == [
        *("--runs", "s3://acme-runs/team", "--attempt", "3", "--resume", "--print-events")
    ]
    mounts = {one["mountPath"]: one["name"] for one in train["volumeMounts"]}
    assert mounts["/vtspec/cache/stores"] == "run"
    volumes = {one["name"]: one for one in found["spec"]["volumes"]}
    assert volumes["run"]["emptyDir"] == {"sizeLimit": "20Gi"}
    kept = [one["mountPath"] for one in train["volumeMounts"] if one["name"] == "cache"]
    assert kept == ["/vtspec/cache/data"]


def test_limits_of_time_and_memory_follow_from_the_plan() -> None:
    workflow = rendered(a_published_plan(resources=GPU))
    train = templates(workflow)["train"]
    assert train["activeDeadlineSeconds"] == 2 * 3600 + 600
    assert workflow["spec"]["activeDeadlineSeconds"] == 2 * 3600 + 5 * (600 + 86400)
    assert workflow["metadata"]["annotations"]["vtspec.dev/max-wait-seconds"] == "86400"
    assert train["container"]["resources"]["requests"] == {
        "cpu": "8",
        "memory": "32Gi",
        "ephemeral-storage": "20Gi",
    }
    assert train["volumes"] == [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16384Mi"}}
    ]
    assert workflow["spec"]["ttlStrategy"] == {"secondsAfterCompletion": 7 * 86400}


def test_everything_of_a_run_is_found_by_its_plan() -> None:
    plan = a_published_plan()
    workflow, config = rendered(plan), render_plan_config(plan, some_settings(plan))
    for labels in (
        workflow["metadata"]["labels"],
        workflow["spec"]["podMetadata"]["labels"],
        config["metadata"]["labels"],
    ):
        assert labels["vtspec.dev/plan"] == plan.id
    assert workflow["metadata"]["annotations"]["vtspec.dev/digest"] == plan.digest
    assert {name: templates(workflow)[name]["metadata"]["labels"] for name in STEPS} == {
        name: {"vtspec.dev/step": name} for name in STEPS
    }


def test_the_plan_travels_whole_in_an_immutable_map_of_its_digest() -> None:
    plan = a_published_plan(description="Why {{workflow.name}} is no template here: 왜?")
    config = render_plan_config(plan, some_settings(plan))
    assert config["immutable"] is True
    assert config["metadata"]["name"] == f"plan-{plan.digest.removeprefix('sha256:')}"
    assert plan_from_json(json.loads(config["data"]["plan.json"])) == plan
    volumes = {one["name"]: one for one in rendered(plan)["spec"]["volumes"]}
    assert volumes["plan"] == {"name": "plan", "configMap": {"name": config["metadata"]["name"]}}


def test_a_plan_that_no_cluster_takes_is_refused_before_it_is_sent() -> None:
    plan = a_published_plan()
    large = replace(plan, description="x" * MAX_PLAN_BYTES)
    with pytest.raises(Refused, match=rf"and a cluster takes {MAX_PLAN_BYTES}\n  fix: use fewer"):
        render_plan_config(large, some_settings(plan))


SLUG = re.compile(r"[A-Za-z0-9]([A-Za-z0-9./:@_-]*[A-Za-z0-9])?")


@unhurried
@given(st.data())
def test_nothing_that_a_person_typed_is_in_a_workflow(data: st.DataObject) -> None:
    raw = data.draw(experiments())
    raw["spec"]["description"] = "MARK {{workflow.name}}"
    raw["metadata"]["annotations"] = {"note": "MARK"}
    plan = publish(build_plan(Experiment.model_validate(raw), data.draw(inputs_of(raw))))
    project = a_cluster_project()
    if plan.resources.gpus:
        plan = publish(replace(plan, resources=replace(plan.resources, gpu_type="t4")))
    workflow = render(plan, some_settings(plan, project))
    text = json.dumps(workflow)
    assert "MARK" not in text
    # Argo fills in what stands in two braces, wherever it stands.
    assert "{{" not in text
    assert plan.spec_path not in text
    models.Workflow.model_validate(workflow)
    name = workflow["metadata"]["name"]
    assert len(name) <= 63
    for key, value in workflow["metadata"]["labels"].items():
        assert len(value) <= 63
        assert SLUG.fullmatch(value), (key, value)


def test_what_is_rendered_is_shared_with_nothing() -> None:
    plan = a_published_plan(resources=GPU)
    first, second = rendered(plan), rendered(plan)
    assert first == second
    spoil(first)
    assert second == rendered(plan)
    assert "spoilt" not in json.dumps(second)
    # In YAML a part that stands twice would be an anchor, which vtspec's own files refuse.
    assert len(parts(second)) == len({id(one) for one in parts(second)})


def parts(node: Any) -> list[Any]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = [node] if isinstance(node, dict | list) else []
    return found + [part for one in inner for part in parts(one)]


def spoil(node: Any) -> None:
    for one in parts(node):
        if isinstance(one, dict):
            one["spoilt"] = True
        else:
            one.append("spoilt")


def test_no_part_of_argo_is_used_that_keeps_or_runs_more_than_a_pod() -> None:
    keys = {
        one for one in leaves(rendered(a_published_plan(resources=GPU))) if isinstance(one, str)
    }
    assert not keys & {"memoize", "script", "hostNetwork", "hostPath", "privileged", "resource"}
