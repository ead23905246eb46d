"""A schedule as a person reads it: its times, when the next one is, and what keeps to it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.formatting import format_duration

if TYPE_CHECKING:
    from vtspec.schema.kinds.experiment import Schedule


def describe_schedule(schedule: "Schedule", spec: str) -> str:
    """Whose the schedule of a spec is, and that nothing here waits for it."""
    render = format_command("vtspec", "render", spec)
    return (
        f"the schedule {schedule.cron} ({schedule.time_zone}) is the cluster's, next "
        f"{format_next_time(schedule, datetime.now(UTC))}: '{render}' makes its CronWorkflow; "
        "'vtspec run' and 'apply' begin at once"
    )


def format_next_time(schedule: "Schedule", now: datetime) -> str:
    """When the next of the times is, by the clocks of the schedule, and how far that is."""
    from vtspec.schema.kinds.cron import parse_cron
    from vtspec.schema.kinds.time_zones import get_zone

    time = parse_cron(schedule.cron).find_next(now, get_zone(schedule.time_zone))
    left = format_duration((time.astimezone(UTC) - now).total_seconds(), "rough")
    return f"{time:%Y-%m-%d %H:%M %Z} (in {left})"
