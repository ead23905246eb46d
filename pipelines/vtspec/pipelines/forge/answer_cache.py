"""Answers that are asked for anew by their ETag, within a number of bytes."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, kw_only=True)
class CachedAnswer:
    """A body as it came, what names this state of it, and where its next page is."""

    etag: str
    body: bytes
    link: str


class AnswerCache:
    """The answers that were asked for last; safe for threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, CachedAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, url: str) -> CachedAnswer | None:
        """What was answered for that address, or None."""
        with self._lock:
            if url in self._answers:
                self._answers.move_to_end(url)
            return self._answers.get(url)

    def keep(self, url: str, answer: CachedAnswer) -> None:
        """Keep an answer in place of an older one; the ones that are out of use longest go."""
        with self._lock:
            self._drop(url)
            self._answers[url] = answer
            self._bytes += len(answer.body)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._answers)))

    def _drop(self, url: str) -> None:
        dropped = self._answers.pop(url, None)
        self._bytes -= 0 if dropped is None else len(dropped.body)
