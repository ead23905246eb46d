"""Whether what a look has decided still stands, asked anew right before it is done on the cluster.

Meanwhile another controller may have answered, and people may have thought better of it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.forge.forge import Comment
from vtspec.schema.problem import SpecError

from .actions import CreateRun, LabelRun
from .approval import Asker, find_asker_problem, find_standing_reviews
from .commands import is_stop, parse_command
from .markers import find_replies
from .observed_plans import read_policy
from .observed_pulls import read_pull
from .request import is_allowed, is_called_off, is_too_old, list_stops
from .site import Site
from .view import Approval, PullRequestView, View

if TYPE_CHECKING:
    from vtspec.pipelines.forge.forge import PullRequest
    from vtspec.pipelines.project.repository import Repository


class Outdated(Temporary):
    """What was decided on is no more; the next look decides anew."""


def refuse_outdated(action: CreateRun | LabelRun, site: Site, repository: "Repository") -> None:
    """Raise `Outdated` where the word that an action comes of was taken back, was answered, came
    too late, or may not be said any more: by what forge and git say now."""
    approval, forge = action.approval, site.forge
    view = View(now=site.now, login=forge.find_login(), project=repository.project.spec)
    if approval is None:
        # A stop, for which nobody needs leave, and which never comes too late.
        if isinstance(action, LabelRun) and action.cause is not None:
            _check_command(action, forge.list_comments(action.pull_request), view)
        return
    pull = forge.get_pull_request(approval.pull_request)
    _check_pull(pull, approval)
    _check_policy(site, repository)
    comments = forge.list_comments(pull.number)
    if action.cause is not None:
        _check_command(action, comments, view)
    elif approval.word in find_replies(comments, view.login):
        raise Outdated(f"{approval.word} was answered meanwhile")
    elif approval.source == "approval":
        _check_review(site, approval)
    later = (one.body for one in comments if one.id > (action.cause or 0))
    if pull.is_fork or any(is_stop(parse_command(body)) for body in later):
        _check_comments(action, read_pull(site, pull), view)
    asker = Asker(login=approval.login, permission=forge.get_permission(approval.login))
    problem = find_asker_problem(asker, pull.author, view.project)
    # The next look finds it so, too, and says it in the language of who asks.
    if problem is not None:
        raise Outdated(f"{approval.login} may not approve any more: {problem.en}")


def _check_pull(pull: "PullRequest", approval: Approval) -> None:
    if pull.state != "merged" and pull.head_sha != approval.head_sha:
        raise Outdated(f"pull request {pull.number} was pushed to meanwhile")
    if pull.state == "closed":
        raise Outdated(f"pull request {pull.number} was closed meanwhile")
    if pull.is_draft:
        raise Outdated(f"pull request {pull.number} was made a draft meanwhile")


def _check_comments(action: CreateRun | LabelRun, seen: PullRequestView, view: View) -> None:
    """What others have said of the pull request."""
    if not is_allowed(seen, view):
        raise Outdated(f"{seen.pull.head_sha} is allowed no more")
    if isinstance(action, CreateRun):
        name, stops = action.plan.name, list_stops(seen, view)
        if is_called_off(action.approval, name, seen, stops):
            raise Outdated(f"{name} was stopped meanwhile")


def _check_policy(site: Site, repository: "Repository") -> None:
    """What `vtspec.yaml` of the default branch says is what was decided by."""
    mirror, default = site.reopen_mirror()
    try:
        mirror.fetch((default,))
        commit = mirror.find_commits([default])[default]
        policy = read_policy(site.folder, commit).project.spec
    # Whoever looks again says it: nobody's command is answered by that.
    except (Permanent, Refused, SpecError) as error:
        raise Outdated(f"what vtspec.yaml says now cannot be read: {error}") from error
    if policy != repository.project.spec:
        raise Outdated("vtspec.yaml says something else meanwhile")


def _check_command(action: CreateRun | LabelRun, comments: Sequence[Comment], view: View) -> None:
    said = next((one for one in comments if one.id == action.cause), None)
    # An edited comment is no command.
    if said is None or said.updated_at != said.created_at:
        login = "somebody" if action.approval is None else action.approval.login
        raise Outdated(f"{login} has taken the command back")
    if said.id in find_replies(comments, view.login):
        raise Outdated(f"the command {said.id} was answered meanwhile")
    if action.approval is not None and is_too_old(said, view):
        raise Outdated(f"the command {said.id} was said too long ago")


def _check_review(site: Site, approval: Approval) -> None:
    reviews = site.forge.list_reviews(approval.pull_request)
    last = find_standing_reviews(reviews).get(approval.login)
    if last is None or last.commit_sha != approval.head_sha:
        raise Outdated(f"{approval.login} has taken the approval back")
