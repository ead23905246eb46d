"""Whatever two pull requests with the same plans, people, kills and doubled or lost actions do.

Never two Workflows of one plan at a time, never one that nobody approved or that was stopped
since, at most one comment of a kind, every command, review and merge answered once, and nothing
left to do once all is done.
"""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from pull_request_world import BOT, PEOPLE, FakePullRequest, World, a_plan_of, a_spec
from vtspec.pipelines.controller.actions import Action, CreateRun, Reply
from vtspec.pipelines.controller.commands import parse_command
from vtspec.pipelines.controller.digests import compute_all_digest, list_targets
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.view import Approval, Attempt, View

PLANS = (a_plan_of(), a_plan_of("digits", 6), a_plan_of("cats"))
SPECS = (
    (a_spec(PLANS[0]),),
    (a_spec(PLANS[1]),),
    (a_spec(PLANS[0]), a_spec(PLANS[2])),
)
LINES = (
    *(f"/vtspec apply {plan.digest[7:14]}" for plan in PLANS),
    *(f"/vtspec apply {compute_all_digest(list_targets(specs))[:8]}" for specs in SPECS),
    "/vtspec apply",
    "/vtspec stop",
    "/vtspec stop cats",
    "/vtspec rerun",
    "/vtspec rerun digits",
    "/vtspec report",
    "/vtspec plan",
    "/vtspec help",
    "/vtspec nonsense",
    "thank you",
)
NUMBERS = st.sampled_from((1, 2))
SECONDS = st.sampled_from((1, 7, 30, 1000))
KINDS = ("plan", "progress", "result", "approval", "duplicate")
WRITERS = {name for name, permission in PEOPLE.items() if permission in ("write", "admin")}


class Interleavings(RuleBasedStateMachine):
    """Two pull requests, the people in them, a cluster, and two controllers."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.heads: dict[int, str] = {}
        self.said: dict[int, tuple[int, str, str]] = {}
        self.old_views: list[View] = []
        self.edited: set[int] = set()

    @initialize(
        which=st.sampled_from(SPECS),
        other=st.sampled_from(SPECS),
        is_shown=st.booleans(),
        when=st.sampled_from(("comment", "comment", "approval", "merge")),
    )
    def open_both(self, which: Any, other: Any, is_shown: bool, when: str) -> None:
        self.world = World(approval={"when": when})
        self.world.open(*which)
        self.world.open(*other, author="eve")
        if is_shown:
            self.check_settled()

    @rule(number=NUMBERS, which=st.none() | st.sampled_from(SPECS), seconds=SECONDS)
    def push(self, number: int, which: Any, seconds: int) -> None:
        self.world.pass_time(seconds)
        # What is merged has no head that moves.
        if self.world.pulls[number].pull.state != "merged":
            self.world.push(number, *(which or ()))

    @rule(
        number=NUMBERS,
        line=st.sampled_from(LINES),
        author=st.sampled_from((*PEOPLE, "bob", "kim", "bob")),
        seconds=SECONDS,
    )
    def comment(self, number: int, line: str, author: str, seconds: int) -> None:
        self.world.pass_time(seconds)
        said = self.world.comment(number, line, author)
        self.said[said] = (number, author, line)
        self.heads[said] = self.world.pulls[number].pull.head_sha

    @rule(
        number=NUMBERS,
        line=st.sampled_from(LINES),
        author=st.sampled_from(("ann", "bob", "eve")),
    )
    def approve_what_is_shown(self, number: int, line: str, author: str = "ann") -> None:
        """What most people do: paste what the plan comment says."""
        plan = self.world.find(number, "plan")
        found = re.search(r"^/vtspec apply .*$", plan[0], re.M) if plan else None
        self.comment(number, found[0] if found else line, author, 20)

    @rule(number=NUMBERS)
    def approve_and_push(self, number: int) -> None:
        """An approval that is too late, of a plan that the push leaves as it is."""
        self.approve_what_is_shown(number, "/vtspec apply")
        self.push(number, None, 1)

    @rule(number=NUMBERS, kept=st.integers(1, 4))
    def run_again_and_die(self, number: int, kept: int) -> None:
        """A failed run is run again, by a controller that is killed, and fails once more."""
        self.end_all("failed")
        self.comment(number, "/vtspec rerun", "ann", 20)
        self.look_and_die(kept)
        self.end_all("failed")

    @rule(number=NUMBERS)
    def stop_and_go_on(self, number: int) -> None:
        """A run is stopped, and its plan approved again."""
        self.comment(number, "/vtspec stop", "ann", 20)
        self.check_settled()
        self.end_all("stopped")
        self.check_settled()
        self.approve_what_is_shown(number, "/vtspec apply")

    def end_all(self, status: Any) -> None:
        for run, one in sorted(self.world.attempts.items()):
            if one.is_at_work and (status == "stopped") == one.is_stopping:
                self.world.end(run, status)

    @rule(data=st.data(), line=st.sampled_from(LINES))
    @precondition(lambda self: self.said)
    def edit(self, data: st.DataObject, line: str) -> None:
        said = data.draw(st.sampled_from(sorted(self.said)))
        number, author, before = self.said[said]
        if line != before:
            self.world.edit(number, said, line)
            self.edited.add(said)
            self.said[said] = (number, author, line)

    @rule(number=NUMBERS, author=st.sampled_from(("ann", "kim", "eve")), seconds=SECONDS)
    @precondition(lambda self: self.world.project.approval.when == "approval")
    def review(self, number: int, author: str, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.world.review(number, author)

    @rule(number=NUMBERS, state=st.sampled_from(("closed", "merged", "open")))
    def set_state(self, number: int, state: Any) -> None:
        # What is merged stays so.
        if self.world.pulls[number].pull.state != "merged":
            self.world.set_state(number, state)

    @rule(data=st.data(), status=st.sampled_from(("succeeded", "failed", "stopped", None)))
    def let_the_cluster_work(self, data: st.DataObject, status: Any) -> None:
        at_work = sorted(run for run, one in self.world.attempts.items() if one.is_at_work)
        if not at_work:
            return
        run = data.draw(st.sampled_from(at_work))
        if status is None:
            self.world.begin_working(run)
        elif (status == "stopped") == self.world.attempts[run].is_stopping:
            self.world.end(run, status)

    @rule(data=st.data())
    def look_and_lose(self, data: st.DataObject) -> None:
        """A pass in which actions are lost or done twice."""
        fates = data.draw(st.lists(st.sampled_from((1, 1, 1, 2, 0)), min_size=6, max_size=6))
        turns = iter(fates * 20)
        self.do(reconcile(self.world.see()), lambda action: next(turns))

    @rule()
    def look_and_lose_all_answers(self) -> None:
        """A forge that takes comments of ours and refuses to be answered."""
        actions = reconcile(self.world.see())
        self.do(actions, lambda action: int(not isinstance(action, Reply)))

    @rule(number=NUMBERS, author=st.sampled_from(("ann", "kim")), is_stopped=st.booleans())
    def approve_what_cannot_begin(self, number: int, author: str, is_stopped: bool) -> None:
        """Somebody approves, the cluster begins nothing, and somebody may say stop then."""
        if self.world.project.approval.when == "approval":
            self.world.review(number, author)
        for _ in range(1 + is_stopped):
            actions = reconcile(self.world.see())
            self.do(actions, lambda action: int(not isinstance(action, CreateRun)))
            if is_stopped:
                self.comment(number, "/vtspec stop", author, 20)

    @rule(kept=st.integers(0, 8))
    def look_and_die(self, kept: int) -> None:
        """A pass that is killed after some actions."""
        self.do(reconcile(self.world.see())[:kept])

    @rule()
    def see(self) -> None:
        """Another controller looks, and is slow."""
        self.old_views = [*self.old_views[-1:], self.world.see()]

    @rule()
    @precondition(lambda self: self.old_views)
    def do_late(self) -> None:
        """It does what it decided then."""
        self.do(reconcile(self.old_views.pop(0)))

    @rule()
    @precondition(lambda self: self.old_views)
    def look_behind(self) -> None:
        """Another controller looks, to which the cluster tells late what became of runs."""
        self.do(reconcile(replace(self.world.see(), attempts=self.old_views[-1].attempts)))

    @rule()
    def settle(self) -> None:
        self.check_settled()

    def do(self, actions: list[Action], fate: Any = lambda action: 1) -> None:
        self.world.do(actions, fate)

    @invariant()
    def no_plan_runs_twice_at_a_time(self) -> None:
        plans = [one.plan_id for one in self.world.attempts.values() if one.is_at_work]
        assert len(plans) == len(set(plans)), plans

    @invariant()
    def nothing_runs_that_nobody_approved(self) -> None:
        for run, approval in self.world.created:
            if approval.source != "comment":
                self.expect_word(approval)
                continue
            number, author, line = self.said[approval.comment_id]
            assert (number, author) == (approval.pull_request, approval.login)
            assert author in WRITERS
            assert approval.head_sha == self.heads[approval.comment_id], (run, line)
            if approval.comment_id not in self.edited:
                self.expect_line_means(line, approval.digest)

    def expect_word(self, approval: Approval) -> None:
        """It is a review or a merge, of what the pull request was then."""
        at = self.world.pulls[approval.pull_request]
        assert approval.login in WRITERS
        if approval.source == "merge":
            assert at.merged_by == approval.login
        else:
            (review,) = [one for one in at.reviews if one.id == approval.comment_id]
            assert (review.user, review.commit_sha) == (approval.login, approval.head_sha)
        every = {at.pull.head_sha: at.specs, **{one.head_sha: one.specs for one in at.earlier}}
        plans = [plan for spec in every[approval.head_sha] for plan in spec.plans]
        assert approval.digest in {plan.digest for plan in plans}

    def expect_line_means(self, line: str, digest: str) -> None:
        verb, *words = line.split()[1:]
        if verb == "rerun":
            assert any(other.digest == digest for _, other in self.world.created)
            return
        assert verb == "apply"
        whole = {
            compute_all_digest(list_targets(specs)): {spec.plans[0].digest for spec in specs}
            for specs in SPECS
        }
        assert any(
            digest.removeprefix("sha256:").startswith(word)
            or any(digest in plans for key, plans in whole.items() if key.startswith(word))
            for word in words
        ), (line, digest)

    @invariant()
    def no_word_is_carried_out_twice(self) -> None:
        done = [(one.word, one.digest) for _, one in self.world.created]
        assert len(done) == len(set(done)), done

    @invariant()
    def there_is_one_comment_of_a_kind(self) -> None:
        for number in self.world.pulls:
            for kind in KINDS:
                assert len(self.world.find(number, f"{kind} -->")) <= 1

    @invariant()
    def no_command_is_answered_twice(self) -> None:
        for said, (number, _, _) in self.said.items():
            assert len(self.world.find(number, f"reply {said} ")) <= 1
            assert not {"rocket", "-1"} <= self.world.reactions_to(number, said)

    def check_settled(self) -> None:
        self.do(reconcile(self.world.see()))
        if self.world.project.approval.when == "approval":
            # What a review is from before is known once that is written.
            self.do(reconcile(self.world.see()))
        assert reconcile(self.world.see()) == []
        for said, (number, author, line) in self.said.items():
            is_command = parse_command(line) is not None and author != BOT
            answered = self.world.reactions_to(number, said) & {"rocket", "-1"}
            if is_command:
                assert answered, line
            if is_command and author in WRITERS:
                assert self.world.find(number, f"reply {said} ")
        for one in self.world.attempts.values():
            wanting = [
                number
                for number, is_wanted in one.wanted_by.items()
                if is_wanted and self.world.pulls[number].pull.state != "closed"
            ]
            assert wanting or one.is_stopping or not one.is_at_work
            for number in wanting if one.is_at_work else ():
                self.expect_not_stopped(number, one)
        for number, at in self.world.pulls.items():
            for word in self.list_words(at):
                assert len(self.world.find(number, f"reply {word} ")) == 1, word

    def list_words(self, at: FakePullRequest) -> set[str]:
        """The reviews or the merge that have begun something, or could have."""
        number, state, when = at.pull.number, at.pull.state, self.world.project.approval.when
        last = {one.user: one for one in at.reviews if one.user in WRITERS}.values()
        words: set[str] = set()
        if when == "approval" and (state == "open" or self.world.find(number, "plan")):
            words = {f"review-{one.id}" for one in last}
        if (state, when) == ("merged", "merge"):
            words = {f"merge-{number}"}
        begun = {str(approval.word) for _, approval in self.world.created}
        return words if self.has_left(at) else words & begun

    def has_left(self, at: FakePullRequest) -> bool:
        """Whether a plan of it has no result, and is not at work."""
        attempts = self.world.attempts.values()
        there = {one.plan_id for one in attempts if one.is_at_work or one.state.has_result}
        return any(plan.id not in there for spec in at.specs for plan in spec.plans)

    def expect_not_stopped(self, number: int, attempt: Attempt) -> None:
        """What a pull request wants at work was approved after the last stop that it has."""
        at = self.world.pulls[number]
        said = [
            one.created_at
            for one in at.comments
            if one.body == "/vtspec stop" and one.author in WRITERS and one.id not in self.edited
        ]
        times = {f"review-{one.id}": one.submitted_at for one in at.reviews}
        times |= {str(one.id): one.created_at for one in at.comments}
        times[f"merge-{number}"] = at.pull.merged_at
        mine = [one for one in attempt.approvals if one.pull_request == number]
        assert max(said, default="") < max(times[str(one.word)] for one in mine)

    def teardown(self) -> None:
        if self.world.pulls:
            self.check_settled()


TestInterleavings = pytest.mark.slow(Interleavings.TestCase)
TestInterleavings.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
