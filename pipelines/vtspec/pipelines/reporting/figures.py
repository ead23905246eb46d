"""Numbers, lengths of time and sizes, as a person reads them."""

import math
from typing import Final

MISSING: Final = "\N{EN DASH}"
"""Stands where there is no number."""

MINUS: Final = "\N{MINUS SIGN}"


def format_number(value: float | None) -> str:
    """About four significant digits; counts keep all of theirs."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    size = abs(value)
    if value == int(value) and size < 1e15:
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
    for digits in range(5, 18):
        shown = f"{abs(value):.{digits}g}"
        if shown != f"{abs(limit):.{digits}g}":
            break
    return f"{MINUS}{shown}" if value < 0 else shown


def format_rate(value: float | None) -> str:
    """A learning rate: three significant digits."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:.3g}"


def format_duration(seconds: float | None) -> str:
    """A length of time in its two largest units: `8.1 s`, `2 min 05 s`, `3 h 12 min`."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return MISSING
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def format_size(count: float | None) -> str:
    """Bytes in binary units: `512 B`, `1.4 MiB`."""
    if count is None or not math.isfinite(count) or count < 0:
        return MISSING
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1023.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1024:.1f} TiB"


def format_share(part: float, whole: float) -> str:
    """A share in percent with one decimal; `MISSING` of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else MISSING
