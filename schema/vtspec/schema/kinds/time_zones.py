"""The time zones that there are, by their names in the IANA database."""

from datetime import UTC, tzinfo
from functools import cache


def get_zone(name: str) -> tzinfo:
    """The zone of that name. Raises `KeyError` where there is none."""
    # Its clocks are known without a database.
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


@cache
def list_zones() -> frozenset[str]:
    """The names that this machine knows; none where it has no database."""
    from zoneinfo import available_timezones

    # Which one these are, each machine says for itself.
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}
