"""Looks up models, as people name them, in every catalog."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from vtspec.pipelines.catalog import ADAPTERS_OWN, Framework
from vtspec.pipelines.drafting.offline.vocabulary import models

from .lexicon import Sense, iter_rows
from .spelling import SpellingIndex, build_spelling_index
from .text import normalize_name

_PIECE: Final = re.compile(r"[a-z]+|[0-9]+(?![a-z0-9])")
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_PREFERRED: Final = ("timm", "ultralytics", "transformers")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of a catalog. `short` is its name without the organisation, squashed."""

    name: str
    framework: str
    tasks: tuple[str, ...]
    pretrained: bool
    short: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class ModelCandidate:
    """A model that words name. `usual` says that the words left a choice, and this is the member
    that is usually meant."""

    name: str
    usual: bool


class ModelIndex:
    """Looks up all models of the catalogs; each index is made when it is first needed."""

    def __init__(self, frameworks: Sequence[Framework]) -> None:
        order = {name: place for place, name in enumerate(_PREFERRED)}
        self._frameworks = sorted(frameworks, key=lambda each: order.get(each.name, len(order)))
        self._resolved: dict[
            tuple[str, tuple[str, ...], frozenset[str]], ModelCandidate | None
        ] = {}

    @cached_property
    def entries(self) -> Mapping[str, ModelEntry]:
        """Every model by name; of two frameworks' the preferred one's."""
        found: dict[str, ModelEntry] = {}
        for framework in self._frameworks:
            for name, raw in framework.catalog["models"].items():
                found.setdefault(name, _make_entry(name, framework.name, raw))
        return found

    @cached_property
    def by_short(self) -> Mapping[str, str]:
        """The name by every squashed way of writing it, with and without its organisation."""
        found: dict[str, str] = {}
        for name, entry in self.entries.items():
            found.setdefault(normalize_name(name), name)
            # Who names SegFormer-B0 means the published one, and not what starts at random.
            if not name.startswith(ADAPTERS_OWN):
                found.setdefault(entry.short, name)
        for framework in self._frameworks:
            for old in framework.catalog["renamed"]:
                new = framework.find_new_name(old)
                if new is not None:
                    found.setdefault(normalize_name(old), new)
        return found

    def iter_phrases(self) -> Iterator[tuple[str, Sense]]:
        """Every name as the lexicon takes it."""
        for short, name in self.by_short.items():
            # three letters are rather a word than a model
            if len(short) >= 4 or any(letter.isdigit() for letter in short):
                base = name.rpartition("/")[2]
                written = (
                    name
                    if normalize_name(name) == short
                    else base
                    if normalize_name(base) == short
                    else short
                )
                yield written, Sense("model", name)

    def list_frameworks(self, name: str) -> list[str]:
        """The frameworks that have a model of that name, with or without a tag."""
        return [each.name for each in self._frameworks if each.model(name) is not None]

    def find_tasks(self, name: str) -> tuple[str, ...] | None:
        """The tasks of a model, in any framework; None where no catalog has it."""
        tasks: dict[str, None] = {}
        known = False
        for framework in self._frameworks:
            model = framework.model(name)
            if model is not None and (model.tasks or name in framework.catalog["models"]):
                known = True
                tasks.update(dict.fromkeys(model.tasks))
        return tuple(tasks) if known else None

    def has_pretrained_weights(self, name: str) -> bool:
        """Whether there are published weights of that name."""
        found = [framework.model(name) for framework in self._frameworks]
        return any(
            model is not None and (model.pretrained or name not in self.entries) for model in found
        )

    def find_name(self, typed: str) -> str | None:
        """The name that is written so, case and separators aside."""
        if typed in self.entries or self.list_frameworks(typed):
            return typed
        return self.by_short.get(normalize_name(typed))

    def find_default_model(self, task: str, formats: Mapping[str, bool]) -> str | None:
        """The usual model of a task among frameworks that `formats` allows, or the first."""
        listed = _OF_TASK.get(task, ())
        for name in listed:
            entry = self.entries.get(name)
            if entry is not None and task in entry.tasks and formats.get(entry.framework, True):
                return name
        fitting = [
            entry.name
            for entry in self.entries.values()
            if task in entry.tasks and formats.get(entry.framework, True)
        ]
        return min(
            fitting, key=lambda name: (not self.entries[name].pretrained, len(name)), default=None
        )

    def resolve(
        self, family: str, words: Sequence[str], tasks: frozenset[str]
    ) -> ModelCandidate | None:
        """The member of a family that more words tell (`base`, `50`, `b0`), for one of the tasks
        where it can be; None where no member fits the words."""
        key = (family, tuple(words), tasks)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(family, tuple(words), tasks)
        return self._resolved[key]

    def _resolve(
        self, family: str, words: tuple[str, ...], tasks: frozenset[str]
    ) -> ModelCandidate | None:
        if family.startswith("yolo") and family != "yolos":
            return self._resolve_yolo(family, words, tasks)
        usual = self._find_default_member(" ".join((family, *words)), tasks)
        if usual is not None and self._supports_tasks(usual, tasks):
            return ModelCandidate(usual, usual=not _is_specific(words))
        glued = self.by_short.get(normalize_name(family + "".join(words)))
        if glued is not None and words and self._supports_tasks(glued, tasks):
            return ModelCandidate(glued, usual=False)
        members = [self.entries[name] for name in self._find_members(family)]
        fitting = [entry for entry in members if _matches_family(entry, family, words)]
        if not any(self._supports_tasks(entry.name, tasks) for entry in fitting) and (
            usual or (words and glued)
        ):
            return ModelCandidate(
                usual or glued or "", usual=usual is not None and not _is_specific(words)
            )
        if not fitting:
            return None
        best = min(fitting, key=lambda entry: (
            not (tasks & set(entry.tasks)) if tasks else False, not entry.pretrained,
            len(entry.words), len(entry.name), entry.name))  # fmt: skip
        return ModelCandidate(best.name, usual=True)

    def _supports_tasks(self, name: str, tasks: frozenset[str]) -> bool:
        return not tasks or bool(tasks & set(self.find_tasks(name) or ()))

    def _find_members(self, family: str) -> list[str]:
        flat = normalize_name(family)
        return [name for name, entry in self.entries.items() if flat in entry.short]

    def list_members(self, family: str, tasks: frozenset[str]) -> list[str]:
        """Members of a family that do one of the tasks (any where none are given), usual first."""
        found = [self.entries[name] for name in self._find_members(family)]
        able = [entry for entry in found if not tasks or tasks & set(entry.tasks)]
        usual = [name for name in _USUAL.get(family, ()) if name in self.entries]
        able.sort(
            key=lambda entry: (
                entry.name not in usual,
                not entry.pretrained,
                len(entry.name),
                entry.name,
            )
        )
        return [entry.name for entry in able]

    def _find_default_member(self, key: str, tasks: frozenset[str]) -> str | None:
        names = [name for name in _USUAL.get(key, ()) if name in self.entries]
        able = [name for name in names if not tasks or tasks & set(self.entries[name].tasks)]
        return next(iter(able or names), None)

    def _resolve_yolo(
        self, family: str, words: tuple[str, ...], tasks: frozenset[str]
    ) -> ModelCandidate | None:
        version, letter, suffix, rest = family, "", None, []
        for word in words:
            if word in models.LETTERS:
                letter = models.LETTERS[word]
            elif word in _YOLO_SUFFIXES:
                suffix = f"-{word}"
            elif re.fullmatch(r"v?[0-9]{1,2}", word) and family == "yolo":
                version = self._find_yolo_prefix(word.lstrip("v"))
            elif re.fullmatch(r"[nsmlxtbce]", word):
                letter = word
            else:
                rest.append(word)
        if rest or version == "?":
            return None
        base = "yolo11" if version == "yolo" else version
        found = self._find_yolo_member(base, letter, suffix, tasks)
        return (
            None
            if found is None
            else ModelCandidate(
                found, usual=not letter or (suffix is None and not _is_plain_name(found))
            )
        )

    def _find_yolo_prefix(self, number: str) -> str:
        """How names of a version of YOLO begin; `?` where there is no such version."""
        for stem in (f"yolo{number}", f"yolov{number}"):
            if any(f"{stem}{size}" in self.entries for size in ("n", "s", "nu", "t")):
                return stem
        return "?"

    def _find_yolo_member(
        self, base: str, letter: str, suffix: str | None, tasks: frozenset[str]
    ) -> str | None:
        suffixes = [suffix] if suffix is not None else [
            models.TASK_SUFFIX[task] for task in models.TASK_SUFFIX if task in tasks
        ] + [""]  # fmt: skip
        for ending in suffixes:
            # a small one where no size is said; YOLOv9 has no n, some have only t
            for size in [letter] if letter else ["n", "s", "t"]:
                for middle in ("", "u"):  # `yolov5n` is published as yolov5nu
                    name = f"{base}{size}{middle}{ending}"
                    if name in self.entries:
                        return name
        return None

    def list_siblings(self, name: str, tasks: frozenset[str]) -> list[str]:
        """Models that do one of the tasks, those of the same family and size first."""
        stem = re.match(r"[a-z]+", normalize_name(name.rpartition("/")[2]))
        family = stem[0] if stem else ""
        short = normalize_name(name.rpartition("/")[2])
        able = [entry for entry in self.entries.values() if tasks & set(entry.tasks)]

        def nearness(entry: ModelEntry) -> tuple[bool, bool, bool, int, str]:
            kin = bool(family) and entry.short.startswith(family)
            length = len(entry.name)
            return (
                not entry.short.startswith(short),
                not kin,
                not entry.pretrained,
                length,
                entry.name,
            )

        same = [
            entry.name
            for entry in sorted(able, key=nearness)
            if family and entry.short.startswith(family)
        ]
        usual = [
            each
            for task in sorted(tasks)
            for each in _OF_TASK.get(task, ())
            if each in self.entries
        ]
        usual = [each for each in usual if tasks & set(self.entries[each].tasks)]
        return list(dict.fromkeys([*same[:3], *usual, *same]))[:5]

    @cached_property
    def families(self) -> SpellingIndex:
        """The names of families, to be found when they are misspelt."""
        return build_spelling_index(
            phrase for _, phrases in iter_rows(models.FAMILIES) for phrase in phrases
        )

    @cached_property
    def names(self) -> SpellingIndex:
        """The names of models, to be found when they are misspelt."""
        return build_spelling_index(self.by_short)


@lru_cache(maxsize=4)
def build_model_index(frameworks: tuple[Framework, ...]) -> ModelIndex:
    """The index of these frameworks' catalogs; made once."""
    return ModelIndex(frameworks)


_YOLO_SUFFIXES: Final = frozenset({"seg", "pose", "obb", "cls"})
_USUAL: Final = {key: tuple(names) for key, names in iter_rows(models.USUAL)}
_OF_TASK: Final = {key: tuple(names) for key, names in iter_rows(models.OF_TASK)}


def _make_entry(name: str, framework: str, raw: Mapping[str, object]) -> ModelEntry:
    tasks = raw["tasks"]
    assert isinstance(tasks, list)
    short = name.rpartition("/")[2].lower()
    words = {word for word in _WORDS.split(short) if word}
    words |= {piece for word in tuple(words) for piece in _PIECE.findall(word)}
    return ModelEntry(
        name,
        framework,
        tuple(tasks),
        bool(raw["weights"]),
        normalize_name(short),
        frozenset(words),
    )


def _matches_family(entry: ModelEntry, family: str, words: tuple[str, ...]) -> bool:
    flat = normalize_name(family)
    if not entry.short.startswith(flat):
        return False
    rest = entry.short[len(flat) :]
    # Another family may begin alike: `resnetv2`, `convnextv2`, `vitamin` are no `resnet`, `vit`.
    if re.match(r"v[0-9]", rest) and not (words and re.match(r"v[0-9]", words[0])):
        return False
    if not words and re.match(r"[a-z]", rest) and flat not in entry.words:
        return False
    return all(
        word in entry.words
        or (
            rest.startswith(word)
            and not rest[len(word) : len(word) + 1].isdigit()
            and not word.isdigit()
        )
        for word in words
    )


def _is_specific(words: tuple[str, ...]) -> bool:
    """Whether the words leave no choice: those that hold a number."""
    return any(letter.isdigit() for word in words for letter in word)


def _is_plain_name(name: str) -> bool:
    return "-" not in name
