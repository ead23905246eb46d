"""What is to be done, as plain data that the edge carries out. Pure.

Each may be done twice, or be lost, and comes to the same in the end. Those that one command asks
for have its comment as their `cause`: they are done in their order, and where one of them fails
those after it are left, so that nobody is told of what was not done.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, assert_never

from vtspec.pipelines.forge.forge import CheckReport, ReactionContent, Status
from vtspec.pipelines.planning.plan_model import Plan

from .markers import WordId
from .reservations import Reservation
from .view import Approval

Begin = Literal["new", "resume", "again", "completion"]
"""How a plan is carried out: for the first time; from a checkpoint of the attempt; as another
attempt; or what of a result its policy lacks."""

CommentKind = Literal["plan", "progress", "result", "approval"]


@dataclass(frozen=True, kw_only=True)
class CreateRun:
    """Create the Workflow of that name, unless it is there. Right before, the edge asks the forge
    once more whether the pull request's head is still `approval.head_sha`, and whether who has
    approved it still may, and has not taken it back.

    One that goes on is gone on with only as it was seen: where more than `after_seq` has been told
    of it since, somebody else has. A `reservation` is made before anything else is, and only
    beside those that it was decided with.
    """

    run: str
    plan: Plan
    begin: Begin
    approval: Approval
    team: str | None
    after_seq: int | None = None
    reservation: Reservation | None = None
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class LabelRun:
    """Note on a Workflow that a pull request wants it (`approval` says by whose word), or does no
    more.

    It is done only on the Workflow of `uid`, None for one that is begun beside it, and only where
    that bears no approval of the pull request but those `known` when it was decided: else somebody
    has said something since.
    """

    run: str
    pull_request: int
    is_wanted: bool
    approval: Approval | None = None
    uid: str | None = None
    known: tuple[Approval, ...] = ()
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class StopRun:
    """Stop a Workflow, that of `uid` where one is named; its checkpoint is kept. Right before, the
    edge asks once more whether a pull request that is not closed wants it."""

    run: str
    reason: str
    uid: str | None = None
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class WriteComment:
    """Write the comment of a kind, in place of the text of `comment_id` where there is one."""

    pull_request: int
    kind: CommentKind | Literal["duplicate"]
    body: str
    comment_id: int | None = None
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Answer a command, a review or a merge. Where an answer with its marker is there, another
    controller was first: it stays, and what this cause has left is not done, since the next pass
    goes by what it says. It `relies_on` runs that were begun or changed in the same pass: where
    one of these was not, it is not written."""

    pull_request: int
    word: WordId
    body: str
    relies_on: frozenset[str] = frozenset()
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class React:
    """React to a command: 👀 where it was seen, 🚀 done, 👎 refused. `relies_on` as of `Reply`."""

    pull_request: int
    comment_id: int
    content: ReactionContent
    relies_on: frozenset[str] = frozenset()
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class SetStatus:
    """Set a commit's status of its context, unless another was set since it was `decided`."""

    sha: str
    status: Status
    decided: datetime | None = field(default=None, compare=False)
    cause: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReportCheck:
    """Report a check of a commit."""

    sha: str
    report: CheckReport
    cause: int | None = None


Action: TypeAlias = (
    CreateRun | LabelRun | StopRun | WriteComment | Reply | React | SetStatus | ReportCheck
)

OnCluster: TypeAlias = CreateRun | LabelRun | StopRun
"""What is done on the cluster; all else is written to the forge."""


def find_subject(action: Action) -> int | str | None:
    """What an action is about: a pull request, or a commit; None for a run alone."""
    match action:
        case CreateRun():
            return action.approval.pull_request
        case LabelRun() | WriteComment() | Reply() | React():
            return action.pull_request
        case SetStatus() | ReportCheck():
            return action.sha
        case StopRun():
            return None
        case _:
            assert_never(action)
