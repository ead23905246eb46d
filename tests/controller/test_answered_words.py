"""A review that approves and a merge are answered once, as commands are: what becomes of them is
decided by that answer, and by a stop that was said after them, and by nothing else."""

import re
from dataclasses import replace
from typing import Any

import pytest

from pull_request_world import BOT, World, a_plan_of, a_spec
from vtspec.pipelines.controller.actions import CreateRun, OnCluster, React
from vtspec.pipelines.controller.markers import make_reply_marker
from vtspec.pipelines.controller.reconcile import reconcile

PLAN, LONGER, BIRDS = a_plan_of("digits"), a_plan_of("digits", epochs=500), a_plan_of("birds")
GATED = a_plan_of("digits", gates=("accuracy >= 0.5",))
NO_MONEY = {"vision": {"logins": ["kim", "bob", "ann"], "limits": {"costPerMonth": 0.0}}}
EVERY_WAY = pytest.mark.parametrize("when", ["approval", "merge"])


def open_one(when: str, *plans: Any, **project: Any) -> tuple[World, int]:
    """A pull request whose plans are shown, where that is what carries them out."""
    world = World(approval={"when": when}, **project)
    number = world.open(*map(a_spec, plans or (PLAN,)))
    world.settle()
    return world, number


def say(world: World, number: int, when: str) -> None:
    """Approve or merge it."""
    if when == "approval":
        world.review(number, "kim")
    else:
        world.set_state(number, "merged", by="kim")


def rest(world: World) -> None:
    """Look until nothing is left to do."""
    for _ in range(4):
        world.pass_time(60)
        world.look()
    assert world.look() == []


def list_created(world: World) -> list[str]:
    return [run for run, _ in world.created]


def find_answer(world: World, number: int, when: str) -> str:
    """The only answer to the last review, or to the merge."""
    if when == "merge":
        (found,) = world.find(number, f"reply merge-{number} ")
    else:
        last = world.pulls[number].reviews[-1].id
        (found,) = world.find(number, f"reply review-{last} ")
    return found


def expect_way(world: World, number: int, when: str) -> str:
    """The answer, which says how the plan is asked for again."""
    answer = find_answer(world, number, when)
    assert ("approve once more" if when == "approval" else "\n/vtspec apply ") in answer
    return answer


@EVERY_WAY
@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_what_failed_runs_again_by_a_word_that_is_said_after_that(
    when: str, is_elsewhere: bool
) -> None:
    world, number = open_one("approval")
    first = world.open(a_spec(PLAN)) if is_elsewhere else number
    world.settle()
    world.review(first)
    rest(world)
    world.end(PLAN.id, "failed")
    rest(world)
    world.project = World(approval={"when": when}).project
    rest(world)
    say(world, number, when)
    rest(world)
    assert list_created(world) == [PLAN.id, f"{PLAN.id}-2"]
    assert f"{PLAN.id}-2" in find_answer(world, number, when)


@EVERY_WAY
def test_what_another_has_stopped_goes_on_by_a_word_that_is_said_after_that(when: str) -> None:
    world, number = open_one(when)
    other = world.open(a_spec(PLAN))
    world.settle()
    say(world, other, when)
    rest(world)
    world.comment(other, "/vtspec stop")
    rest(world)
    # While it ends it is told how it is had again.
    say(world, number, when)
    rest(world)
    assert "is being stopped" in expect_way(world, number, when)
    world.end(PLAN.id, "stopped")
    rest(world)
    assert len(world.created) == 1
    third = world.open(a_spec(PLAN))
    world.settle()
    say(world, third, when)
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {third: True} and len(world.created) == 2


@pytest.mark.parametrize("is_shown", [True, False])
def test_of_a_merge_that_came_before_its_plan_was_shown_the_line_is_told(is_shown: bool) -> None:
    world, number = open_one("merge")
    if is_shown:
        world.push(number, a_spec(LONGER))
    else:
        number = world.open(a_spec(LONGER))
    world.set_state(number, "merged")
    rest(world)
    assert world.created == []
    line = re.search(r"^/vtspec apply \w+$", find_answer(world, number, "merge"), re.M)
    assert line is not None
    said = world.comment(number, line[0])
    rest(world)
    assert list_created(world) == [LONGER.id]
    assert world.reactions_to(number, said) >= {"rocket"}


@EVERY_WAY
@pytest.mark.parametrize("failures", [0, 2])
def test_a_later_stop_calls_off_what_is_not_begun_yet(when: str, failures: int) -> None:
    world, number = open_one(when, PLAN, BIRDS)
    say(world, number, when)
    for _ in range(failures):
        world.pass_time()
        actions = reconcile(world.see())
        world.do(actions, lambda one: not (isinstance(one, CreateRun) and one.plan == BIRDS))
    world.comment(number, "/vtspec stop")
    rest(world)
    assert list_created(world) == ([PLAN.id] if failures else [])
    assert "called it off" in expect_way(world, number, when)
    assert not failures or world.attempts[PLAN.id].is_stopping


@pytest.mark.parametrize("is_meant", [True, False])
def test_a_stop_calls_off_what_it_names_alone(is_meant: bool) -> None:
    world, number = open_one("approval", PLAN, BIRDS)
    world.review(number)
    said = world.comment(number, "/vtspec stop birds" if is_meant else "/vtspec stop digits")
    rest(world)
    assert list_created(world) == [PLAN.id if is_meant else BIRDS.id]
    world.edit(number, said, "never mind")
    world.review(number)
    world.comment(number, "/vtspec stop", author="eve")
    rest(world)
    # What was edited is no command, and a stranger's neither.
    assert len(world.created) == 2


@EVERY_WAY
def test_an_earlier_stop_calls_nothing_off(when: str) -> None:
    world, number = open_one(when)
    world.comment(number, "/vtspec stop")
    say(world, number, when)
    world.pass_time()
    # Its answer waits to be written.
    world.do([one for one in reconcile(world.see()) if isinstance(one, OnCluster)])
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {number: True}
    assert not world.attempts[PLAN.id].is_stopping
    assert "was begun" in find_answer(world, number, when)


def test_a_review_after_a_stop_counts_although_another_keeps_the_run_going() -> None:
    world, number = open_one("approval")
    other = world.open(a_spec(PLAN))
    world.settle()
    for one in (number, other):
        world.review(one)
    rest(world)
    world.comment(number, "/vtspec stop")
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {number: False, other: True}
    world.review(number, "kim")
    rest(world)
    world.set_state(other, "closed")
    rest(world)
    assert world.attempts[PLAN.id].wanted_by[number]
    assert not world.attempts[PLAN.id].is_stopping


@EVERY_WAY
def test_a_run_that_was_removed_before_its_end_is_not_begun_by_what_was_answered(
    when: str,
) -> None:
    world, number = open_one(when)
    say(world, number, when)
    rest(world)
    del world.attempts[PLAN.id]
    rest(world)
    assert len(world.created) == 1


@EVERY_WAY
def test_what_no_limit_leaves_room_for_is_answered_once(when: str) -> None:
    world, number = open_one(when, teams=NO_MONEY)
    say(world, number, when)
    rest(world)
    assert "costPerMonth" in expect_way(world, number, when)
    world.project = World(approval={"when": when}).project
    rest(world)
    assert world.created == []
    if when == "merge":
        world.apply(number, PLAN)
    else:
        world.review(number)
    rest(world)
    assert len(world.created) == 1


@EVERY_WAY
def test_what_is_at_work_under_another_policy_is_told(when: str) -> None:
    world, number = open_one(when)
    other = world.open(a_spec(GATED))
    world.settle()
    say(world, number, when)
    say(world, other, when)
    rest(world)
    assert "with another policy" in expect_way(world, other, when)
    assert world.attempts[PLAN.id].wanted_by == {number: True}


def test_a_review_stays_due_while_the_cluster_fails_whatever_else_is_told() -> None:
    world, number = open_one("approval", PLAN, BIRDS)
    world.review(number)
    rest(world)
    world.comment(number, "/vtspec stop digits")
    rest(world)
    world.end(PLAN.id, "stopped")
    rest(world)
    world.review(number, "kim")
    world.end(BIRDS.id, "succeeded")
    # The result comment is written anew before that succeeds.
    world.do(reconcile(world.see()), lambda one: not isinstance(one, CreateRun))
    rest(world)
    assert [approval.login for _, approval in world.created] == ["ann", "ann", "kim"]


def test_of_a_merge_by_nobody_knows_whom_the_line_is_told() -> None:
    world, number = open_one("merge")
    world.set_state(number, "merged", by="")
    world.pulls[number].merged_by = None
    rest(world)
    assert world.created == []
    assert "not known any more" in expect_way(world, number, "merge")


def test_a_review_of_an_earlier_head_is_told_so() -> None:
    world, number = open_one("approval")
    world.review(number)
    world.push(number)
    rest(world)
    assert world.created == []
    assert "of another commit" in expect_way(world, number, "approval")


@EVERY_WAY
@pytest.mark.parametrize("status", [None, "failed"])
def test_what_an_earlier_vtspec_has_carried_out_is_not_begun_anew(when: str, status: Any) -> None:
    world, number = open_one(when)
    say(world, number, when)
    rest(world)
    before = world.attempts[PLAN.id]
    (approval,) = before.approvals
    world.attempts[PLAN.id] = replace(before, approvals=(replace(approval, comment_id=0),))
    at = world.pulls[number]
    # It answered nothing, and noted who approves under another name.
    at.comments[:] = [
        replace(one, body=re.sub(r"(vtspec:policy \w+) \w+", rf"\1 {'0' * 16}", one.body))
        for one in at.comments
        if one.author != BOT or "<!-- vtspec:reply" not in one.body
    ]
    world.visible.clear()
    if status is not None:
        world.end(PLAN.id, status)
    rest(world)
    assert len(world.created) == 1
    told = world.find(number, "reply")
    if when == "approval" and status == "failed":
        assert "approve once more" in told[0]
        world.review(number)
        rest(world)
        assert len(world.created) == 2
    else:
        assert all("was begun" in one for one in told)


def test_what_two_have_answered_at_once_is_told_once() -> None:
    world, number = open_one("approval")
    world.review(number)
    world.settle()
    answer = find_answer(world, number, "approval")
    world._write(number, answer, BOT)
    rest(world)
    assert len(world.find(number, "duplicate")) == 1
    assert find_answer(world, number, "approval") == answer


@pytest.mark.parametrize("is_merged", [True, False])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_review_counts_that_it_was_merged_by_and_none_of_what_was_closed(
    is_merged: bool, is_known: bool
) -> None:
    world, number = open_one("approval")
    world.review(number)
    world.set_state(number, "merged" if is_merged else "closed")
    if not is_known:
        world.visible.clear()
    rest(world)
    answer = find_answer(world, number, "approval")
    assert list_created(world) == ([PLAN.id] if is_merged else [])
    assert is_merged or "this pull request is closed" in answer
    world.set_state(number, "open")
    rest(world)
    assert len(world.created) == is_merged


@pytest.mark.parametrize("is_pushed", [True, False])
def test_a_review_of_what_is_merged_otherwise_or_already_is_told_so(is_pushed: bool) -> None:
    world, number = open_one("approval")
    if is_pushed:
        world.review(number)
        world.push(number)
    world.set_state(number, "merged")
    if not is_pushed:
        world.review(number)
    rest(world)
    assert world.created == []
    assert "this pull request is merged" in find_answer(world, number, "approval")


def test_a_merged_pull_request_is_not_to_be_approved_once_more() -> None:
    world, number = open_one("approval", teams=NO_MONEY)
    world.review(number)
    world.set_state(number, "merged")
    rest(world)
    answer = find_answer(world, number, "approval")
    assert "costPerMonth" in answer and "once more" not in answer


def test_a_review_that_is_half_begun_is_told_that_the_policy_is_another_one() -> None:
    world, number = open_one("approval", PLAN, BIRDS)
    world.review(number)
    world.pass_time()
    actions = reconcile(world.see())
    world.do(actions, lambda one: not (isinstance(one, CreateRun) and one.plan == BIRDS))
    world.project = World(approval={"when": "comment"}).project
    rest(world)
    assert list_created(world) == [PLAN.id]
    answer = find_answer(world, number, "approval")
    assert f"`{PLAN.id}` was begun" in answer and "says otherwise now" in answer


def test_of_what_was_merged_before_reviews_counted_nothing_is_told() -> None:
    world, number = open_one("comment")
    world.review(number)
    world.set_state(number, "merged")
    world.project = World(approval={"when": "approval"}).project
    rest(world)
    assert world.created == [] and world.find(number, "reply") == []


def begin_after_stop(world: World, number: int, words: str) -> None:
    """Has a slow controller begin what it decided on before a stop, which another answers."""
    slow = [one for one in reconcile(world.see()) if isinstance(one, CreateRun)]
    world.comment(number, words)
    answers = [one for one in reconcile(world.see()) if not isinstance(one, OnCluster)]
    world.do(slow)
    world.do(answers)


@pytest.mark.parametrize("when", ["comment", "approval", "merge"])
def test_what_is_begun_of_a_word_after_its_stop_was_answered_is_stopped(when: str) -> None:
    world, number = open_one(when, PLAN, BIRDS)
    if when == "comment":
        world.apply(number, PLAN)
        world.apply(number, BIRDS)
    else:
        say(world, number, when)
    begin_after_stop(world, number, "/vtspec stop digits")
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {number: False}
    assert world.attempts[PLAN.id].is_stopping
    assert not world.attempts[BIRDS.id].is_stopping
    world.end(PLAN.id, "stopped")
    if when == "approval":
        world.review(number)
    elif when == "comment":
        world.apply(number, PLAN)
    rest(world)
    assert world.attempts[PLAN.id].is_at_work == (when != "merge")


@pytest.mark.parametrize("when", ["comment", "approval"])
def test_a_word_after_a_stop_keeps_what_began_late_of_one_before_it(when: str) -> None:
    world, number = open_one(when)
    for _ in range(2):
        if when == "comment":
            world.apply(number, PLAN)
        else:
            world.review(number)
        if not world.created:
            begin_after_stop(world, number, "/vtspec stop")
    rest(world)
    run = world.attempts[PLAN.id]
    assert run.wanted_by == {number: True} and not run.is_stopping
    assert len(world.created) == 1 and len(run.approvals) == 2


def test_a_stop_of_a_stranger_counts_no_more_once_they_may_say_it() -> None:
    world, number = open_one("comment")
    world.apply(number, PLAN)
    said = world.comment(number, "/vtspec stop", author="eve")
    rest(world)
    assert world.reactions_to(number, said) == {"-1"}
    world.people = {**world.people, "eve": "write"}
    rest(world)
    assert world.attempts[PLAN.id].wanted_by == {number: True}


@EVERY_WAY
def test_a_run_that_was_removed_is_not_begun_by_a_word_that_is_half_begun(when: str) -> None:
    world, number = open_one(when, PLAN, BIRDS)
    say(world, number, when)

    def is_done(one: Any) -> bool:
        return not (isinstance(one, CreateRun) and one.plan == BIRDS)

    world.pass_time()
    world.do(reconcile(world.see()), is_done)
    world.pass_time()
    # What runs is told as it is seen.
    world.do(reconcile(world.see(), ["report"]))
    del world.attempts[PLAN.id]
    rest(world)
    assert list_created(world) == [PLAN.id, BIRDS.id]


def test_of_two_answers_the_reaction_is_as_the_first_says() -> None:
    world, number = open_one("comment")
    said = world.apply(number, PLAN)
    world.do([one for one in reconcile(world.see()) if not isinstance(one, React)])
    world._write(number, f"{make_reply_marker(said, 'refused')}\n👎 no", BOT)
    rest(world)
    assert world.reactions_to(number, said) >= {"rocket"}
    assert "-1" not in world.reactions_to(number, said)
