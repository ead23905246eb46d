"""What a forge holds, as plain data, and the dozen verbs that each forge has.

A `Forge` speaks for one repository with one credential. What a pull request changes in the tree is
asked of git, never of the forge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

Permission = Literal["none", "read", "write", "admin"]
ReactionContent = Literal["eyes", "rocket", "-1", "confused"]
PullRequestState = Literal["open", "merged", "closed"]
StatusState = Literal["pending", "success", "failure", "error"]
Conclusion = Literal["success", "failure", "neutral"]

LONGEST_COMMENT: Final = 65_536
"""Characters of a comment that GitHub takes; every forge here refuses more before it is sent."""

LONGEST_DESCRIPTION: Final = 140
"""Characters of a status's description; what is longer is cut."""


@dataclass(frozen=True, kw_only=True)
class RepositoryInfo:
    """A repository. `id` survives a rename and a transfer, which `full_name` does not."""

    id: str
    full_name: str
    default_branch: str
    clone_url: str


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request as it stands. `author` is a login, "" where the account is gone.

    `head_repository` is an id as `RepositoryInfo` has it, "" where the repository is gone; such a
    pull request is a fork's, for it is not ours. `merged_by` is "" in a list; that, `merged_at`
    and `merge_sha`, the last commit that the merge made, are "" where it is not merged.
    """

    number: int
    title: str
    state: PullRequestState
    is_draft: bool
    author: str
    head_sha: str
    head_ref: str
    head_repository: str
    base_ref: str
    base_sha: str
    is_fork: bool
    url: str
    merged_by: str = ""
    merged_at: str = ""
    merge_sha: str = ""


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment. Times are ISO 8601 in UTC, as `2026-11-29T18:20:17Z`, and equal while nobody has
    edited it."""

    id: int
    body: str
    author: str
    created_at: str
    updated_at: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """Who reacted, and how."""

    content: ReactionContent
    user: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review that approved, or asked for changes; one that only comments is none."""

    id: int
    user: str
    is_approved: bool
    is_dismissed: bool
    commit_sha: str
    submitted_at: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a commit's line of status says; one of the same `context` replaces it."""

    context: str
    state: StatusState
    description: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A message at lines of a file, the first of which is 1."""

    path: str
    line: int
    end_line: int
    message: str
    title: str


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What a check says of a commit; without a `conclusion` it is still under way. `text` stands
    below its summary, where a check has a page."""

    name: str
    conclusion: Conclusion | None
    title: str
    summary: str
    text: str = ""
    annotations: Sequence[Annotation] = ()


class Forge(Protocol):
    """One repository of a forge.

    Every method raises `Temporary` where the forge is away or asks for patience, with the seconds
    to wait, and `Permanent` where it refuses. No message holds a credential.
    """

    repository: str
    """`owner/name`, as it was given."""

    has_checks: bool
    """Whether a check has a page of its own, with a text."""

    def find_time(self) -> datetime:
        """The time by the forge's clock, as its last answer told it: comments are dated by it."""
        ...

    def find_requests_left(self) -> int | None:
        """How many more requests the forge takes before its limit begins anew; None where it has
        told of none."""
        ...

    def find_repository(self) -> RepositoryInfo:
        """The repository, under the name that it has now."""
        ...

    def make_git_header(self) -> str:
        """The header by which git is let in where the API is. It holds the credential."""
        ...

    def find_login(self) -> str:
        """Under which login our comments and reactions stand."""
        ...

    def list_open_pull_requests(self) -> Sequence[PullRequest]:
        """All that are open, by their numbers."""
        ...

    def get_pull_request(self, number: int) -> PullRequest:
        """One, whatever its state."""
        ...

    def list_merged_since(self, time: datetime) -> Sequence[int]:
        """The numbers of the pull requests that are merged, of those that something became of
        since then."""
        ...

    def list_comments(self, number: int) -> Sequence[Comment]:
        """All comments of a pull request, the oldest first. Those that we wrote a moment ago are
        among them, even where the forge's own list is behind."""
        ...

    def list_comments_since(self, time: datetime) -> Sequence[tuple[int, Comment]]:
        """The comments of all pull requests, open or not, that were written or changed since then,
        each with the number of its pull request."""
        ...

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment, once: where an earlier call with the same marker (the first line, a
        comment of HTML) may have arrived although its answer did not, ours with that marker is
        looked for first.

        Raises:
            Refused: the body has more than `LONGEST_COMMENT` characters, or none.
        """
        ...

    def update_comment(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text. Raises as `create_comment`."""
        ...

    def list_reactions(self, comment_id: int) -> Sequence[Reaction]:
        """The reactions to a comment that are any of `ReactionContent`."""
        ...

    def add_reaction(self, comment_id: int, content: ReactionContent) -> None:
        """React; a second time changes nothing."""
        ...

    def remove_reaction(self, comment_id: int, content: ReactionContent) -> None:
        """Take our own reaction back; where there is none, nothing changes."""
        ...

    def list_reviews(self, number: int) -> Sequence[Review]:
        """The reviews that approve or ask for changes, the oldest first."""
        ...

    def get_permission(self, login: str) -> Permission:
        """What a person may do in the repository now; "none" for who is unknown."""
        ...

    def set_status(self, sha: str, status: Status, decided: datetime | None = None) -> None:
        """Set the status of a commit under its context; a second time changes nothing. Raises
        `Temporary` where another was set since this one was `decided`."""
        ...

    def report_check(self, sha: str, report: CheckReport) -> None:
        """Report a check of a commit; one of the same name is replaced, and a second time changes
        nothing. Where the forge has no annotations, these are for a comment to say."""
        ...
