"""A forge with one repository, as its people use it; the same verbs for each forge.

`ana` opens pull requests, `ben` may write, `eve` is a stranger, and the bot's is `forge`.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Protocol

from github_server import GitHubServer, serve_github
from vtspec.pipelines.forge.connection import connect_github
from vtspec.pipelines.forge.credentials import SecretVariable, TokenCredential
from vtspec.pipelines.forge.forge import Forge, Permission

TOKEN = "ghp_canary0123456789abcdefghijklmnopqrst"
REPOSITORY = "acme/vision"


class Site(Protocol):
    """What people do, and what they see."""

    forge: Forge
    bot: str

    def open_pull_request(self, title: str = "Train it", *, is_draft: bool = False) -> int: ...

    def open_from_fork(self) -> int:
        """By `eve`, from her own fork."""
        ...

    def push(self, number: int) -> str:
        """The new head's commit."""
        ...

    def close(self, number: int) -> None: ...

    def merge(self, number: int) -> None: ...

    def write_comment(self, number: int, body: str, author: str = "ana") -> int: ...

    def edit_comment(self, comment: int, body: str) -> None: ...

    def react(self, comment: int, content: str, user: str) -> None: ...

    def review(self, number: int, user: str, *, is_approved: bool) -> None: ...

    def dismiss_reviews(self, number: int) -> None: ...

    def grant(self, login: str, permission: Permission) -> None: ...

    def find_statuses(self, sha: str) -> Mapping[str, tuple[str, str]]:
        """The state and description that stand now, by context."""
        ...

    def count_statuses(self, sha: str) -> int:
        """How many were ever set."""
        ...


class Clock:
    """A clock that stands until it is put on."""

    def __init__(self) -> None:
        self.time = time.time()

    def __call__(self) -> float:
        return self.time


class GitHubSite:
    """The fake GitHub."""

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.bot = "vtspec-bot"
        self.repository = server.world.add_repository(REPOSITORY)
        self.repository.permissions = {self.bot: "write", "ana": "write", "ben": "write"}
        server.tokens[TOKEN] = self.bot
        self.credential = TokenCredential(
            token=SecretVariable(name="GITHUB_TOKEN", environ={"GITHUB_TOKEN": TOKEN})
        )
        self.clock = Clock()
        server.clock, server.reset = self.clock, self.clock() + 3600
        self.connection = connect_github(
            self.credential, server.url, self.clock, write_pause_s=0.0
        )
        self.forge = self.connection.open(REPOSITORY)
        self._commits = 0

    def open_pull_request(self, title: str = "Train it", *, is_draft: bool = False) -> int:
        made = self.repository.open_pull_request(self._commit(), title=title)
        made.is_draft = is_draft
        return made.number

    def open_from_fork(self) -> int:
        return self.repository.open_pull_request(self._commit(), author="eve", fork=99).number

    def push(self, number: int) -> str:
        sha = self._commit()
        self.repository.push(number, sha)
        return sha

    def close(self, number: int) -> None:
        self.repository.close(number)

    def merge(self, number: int) -> None:
        self.repository.close(number, is_merged=True)

    def write_comment(self, number: int, body: str, author: str = "ana") -> int:
        return self.repository.write_comment(number, body, author).id

    def edit_comment(self, comment: int, body: str) -> None:
        self.repository.edit_comment(comment, body)

    def react(self, comment: int, content: str, user: str) -> None:
        self.repository.react(comment, content, user)

    def review(self, number: int, user: str, *, is_approved: bool) -> None:
        self.repository.review(number, user, "APPROVED" if is_approved else "CHANGES_REQUESTED")

    def dismiss_reviews(self, number: int) -> None:
        for one in self.repository.reviews:
            if one.number == number:
                one.state = "DISMISSED"

    def grant(self, login: str, permission: Permission) -> None:
        self.repository.permissions[login] = permission

    def find_statuses(self, sha: str) -> Mapping[str, tuple[str, str]]:
        return {
            one.context: (one.state, one.description or "")
            for one in self.repository.statuses
            if one.sha == sha
        }

    def count_statuses(self, sha: str) -> int:
        return sum(one.sha == sha for one in self.repository.statuses)

    def _commit(self) -> str:
        self._commits += 1
        return f"{self._commits:040x}"


@contextmanager
def serve_github_site() -> Iterator[GitHubSite]:
    """The fake with its repository, while the context lasts."""
    with serve_github() as server:
        site = GitHubSite(server)
        with closing(site.connection):
            yield site
