"""What is said to go on with a run, or to run it again, works where it is said."""

import re
from dataclasses import replace
from typing import Any

import pytest

from pull_request_world import World, a_plan_of, a_spec
from run_folders import ADAPTED, EVALUATED, IN_WORDS, STARTED, SUCCEEDED, events_of
from vtspec.pipelines.argo.run_ending import find_ending
from vtspec.pipelines.argo.workflow_state import Cause, StepProgress, WorkflowState
from vtspec.pipelines.controller.actions import CreateRun
from vtspec.pipelines.controller.replies import describe_run
from vtspec.pipelines.controller.view import Attempt, PlannedSpec
from vtspec.pipelines.runs.state import Failure, RunState, fold_events
from vtspec.pipelines.runs.state import Status as RunStatus
from vtspec.pipelines.runs.training_state import LastCheckpoint, Training

PLAN, LONGER = a_plan_of(), a_plan_of("digits", 6)
KEPT = Training(checkpoint=LastCheckpoint(path="checkpoints/2.pt", epoch=2.0, step=0.0))
COMMAND = f"`vtspec run {PLAN.id} --resume --backend argo`"
KOREAN = "숫자를 더 오래 학습합니다"


def a_world_at_work(*specs: PlannedSpec, title: str = "Train longer", **project: Any) -> World:
    """A world whose first pull request has a run at work with a checkpoint."""
    world = World(**project)
    number = world.open(*(specs or (a_spec(PLAN),)), title=title)
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    before = world.attempts[PLAN.id]
    state = RunState(seq=3, status="running", run=PLAN.id, training=KEPT)
    world.attempts[PLAN.id] = replace(before, state=state)
    return world


def end(world: World, status: RunStatus, training: Training = KEPT) -> str:
    """Let the run end; what the result comment says."""
    world.end(PLAN.id, status, training=training)
    world.settle()
    (found,) = world.find(1, "result")
    return found


def fail(world: World, cause: Cause, step_fix: str | None = None) -> list[str]:
    """Let the run end as its pods say why; the advice of the result comment."""
    step = StepProgress(phase="failed", cause=cause, attempts=3, exit_code=4)
    told = None if step_fix is None else Failure(message="it failed", fix=step_fix)
    workflow = WorkflowState(
        phase="failed", step="train", steps={"train": step}, cause=cause, message="gone", run="w"
    )
    before = replace(world.attempts[PLAN.id].state, failure=told)
    finished = find_ending(workflow, before, PLAN.id)
    assert finished is not None
    failure = Failure(message=finished.message or "", fix=finished.fix)
    world.end(PLAN.id, finished.ending, training=KEPT, failure=failure)
    world.attempts[PLAN.id] = replace(world.attempts[PLAN.id], workflow=workflow)
    world.settle()
    (found,) = world.find(1, "result")
    return [line for line in found.splitlines() if line.startswith("- ")]


def say_stop(world: World) -> str:
    said = world.comment(1, "/vtspec stop")
    world.settle()
    return world.reply_to(1, said)


def test_the_line_that_goes_on_with_a_run_is_the_plan_comments() -> None:
    world = a_world_at_work()
    told = "checkpoint is kept, and the plan comment has the line that goes on with it"
    assert told in say_stop(world)
    assert told in end(world, "stopped")
    (plan,) = world.find(1, "plan")
    (line,) = re.findall(r"```\n(/vtspec apply \w+)\n```", plan)
    world.comment(1, line)
    (created,) = [one for one in world.settle() if isinstance(one, CreateRun)]
    assert (created.run, created.begin) == (PLAN.id, "resume")


@pytest.mark.parametrize("status", ["stopped", "interrupted"])
def test_after_a_push_no_line_is_promised(status: RunStatus) -> None:
    world = a_world_at_work()
    old = world.pulls[1].pull.head_sha[:7]
    world.push(1, a_spec(LONGER))
    world.settle()
    for text in (say_stop(world), end(world, status)):
        assert f"it is of the earlier commit `{old}`, whose plan is not proposed any more" in text
        assert f"on the command line {COMMAND} goes on with it" in text
        assert "push the spec as it was" in text
        assert not re.search("rerun|the line|the same digest", text)
    # What was pushed as it was is gone on with.
    world.push(1, a_spec(PLAN))
    world.settle()
    assert "the plan comment has the line" in world.find(1, "result")[0]
    world.apply(1, PLAN)
    (created,) = [one for one in world.settle() if isinstance(one, CreateRun)]
    assert created.begin == "resume"


def test_after_a_push_a_rerun_would_be_of_another_plan() -> None:
    world = a_world_at_work()
    assert "To run it again: `/vtspec rerun digits`" in end(world, "failed")
    world.push(1, a_spec(LONGER))
    world.settle()
    (text,) = world.find(1, "result")
    assert "to run it again, push the spec as it was" in text and "rerun" not in text


def test_in_korean_no_line_is_promised_either() -> None:
    world = a_world_at_work(title=KOREAN)
    world.push(1, a_spec(LONGER))
    world.settle()
    for text in (say_stop(world), end(world, "stopped")):
        assert f"명령줄에서는 {COMMAND}" in text and "계획 댓글의 줄" not in text


def test_where_the_controller_alone_creates_runs_no_command_line_is_told() -> None:
    world = a_world_at_work()
    cluster = world.project.cluster
    assert cluster is not None
    only = cluster.model_copy(update={"submit": "controller"})
    world.project = world.project.model_copy(update={"cluster": only})
    world.push(1, a_spec(LONGER))
    world.settle()
    text = end(world, "stopped")
    assert "--backend" not in text and "push the spec as it was" in text


def test_a_merged_pull_request_promises_nothing() -> None:
    world = a_world_at_work()
    world.set_state(1, "merged")
    text = end(world, "stopped")
    assert "this pull request is merged, and nothing more is carried out for it" in text
    assert COMMAND in text and "rerun" not in text


def test_what_the_plan_comment_has_no_line_for_is_named_by_its_own() -> None:
    world = a_world_at_work(a_spec(PLAN, cause="asked"))
    line = f"/vtspec apply {PLAN.digest[7:14]}"
    assert f"`{line}` goes on with it" in end(world, "stopped")


def test_by_reviews_a_review_goes_on_with_a_run() -> None:
    world = a_world_at_work()
    approval = world.project.approval.model_copy(update={"when": "approval"})
    world.project = world.project.model_copy(update={"approval": approval})
    assert "a review that approves and is written from now on" in end(world, "stopped")


def test_a_checkpoint_is_kept_only_where_there_is_one() -> None:
    world = a_world_at_work()
    text = end(world, "stopped", Training())
    assert "checkpoint" not in text and "The plan comment has the line" in text


RERUN = "to run it again: `/vtspec rerun digits`"
GOES_ON = "- its checkpoint is kept, and the plan comment has the line that goes on with it"
PUSH = "push that, and paste the new line of the plan comment"
LOGS = f"`vtspec logs {PLAN.id}`"


@pytest.mark.parametrize(
    ("cause", "step_fix", "advice"),
    [
        ("memory", None, ["raise `resources.memory`", PUSH]),
        ("deadline", None, ["raise that, or lower `training.epochs`", PUSH]),
        ("pod", None, ["more often than is tried again", GOES_ON]),
        ("interrupted", None, [GOES_ON]),
        ("image", None, ["see that its registry has it", RERUN]),
        ("engine", None, ["Argo could not", "`kubectl -n NAMESPACE describe workflow w`", RERUN]),
        (
            "crashed",
            None,
            [f"a fault of vtspec or of the framework, and none of the spec: {LOGS}", RERUN],
        ),
        ("failed", None, [f"fix: `see what it printed: {LOGS[1:]}", RERUN]),
        (
            "failed",
            "halve it",
            ["fix: `halve it`", f"where that changes a file, {PUSH}; else, {RERUN}"],
        ),
    ],
)
def test_each_thing_is_advised_once(cause: Cause, step_fix: str | None, advice: list[str]) -> None:
    lines = fail(a_world_at_work(), cause, step_fix)
    assert len(lines) == len(advice)
    assert all(part.lower() in line.lower() for part, line in zip(advice, lines, strict=True)), (
        lines
    )
    # Who is to approve it is passed by on no command line.
    assert "--backend" not in "".join(lines)
    assert ("rerun" in "".join(lines)) == any(RERUN in part for part in advice)


def test_what_a_merged_pull_request_is_to_change_is_not_pushed_to_it() -> None:
    world = a_world_at_work()
    world.set_state(1, "merged")
    assert "nothing more is carried out" in fail(world, "memory")[-1]


def test_where_reviews_approve_no_line_is_pasted() -> None:
    world = a_world_at_work()
    approval = world.project.approval.model_copy(update={"when": "approval"})
    world.project = world.project.model_copy(update={"approval": approval})
    assert "Push that, and have the new plan approved" in fail(world, "memory")[-1]


def test_a_run_that_was_adapted_is_told_with_what_was() -> None:
    state = fold_events(events_of([STARTED, ADAPTED, EVALUATED, SUCCEEDED]))
    attempt = Attempt(
        run=PLAN.id, spec="digits", plan_id=PLAN.id, digest=PLAN.digest, number=1, state=state
    )
    told = describe_run(attempt)
    assert told.en == f"succeeded, `accuracy` 0.9000, `{IN_WORDS}`"
    assert f"`{IN_WORDS.replace('adapted', '계획과 다르게 진행')}`" in told.ko
    as_planned = fold_events(events_of([STARTED, EVALUATED, SUCCEEDED]))
    assert describe_run(replace(attempt, state=as_planned)).en == "succeeded, `accuracy` 0.9000"
