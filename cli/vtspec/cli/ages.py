"""How long ago, as a person types it: 12h, 30d."""

import re
import time

import click


def check_age(text: str | None, option: str) -> None:
    """Raise `click.BadParameter` where `text` is not so long a time."""
    from vtspec.schema.kinds.patterns import DURATION, LONGEST_DURATION, TOO_LONG

    if text is None:
        return
    if not re.fullmatch(DURATION.pattern, text):
        words, example = DURATION.words, "30d"
    elif re.search(TOO_LONG, text):
        words, example = f"at most {LONGEST_DURATION}", LONGEST_DURATION
    else:
        return
    raise click.BadParameter(
        f"must be {words}, got '{text}'\n  fix: {option} {example}", param_hint=option
    )


def find_time(age: str) -> float:
    """When so long ago was, in seconds since 1970."""
    from vtspec.schema.kinds.patterns import parse_duration

    return time.time() - parse_duration(age)
