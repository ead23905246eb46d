"""All that words may name here: the vocabulary, the models, the datasets, the specs."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Final

from vtspec.pipelines.drafting.context import Surroundings
from vtspec.pipelines.drafting.offline.vocabulary.fields import CHOICES, FIELDS, FLAGS, METRICS
from vtspec.pipelines.drafting.offline.vocabulary.tasks import TASKS

from .dataset_index import Terms, singular, terms_of
from .lexicon import Lexicon, Sense, lexicon, rows
from .model_index import Models, models_of
from .spelling import Spellings, spellings
from .text import squashed


class Known:
    """What one repository and the catalogs have, indexed for looking up; see `known_of`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.models: Models = models_of(tuple(surroundings.frameworks.values()))
        self.terms: Mapping[str, Terms] = {
            name: terms_of(dataset) for name, dataset in surroundings.datasets.items()
        }
        self.gpu_types = surroundings.gpu_types
        self.words: Lexicon = _with_models(self.models).extended(self._phrases())
        self.spellings: Spellings = spellings(self._mendable())

    def _phrases(self) -> Iterator[tuple[str, Sense]]:
        for name in self.terms:
            yield name, Sense("dataset", name)
            if singular(name) not in _OTHERWISE:
                yield singular(name), Sense("dataset-like", name)
        for name in self.gpu_types:
            yield name, Sense("gpu", name)
            yield re.sub(r"-?\d+gb?$", "", name) or name, Sense("gpu", name)
        for name in self.surroundings.names("Experiment"):
            if "-" in name or "_" in name:
                yield name, Sense("spec", name)

    def _mendable(self) -> list[str]:
        """Words and phrases that a misspelt word may mean; of two as near, those of the grammar
        come first, and families of models last."""
        weights: dict[str, int] = {}
        for phrase, senses in self.words.senses.items():
            kinds = {sense.kind for sense in senses}
            if kinds & _MENDED or (kinds - {"model", "particle"} and phrase.isascii()):
                weights[phrase] = _weight(senses)
        for phrase in _phrases_of_several_words():
            for word in phrase.split():
                if len(word) > 3:
                    weights.setdefault(squashed(word), 4)
        return sorted(weights, key=lambda phrase: weights[phrase])

    @cached_property
    def spelt(self) -> dict[str, str]:
        """How a squashed phrase is written, where that differs."""
        return {
            name.replace("-", ""): name
            for name in (*self.terms, *self.surroundings.names("Experiment"))
        }

    def gpus_like(self, said: str) -> list[str]:
        """The GPU types of `vtspec.yaml` that a word names: that one, or those that begin so."""
        flat = squashed(said)
        exact = [name for name in self.gpu_types if squashed(name) == flat]
        return exact or [name for name in self.gpu_types if name.partition("-")[0] == flat]


_MENDED: Final = frozenset(
    {
        "field",
        "choice",
        "flag",
        "task",
        "noun",
        "metric",
        "family",
        "dataset",
        "spec",
        "dataset-word",
        "model-word",
        "train",
    }
)


def _weight(senses: tuple[Sense, ...]) -> int:
    kinds = {sense.kind for sense in senses}
    if kinds & {"dataset", "spec"}:
        return 0
    if kinds & {"field", "dataset-word", "task", "train"}:
        return 1
    return 3 if kinds & {"family", "metric"} else 2


@lru_cache(maxsize=1)
def _phrases_of_several_words() -> tuple[str, ...]:
    tables = (FIELDS, CHOICES, FLAGS, TASKS, METRICS)
    found = [
        phrase
        for table in tables
        for _, phrases in rows(table)
        for phrase in phrases
        if " " in phrase
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4)
def _with_models(models: Models) -> Lexicon:
    base = lexicon()
    # A word of the language is that word first, whatever model bears the name.
    return base.extended((phrase, sense) for phrase, sense in models.phrases())


_OTHERWISE: Final = frozenset({"part", "room"})
"""Words that mean too much else to name a dataset in the singular."""


@lru_cache(maxsize=4)
def known_of(surroundings: Surroundings) -> Known:
    """The index of these surroundings; made once, as they are read once."""
    return Known(surroundings)
