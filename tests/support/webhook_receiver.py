"""Receives webhooks on loopback, and says what they are about as the controller would."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets, find_subject

Received = tuple[Mapping[str, str], bytes]


class WebhookReceiver:
    """`received` are those that were signed; the others are only counted."""

    def __init__(self, secret: str, own_login: str = "") -> None:
        self.received: list[Received] = []
        self.refused = 0
        self.status = 204
        self.changed = threading.Condition(threading.RLock())
        self._secrets, self._own_login = WebhookSecrets([secret]), own_login
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._take(dict(self.headers), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def _take(self, headers: Mapping[str, str], body: bytes) -> int:
        with self.changed:
            if not self._secrets.has_signed(headers, body):
                self.refused += 1
                return 401
            self.received.append((headers, body))
            self.changed.notify_all()
            return self.status

    def subjects(self) -> list[Subject]:
        """What was to look at, in the order in which it came."""
        with self.changed:
            found = [find_subject(*one, self._own_login) for one in self.received]
        return [one for one in found if one is not None]

    def wait_for(self, is_there: Callable[[list[Subject]], bool]) -> None:
        """Wait until what came is enough."""
        with self.changed:
            assert self.changed.wait_for(lambda: is_there(self.subjects()), 30), self.subjects()


@contextmanager
def receive_webhooks(secret: str, own_login: str = "") -> Iterator[WebhookReceiver]:
    """A receiver while the context lasts."""
    receiver = WebhookReceiver(secret, own_login)
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
