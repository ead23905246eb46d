"""What we wrote a moment ago, for as long as a forge's lists may be behind it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .forge import Comment

RECENT_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class _Written:
    number: int | None
    comment: Comment
    time: float


class RecentComments:
    """Our comments of the last minute; safe for threads. `now` is in seconds since 1970."""

    def __init__(self) -> None:
        self._written: dict[int, _Written] = {}
        self._lock = threading.Lock()

    def note(self, comment: Comment, now: float, number: int | None = None) -> None:
        """Remember one that the forge says it has; `number` is its pull request, where that is
        known, without which it stands for its older text alone."""
        with self._lock:
            before = self._written.get(comment.id)
            known = before.number if before is not None and number is None else number
            self._written[comment.id] = _Written(number=known, comment=comment, time=now)

    def add_to(self, listed: Sequence[Comment], number: int, now: float) -> list[Comment]:
        """A pull request's list with what it lacks, the oldest first."""
        with self._lock:
            self._written = {
                key: one for key, one in self._written.items() if one.time > now - RECENT_S
            }
            written = list(self._written.values())
        by_id = {one.id: one for one in listed}
        for one in written:
            shown = by_id.get(one.comment.id)
            if shown is not None and shown.updated_at < one.comment.updated_at:
                by_id[one.comment.id] = one.comment
            elif shown is None and one.number == number:
                by_id[one.comment.id] = one.comment
        return [by_id[key] for key in sorted(by_id)]
