"""A model hub on loopback: repositories of files, each at one commit, by Hugging Face's HTTP API.

What it does not know of the API it answers with 404, as a hub does of what is not there.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

_INFO = re.compile(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class HubRepository:
    """What a hub has of a model: `commits` from the oldest to the newest, each with its files;
    `token` is what it asks for, where it is not for everybody."""

    commits: Mapping[str, Mapping[str, bytes]]
    licence: str = "apache-2.0"
    token: str | None = None
    pipeline: str = ""
    library: str = "transformers"
    parameters: int | None = None
    downloads: int = 0
    gated: str | bool = False

    def find(self, revision: str) -> tuple[str, Mapping[str, bytes]] | None:
        """The commit that a revision names, and its files."""
        commit = list(self.commits)[-1] if revision == "main" else revision
        return (commit, self.commits[commit]) if commit in self.commits else None


@dataclass
class HubServer:
    """A hub: `asked` are the method and path of every request, `agents` who asked."""

    endpoint: str
    repositories: dict[str, HubRepository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def list_files(self) -> set[str]:
        """The files that were asked for, `REVISION/NAME`."""
        found = (_FILE.fullmatch(one.split(" ", 1)[1]) for one in self.asked)
        return {f"{one[2]}/{one[3]}" for one in found if one is not None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_GET(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        self.hub.agents.add(self.headers.get("User-Agent", ""))
        path = self.path.partition("?")[0]
        if path == "/api/models":
            self._search(parse_qs(self.path.partition("?")[2]))
        elif (info := _INFO.fullmatch(path)) is not None:
            self._tell_info(info[1], info[2] or "main")
        elif (file := _FILE.fullmatch(path)) is not None:
            self._send_file(file[1], file[2], file[3])
        else:
            self._refuse("EntryNotFound")

    do_HEAD = do_GET

    def _find(self, name: str, revision: str) -> tuple[str, Mapping[str, bytes]] | None:
        repository = self.hub.repositories.get(name)
        token = self.headers.get("Authorization")
        if repository is None or (repository.token and token != f"Bearer {repository.token}"):
            self._refuse("RepoNotFound")
            return None
        found = repository.find(revision)
        if found is None:
            self._refuse("RevisionNotFound")
        return found

    def _search(self, asked: Mapping[str, list[str]]) -> None:
        """Every word is part of a name; as much of each model is told as is asked for."""
        words = asked.get("search", [""])[0].lower().split()
        found = [
            (name, one)
            for name, one in self.hub.repositories.items()
            if all(word in name.lower() for word in words)
            and asked.get("filter", [one.library]) == [one.library]
            and asked.get("pipeline_tag", [one.pipeline]) == [one.pipeline]
        ]
        if asked.get("sort") == ["downloads"]:
            found.sort(key=lambda pair: -pair[1].downloads)
        hits = [
            {"id": name, **{key: self._describe(one)[key] for key in asked.get("expand[]", [])}}
            for name, one in found[: int(asked.get("limit", ["1000"])[0])]
        ]
        self._send(json.dumps(hits).encode(), {"Content-Type": "application/json"})

    def _describe(self, one: HubRepository) -> dict[str, Any]:
        files = list(one.commits.values())[-1]
        return {
            "pipeline_tag": one.pipeline or None,
            "cardData": {"license": one.licence} if one.licence else {},
            "tags": [one.library],
            "config": json.loads(files.get("config.json", b"{}")),
            "safetensors": one.parameters and {"total": one.parameters},
            "downloads": one.downloads,
            "gated": one.gated,
        }

    def _tell_info(self, name: str, revision: str) -> None:
        found = self._find(name, revision)
        if found is not None:
            told = {
                "id": name,
                "sha": found[0],
                "private": False,
                "cardData": {"license": self.hub.repositories[name].licence},
                "siblings": [{"rfilename": file} for file in found[1]],
            }
            self._send(json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send_file(self, name: str, revision: str, file: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        commit, files = found
        if file not in files:
            self._refuse("EntryNotFound", commit)
            return
        etag = f'"{hashlib.sha256(files[file]).hexdigest()}"'
        self._send(files[file], {"ETag": etag, "X-Repo-Commit": commit})

    def _refuse(self, code: str, commit: str = "") -> None:
        self._send(b"", {"X-Error-Code": code, "X-Repo-Commit": commit}, 404)

    def _send(self, body: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[HubServer]:
    """A hub without repositories, for as long as the context lasts."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub = HubServer(endpoint=f"http://127.0.0.1:{server.server_address[1]}")
    Handler.hub = hub
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
