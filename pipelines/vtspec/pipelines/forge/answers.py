"""What GitHub and Gitea answer, read into plain data. Pure.

Their bodies agree in all that is read here, save where `gitea` says so.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeVar, get_args

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from vtspec.pipelines.errors import Permanent

from .forge import (
    Comment,
    Permission,
    PullRequest,
    Reaction,
    ReactionContent,
    RepositoryInfo,
    Review,
    Status,
    StatusState,
)

_CONTENTS: Final = frozenset(get_args(ReactionContent))
# CHANGES_REQUESTED and DISMISSED are GitHub's, REQUEST_CHANGES is Gitea's.
_VOTES: Final = ("APPROVED", "CHANGES_REQUESTED", "REQUEST_CHANGES", "DISMISSED")
_STATES: Final = frozenset(get_args(StatusState))
_PERMISSIONS: Final[dict[str, Permission]] = {
    "none": "none",
    "read": "read",
    "write": "write",
    "admin": "admin",
    "owner": "admin",  # Gitea's
}


_PULL_PAGE: Final = re.compile(r"/pulls?/([0-9]{1,18})#")
"""Where the page of a comment is that is of a pull request, and of no issue."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _User(_Answer):
    login: str


class _Repository(_Answer):
    id: int
    full_name: str
    default_branch: str
    clone_url: str


class _PlainRepository(_Answer):
    id: int


class _Branch(_Answer):
    ref: str
    sha: str
    repo: _PlainRepository | None


class _PullRequest(_Answer):
    number: int
    title: str
    state: Literal["open", "closed"]
    draft: bool = False
    user: _User | None
    merged_at: str | None = None
    merged_by: _User | None = None
    merge_commit_sha: str | None = None
    head: _Branch
    base: _Branch
    html_url: str


class _Merge(_Answer):
    merged_at: str | None = None


class _Issue(_Answer):
    number: int
    # Absent, or null, where it is no pull request.
    pull_request: _Merge | None = None


class _Comment(_Answer):
    id: int
    body: str | None = None
    user: _User | None
    created_at: str
    updated_at: str
    html_url: str


class _App(_Answer):
    slug: str


class _Installation(_Answer):
    id: int


class _Permission(_Answer):
    permission: str


class OwnReaction(_Answer):
    """A reaction with its id, which GitHub deletes it by; Gitea has none."""

    id: int = 0
    content: str
    user: _User | None


class _Review(_Answer):
    id: int
    user: _User | None
    state: str
    dismissed: bool = False
    commit_id: str | None = None
    submitted_at: str | None = None


class _Status(_Answer):
    context: str
    # Gitea calls it status, and has some more.
    state: str = Field(validation_alias=AliasChoices("state", "status"))
    description: str | None = None
    target_url: str | None = None
    created_at: AwareDatetime


class CheckRun(_Answer):
    """A check run of GitHub's, so far as a later report needs to know."""

    class Output(_Answer):
        """How many annotations it has by now."""

        annotations_count: int = 0

    id: int
    status: str
    external_id: str | None = None
    output: Output = Field(default_factory=Output)
    app: _App | None = None

    @property
    def author(self) -> str:
        """The login of the App whose it is."""
        return "" if self.app is None else f"{self.app.slug}[bot]"


Model = TypeVar("Model", bound=BaseModel)


def read_answer(model: type[Model], raw: Any) -> Model:
    """One answer as its model.

    Raises:
        Permanent: it is not what a forge answers.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _refuse(model, error) from None


def read_answers(model: type[Model], raw: Sequence[Any]) -> list[Model]:
    """A list of them."""
    adapter: TypeAdapter[list[Model]] = TypeAdapter(list[model])  # type: ignore[valid-type]
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        raise _refuse(model, error) from None


def read_repository(raw: Any) -> RepositoryInfo:
    """A repository."""
    found = read_answer(_Repository, raw)
    return RepositoryInfo(
        id=str(found.id),
        full_name=found.full_name,
        default_branch=found.default_branch,
        clone_url=found.clone_url,
    )


def read_login(raw: Any) -> str:
    """The login of an account."""
    return read_answer(_User, raw).login


def read_app_login(raw: Any) -> str:
    """The login of a GitHub App."""
    return f"{read_answer(_App, raw).slug}[bot]"


def read_installation(raw: Any) -> int:
    """The id of an App's installation."""
    return read_answer(_Installation, raw).id


def read_permission(raw: Any | None) -> Permission:
    """What somebody may do; None says that nobody of that name is known.

    Raises:
        Permanent: the forge has a word for it that is not known here.
    """
    if raw is None:
        return "none"
    found = read_answer(_Permission, raw).permission
    if found not in _PERMISSIONS:
        raise Permanent(f"the forge answered with a permission that is not known: {found[:40]!r}")
    return _PERMISSIONS[found]


def read_pull_request(raw: Any) -> PullRequest:
    """A pull request."""
    return _make_pull_request(read_answer(_PullRequest, raw))


def read_pull_requests(raw: Sequence[Any]) -> list[PullRequest]:
    """Pull requests by their numbers; one that came twice, from two pages, is one."""
    found = [_make_pull_request(one) for one in read_answers(_PullRequest, raw)]
    by_number = {one.number: one for one in found}
    return [by_number[number] for number in sorted(by_number)]


def read_merged_numbers(raw: Sequence[Any]) -> list[int]:
    """The numbers of merged pull requests, out of issues and pull requests."""
    found = read_answers(_Issue, raw)
    merged = {
        one.number for one in found if one.pull_request is not None and one.pull_request.merged_at
    }
    return sorted(merged)


def read_comment(raw: Any) -> Comment:
    """A comment."""
    return _make_comment(read_answer(_Comment, raw))


def read_comments(raw: Sequence[Any]) -> list[Comment]:
    """Comments, the oldest first; ids rise with time."""
    by_id = {one.id: _make_comment(one) for one in read_answers(_Comment, raw)}
    return [by_id[each] for each in sorted(by_id)]


def read_numbered_comments(raw: Sequence[Any]) -> list[tuple[int, Comment]]:
    """Comments of pull requests with the number of each, out of those of issues too."""
    found = []
    for one in read_answers(_Comment, raw):
        page = _PULL_PAGE.search(one.html_url)
        if page is not None:
            found.append((int(page[1]), _make_comment(one)))
    return found


def read_reactions(raw: Sequence[Any]) -> list[Reaction]:
    """The reactions that mean something here."""
    return [
        Reaction(content=one.content, user=_name(one.user))  # type: ignore[arg-type]
        for one in read_answers(OwnReaction, raw)
        if one.content in _CONTENTS
    ]


def read_reviews(raw: Sequence[Any]) -> list[Review]:
    """The reviews that are a vote; Gitea's list has those, too, that were only asked for."""
    return [
        Review(
            id=one.id,
            user=_name(one.user),
            is_approved=one.state == "APPROVED",
            is_dismissed=one.dismissed or one.state == "DISMISSED",
            commit_sha=one.commit_id or "",
            submitted_at=one.submitted_at or "",
        )
        for one in read_answers(_Review, raw)
        if one.state in _VOTES
    ]


def read_statuses(raw: Sequence[Any]) -> dict[Status, datetime]:
    """The statuses of a commit that stand now, so far as one of ours could be among them, and when
    each was set."""
    return {
        Status(
            context=one.context,
            state=one.state,  # type: ignore[arg-type]
            description=one.description or "",
            url=one.target_url or None,
        ): one.created_at
        for one in read_answers(_Status, raw)
        if one.state in _STATES
    }


def find_own_reaction(raw: Sequence[Any], login: str, content: ReactionContent) -> int | None:
    """The id of a reaction of ours, or None."""
    ids = (
        one.id
        for one in read_answers(OwnReaction, raw)
        if one.content == content and _name(one.user) == login
    )
    return next(ids, None)


def _make_pull_request(found: _PullRequest) -> PullRequest:
    head = "" if found.head.repo is None else str(found.head.repo.id)
    base = "" if found.base.repo is None else str(found.base.repo.id)
    is_merged = found.merged_at is not None
    return PullRequest(
        number=found.number,
        title=found.title,
        state="open" if found.state == "open" else "merged" if is_merged else "closed",
        is_draft=found.draft,
        author=_name(found.user),
        head_sha=found.head.sha,
        head_ref=found.head.ref,
        head_repository=head,
        base_ref=found.base.ref,
        base_sha=found.base.sha,
        is_fork=head != base or not head,
        url=found.html_url,
        merged_by=_name(found.merged_by) if is_merged else "",
        merged_at=found.merged_at or "",
        merge_sha=(found.merge_commit_sha or "") if is_merged else "",
    )


def _make_comment(found: _Comment) -> Comment:
    return Comment(
        id=found.id,
        body=found.body or "",
        author=_name(found.user),
        created_at=found.created_at,
        updated_at=found.updated_at,
        url=found.html_url,
    )


def _name(user: _User | None) -> str:
    return "" if user is None else user.login


def _refuse(model: type[BaseModel], error: ValidationError) -> Permanent:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the whole"
    what = model.__name__.lstrip("_")
    return Permanent(f"the forge answered with what is no {what}: {where}: {first['msg']}")
