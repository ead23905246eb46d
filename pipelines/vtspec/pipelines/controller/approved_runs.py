"""Which runs a pull request has approved, in hidden lines of our comments there. Pure.

Their Workflows say so too, and may be deleted before anybody saw how the runs ended.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from vtspec.pipelines.forge.comment_text import make_plain
from vtspec.pipelines.runs.run import find_plan_id

from .markers import make_marker
from .view import Approval, ApprovalSource, Attempt, PullRequestView, UnclearRun, View

_HIDDEN: Final = re.compile(r"<!-- vtspec:[^\n]* -->")
_APPROVED: Final = re.compile(
    r"<!-- vtspec:run ([a-z0-9.-]{1,253}) ([0-9a-f]{7,64}) (\S{1,80}) (comment|approval|merge) "
    r"([0-9]{1,20}) (\S{1,100}) -->"
)
_PLACE: Final = re.compile(r"<!-- vtspec:at (\S{1,63} \S{1,1100}) -->")
_SOURCES: Final[Mapping[str, ApprovalSource]] = {
    "comment": "comment",
    "approval": "approval",
    "merge": "merge",
}
_MOST: Final = 60
"""Runs that a progress comment notes, the last ones."""


def render_approved(approved: Mapping[str, Approval]) -> str:
    """Hidden lines that say by whose word each run was begun, and where, to stand below a
    marker."""
    lines: dict[str, list[str]] = {}
    for run, one in approved.items():
        text = f"run {run} {one.head_sha} {one.digest} {one.source} {one.comment_id} {one.login}"
        lines.setdefault(one.place, []).append(text)
    # Those of which no place is known come first, where none was named.
    places = sorted(lines, key=bool)
    texts = [text for at in places for text in (*([f"at {at}"] if at else []), *lines[at])]
    return "".join(f"\n{make_marker(text)}" for text in texts)


def read_approved(seen: PullRequestView, login: str) -> dict[str, Approval]:
    """The runs that our comments in a pull request say it has approved, the oldest first."""
    found: dict[str, Approval] = {}
    for comment in seen.comments:
        if comment.author == login:
            for run, approval in _read_lines(comment.body, seen.pull.number):
                found.pop(run, None)
                found[run] = approval
    return found


def _read_lines(body: str, number: int) -> Iterator[tuple[str, Approval]]:
    place = ""
    for line in make_plain(body).split("\n"):
        # Below them other people's words begin, what pods have printed among them.
        if _HIDDEN.fullmatch(line) is None:
            return
        at = _PLACE.fullmatch(line)
        place = place if at is None else at[1]
        told = _APPROVED.fullmatch(line)
        if told is not None:
            yield (
                told[1],
                Approval(
                    pull_request=number,
                    head_sha=told[2],
                    digest=told[3],
                    source=_SOURCES[told[4]],
                    comment_id=int(told[5]),
                    login=told[6],
                    place=place,
                ),
            )


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
    return dict(list(every.items())[-_MOST:])


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
    approved = [read_approved(seen, view.login) for seen in view.pull_requests]
    for one in view.attempts:
        mine = tuple(each[one.run] for each in approved if one.run in each)
        if one.workflow is not None or one.wanted_by or not mine:
            yield one
        else:
            wanted = {each.pull_request: True for each in mine}
            yield replace(one, approvals=mine, wanted_by=wanted)
