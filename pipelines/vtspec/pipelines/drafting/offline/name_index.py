"""All that words may name here: the vocabulary, the models, the datasets, the specs."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Final

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.offline.vocabulary.fields import CHOICES, FIELDS, FLAGS, METRICS
from vtspec.pipelines.drafting.offline.vocabulary.tasks import TASKS
from vtspec.pipelines.project.repository import Repository

from .dataset_index import DatasetTerms, build_terms, singularize
from .lexicon import Lexicon, Sense, build_lexicon, iter_rows
from .model_index import ModelIndex, build_model_index
from .spelling import SpellingIndex, build_spelling_index
from .text import normalize_name


class NameIndex:
    """What a repository and the catalogs have, indexed for looking up: `build_name_index`."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.models: ModelIndex = build_model_index(tuple(load_frameworks().values()))
        self.terms: Mapping[str, DatasetTerms] = {
            name: build_terms(dataset) for name, dataset in repository.sound_datasets.items()
        }
        self.gpu_types = repository.gpu_types
        self.words: Lexicon = _build_model_lexicon(self.models).merge(self._iter_phrases())
        self.spellings: SpellingIndex = build_spelling_index(self._list_spelling_targets())

    def _iter_phrases(self) -> Iterator[tuple[str, Sense]]:
        for name in self.terms:
            yield name, Sense("dataset", name)
            yield singularize(name), Sense("dataset-like", name)
        for name in self.gpu_types:
            yield name, Sense("gpu", name)
            yield re.sub(r"-\d+gb?$", "", name), Sense("gpu", name)  # `L40S` for l40s-48gb
        for name in self.repository.find_spec_files("Experiment"):
            yield name, Sense("spec", name)

    def _list_spelling_targets(self) -> list[str]:
        """Words and phrases that a misspelt word may mean; of two as near, those of the grammar
        come first, and families of models last."""
        weights: dict[str, int] = {}
        for phrase, senses in self.words.senses.items():
            kinds = {sense.kind for sense in senses}
            if kinds & _MENDED or (kinds - {"model", "particle"} and phrase.isascii()):
                weights[phrase] = _compute_priority(senses)
        for phrase in _list_multiword_phrases():
            for word in phrase.split():
                if len(word) > 3:
                    # `lerning rate`: half of a phrase may be misspelt
                    weights.setdefault(normalize_name(word), 4)
        return sorted(weights, key=lambda phrase: weights[phrase])

    @cached_property
    def canonical_names(self) -> dict[str, str]:
        """How a squashed phrase is written, where that differs."""
        return {
            name.replace("-", ""): name
            for name in (*self.terms, *self.repository.find_spec_files("Experiment"))
        }

    def match_gpu_types(self, said: str, memory_gib: str = "") -> list[str]:
        """The GPU types of `vtspec.yaml` that a word names: that one, or those that begin so.

        Of several the memory tells, where it is a part of their names.
        """
        flat = normalize_name(said)
        exact = [name for name in self.gpu_types if normalize_name(name) == flat]
        like = exact or [name for name in self.gpu_types if name.partition("-")[0] == flat]
        sizes = {name: re.search(r"-(\d+)(?:gb?)?$", name) for name in like}
        return [
            name for name, size in sizes.items()
            if not memory_gib or size is None or size[1] == memory_gib
        ]  # fmt: skip


_MENDED: Final = frozenset(
    "field choice flag task noun metric family dataset spec dataset-word model-word train".split()
)


def _compute_priority(senses: tuple[Sense, ...]) -> int:
    kinds = {sense.kind for sense in senses}
    if kinds & {"dataset", "spec"}:
        return 0
    if kinds & {"field", "dataset-word", "task", "train"}:
        return 1
    return 3 if kinds & {"family", "metric"} else 2


@lru_cache(maxsize=1)
def _list_multiword_phrases() -> tuple[str, ...]:
    tables = (FIELDS, CHOICES, FLAGS, TASKS, METRICS)
    found = [
        phrase
        for table in tables
        for _, phrases in iter_rows(table)
        for phrase in phrases
        if " " in phrase
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4)
def _build_model_lexicon(models: ModelIndex) -> Lexicon:
    base = build_lexicon()
    # A word of the language is that word first, whatever model bears the name.
    return base.merge((phrase, sense) for phrase, sense in models.iter_phrases())


@lru_cache(maxsize=4)
def build_name_index(repository: Repository) -> NameIndex:
    """The index of these repository; made once, as they are read once."""
    return NameIndex(repository)
