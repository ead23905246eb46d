"""An S3 server that holds whoever has a role to the policy of their session, as AWS does.

moto answers, behind a door that reads each request: `AssumeRole` is remembered with its policy,
and what is asked with the key that it gave is let through where that policy allows it.
"""

import fnmatch
import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from object_storage import BreakableStorage, ObjectStorage

_DENIED = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code>"
    b"<Message>Access Denied</Message></Error>"
)
_ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}


def allows(policy: Mapping[str, Any], action: str, resource: str, **asked: str) -> bool:
    """As AWS decides: allowed by some statement whose action, resource and conditions fit, since
    none denies. `asked` are a listing's options, such as `prefix` and `delimiter`."""
    return any(
        action in _as_list(one["Action"])
        and any(_fits(resource, pattern) for pattern in _as_list(one["Resource"]))
        and all(
            _holds(kind, asked.get(name.removeprefix("s3:")), _as_list(wanted))
            for kind, keys in one.get("Condition", {}).items()
            for name, wanted in keys.items()
        )
        for one in policy["Statement"]
    )


def _holds(kind: str, asked: str | None, wanted: list[str]) -> bool:
    # What a request does not have fulfils no condition.
    if asked is None:
        return False
    return any(_fits(asked, one) if kind == "StringLike" else asked == one for one in wanted)


def _as_list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _fits(text: str, pattern: str) -> bool:
    # `*` is any text, slashes too, and `?` any character.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


class GuardedStorage:
    """A running server; `open` is what those have who own it.

    `policies` are those of sessions, by their keys; `denied` what was refused; `refuses` says why
    nobody is given a role.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._behind = BreakableStorage()
        self.policies: dict[str, Mapping[str, Any]] = {}
        self.given: list[Mapping[str, str]] = []
        self.denied: list[tuple[str, str]] = []
        self.refuses: tuple[int, str, str] | None = None
        handler = type("Handler", (_Handler,), {"storage": self})
        self._http = ThreadingHTTPServer((host, 0), handler)
        self._http.daemon_threads = True
        self.open = ObjectStorage(f"http://{host}:{self._http.server_address[1]}")
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._behind.stop()

    def forward(self, asked: "_Handler", body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """What the server behind answers."""
        place = urlsplit(self._behind.endpoint)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            connection.request(asked.command, asked.path, body, dict(asked.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    storage: GuardedStorage
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        policy = self.storage.policies.get(self._read_key())
        if body.startswith(b"Action=AssumeRole"):
            self._give_role(body)
        elif policy is not None and not all(
            allows(policy, *what, **listing) for what, listing in self._list_asked(body)
        ):
            self.storage.denied.append((self.command, self.path))
            self._send(403, {"Content-Type": "application/xml"}, _DENIED)
        else:
            status, headers, found = self.storage.forward(self, body)
            # That an object is not there is told to who may list the bucket, and nobody else.
            if status == 404 and policy is not None:
                status, found = 403, _DENIED
            self._send(status, headers, found)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _do

    def _give_role(self, body: bytes) -> None:
        asked = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if self.storage.refuses is not None:
            status, code, words = self.storage.refuses
            told = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
                f"<Message>{words}</Message></Error></ErrorResponse>"
            )
            self._send(status, {"Content-Type": "text/xml"}, told.encode())
            return
        status, headers, found = self.storage.forward(self, body)
        key = re.search(rb"<AccessKeyId>(\w+)</AccessKeyId>", found)
        assert key is not None, found
        self.storage.policies[key[1].decode()] = json.loads(asked["Policy"])
        self.storage.given.append(asked)
        self._send(status, headers, found)

    def _read_key(self) -> str:
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        return found[1] if found else ""

    def _list_asked(self, body: bytes) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        place = f"arn:aws:s3:::{bucket}"
        if key:
            yield (_ACTIONS[self.command], f"{place}/{key}"), {}
        elif "delete" in query:
            for one in re.findall(rb"<Key>(.*?)</Key>", body):
                yield ("s3:DeleteObject", f"{place}/{one.decode()}"), {}
        else:
            named = {key: values[0] for key, values in query.items()}
            yield ("s3:ListBucket", place), named

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
                self.send_header(name, value)
        length = headers.get("Content-Length") or headers.get("content-length")
        is_head = self.command == "HEAD" and status < 300
        self.send_header("Content-Length", (length if is_head and length else str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was refused is kept."""
