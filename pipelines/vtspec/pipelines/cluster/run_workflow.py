"""The Workflow of one run: looked at, made, stopped, deleted."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo import WorkflowState, observe
from vtspec.pipelines.argo.storage import get_credential_name
from vtspec.pipelines.argo.workflow import (
    CREATED_AT,
    MANAGED,
    PREFIX,
    QUEUE_LABEL,
    RUN,
    STOP_REASON,
    get_plan_config_name,
)
from vtspec.pipelines.argo.workflow_state import MOUNT_FAILED, PENDING
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.json_values import to_mapping, to_words
from vtspec.pipelines.runs.workflow_file import WorkflowFile

from .kubernetes_client import (
    CONFIG_MAPS,
    EVENTS,
    PODS,
    QUEUES,
    WORKFLOWS,
    WORKLOADS,
    KubernetesClient,
    Object,
    Resource,
)

PLAN: Final = f"{PREFIX}/plan"


_OF_WORKFLOW: Final = "workflows.argoproj.io/workflow"

DELETED_S: Final = 60.0
"""How long a Workflow that was deleted may take to go."""

POLL_S: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of a run: whether its containers may still do something, and have begun to."""

    name: str
    is_alive: bool
    has_begun: bool


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What the cluster has of a run now. `workflow` is None where it has no Workflow of it, or an
    earlier one of its name only; `doubt` is why that does not mean then that it was deleted, where
    it does not."""

    workflow: WorkflowState | None
    pods: tuple[Pod, ...] = field(default=())
    doubt: Refused | None = None

    @property
    def is_over(self) -> bool:
        """Whether the Workflow has ended, or is gone, and no pod of it does anything."""
        has_ended = self.doubt is None if self.workflow is None else self.workflow.is_over
        return has_ended and not any(pod.is_alive for pod in self.pods)


class RunWorkflow:
    """One run's Workflow, by what its `workflow.json` says. Raises as `KubernetesClient` does.

    Anybody with a right on the store may write that file, the run's own pods among them, and two
    stores may have a run of one name: nothing is changed or deleted but what was made for the run.
    """

    def __init__(self, client: KubernetesClient, run: Run, file: WorkflowFile) -> None:
        self.client, self.run, self.file = client, run, file
        self._store = find_store(run.path.parent)
        self._was_seen = False

    def look(self) -> Sighting:
        """What the cluster has of it now."""
        found = self.client.get(WORKFLOWS, self.file.namespace, self.file.name)
        # What is there may be of an earlier part of the run, or another store's.
        if found is not None and not self._is_of_run(found):
            return Sighting(workflow=None, doubt=self.find_doubt())
        pods, raw = self._find_pods()
        if found is None or not self._is_ours(found):
            return Sighting(workflow=None, pods=pods, doubt=self.find_doubt())
        self._was_seen = True
        return Sighting(workflow=self._observe(found, raw), pods=pods)

    def look_closer(self, found: Object) -> WorkflowState:
        """What a Workflow of it that was read already has come to, as its pods tell it now."""
        return self._observe(found, self._find_pods()[1])

    def _observe(self, found: Object, pods: list[Object]) -> WorkflowState:
        held = [pod for pod in pods if _is_gated(pod)]
        beside = [
            *pods,
            *(self._find_workloads() if held else ()),
            *self._find_pending(held),
            *self._find_events(pods),
        ]
        return observe(found, beside)

    def find_doubt(self) -> Refused | None:
        """Why its Workflow, where it is not found, cannot be said to be deleted; None where it
        can: it was seen here before, or the namespace is the very one that it was made in."""
        space, there = self.file.namespace, self.file.namespace_uid
        here = None if self._was_seen else self.client.find_namespace_uid(space)
        if self._was_seen or (there and here == there):
            return None
        # The very line: `vtspec.yaml` may name another store.
        where = () if self._store is None else ("--runs", self._store)
        stop = format_command("vtspec", "stop", self.run.name, "--gone", *where)
        gone = f"where it is gone for good: {stop}"
        unknown = (
            f"{self.client.server} has no Workflow of {self.run.name}, and whether it had one "
        )
        if here is None or (there and here):
            return Refused(
                f"{self.run.name} is on another cluster than {self.client.server}, which does not "
                f"have its namespace {space}" + (" but one of that name" if here else ""),
                fix=f"kubectl config use-context NAME, that of its cluster; {gone}",
            )
        if not here:
            ask = format_command("kubectl", "auth", "can-i", "get", "namespaces", "-n", space)
            return Refused(
                f"{unknown}is not known: you may not read namespace {space}",
                fix=f"{ask}; who runs the cluster lets you: people.view of the chart; {gone}",
            )
        return Refused(
            f"{unknown}is not known: whoever noted it did not say which cluster it is on",
            fix=f"kubectl config use-context NAME, where it is on another; {gone}",
        )

    def create(self, documents: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
        """Make the plan's ConfigMap and the Workflow, where they are not there yet; an earlier
        Workflow of the name makes room.

        Raises `Temporary` where that one is still at work, `Refused` where one is that is not of
        the run, or it is another plan's.
        """
        config, workflow = documents
        space = self.file.namespace
        with durable_step("plan-config.create"):
            self._ensure(CONFIG_MAPS, config)
        stamped = _stamp(workflow, self.file)
        deadline = time.monotonic() + DELETED_S
        while not self._is_there():
            with durable_step("workflow.create"):
                is_made = self._ensure(WORKFLOWS, stamped)
            if is_made:
                return
            if time.monotonic() > deadline:
                raise Temporary(
                    f"an earlier Workflow {self.file.name} does not go away",
                    fix=format_command("kubectl", "-n", space, "get", "workflow", self.file.name),
                )
            time.sleep(POLL_S)

    def stop(self, how: str, why: str | None = None, found: Object | None = None) -> bool:
        """Have it end: `Stop` or `Terminate`; `why` is told to whoever looks. As `change`."""
        change: Object = {"spec": {"shutdown": how}}
        if why is not None:
            change["metadata"] = {"annotations": {STOP_REASON: why}}
        return self.change(change, found)

    def change(self, change: Mapping[str, Any], found: Object | None = None) -> bool:
        """Merge a change into the very Workflow of the file, only as it was `found` where that is
        given; False where there is none. Raises `Temporary` where it has changed since."""
        there = self.find() if found is None else found
        if there is None:
            return False
        told = there["metadata"]
        if found is not None:
            version = {"resourceVersion": told["resourceVersion"]}
            change = {**change, "metadata": {**change.get("metadata", {}), **version}}
        with durable_step("workflow.change"):
            return self.client.patch(
                WORKFLOWS, self.file.namespace, self.file.name, change, str(told["uid"])
            )

    def find(self) -> Object | None:
        """The very Workflow of the file, or None."""
        found = self.client.get(WORKFLOWS, self.file.namespace, self.file.name)
        if found is None or not self._is_of_run(found) or not self._is_ours(found):
            return None
        self._was_seen = True
        return found

    def was_asked_to_stop(self) -> bool:
        """Whether somebody asked already."""
        found = self.find() or {}
        return bool(found.get("spec", {}).get("shutdown"))

    def has_credential(self) -> bool:
        """Whether its pods are given one that is the run's alone."""
        found = self.find() or {}
        secret = get_credential_name(self.file.name)
        volumes = found.get("spec", {}).get("volumes") or []
        return any(one.get("secret", {}).get("secretName") == secret for one in volumes)

    def delete_run(self, kept: Collection[str]) -> None:
        """Delete all that there is of the run: its Workflows, also of its completions, and their
        plans' ConfigMaps but of `kept` digests, and of those that another Workflow has.

        Raises `Refused` where there is none, and this may be another cluster than the run's.
        """
        space = self.file.namespace
        every = self.client.find(WORKFLOWS, space, MANAGED)
        mine = [one for one in every if self._is_of_run(one)]
        doubt = None if mine else self.find_doubt()
        if doubt is not None:
            raise doubt
        others = {_read_digest(one) for one in every if one not in mine}
        digests = {self.file.digest, *map(_read_digest, mine)} - others - {*kept}
        for one in mine:
            self._delete(WORKFLOWS, one)
        plans = {get_plan_config_name(digest) for digest in digests}
        for config in self.client.find(CONFIG_MAPS, space, {**MANAGED, PLAN: self.run.plan_id}):
            labels, name = _read_labels(config), str(config["metadata"]["name"])
            # A completion's is nobody else's, where the Workflow is not.
            is_own = labels.get(RUN) == self.run.name and _read_digest(config) not in others
            if is_own or name in plans:
                self._delete(CONFIG_MAPS, config)

    def _delete(self, resource: Resource, found: Object) -> None:
        told = found["metadata"]
        self.client.delete(resource, self.file.namespace, told["name"], uid=told["uid"])

    def _ensure(self, resource: Resource, body: Mapping[str, Any]) -> bool:
        """Make an object; False where one of its name is there."""
        try:
            return self.client.create(resource, self.file.namespace, body)
        except Temporary:
            # An answer that was lost is no refusal: what is there says so.
            name = body["metadata"]["name"]
            if self.client.get(resource, self.file.namespace, name) is None:
                raise
            return False

    def _is_there(self) -> bool:
        """Whether this very Workflow is there; an earlier one of its name is deleted."""
        space, name = self.file.namespace, self.file.name
        found = self.client.get(WORKFLOWS, space, name)
        if found is None:
            return False
        is_of_run = self._is_of_run(found)
        if is_of_run and self._is_ours(found):
            self._was_seen = True
            return True
        told, is_over = _read_annotations(found), observe(found).is_over
        digest = told.get(f"{PREFIX}/digest")
        is_same = told.get(CREATED_AT) is None and digest == self.file.digest
        if is_of_run and is_same and not is_over:
            # Somebody applied what `render` prints: the very one that was to be made.
            adopted = {"metadata": {"annotations": {CREATED_AT: self.file.created_at}}}
            uid = str(found["metadata"]["uid"])
            return self.client.patch(WORKFLOWS, space, name, adopted, uid)
        if digest is None:
            raise Refused(
                f"namespace {space} has a Workflow {name} that is not of vtspec",
                fix=format_command("kubectl", "-n", space, "delete", "workflow", name),
            )
        if not is_over:
            see = format_command("kubectl", "-n", space, "get", "workflow", name)
            if is_of_run:
                raise Temporary(
                    f"an earlier Workflow {name} is still at work in namespace {space}", fix=see
                )
            raise Refused(
                f"another store's Workflow {name} is still at work in namespace {space}, and has "
                "the name that this run would have",
                fix=f"see it: {see}; once it has ended, ask again",
            )
        self.client.delete(WORKFLOWS, space, name, uid=found["metadata"]["uid"])
        return False

    def _is_of_run(self, found: Object) -> bool:
        """Whether a Workflow is one of the run's, whatever part of it: by the name and label that
        it was made with, and by the store that its pods write to."""
        labels, name = _read_labels(found), str(found["metadata"]["name"])
        stores = find_stores(found.get("spec", {}))
        return (
            labels.get(RUN) == self.run.name
            and MANAGED.items() <= labels.items()
            and replace(self.file, name=name).is_of(self.run.name)
            and (self._store is None or not stores or stores == {self._store})
        )

    def _is_ours(self, found: Object) -> bool:
        """Whether a Workflow of the name was made for what `workflow.json` says."""
        return is_made_for(found, self.file)

    def _find_pods(self) -> tuple[tuple[Pod, ...], list[Object]]:
        raw = self.client.find(PODS, self.file.namespace, {_OF_WORKFLOW: self.file.name})
        raw = [{"kind": "Pod", **one} for one in raw]
        return tuple(_read_pod(one) for one in raw), raw

    def _find_workloads(self) -> list[Object]:
        """What Kueue says of pods that it holds back; nothing where there is no Kueue."""
        for resource in WORKLOADS:
            try:
                found = self.client.find(resource, self.file.namespace, {})
            # It tells why they wait, no more: who may not read it is still told that they do.
            except (Permanent, Refused):
                continue
            return [{"kind": "Workload", **one} for one in found]
        return []

    def _find_pending(self, held: list[Object]) -> list[Object]:
        """Who waits in the queues of pods that Kueue holds back; nothing where it is not told."""
        queues = {str(_read_labels(pod).get(QUEUE_LABEL) or "") for pod in held} - {""}
        return [one for queue in sorted(queues) for one in self._find_pending_in(queue)]

    def _find_pending_in(self, queue: str) -> list[Object]:
        for resource in QUEUES:
            try:
                found = self.client.get(resource, self.file.namespace, f"{queue}/pendingworkloads")
            # Beside why it waits this is little, and an aggregated API may be away by itself.
            except (Permanent, Refused, Temporary):
                continue
            items = (found or {}).get("items")
            return [
                {**one, "kind": PENDING}
                for one in (items if isinstance(items, list) else ())
                if isinstance(one, dict)
            ]
        return []

    def _find_events(self, pods: list[Object]) -> list[Object]:
        """What kubelets say that pods which do not start lack."""
        if not any(pod.get("status", {}).get("phase") == "Pending" for pod in pods):
            return []
        try:
            return self.client.find(EVENTS, self.file.namespace, {}, {"reason": MOUNT_FAILED})
        # As of workloads: it tells why, no more.
        except (Permanent, Refused):
            return []


def is_made_for(found: Mapping[str, Any], file: WorkflowFile) -> bool:
    """Whether a Workflow is the one that a run has now by `workflow.json`, and not an earlier one
    of its name."""
    # Of one that was not created by vtspec the file does not know when it was asked for.
    created_at = _read_annotations(found).get(CREATED_AT)
    name = to_mapping(found.get("metadata")).get("name")
    return name == file.name and file.created_at in ("", created_at)


def find_stores(spec: Mapping[str, Any]) -> set[str]:
    """The stores of runs that the steps of a Workflow, by its `spec`, are told."""
    templates = spec.get("templates")
    containers = [
        to_mapping(to_mapping(one).get("container"))
        for one in (templates if isinstance(templates, list) else ())
    ]
    return {
        after.rstrip("/")
        for one in containers
        for before, after in pairwise(to_words(one.get("args")))
        if before == "--runs"
    }


def _stamp(workflow: Mapping[str, Any], file: WorkflowFile) -> Object:
    metadata = workflow["metadata"]
    annotations = {**metadata["annotations"], CREATED_AT: file.created_at}
    return {**workflow, "metadata": {**metadata, "annotations": annotations}}


def _read_digest(thing: Mapping[str, Any]) -> str:
    return str(_read_annotations(thing).get(f"{PREFIX}/digest"))


def _read_annotations(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    found = thing.get("metadata", {}).get("annotations")
    return found if isinstance(found, Mapping) else {}


def _read_labels(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    found = thing.get("metadata", {}).get("labels")
    return found if isinstance(found, Mapping) else {}


def _read_pod(raw: Mapping[str, Any]) -> Pod:
    phase = raw.get("status", {}).get("phase")
    return Pod(
        name=str(raw["metadata"]["name"]),
        is_alive=phase in ("Pending", "Running", "Unknown"),
        has_begun=phase in ("Running", "Succeeded", "Failed"),
    )


def _is_gated(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one.get("reason") == "SchedulingGated" for one in conditions)
