"""How a run on a cluster ended that could not say so, from what the real engine recorded."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_folders import STARTED, SUCCEEDED, Told, events_of
from vtspec.pipelines.argo import WorkflowState, observe
from vtspec.pipelines.argo.pod_events import EventOrder, read_tagged_line
from vtspec.pipelines.argo.run_ending import find_ending, find_stop_reason
from vtspec.pipelines.argo.workflow_state import StepProgress
from vtspec.pipelines.argo.workflow_words import describe_workflow
from vtspec.pipelines.runs.events import PRINTED_PREFIX, Event, encode_event, seal_line
from vtspec.pipelines.runs.state import RunState, fold_events

RECORDINGS = Path(__file__).parent / "recordings"
NAME = "cats-0123456789"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def recorded(end: str) -> list[WorkflowState]:
    found = [
        observe(json.loads(path.read_text())) for path in sorted((RECORDINGS / end).iterdir())
    ]
    assert found
    return found


def a_run(*told: Told) -> RunState:
    return fold_events(events_of([STARTED, *told]))


CHECKPOINT: Told = ("train.checkpoint", {"path": "checkpoints/2", "epoch": 2})


@pytest.mark.parametrize(
    ("end", "ending", "code", "words", "fix"),
    [
        ("failed", "failed", 3, "train failed with exit code 3", "vtspec logs"),
        ("oom-killed", "failed", 3, "used up the memory", "resources.memory"),
        ("deadline", "failed", 3, "deadline", "resources.maxDuration"),
        ("stopped", "stopped", 75, "train was stopped; the last checkpoint is", "--resume"),
        ("terminated", "stopped", 75, "train was stopped", "--backend argo"),
    ],
)
def test_each_recorded_end_has_a_word_a_code_and_something_to_type(
    end: str, ending: str, code: int, words: str, fix: str
) -> None:
    found = find_ending(recorded(end)[-1], a_run(CHECKPOINT), NAME)
    assert found is not None
    assert (found.ending, found.exit_code) == (ending, code)
    assert words in (found.message or "")
    assert fix in (found.fix or "")


@pytest.mark.parametrize("end", [path.name for path in sorted(RECORDINGS.iterdir())])
def test_a_run_that_goes_on_has_no_end_and_one_that_told_its_own_keeps_it(end: str) -> None:
    states = recorded(end)
    going_on = [state for state in states if not state.is_over]
    assert going_on
    assert all(find_ending(state, a_run(), NAME) is None for state in going_on)
    assert all(find_ending(state, a_run(SUCCEEDED), NAME) is None for state in states)


def test_a_success_that_the_events_do_not_know_is_no_success() -> None:
    found = find_ending(recorded("succeeded")[-1], a_run(), NAME)
    assert found is not None and (found.ending, found.exit_code) == ("failed", 4)


def test_a_deleted_workflow_leaves_a_run_to_resume() -> None:
    found = find_ending(None, a_run(CHECKPOINT), NAME)
    assert found is not None and found.ending == "interrupted"
    assert found.fix == f"resume with: vtspec run {NAME} --resume --backend argo"


@pytest.mark.parametrize(
    ("cause", "ending", "code"),
    [
        ("failed", "failed", 4),
        ("refused", "refused", 2),
        ("crashed", "crashed", 1),
        ("interrupted", "interrupted", 75),
        ("pod", "interrupted", 75),
        ("image", "failed", 4),
        ("engine", "failed", 4),
    ],
)
def test_every_cause_has_its_ending(cause: Any, ending: str, code: int) -> None:
    told = {"failed": 4, "refused": 2, "crashed": 1}
    at = StepProgress(phase="failed", attempts=9, cause=cause, exit_code=told.get(cause))
    state = WorkflowState(phase="failed", step="train", steps={"train": at}, cause=cause)
    found = find_ending(state, a_run(), NAME)
    assert found is not None
    assert (found.ending, found.exit_code) == (ending, code)
    assert found.message and found.fix


def test_the_workflow_that_argo_could_not_carry_out_is_looked_at_where_it_is() -> None:
    """Also a completion's, and one that a schedule made: these are not called as the run is."""
    state = WorkflowState(phase="failed", cause="engine", namespace="vision", run=f"{NAME}-c0ffee")
    found = find_ending(state, a_run(), NAME)
    assert found is not None
    assert (found.fix or "").startswith(f"kubectl -n vision describe workflow {NAME}-c0ffee; then")


@pytest.mark.parametrize(
    ("end", "words"),
    [("waiting-for-gpu", "train waited for a node"), ("waiting-in-queue", "in its queue")],
)
def test_a_wait_that_is_overdue_is_stopped_with_a_word_why(end: str, words: str) -> None:
    waiting = [state for state in recorded(end) if state.wait in ("node", "queue")][-1]
    assert waiting.since is not None and waiting.max_wait_s is not None
    limit = waiting.since + timedelta(seconds=waiting.max_wait_s)
    assert find_stop_reason(waiting, limit) is None
    why = find_stop_reason(waiting, limit + timedelta(seconds=1))
    assert why is not None and words in why


def test_an_image_that_nobody_can_pull_is_not_pulled_forever() -> None:
    state = WorkflowState(
        phase="waiting", step="data", wait="image", since=NOW, message="ImagePullBackOff: x"
    )
    assert find_stop_reason(state, NOW + timedelta(minutes=9)) is None
    why = find_stop_reason(state, NOW + timedelta(minutes=11))
    assert why is not None and "for its image" in why and "ImagePullBackOff" in why


def test_who_was_stopped_for_waiting_is_told_why() -> None:
    reason = "train waited for a node for 25 h"
    state = WorkflowState(phase="stopped", step="train", stop_reason=reason)
    found = find_ending(state, a_run(), NAME)
    assert found is not None and found.ending == "interrupted"
    assert reason in (found.message or "")


@pytest.mark.parametrize("end", [path.name for path in sorted(RECORDINGS.iterdir())])
def test_every_state_has_a_sentence(end: str) -> None:
    for state in recorded(end):
        assert describe_workflow(state)
        assert "\n" not in describe_workflow(state)


EVENTS = events_of([STARTED, *[("train.progress", {"epoch": n}) for n in range(1, 9)]])


def a_line(event: Event) -> str:
    return PRINTED_PREFIX + seal_line(encode_event(event).encode()).decode()


def test_a_tagged_line_is_an_event_of_the_run_alone() -> None:
    assert read_tagged_line(a_line(EVENTS[0]), NAME) == EVENTS[0]
    assert read_tagged_line(f"half a word {a_line(EVENTS[0])}\r", NAME) == EVENTS[0]
    assert read_tagged_line(a_line(EVENTS[0]), "another-0123456789") is None
    for other in ("vtspec-event ", "vtspec-event {}", "epoch 1", a_line(EVENTS[0])[:-4]):
        assert read_tagged_line(other, NAME) is None


@given(st.data())
def test_events_come_in_order_and_once_wherever_they_come_from(data: st.DataObject) -> None:
    order, told = EventOrder(), list[Event]()
    for _ in range(data.draw(st.integers(0, 20))):
        if data.draw(st.booleans()):
            told += order.add_told(data.draw(st.sampled_from(EVENTS)))
        else:
            told += order.add_stored(EVENTS[: data.draw(st.integers(0, len(EVENTS)))])
    told += order.add_stored(EVENTS)
    assert told == EVENTS
    assert not order.lacks


def test_what_the_store_has_goes_before_what_a_pod_says() -> None:
    (forged,) = events_of([("warning", {"message": "forged"})], first=1)
    order = EventOrder()
    assert list(order.add_told(forged)) == []
    assert list(order.add_stored(EVENTS[:3])) == EVENTS[:3]
    assert list(order.add_told(forged)) == []
