"""The hub ids that a package's own files name, and the family of models that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ID = r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*"

# @auto_docstring(checkpoint="google/vit-base-patch16-224") above a configuration's class.
_CHECKPOINT = re.compile(rf'checkpoint="({ID})"[^@]*?^class (\w+)', re.DOTALL | re.MULTILINE)

# ViTModel.from_pretrained("google/vit-base-patch16-224"), in examples and in comments.
_LOADED = re.compile(rf"(\w+)\.from_pretrained\(\s*[\"']({ID})[\"']")

# checkpoint = "google/vit-base-patch16-224", in examples.
_ASSIGNED = re.compile(rf"\b(?:checkpoint|model_id|model_name|ckpt)\w*\s*=\s*[\"']({ID})[\"']")

_DEFINED = re.compile(r"^class (\w+)", re.MULTILINE)

# Parts of a model that may be another family's: a tokenizer, a backbone.
_PARTS = ("AutoTokenizer", "AutoBackbone", "AutoConfig", "AutoFeatureExtractor")

_PLACEHOLDERS = frozenset({"hf-internal-testing", "org", "path", "user", "username", "your-org"})


@dataclass(frozen=True)
class Families:
    """What the package's own tables say. `folder_of` has the folder of each family that has a
    task; `class_of` the family of each class of a model, `config_of` that of a configuration."""

    folder_of: Mapping[str, str]
    class_of: Mapping[str, str]
    config_of: Mapping[str, str]


@dataclass(frozen=True)
class Named:
    """A hub id's family. `by_defaults` says that it is the one whose configuration the family's
    defaults describe."""

    family: str
    by_defaults: bool = False


def named_in(root: Path, families: Families) -> dict[str, Named]:
    """Every hub id that files below `root` name for a family of `families`, in order of id.

    Where several claim one, a configuration's own statement counts most, then the class that it
    is loaded with, then the folder of the file; and of equals the first by name.
    """
    best: dict[str, tuple[int, str]] = {}
    for folder in sorted(set(families.folder_of.values())):
        for claim, name, family in _claims(root / folder, folder, families):
            if name.partition("/")[0] not in _PLACEHOLDERS:
                best[name] = min(best.get(name, (claim, family)), (claim, family))
    return {
        name: Named(family, by_defaults=claim == 0)
        for name, (claim, family) in sorted(best.items(), key=lambda item: item[0].lower())
    }


def _claims(
    place: Path, folder: str, families: Families
) -> Iterator[tuple[int, str, str]]:
    own = sorted(family for family, where in families.folder_of.items() if where == folder)
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(place.glob("*.py"))}
    defined = {name for text in texts.values() for name in _DEFINED.findall(text)}
    for file, text in texts.items():
        here = _family_of_file(file, folder, own)
        for name, config in _CHECKPOINT.findall(text):
            family = families.config_of.get(config)
            yield (0, name, family) if family in own else (2, name, here)
        for loaded_with, name in _LOADED.findall(text):
            family = families.class_of.get(loaded_with)
            if family is not None:
                yield 1, name, family
            elif loaded_with in defined:
                yield 2, name, here
            elif loaded_with.startswith("Auto") and loaded_with not in _PARTS:
                yield 3, name, here
        for name in _ASSIGNED.findall(text):
            yield 3, name, here


def _family_of_file(file: Path, folder: str, own: list[str]) -> str:
    """modeling_data2vec_vision.py is of data2vec-vision; else the folder's namesake, or first."""
    _, _, subject = file.stem.partition("_")
    flat = {family.replace("-", "_").replace(".", "_"): family for family in own}
    return flat.get(subject) or flat.get(folder) or own[0]
