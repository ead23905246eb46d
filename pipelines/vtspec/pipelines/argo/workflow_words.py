"""Where a run on a cluster stands, in a sentence for people. Pure."""

from typing import assert_never

from .workflow_state import WorkflowState


def describe_workflow(state: WorkflowState) -> str:
    """What a Workflow does or waits for, in the words of whoever holds it back where there are
    any: Kueue's of a queue, the scheduler's of a node."""
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
            return "waits in its queue"
        case "node":
            return "waits for a node"
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
