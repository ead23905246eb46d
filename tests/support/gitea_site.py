"""The people of `forge_sites` on a real Gitea."""

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from forge_sites import REPOSITORY
from gitea_server import PASSWORD, GiteaServer, serve_gitea
from vtspec.pipelines.forge.connection import connect_gitea
from vtspec.pipelines.forge.credentials import SecretFile, TokenCredential
from vtspec.pipelines.forge.forge import Permission

_SCOPES = ["write:issue", "write:repository", "read:user"]


class GiteaSite:
    """One repository, whose bot administers it: nobody else may ask what somebody may do."""

    def __init__(self, server: GiteaServer) -> None:
        self.server = server
        self.bot = "vtspec-bot"
        for login in (self.bot, "ana", "ben", "eve"):
            self._add_account(login)
        owner, name = REPOSITORY.split("/")
        self.ask("POST", "/orgs", {"username": owner, "visibility": "public"})
        made = {"name": name, "auto_init": True, "default_branch": "main"}
        self.ask("POST", f"/orgs/{owner}/repos", made)
        self.grant(self.bot, "admin")
        for login in ("ana", "ben"):
            self.grant(login, "write")
        file = server.folder / "bot-token"
        file.write_text(self.make_token(self.bot))
        self.connection = connect_gitea(TokenCredential(token=SecretFile(path=file)), server.url)
        self.forge = self.connection.open(REPOSITORY)
        self._commits = 0

    def ask(self, method: str, path: str, body: Any = None, login: str | None = None) -> Any:
        """What the API answers somebody; the administrator unless said."""
        headers = {} if login is None else {"Sudo": login}
        answer = self.server.admin.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def open_pull_request(self, title: str = "Train it", *, is_draft: bool = False) -> int:
        branch = self._commit(REPOSITORY, None, "ana")
        body = {"head": branch, "base": "main", "title": f"WIP: {title}" if is_draft else title}
        return int(self.ask("POST", f"/repos/{REPOSITORY}/pulls", body, "ana")["number"])

    def open_from_fork(self) -> int:
        if not self._has_fork():
            self.ask("POST", f"/repos/{REPOSITORY}/forks", {}, "eve")
        branch = self._commit("eve/vision", None, "eve")
        body = {"head": f"eve:{branch}", "base": "main", "title": "From outside"}
        return int(self.ask("POST", f"/repos/{REPOSITORY}/pulls", body, "eve")["number"])

    def push(self, number: int) -> str:
        branch = self._pull_request(number)["head"]["ref"]
        before = self._pull_request(number)["head"]["sha"]
        self._commit(REPOSITORY, branch, "ana")
        return self._wait_for(lambda: self._pull_request(number)["head"]["sha"], before)

    def close(self, number: int) -> None:
        self.ask("PATCH", f"/repos/{REPOSITORY}/issues/{number}", {"state": "closed"})

    def merge(self, number: int) -> None:
        path, body = f"/repos/{REPOSITORY}/pulls/{number}/merge", {"do": "merge"}
        for _ in range(100):
            # 405 while Gitea looks whether it can be merged.
            if self.server.admin.post(path, json=body).is_success:
                return
            time.sleep(0.1)
        raise AssertionError(f"pull request {number} cannot be merged")

    def write_comment(self, number: int, body: str, author: str = "ana") -> int:
        path = f"/repos/{REPOSITORY}/issues/{number}/comments"
        return int(self.ask("POST", path, {"body": body}, author)["id"])

    def edit_comment(self, comment: int, body: str) -> None:
        # Its times are of a second.
        time.sleep(1.1)
        self.ask("PATCH", f"/repos/{REPOSITORY}/issues/comments/{comment}", {"body": body}, "ana")

    def react(self, comment: int, content: str, user: str) -> None:
        path = f"/repos/{REPOSITORY}/issues/comments/{comment}/reactions"
        self.ask("POST", path, {"content": content}, user)

    def review(self, number: int, user: str, *, is_approved: bool) -> None:
        event = "APPROVED" if is_approved else "REQUEST_CHANGES"
        body = {"event": event, "body": "I looked at it."}
        self.ask("POST", f"/repos/{REPOSITORY}/pulls/{number}/reviews", body, user)

    def dismiss_reviews(self, number: int) -> None:
        path = f"/repos/{REPOSITORY}/pulls/{number}/reviews"
        for one in self.ask("GET", path):
            self.ask("POST", f"{path}/{one['id']}/dismissals", {"message": "It is old."})

    def grant(self, login: str, permission: Permission) -> None:
        path = f"/repos/{REPOSITORY}/collaborators/{login}"
        self.ask("PUT", path, {"permission": permission})

    def find_statuses(self, sha: str) -> Mapping[str, tuple[str, str]]:
        found = self.ask("GET", f"/repos/{REPOSITORY}/commits/{sha}/status")
        return {
            one["context"]: (one["status"], one["description"]) for one in found["statuses"] or []
        }

    def count_statuses(self, sha: str) -> int:
        return len(self.ask("GET", f"/repos/{REPOSITORY}/commits/{sha}/statuses"))

    @contextmanager
    def webhook(self, url: str, secret: str) -> Iterator[None]:
        """Tell the address of everything that a controller wants to hear of, for a while."""
        events = ["push", "pull_request", "pull_request_comment", "pull_request_review"]
        config = {"url": url, "content_type": "json", "secret": secret}
        made = {"type": "gitea", "active": True, "config": config, "events": events}
        hook = self.ask("POST", f"/repos/{REPOSITORY}/hooks", made)
        try:
            yield
        finally:
            self.ask("DELETE", f"/repos/{REPOSITORY}/hooks/{hook['id']}")

    def _pull_request(self, number: int) -> Any:
        return self.ask("GET", f"/repos/{REPOSITORY}/pulls/{number}")

    def _wait_for(self, look: Any, before: str) -> str:
        for _ in range(100):
            if (found := look()) != before:
                return str(found)
            time.sleep(0.1)
        raise AssertionError(f"it is still {before}")

    def _has_fork(self) -> bool:
        return self.server.admin.get("/repos/eve/vision").is_success

    def _commit(self, repository: str, branch: str | None, login: str) -> str:
        """A new file on a branch, or on a new one; its name."""
        self._commits += 1
        content = base64.b64encode(f"{self._commits}\n".encode()).decode()
        body = {"content": content, "message": f"Commit {self._commits}"}
        name = branch or f"train-{self._commits}"
        body |= {"branch": name} if branch else {"branch": "main", "new_branch": name}
        path = f"/repos/{repository}/contents/file-{self._commits}.txt"
        self.ask("POST", path, body, login)
        return name

    def _add_account(self, login: str) -> None:
        body = {"username": login, "email": f"{login}@x.test", "password": PASSWORD}
        self.ask("POST", "/admin/users", {**body, "must_change_password": False})

    def make_token(self, login: str, scopes: Sequence[str] = _SCOPES) -> str:
        """A new token of an account."""
        answer = self.server.admin.post(
            f"/users/{login}/tokens",
            json={"name": f"vtspec {time.monotonic_ns()}", "scopes": list(scopes)},
            auth=(login, PASSWORD),
        )
        assert answer.is_success, answer.text
        return str(answer.json()["sha1"])


@contextmanager
def serve_gitea_site(folder: Path, host: str = "127.0.0.1") -> Iterator[GiteaSite]:
    """A Gitea with the repository, while the context lasts."""
    with serve_gitea(folder, host) as server:
        site = GiteaSite(server)
        with closing(site.connection):
            yield site
