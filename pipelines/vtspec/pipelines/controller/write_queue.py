"""What waits to be written to a forge, one thing after the other, while looks go on.

A forge takes a change a second. What a later look has decided takes the place of what an earlier
one had and that is not written yet: of a pull request only the last word counts.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .actions import Action, find_subject

Key: TypeAlias = int | str | None
"""What is written about: a pull request, or a commit."""


_MOST_AT_ONCE: Final = 10
"""What is written about one thing before it is another's turn."""


@dataclass(kw_only=True)
class WriteQueue:
    """One thread's writing. `write` writes some of what is about one thing, and says after how
    many seconds what failed is to be decided anew, None where nothing did; `on_written` hears of
    that. Neither may raise."""

    write: Callable[[Sequence[Action]], float | None]
    on_written: Callable[[Key, float | None], None]
    _waiting: dict[Key, list[Action]] = field(default_factory=dict)
    _is_stopped: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, looked_at: Collection[int] | None, actions: Sequence[Action]) -> None:
        """Have written what a look has decided on; `looked_at` are its pull requests, None for
        all. Returns at once."""
        fresh: dict[Key, list[Action]] = {}
        for action in actions:
            fresh.setdefault(find_subject(action), []).append(action)
        with self._changed:
            # What waits longest stays the first to be written.
            kept = {
                key: fresh.pop(key, [] if _is_settled(key, looked_at) else old)
                for key, old in self._waiting.items()
            }
            self._waiting = {key: some for key, some in {**kept, **fresh}.items() if some}
            self._changed.notify_all()

    def count(self) -> int:
        """How much waits."""
        with self._changed:
            return sum(map(len, self._waiting.values()))

    def stop(self) -> None:
        """End `run` after what is being written; what waits is decided on again by who looks
        next."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """Write, until `stop`."""
        while True:
            with self._changed:
                while not self._waiting and not self._is_stopped:
                    self._changed.wait()
                if self._is_stopped:
                    return
                key = next(iter(self._waiting))
                some, rest = _split(self._waiting.pop(key))
                if rest:
                    # Behind all others: who has much written waits, and not everybody.
                    self._waiting[key] = rest
            self.on_written(key, self.write(some))


def _split(actions: list[Action]) -> tuple[list[Action], list[Action]]:
    """A few of them, and the rest; what answers one command stays together."""
    end = _MOST_AT_ONCE
    while actions[end:] and actions[end].cause and actions[end].cause == actions[end - 1].cause:
        end += 1
    return actions[:end], actions[end:]


def _is_settled(key: Key, looked_at: Collection[int] | None) -> bool:
    """Whether a look that decided nothing about a thing has looked at it."""
    return looked_at is None or key in looked_at
