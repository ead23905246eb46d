"""Where a run on a cluster stands, in a sentence for people. Pure."""

from typing import Final, assert_never

from vtspec.adapters.shell_command import format_command

from .storage import get_credential_name
from .workflow import PLAN_CONFIG, SEMAPHORES
from .workflow_state import QueuePlace, WorkflowState, find_missing

_CHART = (
    "helm upgrade --install vtspec pipelines/deploy/chart --namespace vtspec-system --values FILE"
)


_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}


def suggest_missing(state: WorkflowState, words: str) -> str | None:
    """What a person types where the cluster says in `words` that it lacks an object; None where
    it says no such thing."""
    missing = find_missing(words)
    if missing is None:
        return None
    kind, name = missing
    run = format_command("vtspec", "run", state.plan_id or state.run or "RUN", "--backend", "argo")
    kubectl = ("kubectl", "-n", state.namespace or "NAMESPACE")
    create = (*kubectl, "create")
    match kind:
        case "Secret" if name == get_credential_name(state.run or ""):
            return f"{run} makes it"
        case "Secret":
            make = format_command(*create, "secret", "generic", name, "--from-env-file=FILE")
            return f"{make} (FILE has its AWS_… variables), or name another one in vtspec.yaml"
        case "ConfigMap" if name == SEMAPHORES:
            return "vtspec render --semaphores | kubectl apply -f -"
        case "ConfigMap" if name.startswith(PLAN_CONFIG):
            return f"{run} makes it, where nothing of the run was begun"
        case "ConfigMap":
            return format_command(*create, "configmap", name, "--from-file=FILE")
        case "PersistentVolumeClaim":
            there = format_command(*kubectl, "get", "persistentvolumeclaims")
            return f"see which there are ({there}), and set cluster.volumeClaim; or: {_CHART}"
        case _:
            make = format_command(*create, "serviceaccount", name)
            return f"{make}, with the rights that docs/cluster.md names; or: {_CHART}"


def describe_workflow(state: WorkflowState) -> str:
    """What a Workflow does or waits for, in the words of whoever holds it back where there are
    any: Kueue's of a queue, the scheduler's of a node. Of an object that is missing a second line
    says what to type."""
    is_open = state.phase in ("waiting", "failed")
    fix = suggest_missing(state, state.message) if is_open else None
    return _describe(state) + (f"\n  fix: {fix}" if fix else "")


def _describe(state: WorkflowState) -> str:
    step = state.step or "the run"
    told = f": {state.message}" if state.message else ""
    match state.phase:
        case "waiting":
            return f"{step} {_describe_wait(state)}{told}"
        case "running":
            at = state.steps.get(state.step or "")
            where = f" on {at.node}" if at is not None and at.node else ""
            return f"{step} runs{where}"
        case "succeeded":
            return "every step succeeded"
        case "failed":
            return f"{step} failed{told}"
        case "stopped":
            return f"{step} was stopped"
        case "unreadable":
            return f"its Workflow cannot be read{told}"
        case _:
            assert_never(state.phase)


def _describe_wait(state: WorkflowState) -> str:
    match state.wait:
        case "queue":
            return _describe_place(state.place)
        case "node":
            return "waits for a node"
        case "object":
            kind, name = find_missing(state.message) or ("an object", "")
            return f"waits for {kind} {name}, which namespace {state.namespace} does not have"
        case "image":
            return "waits for its image"
        case "start":
            return "is starting"
        case "retry":
            return "is to be tried again"
        case "engine" | None:
            return "waits for Argo"
        case _:
            assert_never(state.wait)


def _describe_place(place: QueuePlace | None) -> str:
    if place is None:
        return "waits in its queue"
    told = f"waits as {_format_ordinal(place.place)} in queue {place.queue}"
    if place.place_in_cluster == place.place:
        return told
    return f"{told} ({_format_ordinal(place.place_in_cluster)} of all that share its quota)"


def _format_ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
