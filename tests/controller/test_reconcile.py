"""What a pull request comes to, from its opening to its result; one pass settles each step."""

import cProfile
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pull_request_world import BOT, World, a_plan_of, a_spec, an_obstacle, names_of
from vtspec.pipelines.controller.actions import CreateRun, LabelRun, Reply, StopRun
from vtspec.pipelines.controller.digests import compute_all_digest, list_targets
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.request import list_asked_specs
from vtspec.pipelines.controller.view import EndedRun
from vtspec.pipelines.formatting import MISSING
from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.prior_runs import PriorRuns
from vtspec.pipelines.redaction import Redactor
from vtspec.pipelines.runs.state import RunClock, RunState, WrittenReport
from vtspec.schema.problem import Problem

PLAN = a_plan_of()
OTHER = a_plan_of("cats", 7)
LINE_OF_OTHER = f"/vtspec apply {OTHER.digest[7:14]}"


def an_open_world() -> tuple[World, int]:
    """A world with one pull request whose plan comment is written."""
    world = World()
    number = world.open(a_spec(PLAN))
    world.settle()
    return world, number


def test_a_pull_request_is_shown_its_plan_once_and_nothing_runs() -> None:
    world, number = an_open_world()
    (plan,) = world.find(number, "plan")
    assert f"/vtspec apply {PLAN.digest[7:14]}" in plan
    assert PLAN.name in plan
    assert world.created == []
    world.pass_time(3600)
    assert reconcile(world.see()) == []


def test_an_approved_plan_is_carried_out_and_the_command_answered() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    actions = world.settle()
    (created,) = [one for one in actions if isinstance(one, CreateRun)]
    assert (created.run, created.begin, created.cause) == (PLAN.id, "new", said)
    assert created.approval.head_sha == world.pulls[number].pull.head_sha
    assert created.approval.login == "bob"
    names = names_of(actions)
    assert names.index("React") < names.index("CreateRun") < names.index("Reply")
    assert "🚀" in world.reply_to(number, said)
    assert world.reactions_to(number, said) == {"eyes", "rocket"}
    assert world.find(number, "progress")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/vtspec apply", "/vtspec apply "),
        ("/vtspec apply digits", "is no digest"),
        ("/vtspec\u3000stop digits", "```\n/vtspec stop digits\n```"),
        ("/vtspec: what?", "| `/vtspec stop [SPEC…]` |"),
        ("/vtspec apply fffffff", "is no plan of this pull request"),
        ("/vtspec aply 1234567", "did you mean `/vtspec apply`?"),
        ("/vtspec stop dgits", "did you mean `digits`?"),
        ("/vtspec rerun", "has not been carried out yet"),
        (f"/vtspec allow {'1' * 40}", "nothing has to be allowed"),
        ("/vtspec report", "has been carried out yet"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_type(line: str, says: str) -> None:
    world, number = an_open_world()
    said = world.comment(number, line)
    world.settle()
    assert says in world.reply_to(number, said)
    assert world.reactions_to(number, said) == {"-1"}
    assert world.created == []


@pytest.mark.parametrize(
    "line",
    ["help", "report", "stop", "rerun", "apply", "aply", "apply --all", "allow", "stop dgits", ""],
)
def test_each_paragraph_of_a_reply_begins_as_a_sentence(line: str) -> None:
    world, number = an_open_world()
    said = world.comment(number, f"/vtspec {line}")
    world.settle()
    _, text = re.split("^[🚀👎] ", world.reply_to(number, said), flags=re.MULTILINE)
    text = re.sub(r"```\n.*?\n```", "```", text, flags=re.DOTALL)
    assert all(one[0].isupper() or one[0] in "`|" for one in text.split("\n\n")), text


def test_a_commit_is_no_digest() -> None:
    world, number = an_open_world()
    head = world.pulls[number].pull.head_sha
    said = world.comment(number, f"/vtspec apply {head[:10]}")
    world.settle()
    reply = world.reply_to(number, said)
    assert "is a commit" in reply and f"/vtspec apply {PLAN.digest[7:14]}" in reply


def test_an_approval_of_an_earlier_commit_is_refused_with_what_changed() -> None:
    world, number = an_open_world()
    old = world.pulls[number].pull.head_sha
    said = world.apply(number, PLAN)
    new = world.push(number, a_spec(OTHER_EPOCHS))
    world.settle()
    reply = world.reply_to(number, said)
    assert f"was the plan of `digits` at `{old[:7]}`" in reply
    assert f"now, at `{new[:7]}`, that is `{OTHER_EPOCHS.digest[7:14]}`" in reply
    assert "- `digits`: `training.epochs` `5` → `6`" in reply
    assert f"/vtspec apply {OTHER_EPOCHS.digest[7:14]}" in reply
    assert world.created == []


OTHER_EPOCHS = a_plan_of("digits", 6)


def test_of_a_plan_that_cannot_be_made_again_it_is_said_so() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    world.push(number, a_spec(OTHER_EPOCHS))
    world.pulls[number].earlier.clear()
    world.settle()
    reply = world.reply_to(number, said)
    assert "cannot be made again now, so what differs is not told" in reply
    assert f"/vtspec apply {OTHER_EPOCHS.digest[7:14]}" in reply


def test_of_a_plan_with_another_seed_it_is_said_which() -> None:
    one, two, three, four = (a_plan_of(seed=seed) for seed in (1, 2, 3, 4))
    world = World()
    number = world.open(a_spec(one, plans=(one, two)))
    world.settle()
    digest = compute_all_digest(list_targets([a_spec(one, plans=(one, two))]))
    world.push(number, a_spec(two, plans=(two, three)))
    world.settle()
    said = world.comment(number, f"/vtspec apply {digest[:7]}")
    world.settle()
    reply = world.reply_to(number, said)
    assert "- `digits`: `training.seed` `1` → `3`\n\npaste" in reply
    world.push(number, a_spec(two, plans=(two, three, four)))
    world.settle()
    said = world.comment(number, "/vtspec apply")
    world.settle()
    assert "- `digits`: a plan that was not there\n\nPaste" in world.reply_to(number, said)


def test_what_a_commits_plan_was_before_the_default_branch_changed_it_is_remembered() -> None:
    world, number = an_open_world()
    world.pulls[number].specs = (a_spec(OTHER_EPOCHS),)
    world.settle()
    said = world.apply(number, PLAN)
    world.settle()
    reply = world.reply_to(number, said)
    assert "was the plan of `digits` at" in reply
    assert f"/vtspec apply {OTHER_EPOCHS.digest[7:14]}" in reply


def test_experiments_that_only_become_others_push_no_earlier_head_out_of_memory() -> None:
    affected = [a_spec(a_plan_of(f"x{n}"), cause="affected") for n in range(70)]
    world = World()
    number = world.open(a_spec(PLAN), *affected)
    world.settle()
    world.push(number, a_spec(OTHER_EPOCHS), *affected)
    world.settle()
    world.push(number, a_spec(a_plan_of(epochs=7)), *affected)
    world.settle()
    first, bare = world.apply(number, PLAN), world.comment(number, "/vtspec apply")
    world.settle()
    assert "- `digits`: `training.epochs` `5` → `7`" in world.reply_to(number, first)
    assert "- `digits`: `training.epochs` `6` → `7`" in world.reply_to(number, bare)
    world.push(number)
    world.settle()
    bare = world.comment(number, "/vtspec apply")
    world.settle()
    assert "Nothing in the plans differs from those of" in world.reply_to(number, bare)


def test_of_a_digest_over_all_plans_each_that_differs_is_named() -> None:
    world = World()
    dogs = a_plan_of("dogs", 2)
    before = [a_spec(PLAN), a_spec(OTHER)]
    number = world.open(*before)
    world.settle()
    digest = compute_all_digest(list_targets(before))
    said = world.comment(number, f"/vtspec apply {digest[:7]}")
    after = [a_spec(OTHER_EPOCHS), a_spec(dogs)]
    world.push(number, *after)
    world.settle()
    reply = world.reply_to(number, said)
    assert "was the plans of `digits`, `cats`" in reply
    assert "- `digits`: `training.epochs` `5` → `6`" in reply
    assert "- `cats`: not planned any more" in reply
    assert "- `dogs`: a plan that was not there" in reply
    assert f"/vtspec apply {compute_all_digest(list_targets(after))[:7]}" in reply


def test_an_apply_of_nothing_is_told_what_changed_since_the_head_before() -> None:
    world, number = an_open_world()
    first = world.comment(number, "/vtspec apply")
    world.settle()
    assert "the head before" not in world.reply_to(number, first)
    old = world.pulls[number].pull.head_sha
    world.push(number, a_spec(OTHER_EPOCHS))
    world.settle()
    second = world.comment(number, "/vtspec apply\n\n부탁해요")
    world.settle()
    reply = world.reply_to(number, second)
    assert f"이전 커밋 `{old[:7]}`의 계획과 다른 점" in reply
    assert "- `digits`: `training.epochs` `5` → `6`" in reply
    assert f"/vtspec apply {OTHER_EPOCHS.digest[7:14]}" in reply


def test_many_changes_are_cut_to_a_few_lines() -> None:
    world = World()
    names = [f"digits-{at}" for at in range(12)]
    before = [a_spec(a_plan_of(name, 5)) for name in names]
    number = world.open(*before)
    world.settle()
    digest = compute_all_digest(list_targets(before))
    said = world.comment(number, f"/vtspec apply {digest[:7]}")
    world.push(number, *(a_spec(a_plan_of(name, 6)) for name in names))
    world.settle()
    reply = world.reply_to(number, said)
    assert reply.count("→") == 8 and "- … and 4 more" in reply


def test_the_same_plan_at_another_commit_has_to_be_approved_anew() -> None:
    world, number = an_open_world()
    early = world.apply(number, PLAN)
    world.push(number)
    world.settle()
    assert "of which the plan is the same" in world.reply_to(number, early)
    late = world.apply(number, PLAN)
    world.settle()
    assert world.reactions_to(number, late) == {"eyes", "rocket"}


def test_what_was_not_shown_yet_cannot_be_approved() -> None:
    world = World()
    number = world.open(a_spec(PLAN))
    said = world.apply(number, PLAN)
    world.settle()
    assert "was not shown" in world.reply_to(number, said)
    assert world.created == []


def test_a_push_leaves_an_approved_run_alone_and_the_comment_says_of_which_commit_it_is() -> None:
    world, number = an_open_world()
    old = world.pulls[number].pull.head_sha
    world.apply(number, PLAN)
    world.settle()
    new = world.push(number, a_spec(OTHER_EPOCHS))
    actions = world.settle()
    assert not [one for one in actions if isinstance(one, StopRun)]
    (progress,) = world.find(number, "progress")
    assert old[:7] in progress and new[:7] in progress


def test_one_digest_means_all_plans_that_the_pull_request_changes() -> None:
    world = World()
    specs = (a_spec(PLAN), a_spec(OTHER), a_spec(OTHER_NAME, cause="affected"))
    number = world.open(*specs)
    world.settle()
    whole = compute_all_digest(list_targets(specs[:2]))
    (plan,) = world.find(number, "plan")
    assert f"/vtspec apply {whole[:7]}" in plan
    world.comment(number, f"/vtspec apply {whole[:7]}")
    world.settle()
    assert {run for run, _ in world.created} == {PLAN.id, OTHER.id}
    # What only becomes another is carried out where it is named.
    world.apply(number, OTHER_NAME)
    world.settle()
    assert {run for run, _ in world.created} == {PLAN.id, OTHER.id, OTHER_NAME.id}


OTHER_NAME = a_plan_of("birds", 5)


def test_the_same_plan_in_two_pull_requests_is_one_run_until_the_last_one_closes() -> None:
    world = World()
    first, second = world.open(a_spec(PLAN)), world.open(a_spec(PLAN), author="kim")
    world.settle()
    world.apply(first, PLAN)
    said = world.apply(second, PLAN, "kim")
    actions = world.settle()
    assert [type(one) for one in actions if isinstance(one, CreateRun | LabelRun)] == [
        CreateRun,
        LabelRun,
    ]
    assert "wants it too" in world.reply_to(second, said)
    assert len(world.created) == 1
    assert world.attempts[PLAN.id].wanted_by == {first: True, second: True}
    world.set_state(first, "closed")
    assert not [one for one in world.settle() if isinstance(one, StopRun)]
    world.set_state(second, "closed")
    assert [one.run for one in world.settle() if isinstance(one, StopRun)] == [PLAN.id]


def test_stop_counts_for_the_pull_request_that_says_it() -> None:
    world = World()
    first, second = world.open(a_spec(PLAN)), world.open(a_spec(PLAN))
    world.settle()
    world.apply(first, PLAN)
    world.settle()
    world.apply(second, PLAN)
    world.settle()
    said = world.comment(first, "/vtspec stop")
    assert not [one for one in world.settle() if isinstance(one, StopRun)]
    assert f"goes on for #{second}" in world.reply_to(first, said)
    said = world.comment(second, "/vtspec stop digits")
    (stopped,) = [one for one in world.settle() if isinstance(one, StopRun)]
    assert stopped == StopRun(run=PLAN.id, reason=f"pull request {second} said stop")
    assert "the plan comment has the line" in world.reply_to(second, said)
    world.end(PLAN.id, "stopped")
    world.settle()
    # The same digest goes on from the checkpoint.
    world.apply(first, PLAN)
    (created,) = [one for one in world.settle() if isinstance(one, CreateRun)]
    assert (created.run, created.begin) == (PLAN.id, "resume")


def test_a_stop_whose_answer_was_lost_is_answered_by_what_it_stopped() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    said = world.comment(number, "/vtspec stop")
    world.do([one for one in reconcile(world.see()) if isinstance(one, LabelRun)])
    world.settle()
    assert "the plan comment has the line" in world.reply_to(number, said)


def test_a_rerun_that_only_took_its_name_is_gone_on_with_under_it() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id)
    world.settle()
    # Whoever began another attempt was killed before its Workflow was made.
    name = f"{PLAN.id}-2"
    before = world.attempts[PLAN.id]
    world.attempts[name] = replace(
        before, run=name, number=2, state=RunState(), workflow=None, approvals=(), wanted_by={}
    )
    world.comment(number, "/vtspec rerun")
    actions = reconcile(world.see())
    (made,) = [one for one in actions if isinstance(one, CreateRun)]
    assert (made.run, made.begin) == (name, "again")
    (reply,) = [one for one in actions if isinstance(one, Reply)]
    assert f"`{name}` begins, another attempt" in reply.body


def test_a_late_stop_still_stops_and_not_what_was_approved_since() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    stop = world.comment(number, "/vtspec stop")
    world.pass_time(7200)
    assert [one.run for one in world.settle() if isinstance(one, StopRun)] == [PLAN.id]
    world.end(PLAN.id, "stopped")
    world.apply(number, PLAN)
    world.settle()
    # Its answer is lost, and it is looked at again.
    at = world.pulls[number]
    at.reactions.pop(stop)
    at.comments = [one for one in at.comments if f"reply {stop} " not in one.body]
    assert not [one for one in world.settle() if isinstance(one, StopRun)]


def test_a_merge_leaves_a_run_alone() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.set_state(number, "merged")
    assert not [one for one in world.settle() if isinstance(one, StopRun)]


def test_nothing_is_stopped_for_a_pull_request_that_nobody_knows_of() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    view = replace(world.see(), pull_requests=(), states={})
    assert reconcile(view) == []


def test_what_was_run_is_shown_and_run_again_only_when_said_so() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id)
    world.settle()
    said = world.apply(number, PLAN)
    world.settle()
    assert "was run already" in world.reply_to(number, said)
    assert len(world.created) == 1
    assert "Nothing is left to carry out" in world.find(number, "plan")[0]
    world.comment(number, "/vtspec rerun")
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id, f"{PLAN.id}-2"]
    said = world.comment(number, "/vtspec rerun digits")
    world.settle()
    assert "is at work" in world.reply_to(number, said)


def test_a_failed_run_is_tried_again_by_its_digest() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.settle()
    assert "❌" in world.find(number, "result")[0]
    world.apply(number, PLAN)
    (created,) = [one for one in world.settle() if isinstance(one, CreateRun)]
    assert (created.run, created.begin) == (f"{PLAN.id}-2", "again")


def test_a_rerun_whose_answer_was_lost_is_not_run_twice() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.settle()
    said = world.comment(number, "/vtspec rerun")
    world.do(reconcile(world.see()), lambda one: int(isinstance(one, CreateRun)))
    world.end(f"{PLAN.id}-2", "failed")
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id, f"{PLAN.id}-2"]
    assert "was begun" in world.reply_to(number, said)


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_nothing_is_carried_out_for_a_pull_request_that_is_over(state: str) -> None:
    world, number = an_open_world()
    world.set_state(number, state)  # type: ignore[arg-type]
    said = world.apply(number, PLAN)
    world.settle()
    assert f"is {state}" in world.reply_to(number, said)
    assert world.created == []


def test_nothing_is_carried_out_for_a_draft() -> None:
    world = World()
    number = world.open(a_spec(PLAN), is_draft=True)
    world.settle()
    said = world.apply(number, PLAN)
    world.settle()
    assert "draft" in world.reply_to(number, said)


def test_a_stranger_is_answered_by_a_reaction_alone() -> None:
    world, number = an_open_world()
    for line in (f"/vtspec apply {PLAN.digest[7:14]}", "/vtspec stop", "/vtspec help"):
        said = world.comment(number, line, "guest")
        world.settle()
        assert world.reactions_to(number, said) == {"-1"}
        assert world.find(number, f"reply {said} ") == []
    assert world.created == []


def test_whom_the_forge_does_not_know_may_nothing() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN, "nobody-known")
    world.settle()
    assert (world.reactions_to(number, said), world.created) == ({"-1"}, [])


def test_the_author_of_a_pull_request_who_may_not_write_is_told_so() -> None:
    world = World()
    number = world.open(a_spec(PLAN), author="eve")
    world.settle()
    said = world.apply(number, PLAN, "eve")
    world.settle()
    assert "Only who may write" in world.reply_to(number, said)


def test_no_program_is_obeyed_or_answered() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN, "dependabot[bot]")
    assert world.settle() == []
    assert world.reactions_to(number, said) == set()


def test_who_types_commands_by_the_account_that_we_speak_as_is_told_so() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN, BOT)
    world.settle()
    assert world.created == []
    assert "the one that the controller itself speaks as" in world.reply_to(number, said)
    assert world.reactions_to(number, said) == {"-1"}


@pytest.mark.parametrize("when", ["approval", "merge"])
def test_who_approves_by_the_account_that_we_speak_as_is_told_so(when: str) -> None:
    world = World(approval={"when": when})
    number = world.open(a_spec(PLAN))
    world.settle()
    if when == "approval":
        world.review(number, BOT)
    else:
        world.set_state(number, "merged", by=BOT)
    world.settle()
    assert world.created == []
    assert "the one that the controller itself speaks as" in world.find(number, "reply")[0]


def test_a_fork_is_planned_and_runs_only_what_a_maintainer_allowed() -> None:
    world = World()
    number = world.open(a_spec(PLAN), author="eve", is_fork=True)
    world.settle()
    head = world.pulls[number].pull.head_sha
    assert f"/vtspec allow {head}" in world.find(number, "plan")[0]
    said = world.apply(number, PLAN)
    world.settle()
    assert f"/vtspec allow {head}" in world.reply_to(number, said)
    world.comment(number, f"/vtspec allow {head}", "eve")
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    assert world.created == []
    allowed = world.comment(number, f"/vtspec allow {head}", "ann")
    world.settle()
    assert world.reactions_to(number, allowed) == {"rocket"}
    world.pass_time(3600)
    world.apply(number, PLAN)
    world.settle()
    assert len(world.created) == 1
    # Another push is not allowed by that.
    world.push(number, a_spec(OTHER_EPOCHS))
    world.settle()
    world.apply(number, OTHER_EPOCHS)
    world.settle()
    assert len(world.created) == 1


def test_the_beginning_of_a_hash_allows_nothing() -> None:
    world = World()
    number = world.open(a_spec(PLAN), author="eve", is_fork=True)
    world.settle()
    said = world.comment(number, f"/vtspec allow {world.pulls[number].pull.head_sha[:12]}", "ann")
    world.settle()
    assert "by its whole hash" in world.reply_to(number, said)
    world.apply(number, PLAN)
    world.settle()
    assert world.created == []


def test_an_edited_comment_is_no_command_and_is_answered() -> None:
    world, number = an_open_world()
    said = world.comment(number, "nice work")
    world.settle()
    world.edit(number, said, f"/vtspec apply {PLAN.digest[7:14]}")
    world.settle()
    assert "edited" in world.reply_to(number, said)
    assert world.created == []


def test_a_command_that_was_carried_out_and_then_edited_is_left_alone() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    world.settle()
    world.edit(number, said, "/vtspec stop")
    assert world.settle() == []


def test_a_command_that_nobody_saw_in_time_is_not_carried_out() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    world.pass_time(15 * 60 + 1)
    world.settle()
    assert "too late" in world.reply_to(number, said)
    assert world.created == []


def test_every_command_is_answered_once_however_often_it_is_looked_at() -> None:
    world, number = an_open_world()
    said = [world.comment(number, f"/vtspec {verb}") for verb in ("help", "plan", "nonsense")]
    world.settle()
    world.pass_time()
    assert world.settle() == []
    for one in said:
        assert world.reply_to(number, one)


def test_an_answer_whose_reaction_was_lost_is_not_given_again() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    world.settle()
    world.pulls[number].reactions.pop(said)
    world.end(PLAN.id, "failed")
    world.push(number, a_spec(OTHER_EPOCHS))
    world.settle()
    assert "🚀" in world.reply_to(number, said)
    assert world.reactions_to(number, said) == {"rocket"}
    assert len(world.created) == 1


TEAMS = {
    "vision": {"logins": ["bob"], "limits": {"costPerMonth": 0.05}},
    "faces": {"logins": ["kim"], "limits": {"maxDuration": "1m"}},
}


def cost_of(plan: object) -> float:
    cost = plan.estimate.cost  # type: ignore[attr-defined]
    assert isinstance(cost, float)
    return cost


def test_two_approvals_at_once_cannot_pass_a_teams_limit() -> None:
    assert cost_of(PLAN) <= 0.05 < cost_of(PLAN) + cost_of(OTHER)
    world = World(teams=TEAMS)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    first, second = world.apply(number, PLAN), world.apply(other, OTHER)
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id]
    assert "are left" in world.reply_to(other, second)
    assert world.reactions_to(number, first) == {"eyes", "rocket"}


def test_what_ended_this_month_counts_and_what_ended_before_does_not() -> None:
    world = World(teams=TEAMS)
    number = world.open(a_spec(PLAN))
    world.settle()
    world.ended = [
        EndedRun(run="others-run", team="vision", ended=world.now - timedelta(days=40), cost=9.0),
        EndedRun(run="others-run", team="faces", ended=world.now, cost=9.0),
    ]
    world.apply(number, PLAN)
    world.settle()
    assert len(world.created) == 1
    world.end(PLAN.id)
    world.ended = [EndedRun(run="others-run", team="vision", ended=world.now, cost=0.03)]
    said = world.comment(number, "/vtspec rerun")
    world.settle()
    assert "of team vision" in world.reply_to(number, said)
    assert len(world.created) == 1


def test_nobody_approves_what_they_may_not_run() -> None:
    world = World(teams=TEAMS)
    number = world.open(a_spec(PLAN))
    world.settle()
    said = world.apply(number, PLAN, "kim")
    world.settle()
    assert "team faces may take 1m at most" in world.reply_to(number, said)
    assert world.created == []


def test_nobody_joins_what_they_may_not_run() -> None:
    world = World(teams=TEAMS)
    number, other = world.open(a_spec(PLAN)), world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    world.settle()
    said = world.apply(other, PLAN, "kim")
    world.settle()
    assert "team faces may take 1m at most" in world.reply_to(other, said)
    assert world.attempts[PLAN.id].wanted_by == {number: True}


def test_all_of_several_plans_are_carried_out_or_none() -> None:
    world = World()
    specs = (
        a_spec(PLAN),
        a_spec(OTHER, obstacles=(an_obstacle("the data is not pushed: dvc push"),)),
    )
    number = world.open(*specs)
    world.settle()
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]} {OTHER.digest[7:14]}")
    world.settle()
    assert "dvc push" in world.reply_to(number, said)
    assert world.created == []


def test_a_review_carries_plans_out_where_the_default_branch_says_so() -> None:
    world = World(approval={"when": "approval"})
    number = world.open(a_spec(PLAN), a_spec(OTHER_NAME, cause="affected"))
    world.settle()
    said = world.apply(number, PLAN)
    world.settle()
    assert "approval.when: approval" in world.reply_to(number, said)
    world.review(number, "eve")
    world.review(number, "ann", commit_sha="0" * 40)
    world.review(number, "kim", is_dismissed=True)
    world.settle()
    assert world.created == []
    world.review(number)
    world.settle()
    ((run, approval),) = world.created
    assert (run, approval.source, approval.login) == (PLAN.id, "approval", "ann")
    world.end(PLAN.id, "failed")
    world.settle()
    assert len(world.created) == 1


def test_a_review_from_before_the_plan_was_shown_counts_for_nothing() -> None:
    world = World(approval={"when": "approval"})
    number = world.open(a_spec(PLAN))
    world.review(number)
    world.pass_time()
    world.look()
    world.settle()
    assert world.look() == []
    # Nor does one of what the plan was before the default branch made another of it.
    world.review(number)
    world.pulls[number].specs = (a_spec(OTHER_EPOCHS),)
    world.look()
    world.settle()
    assert world.look() == [] and world.created == []


def test_a_merge_carries_out_what_was_shown_and_nothing_else() -> None:
    world = World(approval={"when": "merge"})
    same, other = world.open(a_spec(PLAN)), world.open(a_spec(OTHER))
    world.settle()
    world.set_state(same, "merged")
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id]
    world.pulls[other].specs = (a_spec(OTHER_NAME),)
    world.set_state(other, "merged")
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id]
    assert f"/vtspec apply {OTHER_NAME.digest[7:14]}" in world.find(other, "reply merge-")[0]


def test_a_review_carries_out_nothing_that_somebody_only_asked_to_see() -> None:
    world = World(approval={"when": "approval"})
    number = world.open(a_spec(PLAN), a_spec(OTHER, cause="asked"))
    world.settle()
    world.review(number)
    world.settle()
    assert [run for run, _ in world.created] == [PLAN.id]


def test_a_reviewed_run_that_was_removed_is_not_begun_unasked() -> None:
    world = World(approval={"when": "approval"})
    number = world.open(a_spec(PLAN))
    world.settle()
    world.review(number)
    world.settle()
    world.end(PLAN.id)
    world.settle()
    del world.attempts[PLAN.id]
    world.settle()
    assert len(world.created) == 1
    # A word that was said since is another one.
    world.review(number)
    world.settle()
    assert len(world.created) == 2


def test_a_word_said_again_has_a_removed_run_begun_beside_the_progress_of_another() -> None:
    world = World(approval={"when": "approval"})
    number = world.open(a_spec(PLAN), a_spec(OTHER))
    world.settle()
    world.review(number)
    world.settle()
    world.end(PLAN.id)
    world.pass_time(20)
    world.settle()
    del world.attempts[PLAN.id]
    world.review(number)
    # Of the other something is told after that was said, with the hidden lines of both.
    comments = world.pulls[number].comments
    (at,) = [at for at, one in enumerate(comments) if "<!-- vtspec:progress" in one.body]
    assert PLAN.id in comments[at].body
    (word,) = world.pulls[number].reviews[1:]
    comments[at] = replace(comments[at], updated_at=word.submitted_at)
    world.settle()
    assert [run for run, _ in world.created].count(PLAN.id) == 2


def test_what_an_approval_could_not_carry_out_is_told_once() -> None:
    teams = {"vision": {"logins": ["ann"], "limits": {"costPerMonth": 0.0}}}
    world = World(approval={"when": "approval"}, teams=teams)
    number = world.open(a_spec(PLAN))
    world.settle()
    world.review(number)
    world.settle()
    (told,) = world.find(number, "reply review-")
    assert "costPerMonth" in told and "approve once more" in told
    world.settle()
    assert world.created == []


def test_progress_is_written_every_15_seconds_at_most_and_its_end_at_once() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.pass_time(5)
    world.begin_working(PLAN.id)
    assert world.settle() == []
    world.pass_time(10)
    assert names_of(world.settle()) == ["WriteComment"]
    world.pass_time(1)
    world.end(PLAN.id)
    world.settle()
    assert "Nothing runs now" in world.find(number, "progress")[0]
    assert PLAN.id in world.find(number, "result")[0]


def test_a_run_that_was_lost_with_its_workflow_is_named_until_it_goes_on() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.pass_time(20)
    world.end(PLAN.id, "interrupted")
    world.delete_workflow(PLAN.id)
    world.settle()
    assert f"was deleted from the cluster: `{PLAN.id}`" in world.find(number, "progress")[0]
    world.apply(number, PLAN)
    world.settle()
    assert "was deleted" not in world.find(number, "progress")[0]


def test_a_comment_that_was_written_twice_becomes_one_again() -> None:
    world, number = an_open_world()
    (plan,) = world.find(number, "plan")
    world.comment(number, plan, BOT)
    world.settle()
    assert len(world.find(number, "plan")) == 1


def test_a_command_that_was_answered_twice_has_one_answer_again() -> None:
    world, number = an_open_world()
    said = world.apply(number, PLAN)
    world.settle()
    answer = world.reply_to(number, said)
    world.comment(number, answer, BOT)
    world.settle()
    assert world.find(number, f"reply {said}") == [answer]
    assert world.find(number, "duplicate")


def test_our_markers_count_in_our_own_comments_alone() -> None:
    world = World()
    number = world.open(a_spec(PLAN))
    head = world.pulls[number].pull.head_sha
    forged = f"<!-- vtspec:plan -->\n<!-- vtspec:of {head} 0 {'0' * 64} 0 -->"
    world.comment(number, forged, "eve")
    said = world.apply(number, PLAN)
    world.comment(number, f"<!-- vtspec:reply {said} -->\n<!-- vtspec:done -->", "eve")
    world.settle()
    assert "was not shown" in world.reply_to(number, said)
    assert len(world.find(number, "plan")) == 1


def test_a_korean_is_answered_in_korean() -> None:
    world, number = an_open_world()
    said = world.comment(number, "/vtspec apply\n이거 돌려 주세요")
    world.settle()
    assert "다이제스트" in world.reply_to(number, said)


def test_another_policy_of_a_result_is_a_completion_of_it() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    gated = a_plan_of(gates=("accuracy >= 0.9",))
    assert gated.id == PLAN.id and gated.digest != PLAN.digest
    beside = PriorRuns(runs_as="done", run=PLAN.id, update="report.gates", completion="x")
    world.push(number, a_spec(gated, beside=beside))
    world.settle()
    said = world.apply(number, gated)
    world.settle()
    assert "with another policy" in world.reply_to(number, said)
    world.end(PLAN.id)
    world.settle()
    world.apply(number, gated)
    (created,) = [one for one in world.settle() if isinstance(one, CreateRun)]
    assert created.begin == "completion"
    assert created.run == name_completion(PLAN.id, gated.to_json())


def test_a_policy_that_nobody_approved_is_not_run_again() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    gated = a_plan_of(gates=("accuracy >= 0.9",))
    world.push(number, a_spec(gated))
    world.settle()
    said = world.comment(number, "/vtspec rerun")
    world.settle()
    assert f"/vtspec apply {gated.digest[7:14]}" in world.reply_to(number, said)
    assert len(world.created) == 1


def test_digits_that_begin_several_digests_are_refused_with_longer_ones() -> None:
    alike = replace(OTHER, digest=PLAN.digest[:17] + "0" * 54)
    world = World()
    number = world.open(a_spec(PLAN), a_spec(alike))
    world.settle()
    assert PLAN.digest[7:18] in world.find(number, "plan")[0]
    said = world.apply(number, PLAN)
    world.settle()
    assert f"/vtspec apply {PLAN.digest[7:18]}" in world.reply_to(number, said)
    assert world.created == []


def test_all_seeds_of_an_experiment_have_a_digest_together() -> None:
    seeds = (PLAN, OTHER_EPOCHS)
    world = World()
    number = world.open(a_spec(PLAN, plans=seeds), a_spec(OTHER))
    world.settle()
    both = compute_all_digest(list_targets([a_spec(PLAN, plans=seeds)]))
    world.comment(number, f"/vtspec apply {both[:9]}")
    world.settle()
    assert {run for run, _ in world.created} == {plan.id for plan in seeds}


def test_no_secret_leaves_in_an_answer_a_comment_a_status_or_a_check() -> None:
    secret = "hunter2-hunter2-hunter2"
    problem = Problem(
        file="a.yaml", line=3, column=1, path="p", value=0, message=f"no {secret}", fix=secret
    )
    obstacle = f"the store says 403 to {secret}"
    world = World()
    number = world.open(
        a_spec(PLAN, obstacles=(an_obstacle(obstacle),), problems=(problem,), refusal=secret),
    )
    said = world.comment(number, f"/vtspec apply {PLAN.digest[7:14]}")
    view = replace(world.see(), redactor=Redactor(secrets=frozenset({secret})))
    world.do(reconcile(view))
    told = repr([world.pulls[number].comments, world.checks, world.statuses])
    assert world.reply_to(number, said)
    assert secret not in told and "[hidden]" in told


def test_korean_words_behind_a_command_are_answered_in_korean() -> None:
    world, number = an_open_world()
    said = world.comment(number, "/vtspec 도움말 좀 보여 주세요")
    world.settle()
    assert "명령" in world.reply_to(number, said)


def test_what_cannot_be_carried_out_is_no_success_and_not_told_as_done() -> None:
    world = World()
    number = world.open(a_spec(PLAN, obstacles=(an_obstacle("the image is not locked"),)))
    world.settle()
    (plan,) = world.find(number, "plan")
    assert "Nothing can be carried out; why stands below." in plan
    assert "Nothing is left to carry out" not in plan
    check = world.checks[world.pulls[number].pull.head_sha]["vtspec"]
    assert (check.conclusion, check.title) == ("neutral", "1 plan, 0 errors, 1 obstacle")
    assert "the image is not locked" in check.summary


def test_a_commits_status_is_of_all_seeds_that_were_approved_for_it() -> None:
    plans = [a_plan_of(seed=seed) for seed in (1, 2, 3)]
    # Whichever of them has the last name.
    for first, *others in (plans, plans[1:] + plans[:1], plans[2:] + plans[:2]):
        world = World()
        number = world.open(a_spec(first, plans=tuple(plans)))
        world.settle()
        head, seen = world.pulls[number].pull.head_sha, []
        for plan in plans:
            world.apply(number, plan)
        world.settle()
        world.end(first.id)
        world.settle()
        seen.append(world.statuses[head]["vtspec/digits"])
        for plan in others:
            world.end(plan.id, "failed")
        world.settle()
        seen.append(world.statuses[head]["vtspec/digits"])
        for plan in others:
            world.comment(number, f"/vtspec apply {plan.digest[7:]}")
        world.settle()
        for plan in others:
            world.end(f"{plan.id}-2")
        world.settle()
        seen.append(world.statuses[head]["vtspec/digits"])
        assert [one.state for one in seen] == ["pending", "failure", "success"]
        assert seen[0].description.endswith(": at work (2 of 3 runs)")


def test_a_push_that_leaves_a_plan_as_it_is_has_its_status() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    head = world.push(number)
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "pending"
    world.end(PLAN.id)
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "success"
    head = world.push(number, a_spec(a_plan_of(epochs=7)))
    world.settle()
    assert head not in world.statuses


def test_a_plan_that_has_run_elsewhere_has_its_status_where_each_seed_has_its_result() -> None:
    plans = tuple(a_plan_of(seed=seed) for seed in (1, 2))
    world = World()
    other = world.open(a_spec(plans[0], plans=plans))
    world.settle()
    world.apply(other, plans[0])
    world.settle()
    world.end(plans[0].id)
    world.settle()
    number = world.open(a_spec(plans[0], plans=plans))
    world.settle()
    head = world.pulls[number].pull.head_sha
    assert head not in world.statuses
    world.apply(other, plans[1])
    world.settle()
    assert head not in world.statuses
    world.end(plans[1].id)
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "success"


def test_a_plan_that_failed_here_and_has_succeeded_elsewhere_since_has_that_status() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.settle()
    head = world.pulls[number].pull.head_sha
    assert world.statuses[head]["vtspec/digits"].state == "failure"
    other = world.open(a_spec(PLAN))
    world.settle()
    world.apply(other, PLAN)
    world.settle()
    world.end(f"{PLAN.id}-2")
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "success"


def test_a_result_under_another_policy_says_nothing_of_a_head() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id)
    world.settle()
    beside = PriorRuns(runs_as="done", update="gates: accuracy >= 0.5")
    gated = a_plan_of(gates=("accuracy >= 0.5",))
    assert (gated.id, gated.digest != PLAN.digest) == (PLAN.id, True)
    head = world.push(number, a_spec(gated, beside=beside))
    world.settle()
    assert head not in world.statuses


def test_a_plan_that_the_default_branch_has_made_another_of_says_nothing_of_its_commit() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.settle()
    now = a_plan_of(epochs=7)
    world.pulls[number].specs = (a_spec(now),)
    world.settle()
    world.apply(number, now)
    world.settle()
    world.end(now.id)
    world.settle()
    head = world.pulls[number].pull.head_sha
    assert world.statuses[head]["vtspec/digits"].state == "success"


def test_checks_and_statuses_tell_of_commits() -> None:
    world, number = an_open_world()
    head = world.pulls[number].pull.head_sha
    assert world.checks[head]["vtspec"].conclusion == "success"
    world.apply(number, PLAN)
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "pending"
    world.end(PLAN.id, report=WrittenReport(verdict="missed"))
    world.settle()
    assert world.statuses[head]["vtspec/digits"].state == "failure"
    problem = Problem(
        file="specs/a.yaml", line=3, column=1, path="spec.x", value=0, message="no", fix="yes"
    )
    world.push(number, a_spec(PLAN, plans=(), problems=(problem,)))
    world.settle()
    report = world.checks[world.pulls[number].pull.head_sha]["vtspec"]
    assert report.conclusion == "failure"
    assert [(one.path, one.line) for one in report.annotations] == [("specs/a.yaml", 3)]
    # Who asks with a token has no checks, and this alone.
    assert "❌ `specs/a.yaml:3` `spec.x: no`; fix: `yes`" in world.find(number, "plan")[0]


def test_what_a_run_costs_to_look_at_does_not_grow_with_the_others() -> None:
    assert count_calls(400) < 5 * count_calls(100)


def count_calls(runs: int) -> int:
    """Calls of functions in a pass over so many runs at work."""
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    (one,) = world.attempts.values()
    for index in range(runs):
        name = f"many-{index:010x}"
        world.attempts[name] = replace(one, run=name, plan_id=name, spec="many")
    profile = cProfile.Profile()
    view = world.see()
    profile.runcall(reconcile, view)
    return sum(entry.callcount for entry in profile.getstats())


def test_another_experiment_is_planned_for_who_may_write_and_asks() -> None:
    world, number = an_open_world()
    world.comment(number, "/vtspec plan cats unknown")
    world.comment(number, "/vtspec plan birds", "eve")
    edited = world.comment(number, "thanks")
    world.edit(number, edited, "/vtspec plan mice")
    names = ("digits", "cats", "birds", "mice")
    seen = replace(world.see().pull_requests[0], experiments=names)
    assert list_asked_specs(seen, BOT) == {"cats"}
    # What the edge planned for it is shown, and has a digest of its own to apply.
    world.pulls[number].specs = (a_spec(PLAN), a_spec(OTHER, cause="asked"))
    world.settle()
    said = world.comment(number, "/vtspec plan cats")
    world.settle()
    assert f"```\n/vtspec apply {OTHER.digest[7:14]}\n```" in world.reply_to(number, said)
    assert OTHER.digest[7:14] in world.find(number, "plan")[0]
    world.apply(number, OTHER)
    world.settle()
    assert [run for run, _ in world.created] == [OTHER.id]


def test_a_workflow_that_somebody_deleted_is_not_made_again() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.delete_workflow(PLAN.id)
    world.settle()
    assert len(world.created) == 1


def test_a_run_that_no_pull_request_approved_is_left_alone() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    one = world.attempts.pop(PLAN.id)
    mine = replace(
        one, run="mine-0123456789", plan_id="mine-0123456789", wanted_by={}, approvals=()
    )
    world.attempts[mine.run] = mine
    world.set_state(number, "closed")
    assert not [action for action in world.settle() if isinstance(action, StopRun)]


@pytest.mark.parametrize(
    ("policy", "changes", "says"),
    [
        ({}, {}, [f"```\n/vtspec apply {PLAN.digest[7:14]}\n```"]),
        ({}, {"is_draft": True}, ["mark it as ready for review"]),
        ({}, {"is_fork": True}, ["```\n/vtspec allow "]),
        ({"when": "approval"}, {}, ["approve it in a review", "change its spec in one"]),
        (
            {"when": "merge"},
            {},
            ["merge it", f"paste:\n\n```\n/vtspec apply {OTHER.digest[7:14]}"],
        ),
    ],
)
def test_who_asks_for_plans_is_told_how_each_is_carried_out(
    policy: dict[str, str], changes: dict[str, Any], says: list[str]
) -> None:
    world = World(**({"approval": policy} if policy else {}))
    specs = [a_spec(PLAN)] + ([a_spec(OTHER, cause="asked")] if policy else [])
    number = world.open(*specs, **changes)
    world.settle()
    said = world.comment(number, "/vtspec plan")
    world.settle()
    assert [one for one in says if one not in world.reply_to(number, said)] == []


def test_who_asks_for_a_plan_that_is_not_begun_any_more_is_told_why() -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.begin_working(PLAN.id)
    world.end(PLAN.id)
    world.pulls[number].specs = (
        a_spec(PLAN),
        a_spec(OTHER, obstacles=(an_obstacle("no image of timm"),)),
    )
    world.settle()
    said = world.comment(number, "/vtspec plan")
    world.settle()
    reply = world.reply_to(number, said)
    assert "to run it again: `/vtspec rerun digits`" in reply
    assert "`cats` cannot be carried out on the cluster: `no image of timm`" in reply
    assert "/vtspec apply" not in reply


@pytest.mark.parametrize("line", ["/vtspec rerun", "/vtspec rerun digits"])
def test_seeds_that_have_run_are_run_again_and_of_the_others_it_is_said_how(line: str) -> None:
    seeds = [a_plan_of(seed=seed) for seed in (1, 2, 3)]
    world = World()
    number = world.open(a_spec(seeds[0], plans=tuple(seeds)))
    world.settle()
    for plan in seeds[:2]:
        world.apply(number, plan)
        world.settle()
        world.begin_working(plan.id)
        world.end(plan.id, "failed")
    world.settle()
    said = world.comment(number, line)
    world.settle()
    reply = world.reply_to(number, said)
    assert [run for run, _ in world.created[2:]] == [f"{plan.id}-2" for plan in seeds[:2]]
    assert world.reactions_to(number, said) == {"eyes", "rocket"}
    assert "`digits (seed 3)` never ran" in reply
    assert f"```\n/vtspec apply {seeds[2].digest[7:14]}\n```" in reply
    assert seeds[0].digest[7:14] not in reply


def test_of_seeds_that_all_never_ran_it_is_said_how_they_do() -> None:
    seeds = tuple(a_plan_of(seed=seed) for seed in (1, 2))
    world = World()
    number = world.open(a_spec(seeds[0], plans=seeds))
    world.settle()
    said = world.comment(number, "/vtspec rerun digits")
    world.settle()
    digest = compute_all_digest(list_targets([a_spec(seeds[0], plans=seeds)]))
    assert f"```\n/vtspec apply {digest[:7]}\n```" in world.reply_to(number, said)
    assert world.reactions_to(number, said) == {"-1"}


@pytest.mark.parametrize(
    ("spent", "cells"),
    [
        (1.25, "| took 5 min 00 s | cost about 1.25 USD |"),
        (None, f"| took 5 min 00 s | {MISSING} |"),
    ],
)
def test_of_what_has_run_the_plan_comment_says_what_it_took(
    spent: float | None, cells: str
) -> None:
    world, number = an_open_world()
    world.apply(number, PLAN)
    world.settle()
    world.begin_working(PLAN.id)
    world.end(PLAN.id, clock=RunClock(seconds=300.0))
    world.attempts[PLAN.id] = replace(world.attempts[PLAN.id], spent=spent)
    world.settle()
    (row,) = [line for line in world.find(number, "plan")[0].splitlines() if "already run" in line]
    assert row.endswith(cells)


def test_what_was_only_shown_is_run_again_by_its_name_alone() -> None:
    world = World()
    before = world.open(a_spec(OTHER))
    world.settle()
    world.apply(before, OTHER)
    world.settle()
    world.end(OTHER.id)
    world.set_state(before, "merged")
    world.settle()
    number = world.open(a_spec(PLAN))
    world.settle()
    world.comment(number, f"/vtspec plan {OTHER.name}", "kim")
    world.pulls[number].specs = (a_spec(PLAN), a_spec(OTHER, cause="asked"))
    world.settle()
    said = world.comment(number, "/vtspec rerun")
    world.settle()
    assert "has not been carried out yet" in world.reply_to(number, said)
    world.apply(number, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.settle()
    world.comment(number, "/vtspec rerun")
    world.settle()
    assert [run for run, _ in world.created] == [OTHER.id, PLAN.id, f"{PLAN.id}-2"]
    world.comment(number, f"/vtspec rerun {OTHER.name}")
    world.settle()
    assert world.created[-1][0] == f"{OTHER.id}-2"


def test_who_has_run_only_what_was_shown_is_told_to_name_it() -> None:
    world = World()
    number = world.open(a_spec(PLAN), a_spec(OTHER, cause="asked"))
    world.settle()
    world.apply(number, OTHER)
    world.settle()
    world.end(OTHER.id, "failed")
    world.settle()
    said = world.comment(number, "/vtspec rerun")
    world.settle()
    assert f"/vtspec rerun {OTHER.name}\n" in world.reply_to(number, said)
    assert [run for run, _ in world.created] == [OTHER.id]
