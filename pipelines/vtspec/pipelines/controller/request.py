"""A command and all that it is judged by; what its answers share. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Final

from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.forge.forge import Comment
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.runs.run import find_plan_id

from . import replies, run_replies
from .actions import Action
from .approval import (
    Asker,
    choose_team,
    find_asker_problem,
    find_limit_problem,
)
from .approved_runs import read_approved
from .commands import (
    AllowCommand,
    ApplyCommand,
    BadCommand,
    SpecCommand,
    is_stop,
    parse_command,
)
from .cost_limits import find_cost_problem
from .digests import Target, find_meant, list_changed, write_line, write_lines
from .ledger import Ledger, Standing
from .markers import (
    CONCLUDED,
    Outcome,
    Shown,
    find_comments,
    find_replies,
    parse_time,
    read_shown,
)
from .view import Approval, Attempt, PullRequestView, View

LATEST: Final = timedelta(minutes=15)
"""After this a command that nobody has carried out is not carried out any more."""

_CLOCKS_S: Final = 60
"""How far the clock that we go by may be ahead of the forge's."""

_MOST_EARLIER: Final = 3
"""Earlier heads that are planned to tell what has changed since."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said to a command; `effects` are what it has done. Where it `is_quiet` nothing is
    said, and the reaction tells."""

    outcome: Outcome
    sentences: tuple[Sentence, ...] = ()
    effects: tuple[Action, ...] = ()
    is_quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A `/vtspec stop`: of these experiments, of all where none is named."""

    comment: Comment
    specs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A command, with all that it is judged by."""

    view: View
    seen: PullRequestView
    comment: Comment
    ledger: Ledger = field(repr=False)

    @cached_property
    def asker(self) -> Asker:
        """Who asks; whom the forge does not know may do nothing."""
        login = self.comment.author
        return Asker(login=login, permission=self.seen.permissions.get(login, "none"))

    @cached_property
    def shown(self) -> Shown | None:
        """What our plan comment shows."""
        return find_shown(self.seen, self.view.login)

    @property
    def tongue(self) -> Tongue:
        """The language of who asks, else of the pull request."""
        first, _, rest = self.comment.body.partition("\n")
        # The words of a command are of no language, but Korean ones are Korean.
        title = (
            "ko" if detect_language([first]) == "ko" else detect_language([self.seen.pull.title])
        )
        return detect_language([rest], title)

    @property
    def may_approve(self) -> bool:
        """Whether they may have plans carried out."""
        return find_asker_problem(self.asker, self.seen.pull.author, self.view.project) is None

    @property
    def may_stop(self) -> bool:
        """Whether they may say stop."""
        return may_stop(self.asker.login, self.seen, self.view)

    def wants(self, run: Attempt) -> bool:
        """Whether the pull request wants a run without this command."""
        return wants_run(run, self.seen, self._stops)

    @cached_property
    def _stops(self) -> list[Stop]:
        return list_stops(self.seen, self.view)

    def is_called_off(self, spec: str) -> bool:
        """Whether nobody wants any more what this command asks for of an experiment."""
        return is_called_off(self.approval, spec, self.seen, self._stops)

    @property
    def is_stranger(self) -> bool:
        """Whether it is somebody to whom nothing is owed but a sign that it was seen."""
        return not self.may_stop

    @property
    def approval(self) -> Approval:
        """The approval that the command is, but for the digest."""
        return Approval(
            pull_request=self.seen.pull.number,
            login=self.asker.login,
            digest="",
            head_sha=self.seen.pull.head_sha,
            source="comment",
            comment_id=self.comment.id,
            place=self.view.place,
        )


def find_shown(seen: PullRequestView, login: str) -> Shown | None:
    """What our plan comment in a pull request says that it is of."""
    comments = find_comments(seen.comments, login, "plan")
    shown = read_shown(comments[0].body) if comments else None
    at = parse_time(comments[0].updated_at) if comments else None
    if shown is None or at is None:
        return None
    # What is to be shown only long after it was written, somebody else has made of it.
    written = int(at.timestamp())
    is_forged = shown.head_since > written + _CLOCKS_S
    return replace(shown, head_since=written) if is_forged else shown


def is_persons(comment: Comment, view: View) -> bool:
    """Whether a person other than ourselves has written it: no other program's words start
    anything, since two could talk for ever."""
    return comment.author not in ("", view.login) and not comment.author.endswith("[bot]")


def is_too_old(comment: Comment, view: View) -> bool:
    """Whether a comment is from so long ago that nobody expects anything to come of it."""
    at = parse_time(comment.created_at)
    return at is None or view.now - at > LATEST


def is_allowed(seen: PullRequestView, view: View) -> bool:
    """Whether the head of a pull request is treated like one of the repository: it is one, or a
    maintainer has allowed this very commit."""
    return not seen.pull.is_fork or any(_allows(seen, view, one) for one in seen.comments)


def list_asked_specs(seen: PullRequestView, login: str) -> set[str]:
    """The specs that comments name to be planned, beside those that are changed."""
    found: set[str] = set()
    for comment in seen.comments:
        # What was edited is no command.
        is_ours = comment.author == login or comment.updated_at != comment.created_at
        command = None if is_ours else parse_command(comment.body)
        may = seen.permissions.get(comment.author) in ("write", "admin")
        if isinstance(command, SpecCommand) and command.verb == "plan" and may:
            found.update(name for name in command.specs if name in seen.experiments)
    return found


def list_earlier_heads(seen: PullRequestView, view: View) -> list[str]:
    """The earlier heads that a command which nobody has answered may be about, the likeliest
    first: those whose plan it names, then the last ones."""
    shown = find_shown(seen, view.login)
    words = [word for one in seen.comments for word in _list_stale_words(one, seen, view)]
    if shown is None or not words:
        return []
    older = [one for one in shown.digests if one.head_sha != seen.pull.head_sha]
    named = [one for one in older if any(word and one.digest.startswith(word) for word in words)]
    return list(dict.fromkeys(one.head_sha for one in (*named, *older)))[:_MOST_EARLIER]


def _list_stale_words(comment: Comment, seen: PullRequestView, view: View) -> list[str]:
    """The digests in a command that nobody has answered which mean no plan of now; an empty one
    where it has none."""
    if comment.author == view.login or is_too_old(comment, view):
        return []
    ours = {one.content for one in seen.reactions.get(comment.id, ()) if one.user == view.login}
    if ours & CONCLUDED or comment.id in find_replies(seen.comments, view.login):
        return []
    match parse_command(comment.body):
        case ApplyCommand(digests=digests):
            return [word for word in digests if not find_meant(word, seen.specs)]
        case BadCommand(fault="no digest"):
            return [""]
        case _:
            return []


def _allows(seen: PullRequestView, view: View, comment: Comment) -> bool:
    command = parse_command(comment.body) if comment.author != view.login else None
    if not isinstance(command, AllowCommand) or comment.updated_at != comment.created_at:
        return False
    if seen.pull.head_sha != command.head_sha:
        return False
    ours = {one.content for one in seen.reactions.get(comment.id, ()) if one.user == view.login}
    may = seen.permissions.get(comment.author) in ("write", "admin")
    return may and "-1" not in ours and ("rocket" in ours or not is_too_old(comment, view))


def find_bar(seen: PullRequestView, view: View) -> Sentence | None:
    """Why nothing of a pull request can be carried out as it stands, whoever asks."""
    if seen.pull.is_draft:
        return run_replies.DRAFT
    return None if is_allowed(seen, view) else replies.explain_fork(seen.pull.head_sha)


def may_stop(login: str, seen: PullRequestView, view: View) -> bool:
    """Whether somebody may stop what a pull request runs."""
    asker = Asker(login=login, permission=seen.permissions.get(login, "none"))
    return (
        asker.may_write
        or login.casefold() == seen.pull.author.casefold()
        or find_asker_problem(asker, seen.pull.author, view.project) is None
    )


def list_stops(seen: PullRequestView, view: View) -> list[Stop]:
    """What was said to stop in a pull request by who may, but for what was refused."""
    found = []
    for one in seen.comments:
        command = parse_command(one.body) if is_persons(one, view) else None
        if not is_stop(command):
            continue
        ours = {each.content for each in seen.reactions.get(one.id, ()) if each.user == view.login}
        is_edited = one.updated_at != one.created_at
        if not is_edited and "-1" not in ours and may_stop(one.author, seen, view):
            found.append(Stop(comment=one, specs=command.specs))
    return found


def is_called_off(word: Approval, spec: str, seen: PullRequestView, stops: Iterable[Stop]) -> bool:
    """Whether one of these stops was said after a word that has a run of an experiment carried
    out; not where it is not known when that was."""
    return any(
        (not one.specs or spec in one.specs) and is_said_before(word, one.comment, seen) is True
        for one in stops
    )


def wants_run(one: Attempt, seen: PullRequestView, stops: Sequence[Stop]) -> bool:
    """Whether a pull request wants a run, and not by words alone from before a stop of its own.
    That stop was answered by who did not see the run: begun by somebody slow, or told late."""
    number = seen.pull.number
    mine = [each for each in one.approvals if each.pull_request == number]
    is_off = mine and all(is_called_off(each, one.spec, seen, stops) for each in mine)
    return one.wanted_by.get(number, False) and not is_off


def is_said_before(word: Approval, comment: Comment, seen: PullRequestView) -> bool | None:
    """Whether a word was said before a comment, or in the same second as a review or a merge; None
    where it is not known when it was."""
    match word.source:
        case "comment":
            return word.comment_id < comment.id
        case "approval":
            times = [one.submitted_at for one in seen.reviews if one.id == word.comment_id]
        case "merge":
            times = [seen.pull.merged_at]
    said, at = parse_time(next(iter(times), "")), parse_time(comment.created_at)
    return None if said is None or at is None else said <= at


def list_done(word: Approval, seen: PullRequestView, view: View, ledger: Ledger) -> set[str]:
    """The plans that a word has had carried out, also where somebody has removed the run since."""
    noted = read_approved(seen, view.login).items()
    removed = {find_plan_id(run) for run, one in noted if one.word == word.word}
    return removed | {one.plan_id for one in ledger.list_begun_by(word.word)}


def list_open(targets: Iterable[Target], ledger: Ledger) -> list[Target]:
    """Those of the plans that can be carried out, and are not yet."""
    return [
        target
        for target in targets
        if not target.spec.obstacles and find_standing(target, ledger).begin is not None
    ]


def find_standing(target: Target, ledger: Ledger) -> Standing:
    """What carrying out a plan would come to now."""
    done = next(
        (one for one in ledger.list_by_plan(target.plan.id) if one.standing == "done"), None
    )
    completion = None
    if done is not None and target.spec.has_update(target.plan):
        completion = name_completion(done.run, target.plan.to_json())
    return ledger.find_standing(target, completion)


def find_run_problem(
    view: View, target: Target, standing: Standing, login: str, ledger: Ledger
) -> Sentence | None:
    """Why a plan cannot be carried out by somebody's word: the cluster, limits, the budget."""
    plan = target.plan
    if target.spec.obstacles:
        return run_replies.explain_obstacles(target)
    spoiled = next((one for one in view.unclear if one.plan_id == plan.id), None)
    if spoiled is not None:
        return run_replies.put_before(target, replies.explain_unclear(spoiled))
    problem = find_limit_problem(plan, login, view.project)
    if problem is not None:
        return run_replies.put_before(target, problem)
    team = choose_team(plan, login, view.project)
    if team is None or standing.is_completion:
        return None
    problem = find_cost_problem(view, team, plan.estimate.cost, standing.counted_run, ledger)
    return None if problem is None else run_replies.put_before(target, problem)


def propose_line(request: Request) -> str | None:
    """The line that carries out what the pull request changes; None where nothing can be."""
    targets = list_open(list_changed(request.seen.specs), request.ledger)
    return write_line(targets, request.seen.specs) if targets else None


def tell_how(request: Request, every: Sequence[Target]) -> Iterator[Sentence]:
    """How these plans are carried out; of those that are not any more, why."""
    seen, ledger = request.seen, request.ledger
    targets = list_open(every, ledger)
    for target in (one for one in every if one not in targets):
        if target.spec.obstacles:
            yield run_replies.explain_obstacles(target)
        else:
            yield run_replies.explain_standing(target, find_standing(target, ledger), False)
    if not targets:
        return
    bar = find_bar(seen, request.view)
    if bar is not None:
        yield bar
        return
    when = request.view.project.approval.when
    if when == "comment":
        yield run_replies.explain_lines(write_lines(targets, seen.specs))
        return
    others = [one for one in targets if one.spec.cause != "changed"]
    if len(others) < len(targets):
        yield run_replies.explain_when(when)
    if others and when == "approval":
        yield run_replies.REVIEWS_ITS_OWN
    elif others:
        lines = write_lines(others, seen.specs)
        yield run_replies.explain_lines(lines, is_after_merge=True)


def refuse(*sentences: Sentence) -> Answer:
    """The answer that says why nothing is done."""
    return Answer(outcome="refused", sentences=sentences)
