"""The hub ids that a package's own files name, and the family of models that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ID = r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*"

# @auto_docstring(checkpoint="google/vit-base-patch16-224") above a configuration's class.
_CHECKPOINT = re.compile(rf'checkpoint="({ID})".*?^class (\w+)', re.DOTALL | re.MULTILINE)

# ViTModel.from_pretrained("google/vit-base-patch16-224"), in comments and in examples, where the
# next line begins with dots.
_LOADED = re.compile(rf"(\w+)\.from_pretrained\((?:\s|\.\.\.)*[\"']({ID})[\"']")

# checkpoint = "google/vit-base-patch16-224", in examples.
_ASSIGNED = re.compile(rf"\b(?:checkpoint|model_id|model_name|ckpt)\w*\s*=\s*[\"']({ID})[\"']")

_DEFINED = re.compile(r"^class (\w+)", re.MULTILINE)

# Parts of a model that may be another family's: a tokenizer, a backbone.
_PARTS = ("AutoTokenizer", "AutoBackbone", "AutoConfig", "AutoFeatureExtractor")

_PLACEHOLDERS = frozenset({"hf-internal-testing", "org", "path", "user", "username", "your-org"})


# Copies of another family's file, with that family's name replaced even within hub ids.
_GENERATED = "This file was automatically generated from"


@dataclass(frozen=True)
class FamilyIndex:
    """What the package's own tables say of all its families.

    `folder_of` has the folder of each family's files, `class_of` the family of each class of a
    model, `config_of` that of each configuration. `wanted` are the families to be named, and
    `whole_of` says of one that is but a part whose part it is.
    """

    folder_of: Mapping[str, str]
    class_of: Mapping[str, str]
    config_of: Mapping[str, str]
    wanted: frozenset[str]
    whole_of: Mapping[str, str]


@dataclass(frozen=True)
class FamilyMatch:
    """A hub id's family. `by_defaults` says that it is the one whose configuration the family's
    defaults describe, as the family says; `after_family` that it bears the family's name."""

    family: str
    by_defaults: bool = False
    after_family: bool = False


@dataclass(frozen=True, order=True)
class _Candidate:
    """How surely an id is a family's: 0 its configuration says so, 1 it is loaded with a class of
    it, 2 with another class of its folder, 3 in a file of its folder.

    Of equals the family comes first that the id is named after, then one that is wanted: some
    configurations state the checkpoint of a part of theirs.
    """

    level: int
    of_another_name: bool
    unwanted: bool
    family: str


def find_hub_ids(root: Path, families: FamilyIndex) -> dict[str, FamilyMatch]:
    """Every hub id that files below `root` name for a wanted family, in order of id.

    Where several families claim one, the surest claim counts, and of equals the first by name.
    """
    best: dict[str, _Candidate] = {}
    for folder in sorted(set(families.folder_of.values())):
        for name, claim in _iter_candidates(root / folder, folder, families):
            if name.partition("/")[0] not in _PLACEHOLDERS:
                best[name] = min(best.get(name, claim), claim)
    found = {name: _match_family(claim, families) for name, claim in best.items()}
    return {
        name: found[name]
        for name in sorted(found, key=lambda name: (name.lower(), name))
        if found[name].family in families.wanted
    }


def _match_family(claim: _Candidate, families: FamilyIndex) -> FamilyMatch:
    whole = families.whole_of.get(claim.family)
    return FamilyMatch(
        whole or claim.family,
        by_defaults=claim.level == 0 and whole is None,
        after_family=not claim.of_another_name,
    )


def _iter_candidates(
    place: Path, folder: str, families: FamilyIndex
) -> Iterator[tuple[str, _Candidate]]:
    own = sorted(family for family, where in families.folder_of.items() if where == folder)
    own = [family for family in own if family in families.wanted] or own
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(place.glob("*.py"))}
    defined = {name for text in texts.values() for name in _DEFINED.findall(text)}

    def claim(level: int, name: str, family: str) -> tuple[str, _Candidate]:
        alike = _normalize_name(family) in _normalize_name(name)
        return name, _Candidate(level, not alike, family not in families.wanted, family)

    for file, text in texts.items():
        if _GENERATED in text:
            continue
        here = _infer_family(file, folder, own)
        for name, config in _CHECKPOINT.findall(text):
            family = families.config_of.get(config)
            yield claim(0, name, family) if family in own else claim(2, name, here)
        for loaded_with, name in _LOADED.findall(text):
            if loaded_with in families.class_of:
                yield claim(1, name, families.class_of[loaded_with])
            elif loaded_with in defined:
                yield claim(2, name, here)
            elif loaded_with.startswith("Auto") and loaded_with not in _PARTS:
                yield claim(3, name, here)
        for name in _ASSIGNED.findall(text):
            yield claim(3, name, here)


def _infer_family(file: Path, folder: str, own: list[str]) -> str:
    """modeling_data2vec_vision.py is of data2vec-vision; else the folder's namesake, or first."""
    _, _, subject = file.stem.partition("_")
    flat = {family.replace("-", "_").replace(".", "_"): family for family in own}
    return flat.get(subject) or flat.get(folder) or own[0]


def _normalize_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
