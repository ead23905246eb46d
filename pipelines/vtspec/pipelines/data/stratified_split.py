"""Which image goes to which split: a rule that depends on the data alone. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def split_stratified(
    items: Sequence[tuple[str, str, Item]], shares: Mapping[str, float]
) -> dict[str, list[Item]]:
    """Items by split, each class divided in the ratio of `shares`.

    An item is `(class, content hash, thing)`. Within a class, the order is that of the hashes, so
    that no seed, no library version and no order of files changes the outcome; things with the
    same content share a split, under another class too, so that none leaks from one into
    another. A class of few goes to the first split whatever its share, as what is not in it
    cannot be learnt. A split's list keeps the order of `items`. Shares must be positive and are
    taken relative to their sum.
    """
    total = sum(shares.values())
    split_of: dict[str, str] = {}
    for label in sorted({label for label, _, _ in items}):
        keys = sorted(key for of, key, _ in items if of == label)
        ends = _compute_ends(len(keys), {name: share / total for name, share in shares.items()})
        for place, key in enumerate(keys):
            # The first of several equals decides for all of them.
            split_of.setdefault(key, next(name for name, end in ends.items() if place < end))
    found: dict[str, list[Item]] = {name: [] for name in shares}
    for _, key, item in items:
        found[split_of[key]].append(item)
    return found


def _compute_ends(count: int, shares: Mapping[str, float]) -> dict[str, int]:
    ends = {}
    reached = 0.0
    for name, share in shares.items():
        reached += share
        ends[name] = max(1, round(count * reached))
    ends[next(reversed(ends))] = count
    return ends
