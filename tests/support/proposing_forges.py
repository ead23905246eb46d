"""Forges on which a commit of a repository on disk is proposed, and merged, as people do it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from forge_sites import REPOSITORY, TOKEN, GitHubSite, Site, serve_github_site
from git_repositories import git
from github_webhooks import Webhooks

ForgeKind = Literal["github", "gitea"]
SECRET = "a-secret-of-the-webhook-0123456789"


class ProposingForge(Protocol):
    """A forge with a repository, to which `main` of the one on disk was pushed."""

    @property
    def kind(self) -> ForgeKind: ...

    @property
    def site(self) -> Site: ...

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> str:
        """The bot's."""
        ...

    def propose(self, branch: str, title: str) -> int:
        """Push a branch and open a pull request for it; its number."""
        ...

    def merge(self, number: int) -> None:
        """Merge it, and see it in `main`."""
        ...

    def tell(self, url: str) -> None:
        """Tell an address of all that happens, from now on."""
        ...


@dataclass
class ProposingGitHub:
    """The fake, whose git is the repository on disk."""

    site: GitHubSite
    root: Path
    webhooks: list[Webhooks]
    kind: ForgeKind = "github"
    token: str = TOKEN

    @property
    def url(self) -> str:
        return self.site.server.url

    def propose(self, branch: str, title: str) -> int:
        head = git(self.root, "rev-parse", branch)
        git(self.root, "update-ref", "refs/pull/1/head", head)
        made = self.site.repository.open_pull_request(head, title=title, head_ref=branch)
        made.base_sha = git(self.root, "rev-parse", "main")
        return made.number

    def merge(self, number: int) -> None:
        head = self.site.repository.pull_requests[number].head_sha
        git(self.root, "update-ref", "refs/heads/main", head)
        self.site.merge(number)

    def tell(self, url: str) -> None:
        made = Webhooks(self.site.server.world, url, SECRET)
        self.webhooks.append(made)
        made.send_at_once()


@contextmanager
def serve_github_for(root: Path) -> Iterator[ProposingGitHub]:
    """The fake, while the context lasts."""
    with serve_github_site() as site:
        site.server.world.clock = lambda: datetime.now(UTC)
        site.repository.clone_url = str(root)
        webhooks: list[Webhooks] = []
        try:
            yield ProposingGitHub(site, root, webhooks)
        finally:
            for one in webhooks:
                one.close()


@contextmanager
def serve_gitea_for(root: Path, folder: Path, host: str = "127.0.0.1") -> Iterator[ProposingForge]:
    """A real Gitea at an address of this machine, while the context lasts."""
    # Who asks for GitHub alone needs no Gitea.
    from gitea_server import ADMIN, PASSWORD
    from gitea_site import GiteaSite, serve_gitea_site

    class ProposingGitea:
        kind: ForgeKind = "gitea"

        def __init__(self, site: GiteaSite) -> None:
            self.site, self.url = site, site.server.url
            self.token = (site.server.folder / "bot-token").read_text()
            self.remote = self.url.replace("http://", f"http://{ADMIN}:{PASSWORD}@")
            git(root, "push", "-q", "--force", f"{self.remote}/{REPOSITORY}.git", "main")

        def propose(self, branch: str, title: str) -> int:
            git(root, "push", "-q", f"{self.remote}/{REPOSITORY}.git", branch)
            body = {"head": branch, "base": "main", "title": title}
            made = self.site.ask("POST", f"/repos/{REPOSITORY}/pulls", body, "ana")
            return int(made["number"])

        def merge(self, number: int) -> None:
            self.site.merge(number)

        def tell(self, url: str) -> None:
            events = ["push", "pull_request", "pull_request_comment", "pull_request_review"]
            config = {"url": url, "content_type": "json", "secret": SECRET}
            hook = {"type": "gitea", "active": True, "config": config, "events": events}
            self.site.ask("POST", f"/repos/{REPOSITORY}/hooks", hook)

    with serve_gitea_site(folder, host) as site:
        yield ProposingGitea(site)
