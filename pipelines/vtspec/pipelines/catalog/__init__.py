"""The frameworks that there are and the models that each one has: the folders under `images/`, and
the packages that other people's adapters are installed in, which hold the same files.

images/<framework>/image.yaml (all keys but the last four are required):

    apiVersion: vtspec.dev/v1alpha1
    kind: Image
    name: timm                    # the folder's name
    adapter: timm                 # a name that vtspec.adapters.discovery finds
    adapterVersion: "1"           # the adapter module's VERSION
    tasks: [image-classification]  # of its models
    formats: [imagefolder]        # the first is the usual one
    extra: timm                   # of vtspec; null where the framework needs no package
    python: "3.11"                # of the image: one minor for all of them
    licence: Apache-2.0           # of the framework
    distributions: [torch, timm]  # the packages whose locked versions decide results
    digest: sha256:…              # of the published image; left out until there is one
    trainedTasks: [ocr]           # of the tasks those of its adapter; left out where all of them
    hubIds: true                  # models are hub ids, ORG/NAME, listed or not; else left out
    equalLocks: {sha256:…: sha256:…}  # this lock → an earlier one of the same versions on `python`

images/<framework>/catalog.json, one model a line, written by `python -m vtspec.adapters.catalogs`:

    {
    "form": 1,
    "framework": "timm",
    "versions": {"timm": "1.0.31"},
    "renamed": {"tv_resnet50": "resnet50.tv_in1k"},
    "models": {
    "resnet18": {"tasks": ["image-classification"], "parameters": 11689512, "perClass": 513,
      "size": [224, 224], "step": 1, "build": false, "min": [1, 1], "gmacs": 1.814,
      "activations": 5.55, "weights": [{"tag": "a1_in1k", "licence": "apache-2.0",
      "hub": "timm/resnet18.a1_in1k", "size": [224, 224], "classes": 1000}]},
    …
    }
    }

`parameters` counts those of the model with a head of 1,000 classes and `perClass` those that each
class adds. `size` is the model's own input, [height, width] in pixels; other sides may differ from
it by multiples of `step` (null: by nothing), down to `min`; `build` says that a size must be told
to the model when it is built (timm: `img_size`). `gmacs` are 10^9 multiply-adds of one image's
forward pass, `activations` the millions of 4-byte values that one image's forward pass keeps for
the backward pass, both at `size`; null where they could not be measured. `weights` are the
published ones, the default first; `hub` is null where only a `url` is known. `tasks` is empty for
a network that has no classifier. Where nobody told a number (a hub id that is not the one that its
family's defaults describe; what a class adds to a head whose inner width depends on the classes),
its key is left out, and nothing is estimated from it; without `perClass`, `parameters` counts the
framework's own example. `trained` is false where the adapter cannot train the model, though it
does its task with others. `family` is what the framework calls the kind of network.

Where models are hub ids, each other hub id is a model too, of which nothing is known (`listed` is
False): its tasks are not checked. Those named vtspec/… are no hub ids: the adapter describes them,
so that they are planned and trained where there is no hub; they have no published weights.

A name may carry a tag, as in `resnet18.a1_in1k`.

images/<framework>/requirements.txt is the locked environment, see `requirements`; a framework that
needs no package has none.
"""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vtspec.adapters.json_types import JsonObject

from .adapters import (
    find_conflicts,
    find_training_problem,
    find_unsupported,
    list_trained_tasks,
    refuse_download,
)
from .framework import TO_COME, Framework, Supported, choose_default, read_framework
from .models import (
    ADAPTERS_OWN,
    HEAD_CLASSES,
    HUB_ID,
    UNKNOWN_LICENCE,
    CatalogModel,
    Size,
    Weights,
    is_permissive,
)
from .name_matching import find_closest, normalize_name, rank_name
from .third_party import InstalledFrameworks

if TYPE_CHECKING:
    from vtspec.adapters.contract import Param

__all__ = [
    "ADAPTERS_OWN",
    "HEAD_CLASSES",
    "HUB_ID",
    "TO_COME",
    "UNKNOWN_LICENCE",
    "CatalogModel",
    "Framework",
    "Size",
    "Supported",
    "Weights",
    "choose_default",
    "find_conflicts",
    "find_model",
    "find_training_problem",
    "find_unsupported",
    "get_images_folder",
    "is_permissive",
    "list_trained_tasks",
    "load_frameworks",
    "load_params",
    "refuse_download",
    "search_models",
    "suggest_model",
]


def get_images_folder() -> Path:
    """The folder that holds a folder for each framework: in a wheel, or else in a checkout."""
    pipelines = Path(__file__).resolve().parents[1]
    packaged = pipelines / "_images"
    return packaged if packaged.is_dir() else pipelines.parents[2] / "images"


@functools.cache
def load_frameworks(folder: Path | None = None) -> Mapping[str, Framework]:
    """The frameworks by name, in order of name; read once. Imports no framework.

    Those of `folder` alone, where it is given; else vtspec's own and those of installed packages,
    which are looked for once one is asked for that is not vtspec's own, or all.
    Raises `Permanent` where an image.yaml cannot be used, or two have one name.
    """
    files = sorted((folder or get_images_folder()).glob("*/image.yaml"))
    found = {file.parent.name: read_framework(file) for file in files}
    return MappingProxyType(found) if folder else InstalledFrameworks(found)


def find_model(
    name: str, among: Mapping[str, Framework] | None = None
) -> list[tuple[Framework, CatalogModel]]:
    """The model of that name in each framework that has it; more than one means: say which."""
    available = load_frameworks() if among is None else among
    found = ((framework, framework.model(name)) for framework in available.values())
    return [(framework, model) for framework, model in found if model is not None]


def suggest_model(
    name: str, framework: str | None = None, among: Mapping[str, Framework] | None = None
) -> str | None:
    """The model that was most likely meant, of one framework or of any; or None."""
    suggestions = (each.suggest(name) for each in _select_frameworks(framework, among))
    found = [suggestion for suggestion in suggestions if suggestion is not None]
    # Of several frameworks' suggestions the one that resembles what was typed.
    return find_closest(name, {normalize_name(each): each for each in found}) or next(
        iter(found), None
    )


def search_models(
    words: Sequence[str],
    *,
    task: str | None = None,
    framework: str | None = None,
    pretrained: bool = False,
    among: Mapping[str, Framework] | None = None,
) -> list[tuple[Framework, CatalogModel]]:
    """The models that fit every word, the best first; all of them without words.

    A word may be part of a name, a tag or a licence, as `rank_name` says; of equals those with
    published weights come first, then the smaller.
    """
    hits: list[tuple[tuple[Any, ...], Framework, str]] = []
    for each in _select_frameworks(framework, among):
        for name, raw in each.catalog["models"].items():
            if (task and task not in raw["tasks"]) or (pretrained and not raw["weights"]):
                continue
            place = rank_name(words, name, _collect_notes(raw)) if words else ()
            if place is not None:
                # Those of a size that nobody told come after those of any size.
                size = raw.get("parameters") or math.inf
                hits.append(((place, not raw["weights"], size, name), each, name))
    found = ((each, each.model(name)) for _, each, name in sorted(hits, key=lambda hit: hit[0]))
    return [(each, model) for each, model in found if model is not None]


def load_params(framework: Framework) -> Mapping[str, "Param"]:
    """The framework's own parameters, from its adapter's PARAMS; imports no framework.

    Raises `vtspec.adapters.contract.AdapterError` where the adapter is not installed.
    """
    from vtspec.adapters.discovery import load_adapter

    params: Mapping[str, Param] = load_adapter(framework.adapter).PARAMS
    return params


def _select_frameworks(
    framework: str | None, among: Mapping[str, Framework] | None
) -> Iterable[Framework]:
    available = load_frameworks() if among is None else among
    if framework is None:
        return available.values()
    return [available[framework]] if framework in available else []


def _collect_notes(raw: JsonObject) -> list[str]:
    notes = [note for weights in raw["weights"] for note in (weights["tag"], weights["licence"])]
    return [*notes, raw["family"]] if "family" in raw else notes
