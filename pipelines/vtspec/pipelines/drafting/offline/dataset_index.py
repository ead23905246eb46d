"""Datasets as people name them: by name, by what is in them, by their classes. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vtspec.pipelines.project.dataset_facts import DatasetFacts

from .text import normalize_name

_WORD: Final = re.compile(r"[a-z0-9가-힣]+")
_COMMON: Final = frozenset(
    "a an and at for from in into of on or out so than that the their them these this to with "
    "each "
    "several some times four five three two one without about larger small photo picture image "
    "thing kind type good class pixel box object people data set sample".split()
)


class MatchLevel(IntEnum):
    """How surely a word means a dataset."""

    DESCRIBED = 1
    CLASS = 2
    NOUN = 3
    NAME = 4


@dataclass(frozen=True)
class DatasetTerms:
    """The words by which one dataset is known, each in the singular.

    `flat` is its name in one piece; `classes` maps keys of `normalize_class` to names.
    """

    dataset: DatasetFacts
    name: frozenset[str]
    flat: str
    classes: Mapping[str, str]
    description: frozenset[str]
    every: frozenset[str]

    def match_words(self, words: tuple[str, ...]) -> MatchLevel | None:
        """How surely words, in the singular, mean this dataset; None where they do not."""
        flat = "".join(words)
        if flat == self.flat:
            return MatchLevel.NOUN
        distinct = [word for word in words if word not in _COMMON]
        known = self.name | self.description
        # `photo tags`: common words are a name only all together
        if len(words) > 1 and not distinct and set(words) - {"and"} <= self.every:
            return MatchLevel.NOUN
        if any(word in self.name for word in distinct) and all(word in known for word in words):
            return MatchLevel.NOUN
        if flat in self.classes:
            return MatchLevel.CLASS
        if distinct and all(word in self.description for word in words):
            return MatchLevel.DESCRIBED
        return None


def build_terms(dataset: DatasetFacts) -> DatasetTerms:
    """Collects the words of a dataset from its name, its description and its classes."""
    parts = [singularize(word) for word in _WORD.findall(dataset.name.lower())]
    described = {singularize(word) for word in _WORD.findall(dataset.description.lower())}
    return DatasetTerms(
        dataset=dataset,
        name=frozenset(parts) - _COMMON,
        flat="".join(parts),
        classes={normalize_class(name): name for name in reversed(dataset.classes)},
        description=frozenset(word for word in described if len(word) > 2) - _COMMON,
        every=frozenset(parts) | described,
    )


def normalize_class(name: str) -> str:
    """The key of a class: in lower case, in the singular, without spaces and hyphens."""
    return singularize(normalize_name(name))


def singularize(word: str) -> str:
    """An English word in the singular, as far as its ending tells."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "buses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ese")):
        return word[:-1]
    return word
