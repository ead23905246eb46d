"""How long ago, as a person types it: 12h, 30d."""

import re
import time

import click


def check_age(text: str | None, option: str) -> None:
    """Raise `click.BadParameter` where `text` is not so long a time."""
    from vtspec.schema.kinds.patterns import DURATION

    if text is not None and not re.fullmatch(DURATION.pattern, text):
        raise click.BadParameter(
            f"must be {DURATION.words}, got '{text}'\n  fix: {option} 30d", param_hint=option
        )


def find_time(age: str) -> float:
    """When so long ago was, in seconds since 1970."""
    from vtspec.schema.kinds.patterns import parse_duration

    return time.time() - parse_duration(age)
