"""Names for what is new: DNS labels of at most 40 characters that nothing bears yet. Pure."""

import re
from collections.abc import Container

# A DNS label has at most 63; a run's name adds the digits of its plan and its attempt.
_LONGEST = 40


def is_name(text: str) -> bool:
    """Whether something may be named so."""
    return re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", text) is not None


def make_name(*words: str, otherwise: str = "draft") -> str:
    """The words as one name: `cats`, `ResNet50.a1` → `cats-resnet50-a1`; `otherwise` where
    nothing of them can stand in a name."""
    label = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    return _truncate(label, _LONGEST) or otherwise


def find_free_name(name: str, taken: Container[str]) -> str:
    """The name itself, or the first of `name-2`, `name-3`, … that is not taken.

    After `cats-2`, beside a `cats`, comes `cats-3`.
    """
    stem, number, free = re.sub(r"-[0-9]+$", "", name), 2, name
    if stem not in taken:
        stem = name
    while free in taken:
        ending = f"-{number}"
        free = _truncate(stem, _LONGEST - len(ending)) + ending
        number += 1
    return free


def _truncate(label: str, longest: int) -> str:
    # The cut may fall behind a hyphen, and a label does not end with one.
    return label[:longest].strip("-")
