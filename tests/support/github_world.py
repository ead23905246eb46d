"""What a GitHub knows: accounts, repositories, pull requests, and all that hangs on them.

Plain state, changed by tests as people would, and by the API of `github_server`. Times rise by a
second with each change, so that nothing happens at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
Tell = Callable[[str, Object], None]

_BEGIN = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
APP_ID, APP_SLUG = 7, "vtspec-test"


@dataclass
class Comment:
    id: int
    number: int
    author: str | None
    body: str
    created_at: str
    updated_at: str


@dataclass
class Reaction:
    id: int
    comment: int
    user: str
    content: str
    created_at: str


@dataclass
class Review:
    id: int
    number: int
    user: str
    state: str
    commit: str
    submitted_at: str


@dataclass
class Status:
    id: int
    sha: str
    context: str
    state: str
    description: str | None
    url: str | None
    created_at: str


@dataclass
class CheckRun:
    id: int
    sha: str
    name: str
    app: str
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    title: str | None = None
    summary: str | None = None
    annotations: list[Object] = field(default_factory=list)
    started_at: str = ""


@dataclass
class PullRequest:
    number: int
    title: str
    author: str | None
    head_sha: str
    head_ref: str
    base_ref: str
    base_sha: str
    # The id of the repository that the branch is in; None where it was deleted.
    head_repository: int | None
    created_at: str
    state: str = "open"
    is_draft: bool = False
    merged_at: str | None = None
    merged_by: str | None = None
    merge_sha: str | None = None


@dataclass
class Repository:
    """One repository. `permissions` are legacy ones: admin, write, read; who is not in it has
    none. Every change is told to `tell`, as a webhook's event and payload."""

    id: int
    full_name: str
    world: "GitHubWorld"
    default_branch: str = "main"
    is_private: bool = False
    is_locked: bool = False
    # Where git finds it; that of the API's own description, if "".
    clone_url: str = ""
    permissions: dict[str, str] = field(default_factory=dict)
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reactions: dict[int, Reaction] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)

    def open_pull_request(
        self,
        head_sha: str,
        *,
        author: str = "ana",
        title: str = "Train it",
        head_ref: str = "train",
        fork: int | None = None,
    ) -> PullRequest:
        """A new one; `fork` is the id of another repository that its branch is in."""
        number = max(self.pull_requests, default=0) + 1
        made = PullRequest(
            number=number,
            title=title,
            author=author,
            head_sha=head_sha,
            head_ref=head_ref,
            base_ref=self.default_branch,
            base_sha="b" * 40,
            head_repository=fork or self.id,
            created_at=self.world.tick(),
        )
        self.pull_requests[number] = made
        self._tell_pull_request(made, "opened", author)
        return made

    def push(self, number: int, sha: str, author: str = "ana") -> None:
        """The branch of a pull request is at another commit."""
        self.pull_requests[number].head_sha = sha
        self._tell_pull_request(self.pull_requests[number], "synchronize", author)

    def close(self, number: int, *, is_merged: bool = False, author: str = "ana") -> None:
        """A pull request is over."""
        pull_request = self.pull_requests[number]
        pull_request.state = "closed"
        pull_request.merged_at = self.world.tick() if is_merged else None
        pull_request.merged_by = author if is_merged else None
        if is_merged:
            # As where it is merged by moving the branch there.
            pull_request.merge_sha = pull_request.merge_sha or pull_request.head_sha
        self._tell_pull_request(pull_request, "closed", author)

    def find_change(self, number: int) -> str:
        """When something became of a pull request last."""
        made = self.pull_requests[number]
        said = [one.updated_at for one in self.comments.values() if one.number == number]
        return max(made.created_at, made.merged_at or "", *said)

    def reopen(self, number: int, author: str = "ana") -> None:
        """A closed pull request is open again."""
        self.pull_requests[number].state = "open"
        self._tell_pull_request(self.pull_requests[number], "reopened", author)

    def write_comment(self, number: int, body: str, author: str = "ana") -> Comment:
        """A new comment."""
        now = self.world.tick()
        made = Comment(self.world.next_id(), number, author, body, now, now)
        self.comments[made.id] = made
        self._tell_comment(made, "created", author)
        return made

    def edit_comment(self, comment: int, body: str, author: str = "ana") -> Comment:
        """Another text of a comment."""
        found = self.comments[comment]
        found.body, found.updated_at = body, self.world.tick()
        self._tell_comment(found, "edited", author)
        return found

    def delete_comment(self, comment: int, author: str = "ana") -> None:
        """A comment is gone, and its reactions with it."""
        found = self.comments.pop(comment)
        self.reactions = {
            key: one for key, one in self.reactions.items() if one.comment != comment
        }
        self._tell_comment(found, "deleted", author)

    def react(self, comment: int, content: str, user: str) -> tuple[Reaction, bool]:
        """A reaction, and whether it is new."""
        for one in self.reactions.values():
            if (one.comment, one.content, one.user) == (comment, content, user):
                return one, False
        made = Reaction(self.world.next_id(), comment, user, content, self.world.tick())
        self.reactions[made.id] = made
        return made, True

    def review(self, number: int, user: str, state: str, commit: str | None = None) -> Review:
        """A review: APPROVED, CHANGES_REQUESTED or COMMENTED, of the head unless said."""
        sha = commit or self.pull_requests[number].head_sha
        made = Review(self.world.next_id(), number, user, state, sha, self.world.tick())
        self.reviews.append(made)
        payload = {"review": {"id": made.id, "state": state.lower(), "commit_id": sha}}
        self._tell_pull_request(
            self.pull_requests[number], "submitted", user, "pull_request_review", payload
        )
        return made

    def texts(self, number: int, author: str) -> list[str]:
        """The texts of someone's comments, in their order."""
        mine = (one for one in self.comments.values() if one.number == number)
        return [one.body for one in mine if one.author == author]

    def _tell_pull_request(
        self,
        pull_request: PullRequest,
        action: str,
        sender: str,
        event: str = "pull_request",
        more: Object | None = None,
    ) -> None:
        payload = {
            "action": action,
            "number": pull_request.number,
            "pull_request": {
                "number": pull_request.number,
                "head": {"sha": pull_request.head_sha, "ref": pull_request.head_ref},
            },
            **(more or {}),
        }
        self._tell(event, payload, sender)

    def _tell_comment(self, comment: Comment, action: str, sender: str) -> None:
        payload = {
            "action": action,
            "issue": {"number": comment.number, "pull_request": {"url": "https://x.test/"}},
            "comment": {"id": comment.id, "body": comment.body},
        }
        self._tell("issue_comment", payload, sender)

    def _tell(self, event: str, payload: Object, sender: str) -> None:
        repository = {"id": self.id, "full_name": self.full_name}
        self.world.tell(event, {**payload, "repository": repository, "sender": {"login": sender}})


class GitHubWorld:
    """Everything; `tell` hears of each change."""

    def __init__(self) -> None:
        self.repositories: dict[int, Repository] = {}
        self.tell: Tell = lambda _event, _payload: None
        self._ids = 1000
        self.now = _BEGIN
        # Beside a controller whose time is that of everybody.
        self.clock: Callable[[], datetime] | None = None

    def add_repository(self, full_name: str) -> Repository:
        """A new repository, empty."""
        made = Repository(id=self.next_id(), full_name=full_name, world=self)
        self.repositories[made.id] = made
        return made

    def find(self, full_name: str) -> Repository | None:
        """The repository of that name."""
        found = (one for one in self.repositories.values() if one.full_name == full_name)
        return next(found, None)

    def next_id(self) -> int:
        """A number that nothing has yet."""
        self._ids += 1
        return self._ids

    def tick(self) -> str:
        """A second later, as GitHub writes times."""
        self.now += timedelta(seconds=1)
        if self.clock is not None:
            self.now = self.clock()
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
