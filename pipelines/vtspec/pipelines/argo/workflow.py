"""A plan as Kubernetes objects: the plan's ConfigMap and the Workflow of a run. Pure.

Plain data, made of constants, of the operator's settings, and of these fields of a plan: its id
and digest, GPUs, cores, memory and time limit, and the names of its steps. No text of a spec is
among them, so that Argo, which fills in templates wherever it finds them, finds none; the plan
itself travels as a file. Of a run's it also says what it is estimated to take and cost, which its
pods cannot change there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.planning.plan_model import Plan, PlanStep
from vtspec.pipelines.runs import make_run_name
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.workflow_file import OWN_NAMESPACE, OWN_WORKFLOW
from vtspec.schema.kinds.patterns import parse_duration, parse_memory

from .completion import Completion
from .retries import RETRY_STRATEGY
from .settings import GpuPlacement, RenderSettings
from .storage import (
    build_arguments,
    build_mounts,
    build_secrets,
    build_variables,
    build_volumes,
)

Json = dict[str, Any]

PREFIX: Final = "vtspec.dev"
MAX_WAIT: Final = f"{PREFIX}/max-wait-seconds"
"""How long a step may wait for a node or its queue. Argo has no limit on that: a deadline does not
reach a pod that was never scheduled. So whoever follows the run stops it."""

STOP_REASON: Final = f"{PREFIX}/stop-reason"
"""Why whoever follows a run had it stopped, on its Workflow, for whoever else looks."""

CREATED_AT: Final = f"{PREFIX}/created-at"
"""Which of the Workflows that a run has had this is: `createdAt` of its `workflow.json`."""

ESTIMATE: Final = f"{PREFIX}/estimate"
"""What a run was estimated to take and cost when its Workflow was made: a pod may write what it
likes into the store's `plan.json`, and no digest covers it there."""

MANAGED: Final[Mapping[str, str]] = {"app.kubernetes.io/managed-by": "vtspec"}
"""The label that says of an object that vtspec made it."""

RUN: Final = f"{PREFIX}/run"
"""The label that says of which run a Workflow is, whatever it is called."""

SEMAPHORES: Final = "vtspec-semaphores"
"""The ConfigMap of Argo's semaphores, a key for each queue."""

QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"

GRACE_S: Final = 600
"""What a pod may take beside its step's work: pulling the image, writing the last checkpoint."""

MAX_PLAN_BYTES: Final = 512 * 1024
"""Half of what etcd takes in one request."""

OWN_FIELDS: Final[Mapping[str, str]] = {
    OWN_WORKFLOW: "metadata.labels['workflows.argoproj.io/workflow']",
    OWN_NAMESPACE: "metadata.namespace",
}
"""Variables of a step that are filled from what its pod is."""

PLAN_CONFIG: Final = "plan-"
"""What the name of a plan's ConfigMap begins with; the chart lets no other be mounted."""

_USER: Final = 10001

# What a Workflow has no field for. Without it a namespace that enforces restricted pods refuses
# each of them for Argo's own two containers. In blocks: Argo fills in what is in two braces.
_POD_PATCH: Final = """\
terminationGracePeriodSeconds: 120
enableServiceLinks: false
initContainers:
- name: init
  securityContext: &restricted
    allowPrivilegeEscalation: false
    capabilities:
      drop:
      - ALL
containers:
- name: wait
  securityContext: *restricted
"""

_RESTRICTED: Final[Json] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}

_RESTRICTED_CONTAINER: Final[Json] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def render(plan: Plan, settings: RenderSettings, attempt: int = 1) -> Json:
    """The Workflow of a run: an attempt of the plan, named as any run of it is.

    Nothing in it is shared between calls. Raises `ValueError` for a plan with other steps.
    """
    run = make_run_name(plan.id, attempt)
    names = _Names(workflow=run, plan_config=get_plan_config_name(plan.digest), steps=STEPS)
    return _render(plan, settings, attempt, names)


def render_completion(
    plan: Plan, settings: RenderSettings, completion: Completion, attempt: int = 1
) -> tuple[Json, Json]:
    """The plan's ConfigMap and the Workflow of a completion: of a run's steps those alone that
    are missing. Both are called by its name, since one digest may be that of two.

    Raises as `render` and `render_plan_config` do.
    """
    names = _Names(
        workflow=completion.name,
        plan_config=f"{PLAN_CONFIG}{completion.name}",
        steps=completion.steps,
    )
    config = render_plan_config(plan, settings)
    labels = build_labels(plan, settings, attempt)
    config["metadata"] |= {"name": names.plan_config, "labels": labels}
    return config, _render(plan, settings, attempt, names)


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What a Workflow and its plan's ConfigMap are called, and the steps that it has."""

    workflow: str
    plan_config: str
    steps: tuple[str, ...]


def _render(plan: Plan, settings: RenderSettings, attempt: int, names: _Names) -> Json:
    steps = {step.name: step for step in plan.steps}
    if tuple(steps) != STEPS:
        raise ValueError(f"a plan with the steps {', '.join(steps)} has no Workflow")
    labels = build_labels(plan, settings, attempt)
    limit_s = parse_duration(plan.resources.max_duration)
    # What completes a result takes another time than the plan, and counts for no limit.
    estimate = {ESTIMATE: encode_estimate(plan.estimate)} if names.steps == STEPS else {}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": names.workflow,
            "namespace": settings.namespace,
            "labels": labels,
            "annotations": {
                f"{PREFIX}/digest": plan.digest,
                MAX_WAIT: str(settings.max_wait_s),
                **estimate,
            },
        },
        "spec": {
            "entrypoint": "run",
            "serviceAccountName": settings.service_account,
            # The token is Argo's own container's alone.
            "automountServiceAccountToken": False,
            "executor": {"serviceAccountName": settings.service_account},
            "securityContext": {**_RESTRICTED, "seccompProfile": {"type": "RuntimeDefault"}},
            "podMetadata": {"labels": dict(labels)},
            "podSpecPatch": _POD_PATCH,
            "archiveLogs": False,
            # All that the limits below allow together, should nobody follow the run.
            "activeDeadlineSeconds": limit_s + len(names.steps) * (GRACE_S + settings.max_wait_s),
            "ttlStrategy": {"secondsAfterCompletion": settings.keep_for_s},
            # Who follows the run reads the last words of a pod that has succeeded.
            "podGC": {"strategy": "OnPodSuccess", "deleteDelayDuration": "5m"},
            "volumes": build_volumes(names.plan_config, names.workflow, settings),
            "templates": [
                _build_dag(names.steps),
                *(_build_template(steps[name], plan, settings, attempt) for name in names.steps),
            ],
        },
    }


def encode_estimate(estimate: Estimate) -> str:
    """What a Workflow says of its run's costs, and of the time that these are for."""
    told = {
        "cost": estimate.cost,
        "currency": estimate.currency,
        "seconds": estimate.whole_seconds,
    }
    return json.dumps(told, sort_keys=True)


def render_plan_config(plan: Plan, settings: RenderSettings) -> Json:
    """The ConfigMap that brings the plan to the pods: immutable, and named by the plan's digest.

    Raises `Refused` where the plan is too large for one.
    """
    text = json.dumps(plan.to_json(), ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode("utf-8"))
    if size > MAX_PLAN_BYTES:
        raise Refused(
            f"the plan of {plan.id} is of {size} bytes, and a cluster takes {MAX_PLAN_BYTES}",
            fix="use fewer classes or shorter names: they are most of such a plan",
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": get_plan_config_name(plan.digest),
            "namespace": settings.namespace,
            "labels": {
                **MANAGED,
                f"{PREFIX}/plan": plan.id,
            },
            "annotations": {f"{PREFIX}/digest": plan.digest},
        },
        "immutable": True,
        "data": {"plan.json": text},
    }


def render_semaphores(namespace: str, sizes: Mapping[str, int]) -> Json:
    """The ConfigMap of the queues where there is no Kueue; the operator applies it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": SEMAPHORES,
            "namespace": namespace,
            "labels": dict(MANAGED),
        },
        "data": {queue: str(size) for queue, size in sizes.items()},
    }


def build_labels(plan: Plan, settings: RenderSettings, attempt: int) -> dict[str, str]:
    """What a run's objects are found by."""
    labels = {
        **MANAGED,
        f"{PREFIX}/plan": plan.id,
        RUN: make_run_name(plan.id, attempt),
        f"{PREFIX}/attempt": str(attempt),
    }
    return labels if settings.team is None else {**labels, f"{PREFIX}/team": settings.team}


def get_plan_config_name(digest: str) -> str:
    """The name of the ConfigMap that holds a plan, by what was approved."""
    return f"{PLAN_CONFIG}{digest.removeprefix('sha256:')}"


def _build_dag(steps: tuple[str, ...]) -> Json:
    # One after another: a run's events are written by one process at a time.
    tasks: list[Json] = [{"name": name, "template": name} for name in steps]
    for before, task in zip(steps, tasks[1:], strict=False):
        task["dependencies"] = [before]
    return {"name": "run", "dag": {"tasks": tasks}}


def _build_template(step: PlanStep, plan: Plan, settings: RenderSettings, attempt: int) -> Json:
    limit_s = parse_duration(plan.resources.max_duration)
    template: Json = {
        "name": step.name,
        "metadata": {"labels": {f"{PREFIX}/step": step.name}},
        "activeDeadlineSeconds": limit_s + GRACE_S,
        "retryStrategy": {**RETRY_STRATEGY, "backoff": {**RETRY_STRATEGY["backoff"]}},
        "container": _build_container(step, plan, settings, attempt),
    }
    if step.name in ("train", "evaluate"):
        _add_shared_memory(template, step)
    if step.resources.gpus and settings.gpu is not None:
        _add_gpus(template, step, settings.gpu, settings.uses_kueue)
    return template


def _build_container(step: PlanStep, plan: Plan, settings: RenderSettings, attempt: int) -> Json:
    asked = {
        "cpu": str(step.resources.cpus),
        "memory": step.resources.memory,
        "ephemeral-storage": settings.ephemeral_storage,
    }
    container: Json = {
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        # Not the plan's own words, which no digest covers.
        "command": ["vtspec", "step"],
        "args": build_arguments(step.name, attempt, settings),
        "workingDir": "/tmp",
        "env": [
            *build_variables(settings),
            # Which Workflow it is a pod of, whoever created that.
            *(_build_own_field(name, path) for name, path in OWN_FIELDS.items()),
        ],
        "resources": {"requests": asked, "limits": dict(asked)},
        "volumeMounts": build_mounts(step.name, plan, settings),
        "securityContext": {**_RESTRICTED_CONTAINER, "capabilities": {"drop": ["ALL"]}},
    }
    if secrets := build_secrets(step.name, settings):
        container["envFrom"] = secrets
    return container


def _build_own_field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _add_shared_memory(template: Json, step: PlanStep) -> None:
    # Data loaders hand batches over in it; it counts as the container's memory, of which the
    # runtime's usual 64 MiB are too little and all would leave none to train with. Never 0, which
    # Kubernetes takes for no limit.
    half = max(1, parse_memory(step.resources.memory) // 2**21)
    template["volumes"] = [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{half}Mi"}}
    ]
    template["container"]["volumeMounts"].append({"name": "shm", "mountPath": "/dev/shm"})


def _add_gpus(template: Json, step: PlanStep, gpu: GpuPlacement, uses_kueue: bool) -> None:
    # Of an extended resource the limit is the request.
    template["container"]["resources"]["limits"][gpu.resource] = str(step.resources.gpus)
    if gpu.node_selector:
        template["nodeSelector"] = dict(gpu.node_selector)
    if gpu.tolerations:
        template["tolerations"] = [
            {
                "key": one.key,
                "operator": "Exists" if one.value is None else "Equal",
                **({} if one.value is None else {"value": one.value}),
                **({} if one.effect is None else {"effect": one.effect}),
            }
            for one in gpu.tolerations
        ]
    if gpu.queue is None:
        return
    if uses_kueue:
        template["metadata"]["labels"][QUEUE_LABEL] = gpu.queue
        return
    template["synchronization"] = {
        "semaphores": [{"configMapKeyRef": {"name": SEMAPHORES, "key": gpu.queue}}]
    }
