"""The pull requests of a repository, as its forge and its git have them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.project.git_mirror import GitMirror

from .commands import parse_command
from .markers import CONCLUDED, find_comments, find_visible, make_marker, parse_time
from .request import LATEST
from .site import Reason, Site
from .view import PullRequestView

if TYPE_CHECKING:
    from vtspec.pipelines.forge.forge import (
        Comment,
        Forge,
        Permission,
        PullRequest,
        Reaction,
    )


_AWAY: Final = timedelta(days=3)
"""For how long nobody may have looked, as a weekend lasts, so that nothing said then is lost."""


_MOST_DELETED: Final = 3
"""How often comments are listed anew that are deleted meanwhile."""

_BEHIND: Final = timedelta(minutes=1)
"""How long git may be behind the forge; what is not there then is in no branch any more."""


def choose_commits(
    pull: "PullRequest", commits: Mapping[str, str], default: str, now: datetime
) -> tuple[str, str]:
    """The commits of a pull request's head and of what it is held against: once it is over and the
    branch that it was to go into is gone, that is the default branch's; where what it was merged
    into is in no branch any more, it is its head, from which nothing differs."""
    head, base = list_commits(pull)
    has_branch = _name_base(pull) in commits
    is_gone = pull.state != "open" and base not in commits and not has_branch
    is_lost = base not in commits and has_branch and has_settled(pull, now)
    for name in (head, *(() if is_gone or is_lost else (base,))):
        if name not in commits:
            raise Temporary(f"{name} of it has not been fetched yet")
    if is_lost:
        return commits[head], commits[head]
    return commits[head], default if is_gone else commits[base]


def has_settled(pull: "PullRequest", now: datetime) -> bool:
    """Whether git has had the time to tell all that there is of a merge."""
    at = parse_time(pull.merged_at)
    return at is not None and now - at > _BEHIND


def find_open_pulls(site: Site) -> "tuple[dict[int, PullRequest], dict[int, Reason]]":
    """All that are open, those that were at the last survey, and those in which a command was
    written of late; those of them that are not there, with the reason."""
    pulls = {one.number: one for one in site.forge.list_open_pull_requests()}
    # Those that were closed or merged since, of which nobody may have told.
    over = site.opened | _list_spoken(site) | _list_merged(site)
    closed, left_out = get_pulls(site.forge, over - {*pulls})
    return {**pulls, **closed}, left_out


def _list_merged(site: Site) -> set[int]:
    """The pull requests that may have been merged since the last survey, or while nobody looked:
    their merge, or a review right before it, may be what carries plans out."""
    if site.heard is None:
        return {*site.forge.list_merged_since(_round(site.now - _AWAY))}
    project = None if site.repository is None else site.repository.project.spec
    if project is None or project.approval.when == "comment":
        return set()
    return {*site.forge.list_merged_since(_round(site.heard - _BEHIND))}


def _round(time: datetime) -> datetime:
    # The same question for minutes, so that a forge may answer that nothing is new.
    return time - timedelta(minutes=time.minute % 5, seconds=time.second)


def _list_spoken(site: Site) -> set[int]:
    """Pull requests, closed ones too, with a command that nobody has answered as far as is known;
    at the first survey also those with progress that was told of late, since they may have been
    merged, and their runs have ended, while nobody looked."""
    login, heard = site.forge.find_login(), site.heard
    oldest = (site.now - _AWAY if heard is None else heard) - LATEST
    comments = site.forge.list_comments_since(_round(oldest))
    told = {
        number
        for number, one in comments
        if one.author == login and one.body.startswith(make_marker("progress"))
    }
    return (told if heard is None else set()) | {
        number
        for number, one in comments
        if parse_command(one.body) is not None and one.id not in site.concluded
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
    every = list(pulls)
    refs = {one.number: _list_refs(one) for one in every if one.state == "open"}
    first = () if default is None else (default,)
    left_out = _fetch_refs(mirror, first, refs)
    for one in every:
        # What is over does not move any more, and its branches may be gone: it holds up no other.
        wanted = {*list_commits(one), *([one.merge_sha] if one.merge_sha else [])}
        if one.state != "open" and mirror.find_commits(wanted).keys() != wanted:
            head, base = _list_refs(one)
            try:
                mirror.fetch((head,))
                with suppress(Permanent):
                    mirror.fetch((base,))
            except (Permanent, Temporary) as error:
                left_out[one.number] = error
    return left_out


def _list_refs(pull: "PullRequest") -> tuple[str, str]:
    return f"refs/pull/{pull.number}/head", _name_base(pull)


def _name_base(pull: "PullRequest") -> str:
    return f"refs/heads/{pull.base_ref}"


def _fetch_refs(
    mirror: GitMirror, first: tuple[str, ...], refs: Mapping[int, tuple[str, str]]
) -> dict[int, Reason]:
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
    base = pull.base_sha if pull.state == "merged" else _name_base(pull)
    return pull.head_sha, base


def name_commits(pulls: "Iterable[PullRequest]") -> set[str]:
    """All that is asked of git to choose the commits of pull requests."""
    names = ((*list_commits(one), _name_base(one), one.merge_sha) for one in pulls)
    return {name for each in names for name in each} - {""}


def read_pull(site: Site, pull: "PullRequest") -> PullRequestView:
    """A pull request as its forge has it."""
    forge, number = site.forge, pull.number
    comments, reactions = _read_comments(site, number)
    commands = [one for one in comments if one.id in reactions]
    reviews = forge.list_reviews(number)
    approvers = [one.user for one in reviews if one.is_approved]
    merged_by, login = pull.merged_by or None, forge.find_login()
    plans = find_comments(comments, login, "plan")
    visible = find_visible(plans[0], site.visible.get(plans[0].id)) if plans else None
    people = {*(one.author for one in commands), *approvers, *([merged_by] if merged_by else [])}
    return PullRequestView(
        pull=pull,
        comments=comments,
        reactions=reactions,
        reviews=reviews,
        permissions=_find_permissions(forge, people - {login, ""}),
        merged_by=merged_by,
        full_text=f"{pull.url}/checks" if forge.has_checks else None,
        visible=visible,
    )


def _read_comments(
    site: Site, number: int
) -> "tuple[Sequence[Comment], dict[int, Sequence[Reaction]]]":
    """The comments of a pull request, and the reactions to those that are commands."""
    comments = site.forge.list_comments(number)
    for _ in range(_MOST_DELETED):
        commands = [one.id for one in comments if parse_command(one.body) is not None]
        try:
            return comments, {one: _find_reactions(site, one) for one in commands}
        except Permanent:
            there = site.forge.list_comments(number)
            # Somebody may have deleted one since it was listed.
            if {*commands} <= {one.id for one in there}:
                raise
            comments = there
    raise Temporary(f"comments of pull request {number} are deleted while they are read")


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
