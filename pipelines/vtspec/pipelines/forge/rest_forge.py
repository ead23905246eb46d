"""What GitHub and Gitea have in common: most of their REST API."""

import base64
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.failpoints import durable_step

from .answers import (
    read_comment,
    read_comments,
    read_login,
    read_merged_numbers,
    read_numbered_comments,
    read_pull_request,
    read_pull_requests,
    read_reactions,
    read_repository,
    read_reviews,
    read_statuses,
)
from .api_client import ApiClient, join_path
from .api_errors import Unanswered
from .comment_text import check_body, find_marker, has_text, list_marked
from .forge import (
    LONGEST_DESCRIPTION,
    Comment,
    PullRequest,
    Reaction,
    ReactionContent,
    RepositoryInfo,
    Review,
    Status,
)
from .recent_comments import RecentComments

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}/[\w.-]{1,100}", re.ASCII)


def find_repository_path(repository: str) -> str:
    """Where the API has a repository: `/repos/owner/name`.

    Raises:
        Refused: the name is not of that form.
    """
    if _REPOSITORY.fullmatch(repository) is None or repository.endswith(("/.", "/..")):
        raise Refused(f"not a repository: {repository!r}", fix="name it as OWNER/NAME")
    return f"/repos/{repository}"


class RestForge:
    """One repository by the verbs that both forges have alike. `login` is whose comments are ours,
    looked up where it is None."""

    has_checks = False

    def __init__(self, repository: str, api: ApiClient, login: str | None = None) -> None:
        self._root = find_repository_path(repository)
        self.repository = repository
        self._api = api
        self._login = login
        self._lock = threading.Lock()
        # Comments that may be there although nobody heard so: (pull request, marker).
        self._unanswered: set[tuple[int, str]] = set()
        self._recent = RecentComments()

    def find_time(self) -> datetime:
        """The time by the forge's clock."""
        return datetime.fromtimestamp(self._api.find_time(), UTC)

    def find_requests_left(self) -> int | None:
        """How many more requests the forge takes before its limit begins anew."""
        return self._api.find_requests_left()

    def find_repository(self) -> RepositoryInfo:
        """The repository, under the name that it has now."""
        return read_repository(self._api.get(self._path()))

    def make_git_header(self) -> str:
        """What git tells the same server, so that it may read the repository."""
        # A server that has not been asked yet has been given nothing.
        if not self._api.get_token():
            self.find_repository()
        token = self._api.get_token()
        # Either forge takes a token for the password, whoever's name stands beside it.
        pair = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        return f"Authorization: Basic {pair}"

    def find_login(self) -> str:
        """Under which login our comments and reactions stand."""
        if self._login is None:
            self._login = read_login(self._api.get("/user"))
        return self._login

    def list_open_pull_requests(self) -> Sequence[PullRequest]:
        """All that are open, by their numbers."""
        return read_pull_requests(self._api.list(self._path("pulls"), {"state": "open"}))

    def get_pull_request(self, number: int) -> PullRequest:
        """One, whatever its state."""
        return read_pull_request(self._api.get(self._path("pulls", number)))

    def list_merged_since(self, time: datetime) -> Sequence[int]:
        """The numbers of the merged pull requests that something became of since then."""
        query = {"state": "closed", "since": _write_time(time)}
        return read_merged_numbers(self._api.list(self._path("issues"), query))

    def list_comments(self, number: int) -> Sequence[Comment]:
        """All comments of a pull request, the oldest first, with those that we wrote just now."""
        listed = read_comments(self._api.list(self._path("issues", number, "comments")))
        return self._recent.add_to(listed, number, self._api.clock())

    def list_comments_since(self, time: datetime) -> Sequence[tuple[int, Comment]]:
        """The comments of all pull requests that were written or changed since then, each with the
        number of its pull request."""
        query = {"since": _write_time(time)}
        return read_numbered_comments(self._api.list(self._path("issues", "comments"), query))

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment, once, as `Forge.create_comment` says."""
        check_body(body)
        key = (number, find_marker(body))
        with self._lock:
            is_doubtful = key in self._unanswered
        found = self._find_written(number, body) if is_doubtful else None
        if found is None:
            found = self._write_comment(number, body)
        with self._lock:
            self._unanswered.discard(key)
        return found

    def update_comment(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text."""
        check_body(body)
        path = self._path("issues", "comments", comment_id)
        with durable_step("comment.update"):
            changed = read_comment(self._api.send("PATCH", path, {"body": body}))
        self._recent.note(changed, self._api.clock())
        return changed

    def list_reactions(self, comment_id: int) -> Sequence[Reaction]:
        """The reactions to a comment that are any of `ReactionContent`."""
        return read_reactions(self._api.list(self._reactions_path(comment_id)))

    def add_reaction(self, comment_id: int, content: ReactionContent) -> None:
        """React; a second time changes nothing."""
        with durable_step("reaction.add"):
            self._api.send("POST", self._reactions_path(comment_id), {"content": content})

    def list_reviews(self, number: int) -> Sequence[Review]:
        """The reviews that approve or ask for changes, the oldest first."""
        return read_reviews(self._api.list(self._path("pulls", number, "reviews")))

    def set_status(self, sha: str, status: Status, decided: datetime | None = None) -> None:
        """Set the status of a commit under its context; one that stands so is not set again.
        Raises `Temporary` where another was set since this one was `decided`."""
        told = replace(status, description=cut(status.description, LONGEST_DESCRIPTION))
        raw = self._api.list(self._path("commits", sha, "status"), key="statuses")
        # Each is kept by the forge, which takes a thousand of a context.
        standing = read_statuses(raw)
        if told in standing:
            return
        set_at = [at for one, at in standing.items() if one.context == told.context]
        # A slow process would put what was true then in place of what is.
        if decided is not None and any(at > decided for at in set_at):
            raise Temporary(f"{told.context} of {sha} was set by somebody else meanwhile")
        body = {"state": told.state, "context": told.context, "description": told.description}
        if told.url is not None:
            body["target_url"] = told.url
        with durable_step("status.set"):
            self._api.send("POST", self._path("statuses", sha), body)

    def _write_comment(self, number: int, body: str) -> Comment:
        path = self._path("issues", number, "comments")
        try:
            with durable_step("comment.create"):
                made = read_comment(self._api.send("POST", path, {"body": body}))
            self._recent.note(made, self._api.clock(), number)
            return made
        except Unanswered:
            with self._lock:
                self._unanswered.add((number, find_marker(body)))
            found = self._find_written(number, body)
            if found is None:
                # A list may be behind what was just written: it is looked for again next time.
                raise
            return found

    def _find_written(self, number: int, body: str) -> Comment | None:
        """Our comment with the body's marker, brought up to that body."""
        marker = find_marker(body)
        marked = list_marked(self.list_comments(number), marker, self.find_login())
        if not marked:
            return None
        found = marked[0]
        if has_text(found, body):
            return found
        return self.update_comment(found.id, body)

    def _path(self, *parts: str | int) -> str:
        return self._root + join_path(*parts)

    def _reactions_path(self, comment_id: int) -> str:
        return self._path("issues", "comments", comment_id, "reactions")


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and `…` where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _write_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
