"""Which runs a pull request has approved, in hidden lines of our comments there. Pure.

Their Workflows say so too, and may be deleted before anybody saw how the runs ended.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vtspec.pipelines.forge.comment_text import make_plain
from vtspec.pipelines.runs.run import find_plan_id

from .faults import blaming_pull, blaming_run
from .markers import make_marker
from .view import Approval, ApprovalSource, Attempt, PullRequestView, UnclearRun, View

_HIDDEN: Final = re.compile(r"<!-- vtspec:[^\n]* -->")
_APPROVED: Final = re.compile(
    # An earlier vtspec noted each run by itself, with its plan's digest.
    r"<!-- vtspec:run ((?:[a-z0-9.-]{1,253} )+)([0-9a-f]{7,64}) (?:sha256:[0-9a-f]{64} )?"
    r"(comment|approval|merge) ([0-9]{1,20}) (\S{1,100}) -->"
)
_PLACE: Final = re.compile(r"<!-- vtspec:at (\S{1,63} \S{1,1100}) -->")
_SOURCES: Final[Mapping[str, ApprovalSource]] = {
    "comment": "comment",
    "approval": "approval",
    "merge": "merge",
}
MOST_NOTED: Final = 500
"""Runs that a comment notes, the last ones: with the longest names they take half of it."""


def render_approved(approved: Mapping[str, Approval]) -> str:
    """Hidden lines that say by whose word runs were begun, and where, to stand below a marker."""
    names: dict[str, dict[str, list[str]]] = {}
    for run, one in approved.items():
        word = f"{one.head_sha} {one.source} {one.comment_id} {one.login}"
        names.setdefault(one.place, {}).setdefault(word, []).append(run)
    lines: list[str] = []
    # Those of which no place is known come first, where none was named.
    for place in sorted(names, key=bool):
        lines += [f"at {place}"] if place else []
        lines += [f"run {' '.join(runs)} {word}" for word, runs in names[place].items()]
    return "".join(f"\n{make_marker(line)}" for line in lines)


def read_approved(seen: PullRequestView, login: str) -> dict[str, Approval]:
    """The runs that our comments in a pull request say it has approved, the oldest first."""
    found: dict[str, Approval] = {}
    for comment in seen.comments:
        if comment.author == login:
            for run, approval in read_noted(comment.body, seen.pull.number):
                found.pop(run, None)
                found[run] = approval
    return found


def read_noted(body: str, number: int) -> Iterator[tuple[str, Approval]]:
    """The runs that a comment of ours in a pull request notes at its top, and by whose word."""
    place = ""
    for line in make_plain(body).split("\n"):
        # Below them other people's words begin, what pods have printed among them.
        if _HIDDEN.fullmatch(line) is None:
            return
        at = _PLACE.fullmatch(line)
        place = place if at is None else at[1]
        told = _APPROVED.fullmatch(line)
        if told is None:
            continue
        approval = Approval(
            pull_request=number,
            head_sha=told[2],
            digest="",
            source=_SOURCES[told[3]],
            comment_id=int(told[4]),
            login=told[5],
            place=place,
        )
        for run in told[1].split():
            yield run, approval


def list_approved(attempts: Iterable[Attempt], number: int) -> dict[str, Approval]:
    """The runs that a pull request has approved, each by its last word."""
    return {
        one.run: approval
        for one in attempts
        for approval in one.approvals
        if approval.pull_request == number
    }


def update_approved(
    before: Mapping[str, Approval], attempts: Iterable[Attempt], number: int
) -> dict[str, Approval]:
    """What a progress comment is to note from now on."""
    every = {**before, **list_approved(attempts, number)}
    # By what was said last: else each answer that names runs again would have it written anew.
    last = sorted(every.items(), key=lambda one: one[1].comment_id)
    return dict(last[-MOST_NOTED:])


def list_begun_elsewhere(seen: PullRequestView, login: str, here: str) -> Iterator[UnclearRun]:
    """The runs that a pull request has approved in another namespace and store than these: whether
    they have ended is not seen from here."""
    for run, one in read_approved(seen, login).items():
        namespace, _, store = one.place.partition(" ")
        if one.place and here and not {namespace, store} & {*here.split(" ")}:
            yield UnclearRun(
                run=run,
                plan_id=find_plan_id(run),
                namespace=namespace,
                store=store,
                # It is nobody's here: what it costs counts where it is.
                team="",
            )


def restore_approvals(view: View) -> Iterator[Attempt]:
    """All runs; those without a Workflow as wanted by the pull requests that approved them."""
    approved = []
    for seen in view.pull_requests:
        with blaming_pull(seen.pull.number):
            approved.append(read_approved(seen, view.login))
    for one in view.attempts:
        with blaming_run(one.run):
            found = _restore(one, approved)
        yield found


def _restore(one: Attempt, approved: Sequence[Mapping[str, Approval]]) -> Attempt:
    mine = tuple(each[one.run] for each in approved if one.run in each)
    if one.workflow is not None or one.wanted_by or not mine:
        return one
    return replace(one, approvals=mine, wanted_by={each.pull_request: True for each in mine})
