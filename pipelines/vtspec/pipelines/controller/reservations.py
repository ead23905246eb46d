"""What runs that are about to be begun may cost their teams, for every controller to count. Pure.

A run counts by itself once it is at work or has ended; until then its reservation does.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vtspec.pipelines.runs.json_values import to_int, to_mapping, to_number, to_text

RECORD_NAME: Final = "vtspec-reservations"
"""The ConfigMap of a namespace that they are kept in."""

HELD: Final = timedelta(minutes=15)
"""After this a reservation counts no more: its run is known by then, or does not come, since no
command is carried out so late."""


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """What a run may cost its team; an earlier vtspec told no `currency`. `after_seq` is the last
    event that was told of it before, -1 for none; `at` when it was reserved, by the clock of the
    forge."""

    run: str
    team: str
    cost: float
    after_seq: int
    at: datetime
    currency: str | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether the run may still be to come; not where it was dated ahead, by hand or a clock
        that is wrong, since nobody knows then when it was reserved."""
        return abs(now - self.at) < HELD


def encode_reservation(one: Reservation) -> str:
    """As it is kept under the name of its run."""
    told = {"team": one.team, "cost": one.cost, "afterSeq": one.after_seq}
    currency = {} if one.currency is None else {"currency": one.currency}
    return json.dumps({**told, **currency, "at": one.at.isoformat()}, sort_keys=True)


def parse_reservation(run: str, text: object) -> Reservation | None:
    """What is kept under the name of a run; None where that is no reservation."""
    try:
        told = to_mapping(json.loads(text if isinstance(text, str) else ""))
        at = datetime.fromisoformat(to_text(told.get("at")) or "")
    except (ValueError, RecursionError):
        return None
    team, cost = to_text(told.get("team")), to_number(told.get("cost"))
    after_seq = to_int(told.get("afterSeq"))
    if team is None or cost is None or cost < 0 or after_seq is None or at.tzinfo is None:
        return None
    currency = to_text(told.get("currency"))
    return Reservation(
        run=run, team=team, cost=cost, after_seq=after_seq, at=at, currency=currency
    )


def make_changes(
    known: Iterable[Reservation], fresh: Iterable[Reservation], now: datetime
) -> Mapping[str, str | None]:
    """What is to be kept anew, by runs; None where what is kept counts no more."""
    over = {one.run: None for one in known if not one.is_held(now)}
    return over | {one.run: encode_reservation(one) for one in fresh}
