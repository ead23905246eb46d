"""Words that nothing knows, and the known words that they most likely are. Pure.

Distances count keys: a lost, added or other letter or two that changed places are one. A Hangul
syllable counts as the letters that it is typed with. Digits are never mended: `resnet5000` is no
misspelt `resnet50`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .text import is_hangul, normalize_name


@dataclass(frozen=True)
class SpellingIndex:
    """Known words, by how they are keyed."""

    keyed: Mapping[str, str]
    words: Sequence[str]

    def find_nearest(self, typed: str) -> str | None:
        """The known word one or two keys away, or None; two are allowed from eight keys on."""
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extractOne

        key = decompose_hangul(normalize_name(typed))
        most = get_max_typos(key)
        if not most:  # of three keys every word is near to some other
            return None
        found = extractOne(key, self.words, scorer=OSA.distance, score_cutoff=most)
        if found is not None and _is_similar(key, found[0]):
            return self.keyed[found[0]]
        # The same keys in another order: `ephocs`.
        same = self._anagrams.get("".join(sorted(key)))
        return self.keyed[same] if same is not None and same[0] == key[0] else None

    @cached_property
    def _anagrams(self) -> Mapping[str, str]:
        return {"".join(sorted(word)): word for word in reversed(self.words) if len(word) > 4}


def build_spelling_index(words: Iterable[str]) -> SpellingIndex:
    """The words among which to look; those of fewer than four keys are left out."""
    by_key: dict[str, str] = {}
    for word in words:
        key = decompose_hangul(normalize_name(word))
        if get_max_typos(key):
            # the first of the words that are keyed alike: they come by priority
            by_key.setdefault(key, word)
    return SpellingIndex(by_key, tuple(by_key))


def decompose_hangul(word: str) -> str:
    """The word as its keys: Hangul syllables as their letters."""
    return unicodedata.normalize("NFD", word) if any(map(is_hangul, word)) else word


def get_max_typos(key: str) -> int:
    """How many keys of a word may be wrong."""
    letters = sum(not letter.isdigit() for letter in key)
    if letters < 4:  # `epoc` is one, `lr` or `bs` could be anything
        return 0
    return 1 if letters < 8 else 2


def _is_similar(typed: str, word: str) -> bool:
    if re.sub(r"\D", "", typed) != re.sub(r"\D", "", word):
        return False
    # What follows a number tells a member of a family: `yolov8z` is no misspelt `yolov8`.
    if word[-1].isdigit() and not typed[-1].isdigit():
        return False
    # A first key is seldom wrong, but two keys may have changed places.
    return typed[0] == word[0] or typed[:2] == word[1::-1] or typed[1:] == word
