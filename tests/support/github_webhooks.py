"""Webhooks as GitHub sends them: its own examples, with what happened in their place, signed.

What happens waits in `pending` until a test delivers it: all in order, in another order, some
twice, some never. `sends_at_once` delivers by itself, as GitHub does, beside whoever acts.
"""

import functools
import hashlib
import hmac
import json
import queue
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from github_world import GitHubWorld
from npm_packages import WEBHOOKS, fetch_npm_file

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One webhook; sent again, it keeps its id."""

    id: str
    event: str
    payload: Object


class Webhooks:
    """What a repository's webhook at `url` is told of all that happens in `world`."""

    def __init__(self, world: GitHubWorld, url: str, secret: str) -> None:
        self.pending: list[Delivery] = []
        self.answers: list[int | None] = []
        self.secret = secret
        self._url = url
        self._client = httpx.Client(timeout=10)
        self._waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None
        world.tell = self._note

    def send_at_once(self) -> None:
        """From now on deliver what happens, in its order."""
        self._sender = threading.Thread(target=self._send_all)
        self._sender.start()

    def close(self) -> None:
        """End, after all that was to be delivered at once."""
        if self._sender is not None:
            self._waiting.put(None)
            self._sender.join()
        self._client.close()

    def deliver(self, deliveries: Sequence[Delivery] | None = None) -> list[int | None]:
        """Send some, or all that are pending; what was answered, None where nobody did."""
        chosen = list(self.pending if deliveries is None else deliveries)
        self.pending = [one for one in self.pending if one not in chosen]
        return [self._send(one) for one in chosen]

    def _note(self, event: str, payload: Object) -> None:
        whole = _merge(_find_example(event, payload.get("action")), payload)
        made = Delivery(id=str(uuid.uuid4()), event=event, payload=whole)
        if self._sender is None:
            self.pending.append(made)
        else:
            self._waiting.put(made)

    def _send_all(self) -> None:
        while (delivery := self._waiting.get()) is not None:
            self._send(delivery)

    def _send(self, delivery: Delivery) -> int | None:
        body = json.dumps(delivery.payload).encode()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/fake",
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Delivery": delivery.id,
            "X-Hub-Signature-256": f"sha256={digest}",
        }
        try:
            status: int | None = self._client.post(
                self._url, content=body, headers=headers
            ).status_code
        except httpx.TransportError:
            status = None
        self.answers.append(status)
        return status


def read_examples() -> list[tuple[str, Object]]:
    """Every webhook that GitHub publishes, by its event."""
    return [(event, json.loads(text)) for event, text in _read_texts()]


@functools.cache
def _read_texts() -> list[tuple[str, str]]:
    text = fetch_npm_file(WEBHOOKS, "api.github.com/index.json").read_text()
    events = [(one["name"], one["examples"]) for one in json.loads(text)]
    return [(event, json.dumps(each)) for event, examples in events for each in examples]


def _find_example(event: str, action: str | None) -> Object:
    """That of the event and action, else any of the event."""
    found = [json.loads(text) for name, text in _read_texts() if name == event]
    return next((one for one in found if one.get("action") == action), found[0])


def _merge(whole: Object, change: Object) -> Object:
    merged = dict(whole)
    for name, value in change.items():
        before = merged.get(name)
        is_both = isinstance(value, dict) and isinstance(before, dict)
        merged[name] = _merge(before, value) if is_both else value  # type: ignore[arg-type]
    return merged
