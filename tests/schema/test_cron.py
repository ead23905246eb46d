"""A schedule: which expressions are one, in whose words others are refused, when the next is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_experiment, yaml_of
from vtspec.schema.kinds import time_zones
from vtspec.schema.kinds.cron import parse_cron
from vtspec.schema.kinds.time_zones import get_zone
from vtspec.schema.load import load


def told(cron: str, zone: str = "UTC") -> list[tuple[str, str, str]]:
    spec = an_experiment(**{"schedule": {"cron": cron, "timeZone": zone}})
    found = load(yaml_of(spec), "f.yaml").problems
    return [(one.path, one.message, one.fix) for one in found]


@pytest.mark.parametrize(
    "cron",
    ["0 3 * * *", "*/15 0,12 1-15 * mon-fri", "59 23 31 12 6", "0  0 29 2 ?", "0 0 31 2 sun",
     "5/20 * * JAN,feb *", "0 0 31 1-2 */2"],
)  # fmt: skip
def test_what_kubernetes_takes_is_a_schedule(cron: str) -> None:
    assert told(cron, "Asia/Seoul") == []


@pytest.mark.parametrize(
    ("cron", "says", "fix"),
    [
        ("60 3 * * *", "60 is no minute", "write 0 to 59"),
        ("0 24 * * *", "24 is no hour", "write 0 to 23"),
        ("0 0 0 * *", "0 is no day of the month", "write 1 to 31"),
        ("0 0 * 13 *", "13 is no month", "write 1 to 12"),
        ("0 0 * * 7", "7 is no day of the week", "Sunday is 0"),
        ("0 0 * * mom", "'mom' is no day of the week", "or sun to sat"),
        ("0 0 mon * *", "'mon' is no day of the month", "write 1 to 31"),
        ("0 0 * * 5-1", "'5-1' ends before it begins", "write two ranges: '5-6,0-1'"),
        ("*/0 * * * *", "the step of '*/0' is 0", "a step of 1 or more"),
        ("1, * * * *", "'' is no minute", "write 0 to 59"),
        ("1-2-3 * * * *", "'1-2-3' is no minute", "write 0 to 59"),
        ("0 0 30 2 *", "it never comes, no month of it has a day 30", "to 29 or less"),
        ("0 0 31 4,6 ?", "it never comes", "to 30 or less"),
    ],
)
def test_what_is_no_time_is_told_with_what_to_write(cron: str, says: str, fix: str) -> None:
    [(path, message, mended)] = told(cron)
    assert path == "spec.schedule.cron"
    assert message.startswith("is no schedule: ")
    assert message.endswith(f", got '{cron}'")
    assert says in message
    assert fix in mended


@pytest.mark.parametrize("cron", ["@daily", "0 3 * *", "0 3 * * * *", "", "{{x}} 3 * * *"])
def test_what_is_not_five_fields_is_no_cron(cron: str) -> None:
    [(path, message, fix)] = told(cron)
    assert path == "spec.schedule.cron"
    assert "cron's five fields" in message
    assert "write it like '0 3 * * *'" in fix


def test_a_star_at_the_beginning_has_to_be_quoted_and_this_is_said() -> None:
    text = yaml_of(an_experiment(**{"schedule": {"cron": "QUOTED"}}))
    [problem] = load(text.replace('"QUOTED"', "* 3 * * *"), "f.yaml").problems
    assert problem.fix == "put quotes round a value that begins with '*'"


@pytest.mark.parametrize(
    ("zone", "fix"),
    [("Asia/Seul", "did you mean 'Asia/Seoul'?"), ("Local", "such as"), ("asia/seoul", "Seoul")],
)
def test_a_time_zone_is_one_that_there_is(zone: str, fix: str) -> None:
    [(path, message, mended)] = told("0 3 * * *", zone)
    assert (path, message) == ("spec.schedule.timeZone", f"there is no time zone '{zone}'")
    assert fix in mended


def test_a_machine_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_zones, "list_zones", frozenset)
    [(_, message, fix)] = told("0 3 * * *", "Asia/Seoul")
    assert "this machine has no list of time zones" in message
    assert "tzdata" in fix
    assert told("0 3 * * *", "UTC") == []


def test_names_are_written_as_the_numbers_that_argo_takes() -> None:
    times = parse_cron("*/15  0,12 ? jan-Mar,8 MON-fri/02")
    assert times.text == "*/15 0,12 * 1-3,8 1-5/2"
    assert parse_cron(times.text) == times


def next_times(cron: str, zone: str, after: str, count: int = 3) -> list[str]:
    times, at, found = parse_cron(cron), datetime.fromisoformat(after), []
    for _ in range(count):
        at = times.find_next(at, get_zone(zone))
        found.append(f"{at:%Y-%m-%d %H:%M %Z}")
    return found


# The tables of Argo's own documentation, docs/cron-workflows.md.
@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("59 1 * * *", "2020-03-08T00:00-08:00", ["03-08 01:59 PST", "03-09 01:59 PDT"]),
        ("0 2 * * *", "2020-03-08T00:00-08:00", ["03-09 02:00 PDT", "03-10 02:00 PDT"]),
        ("59 1 * * *", "2020-11-01T00:00-07:00", ["11-01 01:59 PDT", "11-01 01:59 PST"]),
        ("0 2 * * *", "2020-11-01T00:00-07:00", ["11-01 02:00 PST", "11-02 02:00 PST"]),
    ],
)
def test_clocks_that_are_put_forward_and_back_are_kept_to(
    cron: str, after: str, expected: list[str]
) -> None:
    found = next_times(cron, "America/Los_Angeles", after, 2)
    assert found == [f"2020-{one}" for one in expected]


def test_a_day_is_either_of_two_that_are_restricted() -> None:
    friday_or_13th = next_times("0 0 13 * fri", "UTC", "2026-10-10T00:00+00:00")
    assert friday_or_13th == [
        "2026-10-13 00:00 UTC",
        "2026-10-16 00:00 UTC",
        "2026-10-23 00:00 UTC",
    ]
    assert next_times("0 0 29 2 *", "UTC", "2096-03-01T00:00+00:00", 1) == ["2104-02-29 00:00 UTC"]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["UTC", "Asia/Seoul", "America/Los_Angeles"]),
    st.integers(0, 59),
    st.integers(0, 23),
)
def test_the_next_time_is_the_first_minute_that_matches(
    after: datetime, zone: str, minute: int, hour: int
) -> None:
    start = after.replace(tzinfo=UTC)
    found = parse_cron(f"{minute} {hour} * * *").find_next(start, get_zone(zone))
    assert start < found <= start + timedelta(hours=49)
    assert (found.hour, found.minute, found.second) == (hour, minute, 0)
    clock = start.replace(second=0, microsecond=0)
    while (clock := clock + timedelta(minutes=1)) < found:
        shown = clock.astimezone(ZoneInfo(zone))
        assert (shown.hour, shown.minute) != (hour, minute)
