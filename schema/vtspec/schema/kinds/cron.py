"""Times that come again, as cron writes them: which ones, and when the next is. Pure.

The rules are those of Kubernetes' CronJobs and Argo's CronWorkflows
(https://pkg.go.dev/github.com/robfig/cron/v3): a day matches the day of the month or the day of
the week where both are restricted; a time that a clock leaves out in spring does not come, one
that it has twice in autumn comes twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_WEEKDAYS: Final = "sun mon tue wed thu fri sat".split()
_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_DAYS_AHEAD: Final = 8 * 366 + 1
"""February 29 may be eight years away; one on a certain day of the week is never asked for, as
two restricted days are either of them."""


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One of the five: what it is called, its smallest and largest value, names from the smallest
    on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field(name="minute", low=0, high=59),
    _Field(name="hour", low=0, high=23),
    _Field(name="day of the month", low=1, high=31),
    _Field(name="month", low=1, high=12, names=tuple(_MONTHS)),
    _Field(name="day of the week", low=0, high=6, names=tuple(_WEEKDAYS)),
)


class CronError(ValueError):
    """What is no time of cron: `message` says why, `fix` what to write."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@dataclass(frozen=True, kw_only=True)
class CronTimes:
    """The times of an expression. `text` is that in numbers alone, one space between fields.

    `any_day` and `any_weekday` say that the field restricts nothing.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def find_next(self, after: datetime, zone: tzinfo) -> datetime:
        """The first of the times that is later than `after`, by the clocks of `zone`."""
        first = after.astimezone(zone).date()
        for ahead in range(_DAYS_AHEAD):
            day = first + timedelta(days=ahead)
            if not self._holds_day(day.month, day.day, day.isoweekday() % 7):
                continue
            midnight = datetime(day.year, day.month, day.day)
            later = [one for one in self._iter_times(midnight, zone) if one > after]
            if later:
                return min(later).astimezone(zone)
        raise AssertionError("a time that never comes was refused when it was parsed")

    def _holds_day(self, month: int, day: int, weekday: int) -> bool:
        if month not in self.months:
            return False
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday

    def _iter_times(self, midnight: datetime, zone: tzinfo) -> Iterator[datetime]:
        """The times of a day, in UTC."""
        for hour in self.hours:
            for minute in self.minutes:
                wall = midnight.replace(hour=hour, minute=minute)
                for fold in (0, 1):
                    time = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
                    # Clocks that are put forward never show it.
                    if time.astimezone(zone).replace(tzinfo=None) == wall:
                        yield time


def parse_cron(text: str) -> CronTimes:
    """The times that a text of the form `patterns.CRON` means. Raises `CronError`."""
    pairs = [*zip(text.split(), _FIELDS, strict=True)]
    values = [_parse_field(word, field) for word, field in pairs]
    minutes, hours, days, months, weekdays = (frozenset(found) for found, _ in values)
    times = CronTimes(
        text=" ".join(_write_field(word, field) for word, field in pairs),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        any_day=values[2][1],
        any_weekday=values[4][1],
    )
    longest = max(_LONGEST_MONTHS[month - 1] for month in months)
    if times.any_weekday and min(days) > longest:
        raise CronError(
            f"it never comes, no month of it has a day {min(days)}",
            f"set the day of the month to {longest} or less",
        )
    return times


def _parse_field(word: str, field: _Field) -> tuple[set[int], bool]:
    """The values of a field, and whether it is one that restricts nothing."""
    found: set[int] = set()
    is_free = False
    for part in word.split(","):
        span, slash, step_word = part.partition("/")
        step = _parse_number(step_word, field, part) if slash else 1
        if step < 1:
            raise CronError(f"the step of '{part}' is 0", "write a step of 1 or more")
        is_free = is_free or (span in ("*", "?") and step == 1)
        low, high = _parse_span(span, field, part, reaches_end=bool(slash))
        found |= {*range(low, high + 1, step)}
    return found, is_free


def _parse_span(span: str, field: _Field, part: str, *, reaches_end: bool) -> tuple[int, int]:
    if span in ("*", "?"):
        return field.low, field.high
    first, dash, last = span.partition("-")
    low = _parse_value(first, field, part)
    # `5/15` is 5-59/15.
    high = _parse_value(last, field, part) if dash else field.high if reaches_end else low
    if low > high:
        raise CronError(
            f"the {field.name} '{part}' ends before it begins",
            f"write two ranges: '{first}-{field.high},{field.low}-{last}'",
        )
    return low, high


def _parse_value(word: str, field: _Field, part: str) -> int:
    if word.lower() in field.names:
        return field.low + field.names.index(word.lower())
    value = _parse_number(word, field, part)
    if field.low <= value <= field.high:
        return value
    raise CronError(
        f"{value} is no {field.name}",
        "Sunday is 0"
        if field.names and value == field.high + 1 and not field.low
        else f"write {field.low} to {field.high}",
    )


def _parse_number(word: str, field: _Field, part: str) -> int:
    if word.isascii() and word.isdecimal() and len(word) <= 4:
        return int(word)
    names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise CronError(
        f"'{part}' is no {field.name}",
        f"write {field.low} to {field.high}{names}, '*', a range '{field.low}-{field.high}', a "
        "list of them with commas, or a step '*/2'",
    )


def _write_field(word: str, field: _Field) -> str:
    """A field in numbers alone: of names Argo's schema knows none."""
    parts = []
    for part in word.split(","):
        span, slash, step = part.partition("/")
        ends = [_write_value(end, field) for end in span.split("-")]
        parts.append("-".join(ends) + (f"/{int(step)}" if slash else ""))
    return ",".join(parts)


def _write_value(word: str, field: _Field) -> str:
    return "*" if word in ("*", "?") else str(_parse_value(word, field, word))
