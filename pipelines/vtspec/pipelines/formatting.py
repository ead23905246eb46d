"""Quantities as a person reads them: numbers, lengths of time, sizes, counts, money. Pure.

What was measured is written `exact`, what was only estimated `rough`: seconds that nobody can
know are not shown.
"""

import math
from collections.abc import Callable
from typing import Final, Literal

from .language import Tongue

MISSING: Final = "\N{EN DASH}"
"""Stands where there is no number."""

MINUS: Final = "\N{MINUS SIGN}"

Precision = Literal["exact", "rough"]


def format_number(value: float | None) -> str:
    """About four significant digits; counts keep all of theirs."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    size = abs(value)
    if value == int(value) and size < 1e15:
        # An accuracy of exactly 1 is a share, and stands among others with four decimals.
        text = f"{size:,.0f}" if size >= 2 else f"{size:.4f}"
    elif size >= 1000:
        text = f"{size:,.1f}"
    elif size >= 1:
        text = f"{size:.4g}" if size >= 100 else f"{size:.3f}"
    elif size >= 0.001:
        text = f"{size:.4f}"
    else:
        text = f"{size:.2e}"
    return f"{MINUS}{text}" if value < 0 else text


def format_signed(value: float | None) -> str:
    """A difference: always with its sign, and 0 as `±0`."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "±0"
    return format_number(value) if value < 0 else f"+{format_number(value)}"


def format_against(value: float | None, limit: float) -> str:
    """A number with as many digits as it takes to see on which side of `limit` it lies."""
    if value is None or not math.isfinite(value):
        return MISSING
    shown = format_number(value)
    if value == limit or shown != format_number(limit):
        return shown
    # Seventeen digits tell any two doubles apart (IEEE 754-2019, 5.12.2).
    for digits in range(5, 18):
        shown = f"{abs(value):.{digits}g}"
        if shown != f"{abs(limit):.{digits}g}":
            break
    return f"{MINUS}{shown}" if value < 0 else shown


def format_rate(value: float | None) -> str:
    """A learning rate: three significant digits."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:.3g}"


def format_epoch(value: float | None) -> str:
    """An epoch: a whole one without decimals, half of one as 0.5."""
    return MISSING if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def format_share(part: float, whole: float) -> str:
    """A share in percent with one decimal; `MISSING` of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else MISSING


def format_duration(
    seconds: float | None, precision: Precision = "exact", tongue: Tongue = "en"
) -> str:
    """A length of time in its two largest units: `8.1 s`, `2 min 05 s`, `3 h 12 min`.

    Rough ones leave out what an estimate cannot know: `45 s`, `12 min`, `3 h 20 min`, `2 d`.
    """
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return MISSING
    parts = _divide_roughly(seconds) if precision == "rough" else _divide(seconds)
    if tongue == "ko":
        return " ".join(f"{amount}{_KOREAN_UNITS[unit]}" for amount, unit in parts)
    return " ".join(f"{amount} {unit}" for amount, unit in parts)


_KOREAN_UNITS: Final = {"s": "초", "min": "분", "h": "시간", "d": "일"}


def _divide(seconds: float) -> list[tuple[str, str]]:
    # Rounded before the unit is chosen, so that 59.97 s is 1 min 00 s and never 60.0 s.
    whole, minutes, hours = round(seconds), round(seconds / 60), round(seconds / 3600)
    if seconds < 59.95:
        return [(f"{seconds:.1f}", "s")]
    if whole < 3600:
        return [(f"{whole // 60}", "min"), (f"{whole % 60:02d}", "s")]
    if minutes < 24 * 60:
        return [(f"{minutes // 60}", "h"), (f"{minutes % 60:02d}", "min")]
    return [(f"{hours // 24}", "d"), (f"{hours % 24}", "h")]


def _divide_roughly(seconds: float) -> list[tuple[str, str]]:
    whole, minutes = round(seconds), round(seconds / 60)
    if whole < 90:
        return [(f"{whole}", "s")]
    if minutes < 90:
        return [(f"{minutes}", "min")]
    big, small, units = minutes // 60, minutes % 60, ("h", "min")
    if big >= 48:
        big, small, units = big // 24, big % 24, ("d", "h")
    return [(f"{big}", units[0]), *([(f"{small}", units[1])] if small else [])]


def format_range(low: float, high: float, tongue: Tongue = "en") -> str:
    """Two rough lengths of time, `25 s to 2 min`; one where they read alike.

    Rounded outwards, so that what lies within does not read as if it did not.
    """
    bounds = (_round_to_unit(low, math.floor), _round_to_unit(high, math.ceil))
    first, last = (format_duration(bound, "rough", tongue) for bound in bounds)
    return first if first == last else join_ends(first, last, tongue)


def join_ends(low: str, high: str, tongue: Tongue = "en") -> str:
    """The two ends of a range."""
    return f"{low}\N{EN DASH}{high}" if tongue == "ko" else f"{low} to {high}"


def _round_to_unit(seconds: float, rounded: Callable[[float], int]) -> float:
    return rounded(seconds) if seconds < 90 else 60 * rounded(seconds / 60)


def format_work(seconds: float | None) -> str:
    """What a result took, and that its report, which tells it, is no part of that."""
    return f"{took} without the report" if (took := format_duration(seconds)) != MISSING else took


def format_pauses(pauses: int) -> str:
    """How often a run was interrupted, to be put behind its time; "" where it was not."""
    words = {0: "", 1: ", interrupted once", 2: ", interrupted twice"}
    return words.get(pauses, f", interrupted {pauses:,} times")


def format_size(count: float | None, precision: Precision = "exact") -> str:
    """Bytes in binary units: `512 B`, `1.4 MiB`; rough ones with three digits at most."""
    if count is None or not math.isfinite(count) or count < 0:
        return MISSING
    if count < 1024:
        return f"{count:.0f} B"
    # An exact 1,023.97 KiB would be shown as 1024.0 KiB, so it becomes 1.0 MiB.
    full = 1024 if precision == "rough" else 1023.95
    units = ["KiB", "MiB", "GiB", "TiB"]
    count /= 1024
    while count >= full and len(units) > 1:
        count /= 1024
        del units[0]
    if precision == "exact":
        return f"{count:.1f} {units[0]}"
    return f"{count:.0f} {units[0]}" if count >= 100 else f"{count:.3g} {units[0]}"


def pluralize(count: int, noun: str, nouns: str | None = None) -> str:
    """A count and what is counted: `1 class`, `1,000 classes`; `nouns` where no `s` makes it."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def format_cost(amount: float, currency: str) -> str:
    """`0.02 USD`, `14.30 USD`, `< 0.01 USD`."""
    return f"< 0.01 {currency}" if 0 < amount < 0.01 else f"{amount:,.2f} {currency}"


def format_count(count: int, *, is_narrow: bool = False) -> str:
    """A count with three digits at most: `950`, `11.2 M`, `1.1 B`.

    For a column of a table it `is_narrow`: `11.7M`, `371K`, and 999,999 is cut to `999K`.
    """
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K" if is_narrow else "k")):
        if count >= size:
            # Rounded up, 999,999 would need four digits, and widen the column of a table.
            is_cut = count >= (100 if is_narrow else 999.5) * size
            amount = f"{count // size}" if is_cut else f"{count / size:.3g}"
            return f"{amount}{unit}" if is_narrow else f"{amount} {unit}"
    return str(count)


def format_gmacs(gmacs: float) -> str:
    """10^9 multiply-adds of an image, without an exponent: 1.81, 1,782, <0.001."""
    if gmacs < 0.001:
        return "<0.001"
    return f"{gmacs:,.0f}" if gmacs >= 100 else f"{gmacs:.3g}"
