"""The vocabulary, indexed by how its phrases are typed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from vtspec.pipelines.drafting.offline.vocabulary import fields, models, tasks
from vtspec.pipelines.drafting.offline.vocabulary import function_words as signs
from vtspec.pipelines.drafting.offline.vocabulary import object_names as nouns

from .text import normalize_name

PIECE: Final = re.compile(r"[가-힣]|[ㄱ-ㅣ]+|[^\W\d_가-힣ㄱ-ㅣ]+|[0-9]+")
"""The smallest parts of which words are made: a syllable, letters, digits."""


PARTICLES: Final = frozenset(signs.PARTICLES.split())
"""Endings of Korean words."""


class Sense(NamedTuple):
    """One meaning of a word: what it is to the grammar, and which one of these."""

    kind: str
    value: object


@dataclass(frozen=True)
class Lexicon:
    """Senses by squashed phrase, and every beginning of one, so that looking ends early."""

    senses: Mapping[str, tuple[Sense, ...]]
    beginnings: frozenset[str]

    def merge(self, more: Iterable[tuple[str, Sense]]) -> "Lexicon":
        """This lexicon with more phrases; a phrase that it has gets one more sense, first."""
        return _index_entries(more, self)


@dataclass
class _LexiconBuilder:
    senses: dict[str, tuple[Sense, ...]] = field(default_factory=dict)
    beginnings: set[str] = field(default_factory=set)


def _index_entries(entries: Iterable[tuple[str, Sense]], onto: Lexicon | None = None) -> Lexicon:
    made = _LexiconBuilder()
    if onto is not None:
        made = _LexiconBuilder(dict(onto.senses), set(onto.beginnings))
    for phrase, sense in entries:
        key = normalize_name(phrase)
        if not key:
            continue
        known = made.senses.get(key, ())
        if sense not in known:
            made.senses[key] = (sense, *known) if onto is not None else (*known, sense)
        so_far = ""
        for piece in PIECE.findall(phrase.lower()):
            so_far += piece
            made.beginnings.add(so_far)
    for ending in PARTICLES:
        made.beginnings.update(ending[:length] for length in range(1, len(ending) + 1))
    return Lexicon(made.senses, frozenset(made.beginnings))


def iter_rows(table: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a table: the key, and its phrases. A line that is indented goes on with the
    one before."""
    for line in re.sub(r"\n +", " ", table).strip().splitlines():
        key, _, phrases = line.partition(": ")
        yield key, [phrase.strip() for phrase in phrases.split(",")]


def _iter_entries() -> Iterator[tuple[str, Sense]]:
    for table, kind in _TABLES:
        for key, phrases in iter_rows(table):
            yield from ((phrase, Sense(kind, key)) for phrase in phrases)
    for key, phrases in iter_rows(fields.CHOICES):
        path, _, value = key.partition("=")
        yield from ((phrase, Sense("choice", (path, value))) for phrase in phrases)
    for key, phrases in iter_rows(fields.FLAGS):
        path, _, state = key.partition("=")
        yield from ((phrase, Sense("flag", (path, state == "true"))) for phrase in phrases)
    for key, phrases in iter_rows(tasks.TASKS):
        yield from ((phrase, Sense("task", tuple(key.split()))) for phrase in phrases)
    for key, phrases in iter_rows(nouns.NOUNS):
        yield from ((phrase, Sense("noun", key)) for phrase in (key, *phrases))
    yield from ((word, Sense("generic", word)) for word in nouns.GENERIC.split())
    for key, phrases in iter_rows(signs.SIGNS):
        kind, _, value = key.partition(" ")
        yield from ((phrase, Sense(_KINDS.get(key, kind), value or key)) for phrase in phrases)
    yield from (
        (word.strip(), Sense("filler", None)) for word in " ".join(signs.FILLER.split()).split(",")
    )


_TABLES: Final = (
    (fields.FIELDS, "field"),
    (fields.METRICS, "metric"),
    (models.SIZES, "size"),
    (models.FAMILIES, "family"),
    (models.GPUS, "gpu"),
    (tasks.FORMATS, "format"),
)

_KINDS: Final = {
    "not after": "not-after",
    "not before": "not-before",
    "name after": "name-after",
    "the other": "filler",
    **{key: "ordinal" for key in ("first", "second", "third one", "fourth", "fifth", "last")},
    **{key: "scale" for key in ("twice", "thrice", "half", "quarter", "third", "tenth")},
}


@cache
def build_lexicon() -> Lexicon:
    """Indexes every table of the vocabulary; the same index at each call."""
    return _index_entries(_iter_entries())
