"""Until when a forge wants no request, told from its answers. Pure.

GitHub has a primary limit, with a time at which it begins anew, and secondary ones, which say how
long to wait or nothing at all:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

_FIRST_WAIT_S: Final = 60.0
_LONGEST_WAIT_S: Final = 3600.0
_DOUBLINGS: Final = 6


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """`until` is a time in seconds since 1970 before which nothing is asked; `refusals` counts
    those in a row that did not say how long to wait."""

    until: float = 0.0
    refusals: int = 0


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What of an answer tells of limits; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    message: str
    time: float


def is_limit(answer: Answered) -> bool:
    """Whether a refusal is one of a limit, which ends, and not of what is allowed at all."""
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    said = answer.message.lower()
    is_told = "retry-after" in answer.headers or _is_used_up(answer)
    return is_told or "rate limit" in said or "abuse detection" in said


def read_date(headers: Mapping[str, str]) -> float | None:
    """When an answer was given by the clock of who gave it, in seconds since 1970."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None


def note_answer(limit: RateLimit, answer: Answered) -> RateLimit:
    """The limit after an answer. One known before is not shortened by what was still under way."""
    if not is_limit(answer):
        refusals = limit.refusals if answer.status >= 500 else 0
        until = _find_reset(answer) if _is_used_up(answer) else 0.0
        return RateLimit(until=max(limit.until, until), refusals=refusals)
    wait_s = _find_retry_after(answer)
    if wait_s is not None:
        return replace(limit, until=max(limit.until, answer.time + wait_s))
    if _is_used_up(answer):
        return replace(limit, until=max(limit.until, _find_reset(answer)))
    wait_s = min(_FIRST_WAIT_S * 2 ** min(limit.refusals, _DOUBLINGS), _LONGEST_WAIT_S)
    return RateLimit(until=max(limit.until, answer.time + wait_s), refusals=limit.refusals + 1)


def _is_used_up(answer: Answered) -> bool:
    return answer.headers.get("x-ratelimit-remaining") == "0" and _find_reset(answer) > answer.time


def _find_reset(answer: Answered) -> float:
    told = answer.headers.get("x-ratelimit-reset", "")
    # It begins anew within the hour; what is further away is a clock that is wrong.
    return min(float(told), answer.time + _LONGEST_WAIT_S) if told.isdecimal() else 0.0


def _find_retry_after(answer: Answered) -> float | None:
    told = answer.headers.get("retry-after", "").strip()
    if told.isdecimal():
        return min(max(float(told), 1.0), _LONGEST_WAIT_S)
    try:
        wait_s = parsedate_to_datetime(told).timestamp() - answer.time
        return min(max(wait_s, 1.0), _LONGEST_WAIT_S)
    except (ValueError, OverflowError):
        return None
