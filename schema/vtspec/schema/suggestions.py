"""The "did you mean" of every message: which known word a person probably meant."""

import difflib
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

_LONGEST: Final = 60
"""difflib is quadratic in the length of a word, and no word of ours is longer."""

_MANY: Final = 200
"""Beyond so many names only those are compared that start alike: a thousand cost 10 ms a word."""

_SHOWN: Final = 8

_SYNONYMS: Final[Mapping[str, str]] = {
    "lr": "learningRate",
    "lr0": "learningRate",
    "minlr": "minLearningRate",
    "bs": "batchSize",
    "batch": "batchSize",
    "imgsz": "imageSize",
    "imgsize": "imageSize",
    "resolution": "imageSize",
    "wd": "weightDecay",
    "warmup": "warmupEpochs",
    "clipgrad": "gradientClipping",
    "gradclip": "gradientClipping",
    "accumulation": "gradientAccumulation",
    "amp": "precision",
    "dtype": "precision",
    "lrscheduler": "scheduler",
    "lrschedule": "scheduler",
    "timeout": "maxDuration",
    "ram": "memory",
    "float16": "fp16",
    "half": "fp16",
    "bfloat16": "bf16",
    "float32": "fp32",
    "full": "fp32",
    "heavy": "strong",
    "medium": "standard",
    "default": "standard",
    "weak": "light",
}
"""What other tools and papers call the same, without case and separators."""


def find_nearest(word: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word nearest to `word`, also in snake_case or by a name of other tools, or None.

    `cutoff` is the share of letters that two words must have in common.
    """
    if not isinstance(word, str) or not word or len(word) > _LONGEST:
        return None
    names = {_normalize_word(name): name for name in known}
    # snake_case for camelCase is the commonest slip, and no distance should stand in its way.
    folded = _normalize_word(word)
    for same in (folded, _normalize_word(_SYNONYMS.get(folded, folded))):
        if same in names:
            return names[same]
    candidates: Iterable[str] = names
    if len(names) > _MANY:
        candidates = islice((name for name in names if name[:2] == folded[:2]), _MANY)
    close = difflib.get_close_matches(folded, candidates, n=1, cutoff=cutoff)
    return names[close[0]] if close else None


def suggest_fix(word: object, known: Iterable[str], otherwise: str | None = None) -> str:
    """The text of a fix: the nearest word, else `otherwise`, else some of the words there are."""
    names = list(known)
    close = find_nearest(word, names)
    if close is not None:
        return f"did you mean '{close}'?"
    if otherwise is not None:
        return otherwise
    return f"use {format_choices(names)}" if names else "remove it"


def format_choices(names: Iterable[str]) -> str:
    """The names as people list them: "one of: a, b, c", the first few of many."""
    every = list(names)
    if len(every) == 1:
        return f"'{every[0]}'"
    rest = len(every) - _SHOWN
    more = f", … ({rest} more)" if rest > 0 else ""
    return f"one of: {', '.join(every[:_SHOWN])}{more}"


def _normalize_word(word: str) -> str:
    return re.sub(r"[_\s-]+", "", word).casefold()
