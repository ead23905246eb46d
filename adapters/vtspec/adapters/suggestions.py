"""The "did you mean" of an adapter: no image holds that of `vtspec.schema`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest_fix(word: str, known: Iterable[str], otherwise: str) -> str:
    """The text of a fix: the known word nearest to `word`, else `otherwise`."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise
