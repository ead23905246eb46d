"""How a run ended is told where it was approved, also where its Workflow, which says who approved
it, was deleted before anybody looked."""

from dataclasses import replace

from pull_request_world import BOT, World, a_plan_of, a_spec, sha_of
from served_pull_requests import PullRequests
from vtspec.pipelines.argo.workflow_state import WorkflowState
from vtspec.pipelines.controller.actions import Reply, StopRun
from vtspec.pipelines.controller.approved_runs import (
    MOST_NOTED,
    list_begun_elsewhere,
    read_approved,
    render_approved,
)
from vtspec.pipelines.controller.commands import SpecCommand, parse_command
from vtspec.pipelines.controller.comment_text import LIMIT, count_characters
from vtspec.pipelines.controller.digests import compute_all_digest, list_changed
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.view import Approval, Attempt
from vtspec.pipelines.forge.forge import Comment
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs.state import RunState

PLAN, OTHER = a_plan_of("digits"), a_plan_of("birds")


def approve(*plans: object) -> tuple[World, int]:
    """A pull request of which these plans are carried out."""
    world = World()
    number = world.open(*(a_spec(plan) for plan in plans))  # type: ignore[arg-type]
    world.settle()
    for plan in plans:
        world.apply(number, plan)  # type: ignore[arg-type]
        world.settle()
    return world, number


def test_a_result_is_told_once_whose_workflow_is_gone() -> None:
    world, number = approve(PLAN)
    head = world.pulls[number].pull.head_sha
    world.end(PLAN.id)
    world.delete_workflow(PLAN.id)
    world.settle()
    assert PLAN.id in world.find(number, "result")[0]
    assert world.statuses[head][f"vtspec/{PLAN.name}"].state == "success"
    world.pass_time()
    assert world.look() == []


def test_each_pull_request_that_approved_it_is_told() -> None:
    world, number = approve(PLAN)
    other = world.open(a_spec(PLAN))
    world.settle()
    world.apply(other, PLAN)
    world.settle()
    world.end(PLAN.id, "failed")
    world.delete_workflow(PLAN.id)
    world.settle()
    assert [len(world.find(one, "result")) for one in (number, other)] == [1, 1]


def test_what_has_ended_stays_in_the_result_beside_what_ends_later() -> None:
    world, number = approve(PLAN, OTHER)
    world.end(PLAN.id)
    world.settle()
    world.delete_workflow(PLAN.id)
    world.end(OTHER.id)
    world.settle()
    (result,) = world.find(number, "result")
    assert PLAN.id in result and OTHER.id in result


def test_a_run_that_was_deleted_before_it_began_is_told_of() -> None:
    world, number = approve(PLAN)
    world.attempts[PLAN.id] = replace(world.attempts[PLAN.id], state=RunState())
    world.delete_workflow(PLAN.id)
    world.settle()
    assert f"was deleted from the cluster: `{PLAN.id}`" in world.find(number, "progress")[0]


def test_what_goes_on_by_another_word_is_not_stopped_for_an_earlier_one() -> None:
    world, number = approve(PLAN)
    world.end(PLAN.id, "interrupted")
    world.delete_workflow(PLAN.id)
    world.settle()
    # Somebody has it go on from their machine.
    before = world.attempts[PLAN.id]
    world.attempts[PLAN.id] = replace(
        before, state=RunState(seq=5), workflow=WorkflowState(phase="running", step="train")
    )
    world.set_state(number, "closed")
    assert not [one for one in world.settle() if isinstance(one, StopRun)]


def test_other_peoples_words_name_no_run() -> None:
    world, number = approve(PLAN)
    (progress,) = world.find(number, "progress")
    (line,) = [one for one in progress.splitlines() if "vtspec:run " in one]
    forged = line.replace(PLAN.id, OTHER.id)
    # As a pod may print it, into a comment of ours.
    world.comment(number, f"<!-- vtspec:result -->\n```\n{forged}\n```\n", BOT)
    world.comment(number, forged, "ann")
    seen = next(one for one in world.see().pull_requests if one.pull.number == number)
    assert list(read_approved(seen, BOT)) == [PLAN.id]


def test_a_result_whose_workflow_was_deleted_before_anybody_looked_is_told(
    pulls: PullRequests,
) -> None:
    name = pulls.begin_run()
    pulls.end_pods(name)
    pulls.world.server.play_gone(name)
    # And who had it begun is gone too.
    pulls.site = pulls.make_other_site()
    pulls.settle()
    results = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:result")]
    assert len(results) == 1 and name in results[0]
    head = pulls.github.repository.pull_requests[pulls.number].head_sha
    assert pulls.github.find_statuses(head)["vtspec/deep"][0] != "pending"


def test_where_runs_were_begun_is_noted_once_for_those_of_a_place() -> None:
    here, there = "vision s3://runs/team", "robots s3://runs/old"
    approval = Approval(
        pull_request=1,
        login="bob",
        digest=PLAN.digest,
        head_sha=sha_of(1),
        source="comment",
        place=here,
    )
    every = {
        "digits-0000000001": replace(approval, place=there),
        "digits-0000000002": approval,
        "digits-0000000003": approval,
    }
    body = f"<!-- vtspec:progress -->{render_approved(every)}\n## 2 at work\n"
    assert body.count("<!-- vtspec:at ") == 2
    world = World()
    world.open(a_spec(PLAN))
    world.pulls[1].comments.append(
        Comment(id=1, body=body, author=BOT, created_at="", updated_at="", url="")
    )
    (seen,) = world.see().pull_requests
    noted = read_approved(seen, BOT)
    assert {run: one.place for run, one in noted.items()} == {
        "digits-0000000001": there,
        "digits-0000000002": here,
        "digits-0000000003": here,
    }
    (left,) = list_begun_elsewhere(seen, BOT, here)
    assert (left.run, left.namespace, left.store) == (
        "digits-0000000001",
        "robots",
        "s3://runs/old",
    )
    # Of runs that no place is noted of it is not known.
    old = body.replace("<!-- vtspec:at ", "<!-- vtspec:else ")
    world.pulls[1].comments[0] = replace(world.pulls[1].comments[0], body=old)
    (seen,) = world.see().pull_requests
    assert [*list_begun_elsewhere(seen, BOT, here)] == []


def test_what_an_earlier_vtspec_noted_is_read() -> None:
    world = World()
    number = world.open(a_spec(PLAN))
    line = f"<!-- vtspec:run {PLAN.id} {sha_of(1)} {PLAN.digest} comment 7 bob -->"
    world.comment(number, f"<!-- vtspec:progress -->\n{line}\n## Nothing runs now\n", BOT)
    (seen,) = world.see().pull_requests
    ((run, approval),) = read_approved(seen, BOT).items()
    assert (run, approval.login, approval.comment_id) == (PLAN.id, "bob", 7)


def test_an_answer_to_hundreds_of_runs_notes_each_and_has_words() -> None:
    plans = [a_plan_of(f"detector-of-small-ships-at-night-{n:03}") for n in range(MOST_NOTED + 1)]
    for count in (MOST_NOTED, MOST_NOTED + 1):
        world = World()
        number = world.open(*(a_spec(plan) for plan in plans[:count]))
        world.settle()
        digest = compute_all_digest(list_changed(world.pulls[number].specs))
        said = world.comment(number, f"/vtspec apply {digest[:12]}")
        world.look()
        answer = world.reply_to(number, said)
        assert count_characters(answer) <= LIMIT
        if count > MOST_NOTED:
            assert world.created == []
            assert "These are 501 runs, and one command begins 500 at the most" in answer
            lines = [one for one in answer.splitlines() if one.startswith("/vtspec apply ")]
            assert sum(len(one.split()) - 2 for one in lines) == count
            continue
        (seen,) = world.see().pull_requests
        begun = {run for run, _ in world.created}
        assert len(begun) == count and {*read_approved(seen, BOT)} == begun
        assert f"`{min(begun)}` begins" in answer


def test_hundreds_of_runs_that_are_run_again_are_asked_for_by_name() -> None:
    plans = [a_plan_of(f"cars-{n:03}") for n in range(MOST_NOTED + 1)]
    world = World()
    number = world.open(*(a_spec(plan) for plan in plans))
    world.settle()
    for plan in plans:
        world.attempts[plan.id] = replace(
            an_attempt_of(plan), state=RunState(seq=1, status="failed", run=plan.id)
        )
    said = world.comment(number, "/vtspec rerun")
    world.look()
    lines = [one for one in world.reply_to(number, said).splitlines() if one.startswith("/vtspec")]
    assert sum(len(one.split()) - 2 for one in lines) == len(plans)
    assert all(isinstance(parse_command(one), SpecCommand) for one in lines)


def an_attempt_of(plan: Plan) -> Attempt:
    return Attempt(run=plan.id, spec=plan.name, plan_id=plan.id, digest=plan.digest, number=1)


def test_an_answer_that_was_lost_has_no_comment_written_twice() -> None:
    world = World()
    number = world.open(a_spec(PLAN))
    world.settle()
    world.apply(number, PLAN)
    lose_answers(world)
    lose_answers(world)
    world.end(PLAN.id, "failed")
    world.comment(number, "/vtspec rerun", "ann")
    # Killed after that, it has told nothing.
    world.do(reconcile(world.see())[:4])
    world.end(f"{PLAN.id}-2", "failed")
    lose_answers(world)
    # The answers stand below the progress comment then, and name the runs once more.
    world.settle()


def lose_answers(world: World) -> None:
    """A pass in which the forge refuses to be answered."""
    world.do(reconcile(world.see()), lambda action: int(not isinstance(action, Reply)))
