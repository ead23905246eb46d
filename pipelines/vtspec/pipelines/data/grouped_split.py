"""Which group of images goes to which split: a rule that depends on the data alone. Pure."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_Amount: TypeAlias = str | None
"""Of what a split is to have its share: a class, or (None) images."""


@dataclass(frozen=True, kw_only=True)
class GroupedImage:
    """An image that is to be put into a split: a hash of its content, the classes of its labels,
    each as often as it has it, and the keys that it must share a split with."""

    image: str
    content: str
    classes: tuple[str, ...]
    keys: tuple[Hashable, ...] = ()


def join_groups(images: Sequence[GroupedImage]) -> list[list[GroupedImage]]:
    """The images that must share a split, directly or by others between them."""
    root: dict[Hashable, Hashable] = {}

    def find(key: Hashable) -> Hashable:
        while root.setdefault(key, key) != key:
            # Each look makes the way shorter for the next one.
            root[key] = key = root[root[key]]
        return key

    for one in images:
        for key in (("content", one.content), *one.keys):
            root[find(key)] = find(("image", one.image))
    groups: dict[Hashable, list[GroupedImage]] = defaultdict(list)
    for one in images:
        groups[find(("image", one.image))].append(one)
    return [*groups.values()]


def split_groups(
    groups: Iterable[Sequence[GroupedImage]], shares: Mapping[str, float]
) -> dict[str, str]:
    """The split of each image: groups stay whole, and each class is divided in the ratio of
    `shares` as far as they let it, as are the images.

    The largest group is placed first, each where it strays least from the shares: the sum over
    classes and splits of (count - due)² / due grows least, which is Sainte-Laguë's rule where
    groups are single images. What the first split has nothing of yet goes there, as what is not
    in it cannot be learnt. Equals are placed in the order of the hashes of their content: no
    order of files and no name changes the outcome. Shares must be positive.
    """
    prepared = [(group, _count(group)) for group in groups]
    totals = Counter[_Amount]()
    for _, amounts in prepared:
        totals.update(amounts)
    prepared.sort(
        key=lambda one: (
            -len(one[0]),
            min(totals[name] for name in one[1]),
            min((image.content, image.image) for image in one[0]),
        )
    )
    placed: dict[str, Counter[_Amount]] = {split: Counter() for split in shares}
    first = next(iter(shares))
    found: dict[str, str] = {}
    for group, amounts in prepared:
        is_new = any(not placed[first][name] for name in amounts)
        split = first if is_new else _choose(amounts, placed, shares, totals)
        placed[split].update(amounts)
        found |= {one.image: split for one in group}
    return found


def _count(group: Sequence[GroupedImage]) -> Counter[_Amount]:
    counts = Counter[_Amount](name for one in group for name in one.classes)
    counts[None] = len(group)
    return counts


def _choose(
    amounts: Mapping[_Amount, int],
    placed: Mapping[str, Mapping[_Amount, int]],
    shares: Mapping[str, float],
    totals: Mapping[_Amount, int],
) -> str:
    """The split in which these amounts stray least from what it is due."""

    def compute_strain(split: str) -> float:
        # Without what is the same for each: of a class, ((a + n)² - a²) / (share · total).
        strain = sum(
            count * (2 * placed[split].get(name, 0) + count) / totals[name]
            for name, count in amounts.items()
        )
        return strain / shares[split]

    # The first of equals, in the order of the shares.
    return min(shares, key=compute_strain)
