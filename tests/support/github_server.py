"""A GitHub on loopback, with state, limits and faults.

Each request and each answer is held against GitHub's own description: what is not as described is
in `complaints`, and ends `serve_github` with an error.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from github_answers import Answers
from github_description import load_description
from github_world import APP_ID, APP_SLUG, CheckRun, GitHubWorld, Repository, Status
from server_faults import Fault, take_fault

Object = dict[str, Any]

LIMIT: Final = 5000
_LONGEST_BODY: Final = 65_536
_MOST_ANNOTATIONS: Final = 50
_DESCRIPTION: Final = 140
_WRITERS: Final = ("write", "admin")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came, and when."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    is_conditional: bool
    time: float


@dataclass
class _Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class _Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class GitHubServer:
    """`world` is what it knows; what a test sets changes the answers at once.

    `tokens` are accounts by token, `installations` repositories' names by the App's installation,
    `remaining` how many requests are left until `reset`, by `clock`.
    """

    def __init__(self, public_key: str = "") -> None:
        self.world = GitHubWorld()
        self.tokens: dict[str, str] = {}
        self.installations: dict[int, list[str]] = {}
        self.public_key = public_key
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.complaints: list[str] = []
        self.clock: Callable[[], float] = time.time
        self.remaining, self.reset = LIMIT, time.time() + 3600
        # In place of the hosts and paths of this server, in what it names as a next page.
        self.link_origin: str | None = None
        self.token_life_s = 3600.0
        self.moved: dict[str, str] = {}
        self._description = load_description()
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"github": self})
        )
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._answers = Answers(self._description, self.url)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def count(self, match: str) -> int:
        """How many requests were `"METHOD /path"`, of which the pattern need only be a part."""
        return sum(re.search(match, f"{one.method} {one.path}") is not None for one in self.asked)

    def answer(self, asked: Asked, token: str, etag: str | None) -> "_Reply | Fault":
        """What is answered; the fault, where that is that nothing is."""
        with self._lock:
            self.asked.append(asked)
            fault = take_fault(self.faults, asked.method, asked.path)
        if fault is not None and fault.until is not None:
            fault.until.wait(30)
        with self._lock:
            if fault is not None and (fault.drop == "before" or fault.raw is not None):
                return fault
            reply = self._carry_out(asked, token, fault)
            self._limit(reply, asked, etag)
            return fault if fault is not None and fault.drop == "after" else reply

    def _carry_out(self, asked: Asked, token: str, fault: Fault | None) -> _Reply:
        if self.remaining <= 0 and self.clock() < self.reset:
            return _refuse(403, "API rate limit exceeded for user ID 1.")
        if fault is not None and fault.status is not None:
            return _refuse(fault.status, fault.message, fault.headers)
        for old, new in self.moved.items():
            if asked.path.startswith(f"/repos/{old}"):
                rest = asked.path.removeprefix(f"/repos/{old}")
                query = f"?{urlencode(asked.query)}" if asked.query else ""
                status = 301 if asked.method == "GET" else 307
                return _refuse(status, "Moved", {"Location": f"/repos/{new}{rest}{query}"})
        found = self._description.find(asked.method, asked.path)
        if found is None:
            self.complaints.append(f"{asked.method} {asked.path}: not described")
            return _refuse(404, "Not Found")
        operation, parameters = found
        wrong = self._description.check_request(operation, asked.query, asked.body)
        self.complaints += [f"{operation}: {one}" for one in wrong]
        try:
            if wrong:
                raise _Refusal(422, f"Validation Failed: {wrong[0]}")
            login = self._authenticate(token, asked.path)
            reply = _Call(self, asked, login, parameters, fault).reply(operation.template)
        except _Refusal as refusal:
            reply = _refuse(refusal.status, refusal.message)
        wrong = self._description.check_answer(operation, reply.status, reply.body)
        self.complaints += [f"{operation}: answer {one}" for one in wrong]
        return reply

    def _limit(self, reply: _Reply, asked: Asked, etag: str | None) -> None:
        """Limits and ETags, as GitHub counts them: what is unchanged costs nothing."""
        if asked.method == "GET" and reply.status == 200:
            digest = hashlib.sha256(json.dumps([reply.body, reply.headers]).encode()).hexdigest()
            reply.headers["ETag"] = f'W/"{digest}"'
            if etag == reply.headers["ETag"]:
                reply.status, reply.body = 304, None
        if self.clock() >= self.reset:
            self.remaining, self.reset = LIMIT, self.clock() + 3600
        if reply.status != 304 and self.remaining > 0:
            self.remaining -= 1
        reply.headers.setdefault("X-RateLimit-Remaining", str(self.remaining))
        reply.headers.setdefault("X-RateLimit-Reset", str(int(self.reset)))
        reply.headers["X-GitHub-Request-Id"] = f"REQ:{len(self.asked)}"

    def _authenticate(self, token: str, path: str) -> str:
        """The login of who asks."""
        if token in self.tokens:
            return self.tokens[token]
        is_app_path = path == "/app" or path.endswith(("/installation", "/access_tokens"))
        if self.public_key and is_app_path:
            try:
                claims = jwt.decode(token, self.public_key, algorithms=["RS256"])
            except jwt.InvalidTokenError:
                raise _Refusal(401, "A JSON web token could not be decoded") from None
            if claims["iss"] == str(APP_ID):
                return f"{APP_SLUG}[bot]"
        raise _Refusal(401, "Bad credentials")


class _Call:
    """One request that is understood, on what it is about."""

    def __init__(
        self,
        server: GitHubServer,
        asked: Asked,
        login: str,
        parameters: dict[str, str],
        fault: Fault | None,
    ) -> None:
        self._server, self._asked, self._login = server, asked, login
        self._parameters = parameters
        self._is_stale = fault is not None and fault.is_stale
        self._answers = server._answers

    def reply(self, template: str) -> _Reply:
        route = (self._asked.method, template.removeprefix("/repos/{owner}/{repo}"))
        return _ROUTES[route](self)

    def _repository(self, *, writes: bool = False) -> Repository:
        name = f"{self._parameters['owner']}/{self._parameters['repo']}"
        found = self._server.world.find(name)
        may = None if found is None else found.permissions.get(self._login)
        if found is None or (found.is_private and may is None):
            raise _Refusal(404, "Not Found")
        if writes and may not in _WRITERS:
            raise _Refusal(403, "Resource not accessible by personal access token")
        return found

    def _number(self, repository: Repository, name: str) -> int:
        number = int(self._parameters[name])
        if number not in repository.pull_requests:
            raise _Refusal(404, "Not Found")
        return number

    def _show_user(self) -> _Reply:
        if self._login.endswith("[bot]"):
            raise _Refusal(403, "Resource not accessible by integration")
        return _Reply(200, self._answers.show_own_account(self._login))

    def _find_installation(self) -> _Reply:
        name = f"{self._parameters['owner']}/{self._parameters['repo']}"
        for installation, names in self._server.installations.items():
            if name in names:
                return _Reply(200, self._answers.show_installation(installation))
        raise _Refusal(404, "Not Found")

    def _make_token(self) -> _Reply:
        if int(self._parameters["installation_id"]) not in self._server.installations:
            raise _Refusal(404, "Not Found")
        token = f"ghs_{self._server.world.next_id():036d}"
        self._server.tokens[token] = f"{APP_SLUG}[bot]"
        ends = time.gmtime(self._server.clock() + self._server.token_life_s)
        shown = self._answers.show_token(token, time.strftime("%Y-%m-%dT%H:%M:%SZ", ends))
        return _Reply(201, shown)

    def _show_repository(self) -> _Reply:
        return _Reply(200, self._answers.show_repository(self._repository()))

    def _list_pull_requests(self) -> _Reply:
        repository, state = self._repository(), self._asked.query.get("state", "open")
        found = [
            self._answers.show_pull_request(repository, one, is_listed=True)
            for one in reversed(repository.pull_requests.values())
            if state in (one.state, "all")
        ]
        return self._page(found)

    def _list_issues(self) -> _Reply:
        repository, query = self._repository(), self._asked.query
        found = [
            self._answers.show_issue(repository, one)
            for one in repository.pull_requests.values()
            if query.get("state", "open") in (one.state, "all")
            and repository.find_change(one.number) >= query.get("since", "")
        ]
        return self._page(found)

    def _show_pull_request(self) -> _Reply:
        repository = self._repository()
        found = repository.pull_requests[self._number(repository, "pull_number")]
        return _Reply(200, self._answers.show_pull_request(repository, found))

    def _list_reviews(self) -> _Reply:
        repository = self._repository()
        number = self._number(repository, "pull_number")
        return self._page(
            [self._answers.show_review(one) for one in repository.reviews if one.number == number]
        )

    def _list_comments(self) -> _Reply:
        repository = self._repository()
        number = self._number(repository, "issue_number")
        found = [one for one in repository.comments.values() if one.number == number]
        return self._page([self._answers.show_comment(repository, one) for one in found])

    def _list_all_comments(self) -> _Reply:
        repository, since = self._repository(), self._asked.query.get("since", "")
        found = [one for one in repository.comments.values() if one.updated_at >= since]
        return self._page([self._answers.show_comment(repository, one) for one in found])

    def _create_comment(self) -> _Reply:
        # Whoever sees a repository may comment on it.
        repository = self._repository()
        number = self._number(repository, "issue_number")
        if repository.is_locked and repository.permissions.get(self._login) not in _WRITERS:
            raise _Refusal(403, "Unable to create comment because issue is locked.")
        made = repository.write_comment(number, self._read_body(), self._login)
        return _Reply(201, self._answers.show_comment(repository, made))

    def _update_comment(self) -> _Reply:
        repository = self._repository(writes=True)
        comment = self._comment(repository)
        changed = repository.edit_comment(comment, self._read_body(), self._login)
        return _Reply(200, self._answers.show_comment(repository, changed))

    def _read_body(self) -> str:
        body = str(self._asked.body["body"])
        if len(body) > _LONGEST_BODY:
            raise _Refusal(422, "Validation Failed: body is too long")
        if not body.strip():
            raise _Refusal(422, "Validation Failed: body cannot be blank")
        return body

    def _comment(self, repository: Repository) -> int:
        comment = int(self._parameters["comment_id"])
        if comment not in repository.comments:
            raise _Refusal(404, "Not Found")
        return comment

    def _list_reactions(self) -> _Reply:
        repository = self._repository()
        comment = self._comment(repository)
        found = [one for one in repository.reactions.values() if one.comment == comment]
        return self._page([self._answers.show_reaction(one) for one in found])

    def _add_reaction(self) -> _Reply:
        repository = self._repository()
        comment = self._comment(repository)
        made, is_new = repository.react(comment, self._asked.body["content"], self._login)
        return _Reply(201 if is_new else 200, self._answers.show_reaction(made))

    def _remove_reaction(self) -> _Reply:
        repository = self._repository()
        self._comment(repository)
        reaction = int(self._parameters["reaction_id"])
        if reaction not in repository.reactions:
            raise _Refusal(404, "Not Found")
        if repository.reactions[reaction].user != self._login:
            raise _Refusal(403, "Forbidden")
        del repository.reactions[reaction]
        return _Reply(204)

    def _show_permission(self) -> _Reply:
        repository, login = self._repository(writes=True), self._parameters["username"]
        if login.startswith("nobody"):
            raise _Refusal(404, f"{login} is not a user")
        return _Reply(200, self._answers.show_permission(repository, login))

    def _set_status(self) -> _Reply:
        repository, body = self._repository(writes=True), self._asked.body
        if len(body.get("description") or "") > _DESCRIPTION:
            raise _Refusal(422, "Validation Failed: description is too long")
        made = Status(
            id=self._server.world.next_id(),
            sha=self._parameters["sha"],
            context=body.get("context", "default"),
            state=body["state"],
            description=body.get("description"),
            url=body.get("target_url"),
            created_at=self._server.world.tick(),
        )
        repository.statuses.append(made)
        return _Reply(201, self._answers.show_status(made))

    def _show_statuses(self) -> _Reply:
        repository, sha = self._repository(), self._parameters["ref"]
        latest = {one.context: one for one in repository.statuses if one.sha == sha}
        reply = self._page([self._answers.show_plain_status(one) for one in latest.values()])
        reply.body = self._answers.show_combined_status(sha, reply.body, len(latest))
        return reply

    def _create_check_run(self) -> _Reply:
        repository, body = self._checked_repository(), self._asked.body
        run = CheckRun(
            self._server.world.next_id(), body["head_sha"], body["name"], self._login[:-5]
        )
        self._report(run)
        repository.check_runs[run.id] = run
        return _Reply(201, self._answers.show_check_run(run))

    def _update_check_run(self) -> _Reply:
        repository = self._checked_repository()
        run = repository.check_runs.get(int(self._parameters["check_run_id"]))
        if run is None:
            raise _Refusal(404, "Not Found")
        if run.app != self._login[:-5]:
            raise _Refusal(403, "Invalid app_id")
        self._report(run)
        return _Reply(200, self._answers.show_check_run(run))

    def _checked_repository(self) -> Repository:
        if not self._login.endswith("[bot]"):
            raise _Refusal(403, "You must authenticate via a GitHub App.")
        return self._repository(writes=True)

    def _report(self, run: CheckRun) -> None:
        body = self._asked.body
        annotations = body.get("output", {}).get("annotations", [])
        if len(annotations) > _MOST_ANNOTATIONS:
            raise _Refusal(422, "Validation Failed: no more than 50 annotations")
        run.annotations += annotations
        run.external_id = body.get("external_id", run.external_id)
        run.title = body.get("output", {}).get("title", run.title)
        run.summary = body.get("output", {}).get("summary", run.summary)
        run.conclusion = body.get("conclusion", run.conclusion)
        run.status = "completed" if "conclusion" in body else body.get("status", run.status)

    def _list_check_runs(self) -> _Reply:
        repository, query = self._repository(), self._asked.query
        latest: dict[tuple[str, str], CheckRun] = {}
        for run in repository.check_runs.values():
            if run.sha == self._parameters["ref"] and query.get("check_name") in (None, run.name):
                latest[run.app, run.name] = run
        reply = self._page([self._answers.show_check_run(one) for one in latest.values()])
        reply.body = {"total_count": len(latest), "check_runs": reply.body}
        return reply

    def _page(self, items: list[Object]) -> _Reply:
        """A page of a list, and where the next one is."""
        if self._is_stale:
            items = items[:-1]
        size = min(int(self._asked.query.get("per_page", 30)), 100)
        page = int(self._asked.query.get("page", 1))
        reply = _Reply(200, items[(page - 1) * size : page * size])
        if len(items) > page * size:
            query = urlencode({**self._asked.query, "page": page + 1})
            origin = self._server.link_origin or self._server.url
            reply.headers["Link"] = f'<{origin}{self._asked.path}?{query}>; rel="next"'
        return reply


_COMMENT, _CHECKS = "/issues/comments/{comment_id}", "/check-runs"
_ROUTES: Final[dict[tuple[str, str], Callable[[_Call], _Reply]]] = {
    ("GET", "/user"): _Call._show_user,
    ("GET", "/app"): lambda call: _Reply(200, call._answers.show_app()),
    ("GET", "/installation"): _Call._find_installation,
    ("POST", "/app/installations/{installation_id}/access_tokens"): _Call._make_token,
    ("GET", ""): _Call._show_repository,
    ("GET", "/pulls"): _Call._list_pull_requests,
    ("GET", "/pulls/{pull_number}"): _Call._show_pull_request,
    ("GET", "/pulls/{pull_number}/reviews"): _Call._list_reviews,
    ("GET", "/issues"): _Call._list_issues,
    ("GET", "/issues/comments"): _Call._list_all_comments,
    ("GET", "/issues/{issue_number}/comments"): _Call._list_comments,
    ("POST", "/issues/{issue_number}/comments"): _Call._create_comment,
    ("PATCH", _COMMENT): _Call._update_comment,
    ("GET", f"{_COMMENT}/reactions"): _Call._list_reactions,
    ("POST", f"{_COMMENT}/reactions"): _Call._add_reaction,
    ("DELETE", f"{_COMMENT}/reactions/{{reaction_id}}"): _Call._remove_reaction,
    ("GET", "/collaborators/{username}/permission"): _Call._show_permission,
    ("POST", "/statuses/{sha}"): _Call._set_status,
    ("GET", "/commits/{ref}/status"): _Call._show_statuses,
    ("GET", "/commits/{ref}/check-runs"): _Call._list_check_runs,
    ("POST", _CHECKS): _Call._create_check_run,
    ("PATCH", f"{_CHECKS}/{{check_run_id}}"): _Call._update_check_run,
}


class _Handler(BaseHTTPRequestHandler):
    github: GitHubServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(size)
        url = urlsplit(self.path)
        etag = self.headers.get("If-None-Match")
        asked = Asked(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            body=json.loads(text) if text else None,
            is_conditional=etag is not None,
            time=self.github.clock(),
        )
        token = (self.headers.get("Authorization") or "").rpartition(" ")[2]
        reply = self.github.answer(asked, token, etag)
        if isinstance(reply, Fault):
            if reply.raw is not None:
                self.wfile.write(reply.raw)
            self.close_connection = True
            return
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _refuse(status: int, message: str, headers: dict[str, str] | None = None) -> _Reply:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return _Reply(status, body, dict(headers or {}))


@contextmanager
def serve_github(public_key: str = "") -> Iterator[GitHubServer]:
    """A server while the context lasts."""
    server = GitHubServer(public_key)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.complaints, "\n".join(server.complaints)
