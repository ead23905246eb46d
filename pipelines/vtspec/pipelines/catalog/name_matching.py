"""Names of models as people type them: the one that was meant, those that fit words. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_ALIKE: Final = 0.6
"""Of the letters of two names: with fewer in common, what is suggested is a mere coincidence."""


def normalize_name(name: str) -> str:
    """The name without case and separators: `ResNet-50` and `resnet50` are one."""
    return re.sub(r"[\s._/-]+", "", name).lower()


def find_closest(typed: str, names: Mapping[str, str]) -> str | None:
    """The name that was most likely meant, or None where nothing is near.

    `names` maps each name, squashed, to itself, the more likely of two first. Tried in turn, the
    cheap before the dear: the same but for case and separators, one slip of the keyboard away, one
    beginning of the other, and last the share of letters that are in both in the same order.
    """
    wanted = normalize_name(typed)
    if not wanted:
        return None
    if wanted in names:
        return names[wanted]
    slip = find_typo_match(wanted, names)
    if slip is not None:
        return slip
    begun = find_by_prefix(wanted, names)
    if begun is not None:
        return begun
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import extractOne

    near = extractOne(wanted, list(names), scorer=Indel.normalized_similarity, score_cutoff=_ALIKE)
    return None if near is None else names[near[0]]


def find_typo_match(typed: str, names: Mapping[str, str]) -> str | None:
    """The likeliest name that one slip of the keyboard would turn into what was typed; or None.

    `names` are as `find_closest` takes them.
    """
    wanted = normalize_name(typed)
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    found = extract(wanted, list(names), scorer=OSA.distance, score_cutoff=1, limit=None)
    slips = [name for name, _, _ in found]
    return names[min(slips, key=lambda slip: _compute_distance(slip, wanted))] if slips else None


def find_by_prefix(typed: str, names: Mapping[str, str]) -> str | None:
    """The shortest name that begins with what was typed, of three letters at least; or None.

    `names` are as `find_closest` takes them.
    """
    wanted = normalize_name(typed)
    # Two letters begin too many names for one of them to be meant.
    longer = [name for name in names if name.startswith(wanted)] if len(wanted) >= 3 else []
    return names[min(longer, key=len)] if longer else None


def rank_name(
    words: Sequence[str], name: str, notes: Iterable[str] = ()
) -> tuple[int, ...] | None:
    """How well a name fits the words, smaller is better; None where a word is found nowhere.

    A word fits where it is part of the name or of one of the notes (tags, licences), case and
    separators aside. The whole name comes before its beginning, that before an inner part that
    starts at a separator, that before any other, and all of those before a note.
    """
    flat, parts = normalize_name(name), re.split(r"[._/-]+", name.lower())
    # People leave out who published a model: vit-base for google/vit-base-patch16-224.
    bare = normalize_name(name.rpartition("/")[2])
    flat_notes = [normalize_name(note) for note in notes]
    joined = normalize_name("".join(words))
    if joined in (flat, bare):
        return (0, 0, len(name))
    places = []
    for word in map(normalize_name, words):
        if flat.startswith(word) or bare.startswith(word):
            places.append(0)
        elif any(part.startswith(word) for part in parts):
            places.append(1)
        elif word in flat:
            places.append(2)
        elif any(word in note for note in flat_notes):
            places.append(3)
        else:
            return None
    whole = flat.startswith(joined) or bare.startswith(joined)
    return (1 if whole else 2, sum(places), len(name))


def _compute_distance(slip: str, typed: str) -> tuple[bool, int]:
    # A lost letter is likelier than another number, and another key than a lost one: resnt50 is
    # resnet50 and not resnet5, resnet51 is resnet50 and not resnet151.
    numbers = [re.sub(r"\D", "", word) for word in (slip, typed)]
    return numbers[0] != numbers[1], abs(len(slip) - len(typed))
