"""The pull requests of a repository, as its forge and its git have them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.project.git_mirror import GitMirror

from .commands import parse_command
from .markers import CONCLUDED
from .request import LATEST
from .site import Reason, Site
from .view import PullRequestView

if TYPE_CHECKING:
    from vtspec.pipelines.forge.forge import Forge, Permission, PullRequest, Reaction


def choose_commits(pull: "PullRequest", commits: Mapping[str, str]) -> tuple[str, str]:
    """The commits of a pull request's head and of what it is held against."""
    names = list_commits(pull)
    for name in names:
        if name not in commits:
            raise Temporary(f"{name} of it has not been fetched yet")
    return commits[names[0]], commits[names[1]]


def find_open_pulls(site: Site) -> "tuple[dict[int, PullRequest], dict[int, Reason]]":
    """All that are open, those that were at the last survey, and those in which a command was
    written of late; those of them that are not there, with the reason."""
    pulls = {one.number: one for one in site.forge.list_open_pull_requests()}
    # Those that were closed or merged since, of which nobody may have told.
    closed, left_out = get_pulls(site.forge, (site.opened | _list_commanded(site)) - {*pulls})
    return {**pulls, **closed}, left_out


def _list_commanded(site: Site) -> set[int]:
    """Pull requests, closed ones too, with a command that is not too old to be carried out."""
    oldest = site.now - LATEST
    # The same question for minutes, so that a forge may answer that nothing is new.
    since = oldest - timedelta(minutes=oldest.minute % 5, seconds=oldest.second)
    return {
        number
        for number, comment in site.forge.list_comments_since(since)
        if parse_command(comment.body) is not None
    }


def get_pulls(
    forge: "Forge", numbers: set[int]
) -> "tuple[dict[int, PullRequest], dict[int, Reason]]":
    """These pull requests, and those that are not there: a label on a Workflow may name any."""
    pulls: dict[int, PullRequest] = {}
    left_out: dict[int, Reason] = {}
    for number in sorted(numbers):
        try:
            pulls[number] = forge.get_pull_request(number)
        except Permanent as error:
            left_out[number] = error
    return pulls, left_out


def fetch(
    mirror: GitMirror, default: str | None, pulls: "Iterable[PullRequest]"
) -> dict[int, Reason]:
    """Have the default branch here, and the heads and bases of pull requests, in one go; those
    that could not be had, with the reason."""
    refs = {
        one.number: (f"refs/pull/{one.number}/head", f"refs/heads/{one.base_ref}")
        for one in pulls
        # What is over does not move any more.
        if one.state == "open" or len(mirror.find_commits(list_commits(one))) < 2
    }
    first = () if default is None else (default,)
    every = sorted({*first, *(ref for two in refs.values() for ref in two)})
    if not every:
        return {}
    try:
        mirror.fetch(every)
        return {}
    except Permanent:
        if not refs:
            raise
    # One lacks a branch; git does not say which, and fetched none.
    left_out: dict[int, Reason] = {}
    if first:
        mirror.fetch(first)
    for number, two in refs.items():
        try:
            mirror.fetch(two)
        except (Permanent, Temporary) as error:
            left_out[number] = error
    return left_out


def list_commits(pull: "PullRequest") -> tuple[str, str]:
    """How git names the head of a pull request, and what it is held against."""
    # Once it is merged its commits are the branch's, too.
    base = pull.base_sha if pull.state == "merged" else f"refs/heads/{pull.base_ref}"
    return pull.head_sha, base


def read_pull(site: Site, pull: "PullRequest", commits: Mapping[str, str]) -> PullRequestView:
    """A pull request as its forge has it."""
    forge, number = site.forge, pull.number
    choose_commits(pull, commits)
    comments = forge.list_comments(number)
    commands = [one for one in comments if parse_command(one.body) is not None]
    reviews = forge.list_reviews(number)
    approvers = [one.user for one in reviews if one.is_approved]
    merged_by = pull.merged_by or None
    people = {*(one.author for one in commands), *approvers, *([merged_by] if merged_by else [])}
    return PullRequestView(
        pull=pull,
        comments=comments,
        reactions={one.id: _find_reactions(site, one.id) for one in commands},
        reviews=reviews,
        permissions=_find_permissions(forge, people - {forge.find_login(), ""}),
        merged_by=merged_by,
        full_text=f"{pull.url}/checks" if forge.has_checks else None,
    )


def _find_reactions(site: Site, comment: int) -> "Sequence[Reaction]":
    if comment in site.concluded:
        return site.concluded[comment]
    found = site.forge.list_reactions(comment)
    ours = {one.content for one in found if one.user == site.forge.find_login()}
    if ours & CONCLUDED:
        site.concluded[comment] = found
    return found


def _find_permissions(forge: "Forge", people: Iterable[str]) -> "dict[str, Permission]":
    return {login: forge.get_permission(login) for login in sorted(people)}
