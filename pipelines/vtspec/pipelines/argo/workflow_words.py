"""Where a run on a cluster stands, in a sentence for people. Pure."""

from typing import Final, assert_never

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.language import Sentence, Tongue

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


def describe_workflow(state: WorkflowState, tongue: Tongue = "en") -> str:
    """What a Workflow does or waits for, in the words of whoever holds it back where there are
    any: Kueue's of a queue, the scheduler's of a node. Of an object that is missing a second line
    says what to type."""
    is_open = state.phase in ("waiting", "failed")
    fix = suggest_missing(state, state.message) if is_open else None
    label = Sentence(en="fix", ko="해결").say(tongue)
    return _describe(state).say(tongue) + (f"\n  {label}: {fix}" if fix else "")


def _describe(state: WorkflowState) -> Sentence:
    step, korean = state.step or "the run", state.step or "실행"
    told = f": {state.message}" if state.message else ""
    match state.phase:
        case "waiting":
            wait = _describe_wait(state)
            return Sentence(en=f"{step} {wait.en}{told}", ko=f"{korean}: {wait.ko}{told}")
        case "running":
            at = state.steps.get(state.step or "")
            node = at.node if at is not None else None
            where, there = (f" on {node}", f" ({node})") if node else ("", "")
            return Sentence(en=f"{step} runs{where}", ko=f"{korean}: 실행 중{there}")
        case "succeeded":
            return Sentence(en="every step succeeded", ko="모든 단계가 성공했습니다")
        case "failed":
            return Sentence(en=f"{step} failed{told}", ko=f"{korean}: 실패{told}")
        case "stopped":
            return Sentence(en=f"{step} was stopped", ko=f"{korean}: 중지됨")
        case "unreadable":
            return Sentence(
                en=f"its Workflow cannot be read{told}", ko=f"워크플로를 읽을 수 없습니다{told}"
            )
        case _:
            assert_never(state.phase)


def _describe_wait(state: WorkflowState) -> Sentence:
    match state.wait:
        case "queue":
            return _describe_place(state.place)
        case "node":
            return Sentence(en="waits for a node", ko="노드를 기다리는 중")
        case "object":
            kind, name = find_missing(state.message) or ("an object", "")
            space = state.namespace
            return Sentence(
                en=f"waits for {kind} {name}, which namespace {space} does not have",
                ko=f"네임스페이스 {space}에 없는 {kind} {name}을(를) 기다리는 중",
            )
        case "image":
            return Sentence(en="waits for its image", ko="이미지를 기다리는 중")
        case "start":
            return Sentence(en="is starting", ko="시작하는 중")
        case "retry":
            return Sentence(en="is to be tried again", ko="곧 다시 시도함")
        case "engine" | None:
            return Sentence(en="waits for Argo", ko="Argo를 기다리는 중")
        case _:
            assert_never(state.wait)


def _describe_place(place: QueuePlace | None) -> Sentence:
    if place is None:
        return Sentence(en="waits in its queue", ko="큐에서 기다리는 중")
    told = f"waits as {_format_ordinal(place.place)} in queue {place.queue}"
    korean = f"큐 {place.queue}에서 {place.place}번째로 기다리는 중"
    if place.place_in_cluster == place.place:
        return Sentence(en=told, ko=korean)
    return Sentence(
        en=f"{told} ({_format_ordinal(place.place_in_cluster)} of all that share its quota)",
        ko=f"{korean} (쿼터를 함께 쓰는 전체에서 {place.place_in_cluster}번째)",
    )


def _format_ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
