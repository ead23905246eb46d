"""What has come of a Workflow, from the object as the API server has it. Pure.

Total: whatever is handed in has a state. An object that cannot be read is `unreadable`, which no
one may take for an end. Texts in it are others' and are made visible; numbers are bounded.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, TypeVar

from vtspec.pipelines.runs.events import STEPS
from vtspec.schema.visible_text import shorten_visibly

from .node_tree import Node, find_nodes, read_int, read_mapping, read_text, read_time
from .workflow import MAX_WAIT, PREFIX, QUEUE_LABEL, STOP_REASON

Phase: TypeAlias = Literal["waiting", "running", "succeeded", "failed", "stopped", "unreadable"]
"""Where a run, or a step of it, stands. `stopped` is asked for by somebody."""

_Told = TypeVar("_Told")

Wait: TypeAlias = Literal["queue", "node", "object", "image", "start", "retry", "engine"]
"""What is waited for: quota of a queue or semaphore, a node that fits, a Secret or another object
that the namespace lacks, the image, the container, the pause before a retry, or Argo, which has
not looked at the Workflow yet."""

Cause: TypeAlias = Literal[
    "failed", "refused", "crashed", "interrupted", "memory", "deadline", "pod", "image", "engine"
]
"""Why something did not succeed. The first four are `vtspec step`'s own endings; `memory` is the
kernel's OOM killer, `pod` a pod that was deleted, evicted or lost with its node, `engine` what
Argo itself could not do."""

_ENDINGS: Final[Mapping[int, Cause]] = {
    1: "crashed",
    2: "refused",
    3: "failed",
    4: "failed",
    75: "interrupted",
    143: "interrupted",
}

_KINDS: Final = {
    "secret": "Secret",
    "configmap": "ConfigMap",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "serviceaccount": "ServiceAccount",
}
_MISSING: Final = re.compile(rf'({"|".join(_KINDS)})s? "([^"\s]+)" not found', re.IGNORECASE)
"""As the scheduler, the kubelet and the API server say it, each of its own objects."""

MOUNT_FAILED: Final = "FailedMount"
"""The reason of the kubelet's events that say what a pod's volumes lack."""

_LONGEST: Final = 1000
_LONGEST_NAME: Final = 100
_MOST_HOLDERS: Final = 3


PENDING: Final = "PendingWorkload"
"""The kind by which `observe` knows what Kueue tells of who waits in a queue: it says none."""


@dataclass(frozen=True, kw_only=True)
class QueuePlace:
    """Which one a pod is of those that wait in its queue, and of all that wait for the quota which
    that shares with others; the next one is 1."""

    queue: str
    place: int
    place_in_cluster: int


@dataclass(frozen=True, kw_only=True)
class _Held:
    """Why pods are held back, by the id of their node in the Workflow: from being scheduled, and
    from being started. `places` are theirs in their queues, `holders` the runs that have what
    Argo's semaphores give."""

    gates: Mapping[str, str]
    lacks: Mapping[str, str]
    places: Mapping[str, QueuePlace]
    holders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StepProgress:
    """One step in pods. `attempts` counts them, `exit_code` is the last one's.

    `wait` says what a waiting step waits for and `since` when that began; `cause` why the last
    pod did not succeed, also where another is to follow.
    """

    phase: Phase
    attempts: int = 0
    wait: Wait | None = None
    place: QueuePlace | None = None
    since: datetime | None = None
    cause: Cause | None = None
    exit_code: int | None = None
    message: str = ""
    pod: str | None = None
    node: str | None = None
    started: datetime | None = None
    finished: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowState:
    """A run on a cluster. `step` is the one at work, or the last that began; `steps` are in their
    order, as are those of a Workflow that is not ours.

    `stop_reason` says why whoever followed it had it stopped. `is_partial` says that Argo keeps
    the steps elsewhere, so that the phase alone is known.
    """

    phase: Phase
    namespace: str | None = None
    run: str | None = None
    plan_id: str | None = None
    digest: str | None = None
    attempt: int | None = None
    step: str | None = None
    steps: Mapping[str, StepProgress] = field(default_factory=dict)
    wait: Wait | None = None
    place: QueuePlace | None = None
    since: datetime | None = None
    max_wait_s: int | None = None
    cause: Cause | None = None
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    stop_reason: str | None = None
    is_partial: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.phase in ("succeeded", "failed", "stopped")

    def is_overdue(self, now: datetime) -> bool:
        """Whether it has waited for a node, a queue or an object longer than it may, and is to be
        stopped."""
        is_limited = self.wait in ("queue", "node", "object")
        if self.max_wait_s is None or self.since is None or not is_limited:
            return False
        return now - self.since > timedelta(seconds=self.max_wait_s)


def find_missing(words: str) -> tuple[str, str] | None:
    """The kind and the name of an object which the cluster says it lacks; None for none."""
    found = _MISSING.search(words)
    return None if found is None else (_KINDS[found[1].lower()], found[2])


def observe(workflow: object, beside: Sequence[object] = ()) -> WorkflowState:
    """The state of a Workflow. `beside` are pods of it, their events, Kueue's Workloads of
    those and what is pending in their queues, as objects: they tell why a pod that Argo only calls
    pending is held back."""
    if not isinstance(workflow, Mapping):
        return WorkflowState(phase="unreadable", message="this is no Workflow")
    found = find_nodes(read_mapping(workflow, "status"))
    held = _Held(
        gates=_find_gates(beside),
        lacks=_find_lacks(beside),
        places=_find_places(beside),
        holders=_find_holders(workflow),
    )
    queues = _find_queues(workflow)
    nodes = found.by_step(STEPS)
    end = _find_end(workflow)
    steps = {name: _observe_step(nodes[name], end, queues, held) for name in nodes}
    phase = end or _find_phase(workflow, steps)
    step = _find_current(steps)
    at = steps[step] if step is not None else None
    # Where no step waits, Argo is waited for: it has not looked yet, or not told.
    waiting = at if at is not None and at.phase == "waiting" else None
    since = _find_start(workflow) if waiting is None else waiting.since
    return WorkflowState(
        phase=phase,
        namespace=read_text(workflow, "metadata", "namespace"),
        run=read_text(workflow, "metadata", "name"),
        plan_id=read_text(workflow, "metadata", "labels", f"{PREFIX}/plan"),
        digest=read_text(workflow, "metadata", "annotations", f"{PREFIX}/digest"),
        attempt=read_int(read_text(workflow, "metadata", "labels", f"{PREFIX}/attempt")),
        step=step,
        steps=steps,
        wait=None if phase != "waiting" else "engine" if waiting is None else waiting.wait,
        place=None if phase != "waiting" or waiting is None else waiting.place,
        since=since if phase == "waiting" else None,
        max_wait_s=read_int(read_text(workflow, "metadata", "annotations", MAX_WAIT)),
        cause=_find_cause(workflow, at) if phase == "failed" else None,
        message=_show(_choose_message(workflow, at)),
        started=read_time(workflow, "status", "startedAt"),
        finished=read_time(workflow, "status", "finishedAt"),
        stop_reason=_read_annotation(workflow, STOP_REASON),
        is_partial=found.is_partial,
    )


def _read_annotation(workflow: Mapping[Any, Any], name: str) -> str | None:
    told = read_text(workflow, "metadata", "annotations", name)
    return None if told is None else _show(told)


def _find_end(workflow: Mapping[Any, Any]) -> Phase | None:
    match read_mapping(workflow, "status").get("phase"):
        case "Succeeded":
            return "succeeded"
        case "Failed" | "Error":
            return "stopped" if _was_stopped(workflow) else "failed"
        case _:
            return None


def _find_phase(workflow: Mapping[Any, Any], steps: Mapping[str, StepProgress]) -> Phase:
    """The phase of a run that has not ended."""
    match read_mapping(workflow, "status").get("phase", ""):
        case "" | None | "Pending":
            return "waiting"
        case "Running":
            at_work = [one.phase for one in steps.values() if one.phase in ("running", "waiting")]
            # Between two steps there is none, and Argo is at work.
            return "waiting" if at_work and "running" not in at_work else "running"
        case _:
            return "unreadable"


def _was_stopped(workflow: Mapping[Any, Any]) -> bool:
    return read_text(workflow, "spec", "shutdown") in ("Stop", "Terminate")


def _find_current(steps: dict[str, StepProgress]) -> str | None:
    """The step at work, or the one that ended the run, or the last that began."""
    for phases in (("running", "waiting"), ("failed", "stopped", "unreadable")):
        for name in reversed(steps):
            if steps[name].phase in phases:
                return name
    return next(reversed(steps), None)


def _find_start(workflow: Mapping[Any, Any]) -> datetime | None:
    return read_time(workflow, "metadata", "creationTimestamp")


def _find_cause(workflow: Mapping[Any, Any], at: StepProgress | None) -> Cause:
    if at is not None and at.cause is not None:
        return at.cause
    message = read_text(workflow, "status", "message") or ""
    return "deadline" if "deadline" in message.lower() else "engine"


def _choose_message(workflow: Mapping[Any, Any], at: StepProgress | None) -> str:
    if at is not None and at.message:
        return at.message
    return read_text(workflow, "status", "message") or ""


def _observe_step(
    nodes: Sequence[Node], end: Phase | None, queues: Mapping[str, str], held: "_Held"
) -> StepProgress:
    """One step from its nodes: the one that stands for all its retries, and a pod each."""
    whole = next((node for node in nodes if node.type == "Retry"), None)
    pods = [node for node in nodes if node.type != "Retry"]
    last = pods[-1] if pods else None
    top = whole or last
    assert top is not None
    # A step whose pods have not begun has the node for all of them alone.
    at = last or top
    phase = _translate(top, at, end)
    wait = _find_wait(whole, at, queues, held) if phase == "waiting" else None
    has_failed = at.phase in ("Failed", "Error") and phase != "stopped"
    cause = _classify(at) if has_failed else None
    why = held.gates.get(at.id) or (held.lacks.get(at.id) if phase == "waiting" else None)
    said = why or _explain(whole, at, phase)
    if wait == "queue" and at.id not in held.gates and held.holders:
        taken = f"held by {', '.join(held.holders)}"
        said = f"{said}; {taken}" if said else taken
    return StepProgress(
        phase=phase,
        attempts=len(pods),
        wait=wait,
        place=held.places.get(at.id) if wait == "queue" else None,
        since=at.finished if wait == "retry" else at.started,
        cause=cause,
        exit_code=at.exit_code,
        message=_show(said),
        pod=at.id if last is not None and last.type == "Pod" else None,
        node=at.host,
        started=top.started,
        finished=top.finished,
    )


def _translate(top: Node, at: Node, end: Phase | None) -> Phase:
    match top.phase:
        case "Succeeded":
            return "succeeded"
        case "Failed" | "Error":
            return "stopped" if _STOPPED.search(f"{top.message} {at.message}") else "failed"
        case "" | "Pending" | "Running":
            # Of a run that is stopped Argo leaves the node of all retries as it was.
            if end is not None:
                return end
            # The node of all retries runs from the first moment, also while it has no pod.
            is_at_work = at.type != "Retry" and at.phase in ("Running", "Succeeded")
            return "running" if is_at_work else "waiting"
        case _:
            return "unreadable"


_STOPPED: Final = re.compile(r"(?:Stopped|shutdown) with strategy")


def _find_wait(whole: Node | None, at: Node, queues: Mapping[str, str], held: "_Held") -> Wait:
    if at.phase in ("Failed", "Error"):
        return "retry"
    message = at.message or ("" if whole is None else whole.message)
    if at.id in held.gates or at.waits_for_lock or (whole is not None and whole.waits_for_lock):
        return "queue"
    if message.startswith("Waiting for ") and " lock" in message:
        return "queue"
    # The scheduler says it of a claim, in its words for a node that does not fit.
    if at.id in held.lacks or find_missing(message):
        return "object"
    if message.startswith("Unschedulable"):
        return "node"
    if message.startswith(("ErrImage", "ImagePull", "InvalidImageName", "RegistryUnavailable")):
        return "image"
    # A pod that has been scheduled says what its containers wait for; one that says nothing, and
    # belongs to a queue, is held back by it: Argo does not tell of gates.
    if not message and at.template in queues:
        return "queue"
    return "start"


def _classify(node: Node) -> Cause:
    """Why a pod did not succeed, from Argo's phase, its exit code and Kubernetes' own words."""
    words = node.message.lower()
    if "oomkilled" in words:
        return "memory"
    # Both Argo's and the kubelet's: "Pod was active on the node longer than the specified …".
    if "deadline" in words:
        return "deadline"
    if "imagepull" in words or "errimage" in words or "invalidimagename" in words:
        return "image"
    if node.exit_code is not None and node.exit_code in _ENDINGS:
        return _ENDINGS[node.exit_code]
    if any(word in words for word in _LOST) or node.exit_code == 137:
        return "pod"
    if node.phase == "Error":
        return "engine"
    return "pod" if node.exit_code is None else "failed"


_LOST: Final = ("pod deleted", "evict", "node shutdown", "node is", "low on resource", "preempt")


def _explain(whole: Node | None, at: Node, phase: Phase) -> str:
    """The words that say most: the last pod's own, before Argo's about all of them."""
    if phase == "waiting" and whole is not None and whole.message.startswith("Backoff"):
        return f"{at.message}; {whole.message}" if at.message else whole.message
    return at.message or ("" if whole is None else whole.message)


def _find_queues(workflow: Mapping[Any, Any]) -> dict[str, str]:
    """The queue of each template that has one, as the Workflow's own spec says."""
    templates = read_mapping(workflow, "spec").get("templates")
    found = {}
    for template in templates if isinstance(templates, list) else ():
        name = read_text(template, "name")
        queue = read_text(template, "metadata", "labels", QUEUE_LABEL)
        if name is not None and queue is not None:
            found[name] = queue
    return found


def _find_gates(beside: Sequence[object]) -> dict[str, str]:
    """Why pods are held back from being scheduled, by the id of their node in the Workflow."""
    workloads: dict[str, str] = {}
    for one in beside:
        if read_text(one, "kind") == "Workload":
            said = _find_condition(one, "QuotaReserved")
            workloads |= {owner: said for owner in _find_owners(one) if said is not None}
    found = {}
    for node, pod in _iter_pods(beside):
        said = _find_condition(pod, "PodScheduled", "SchedulingGated")
        if said is not None:
            found[node] = workloads.get(read_text(pod, "metadata", "name") or "", said)
    return found


def _find_places(beside: Sequence[object]) -> dict[str, QueuePlace]:
    """Which ones pods are in their queues, by the id of their node in the Workflow."""
    told: dict[str | None, QueuePlace] = {}
    for one in beside:
        queue = read_text(one, "localQueueName")
        before = _read_count(one, "positionInLocalQueue")
        if read_text(one, "kind") == PENDING and queue is not None and before is not None:
            in_cluster = _read_count(one, "positionInClusterQueue")
            place = QueuePlace(
                queue=shorten_visibly(queue, _LONGEST_NAME),
                place=before + 1,
                place_in_cluster=(before if in_cluster is None else in_cluster) + 1,
            )
            told |= dict.fromkeys(_find_owners(one), place)
    return _match_nodes(told, beside)


def _read_count(thing: object, key: str) -> int | None:
    count = read_mapping(thing).get(key)
    return count if type(count) is int and 0 <= count < 10**9 else None


def _find_holders(workflow: Mapping[Any, Any]) -> tuple[str, ...]:
    """The Workflows that hold the semaphores which this one waits for, a few of them."""
    waiting = read_mapping(workflow, "status", "synchronization", "semaphore").get("waiting")
    found: dict[str, None] = {}
    for one in waiting if isinstance(waiting, list) else ():
        holders = read_mapping(one).get("holders")
        for holder in holders if isinstance(holders, list) else ():
            if isinstance(holder, str):
                # NAMESPACE/WORKFLOW/NODE, or without the node.
                _, _, rest = holder.partition("/")
                found[shorten_visibly(rest.partition("/")[0] or holder, _LONGEST_NAME)] = None
    return tuple(found)[:_MOST_HOLDERS]


def _find_lacks(beside: Sequence[object]) -> dict[str, str]:
    """What the nodes' kubelets say that pods lack, by the id of their node in the Workflow: of
    what is to be mounted Argo does not tell."""
    told = {
        read_text(one, "involvedObject", "name"): words
        for one in beside
        if read_text(one, "reason") == MOUNT_FAILED
        and find_missing(words := read_text(one, "message") or "")
    }
    return _match_nodes(told, beside)


def _match_nodes(told: Mapping[str | None, _Told], beside: Sequence[object]) -> dict[str, _Told]:
    """What is told of pods by their names, by the id of their node in the Workflow."""
    names = {node: read_text(pod, "metadata", "name") for node, pod in _iter_pods(beside)}
    return {node: told[name] for node, name in names.items() if name in told}


def _iter_pods(beside: Sequence[object]) -> Iterator[tuple[str, object]]:
    for one in beside:
        node = read_text(one, "metadata", "annotations", "workflows.argoproj.io/node-id")
        if node is not None:
            yield node, one


def _find_condition(thing: object, kind: str, reason: str | None = None) -> str | None:
    """The message of a condition that does not hold; None where it holds or is not there."""
    conditions = read_mapping(thing, "status").get("conditions")
    for one in conditions if isinstance(conditions, list) else ():
        if read_text(one, "type") == kind and read_text(one, "status") == "False":
            if reason is None or read_text(one, "reason") == reason:
                return read_text(one, "message") or read_text(one, "reason") or kind
    return None


def _find_owners(thing: object) -> Iterator[str]:
    owners = read_mapping(thing, "metadata").get("ownerReferences")
    for one in owners if isinstance(owners, list) else ():
        name = read_text(one, "name")
        if name is not None:
            yield name


def _show(text: str) -> str:
    return shorten_visibly(text, _LONGEST)
