"""The "did you mean" of an adapter: no image holds that of `vtspec.schema`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def suggest_fix(word: str, known: Iterable[str], otherwise: str) -> str:
    """The text of a fix: the known word nearest to `word`, else `otherwise`."""
    # As `vtspec.schema` compares, so that one slip is met alike on either side.
    names = {_normalize_word(name): name for name in known}
    close = difflib.get_close_matches(_normalize_word(word), names, n=1, cutoff=0.6)
    return f"did you mean '{names[close[0]]}'?" if close else otherwise


def _normalize_word(word: str) -> str:
    return re.sub(r"[_\s-]+", "", word).casefold()
