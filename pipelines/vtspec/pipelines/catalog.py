"""The frameworks that there are and the models that each one has: the folders under `images/`.

images/<framework>/image.yaml (all keys but the last two are required):

    apiVersion: vtspec.dev/v1alpha1
    kind: Image
    name: timm                    # the folder's name
    adapter: timm                 # a name that vtspec.adapters.found finds
    adapterVersion: "1"           # the adapter module's VERSION
    tasks: [image-classification]
    formats: [imagefolder]        # the first is the usual one
    extra: timm                   # of vtspec; null where the framework needs no package
    python: "3.12"                # of the image
    licence: Apache-2.0           # of the framework
    distributions: [torch, timm]  # the packages whose locked versions decide results
    digest: sha256:…              # of the published image; left out until there is one

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
a network that has no classifier.

A name may carry a tag, as in `resnet18.a1_in1k`.

images/<framework>/requirements.txt is the locked environment, see `requirements`; a framework that
needs no package has none.
"""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .errors import Permanent
from .model_names import closest, rank, squashed

if TYPE_CHECKING:
    from vtspec.adapters.contract import Param

HEAD_CLASSES: Final = 1000
"""The number of classes that a catalog's `parameters` are counted with."""

PERMISSIVE_LICENCES: Final = frozenset(
    {
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc-by-4.0",
        "cc0-1.0",
        "isc",
        "mit",
        "unlicense",
    }
)
"""Licences of weights that allow any use for a notice; each other one is a person's to judge."""

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights of a model. `hub_id` names a Hugging Face repository, `url` a file where
    there is none; `licence` is an SPDX-like name in lower case or `unknown`; `classes` is 0 where
    they have no head."""

    tag: str
    hub_id: str | None
    url: str | None
    licence: str
    image_size: Size
    classes: int

    @property
    def permissive(self) -> bool:
        """Whether the licence is clearly permissive."""
        return self.licence in PERMISSIVE_LICENCES


@dataclass(frozen=True, kw_only=True)
class CatalogModel:
    """What a catalog knows of one model; the module's docstring says what the numbers count.

    `name` has no tag; `tag` is the one that was asked for, None where none was.
    """

    name: str
    tag: str | None
    tasks: tuple[str, ...]
    parameters: int
    parameters_per_class: int
    image_size: Size
    size_step: int | None
    size_at_build: bool
    min_image_size: Size | None
    gmacs: float | None
    activations: float | None
    weights: tuple[Weights, ...]

    @property
    def pretrained(self) -> bool:
        """Whether there are published weights."""
        return bool(self.weights)

    @property
    def chosen_weights(self) -> Weights | None:
        """The weights of the tag that was asked for, the default ones without a tag, or None."""
        if self.tag is None:
            return self.weights[0] if self.weights else None
        return next(weights for weights in self.weights if weights.tag == self.tag)

    def parameters_for(self, classes: int) -> int:
        """The number of parameters with a head of that many classes."""
        return self.parameters + (classes - HEAD_CLASSES) * self.parameters_per_class

    def takes_size(self, size: Size) -> bool:
        """Whether the model can be trained on images of that height and width."""
        if size == self.image_size or any(size == each.image_size for each in self.weights):
            return True
        if self.size_step is None:
            return False
        smallest = self.min_image_size or (1, 1)
        return all(
            side >= least and (side - own) % self.size_step == 0
            for side, own, least in zip(size, self.image_size, smallest, strict=True)
        )

    def nearest_size(self, size: Size) -> Size:
        """The size nearest to the given one that the model takes."""
        if self.size_step is None:
            return self.image_size
        smallest = self.min_image_size or (1, 1)
        height, width = (
            _nearest(side, own, self.size_step, least)
            for side, own, least in zip(size, self.image_size, smallest, strict=True)
        )
        return height, width


@dataclass(frozen=True, kw_only=True)
class Framework:
    """One folder under `images/`: an adapter, its environment and its models."""

    name: str
    adapter: str
    adapter_version: str
    tasks: tuple[str, ...]
    formats: tuple[str, ...]
    extra: str | None
    python: str
    licence: str
    distributions: tuple[str, ...]
    digest: str | None
    folder: Path

    @property
    def requirements(self) -> Path:
        """The locked environment; the file is absent where the framework needs no package."""
        return self.folder / "requirements.txt"

    @functools.cached_property
    def requirements_hash(self) -> str:
        """`sha256:…` over what `requirements` locks; comments and order do not count."""
        from .requirements import requirements_hash

        return requirements_hash(self._requirements_text)

    def locked(self, environment: Mapping[str, str] | None = None) -> dict[str, str]:
        """The locked version of each of `distributions`; see `requirements.locked_versions`."""
        from .requirements import locked_versions

        versions = locked_versions(self._requirements_text, environment)
        return {name: versions[name] for name in self.distributions}

    @property
    def model_names(self) -> tuple[str, ...]:
        """The names of all models, without tags, in the catalog's order."""
        return tuple(self._catalog["models"])

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of the packages that the catalog was made from."""
        return MappingProxyType(self._catalog["versions"])

    def model(self, name: str) -> CatalogModel | None:
        """The model of that name, with or without a tag, exactly as written; or None."""
        models = self._catalog["models"]
        architecture, _, tag = (name, "", "") if name in models else name.partition(".")
        raw = models.get(architecture)
        if raw is None:
            return None
        if tag and all(weights["tag"] != tag for weights in raw["weights"]):
            return None
        return _model(architecture, tag or None, raw)

    def renamed(self, name: str) -> str | None:
        """The name that the framework has given to a model of an older name, or None."""
        new = self._catalog["renamed"].get(name)
        return None if new is None or self.model(new) is None else str(new)

    def suggest(self, name: str) -> str | None:
        """The model that was most likely meant, with a tag where the name carries one; or None."""
        renamed = self.renamed(name)
        if renamed is not None:
            return renamed
        typed, dot, typed_tag = name.partition(".")
        meant = closest(typed, self._squashed_names)
        if meant is None or not dot:
            return meant
        tags = {
            squashed(each["tag"]): each["tag"]
            for each in self._catalog["models"][meant]["weights"]
        }
        tag = closest(typed_tag, tags)
        return meant if tag is None else f"{meant}.{tag}"

    @functools.cached_property
    def _catalog(self) -> Mapping[str, Any]:
        file = self.folder / "catalog.json"
        catalog: Mapping[str, Any] = json.loads(_read(file))
        if catalog.get("form") != 1:
            raise Permanent(
                f"{file}: not a catalog of form 1",
                fix=f"python -m vtspec.adapters.catalogs {self.name}",
            )
        return catalog

    @functools.cached_property
    def _squashed_names(self) -> Mapping[str, str]:
        models = self._catalog["models"]
        found: dict[str, str] = {}
        # Those with published weights first: they are the likelier to be meant.
        for name in sorted(models, key=lambda name: not models[name]["weights"]):
            found.setdefault(squashed(name), name)
        return found

    @functools.cached_property
    def _requirements_text(self) -> str:
        return self.requirements.read_text() if self.requirements.is_file() else ""


def images_folder() -> Path:
    """The folder that holds a folder for each framework: in a wheel, or else in a checkout."""
    here = Path(__file__).resolve()
    packaged = here.parent / "_images"
    return packaged if packaged.is_dir() else here.parents[3] / "images"


@functools.cache
def frameworks(folder: Path | None = None) -> Mapping[str, Framework]:
    """The frameworks by name, in order of name; read once. Imports no framework.

    Raises `Permanent` where an image.yaml cannot be used.
    """
    found = sorted((folder or images_folder()).glob("*/image.yaml"))
    return MappingProxyType({file.parent.name: _framework(file) for file in found})


def find_model(
    name: str, among: Mapping[str, Framework] | None = None
) -> list[tuple[Framework, CatalogModel]]:
    """The model of that name in each framework that has it; more than one means: say which."""
    available = frameworks() if among is None else among
    found = ((framework, framework.model(name)) for framework in available.values())
    return [(framework, model) for framework, model in found if model is not None]


def suggest_model(
    name: str, framework: str | None = None, among: Mapping[str, Framework] | None = None
) -> str | None:
    """The model that was most likely meant, of one framework or of any; or None."""
    suggestions = (each.suggest(name) for each in _chosen(framework, among))
    found = [suggestion for suggestion in suggestions if suggestion is not None]
    # Of several frameworks' suggestions the one that resembles what was typed.
    return closest(name, {squashed(each): each for each in found}) or next(iter(found), None)


def search(
    words: Sequence[str],
    *,
    task: str | None = None,
    framework: str | None = None,
    pretrained: bool = False,
    among: Mapping[str, Framework] | None = None,
) -> list[tuple[Framework, CatalogModel]]:
    """The models that fit every word, the best first; all of them without words.

    A word may be part of a name, a tag or a licence, as `rank` says; of equals those with
    published weights come first, then the smaller.
    """
    hits: list[tuple[tuple[Any, ...], Framework, str]] = []
    for each in _chosen(framework, among):
        for name, raw in each._catalog["models"].items():
            if (task and task not in raw["tasks"]) or (pretrained and not raw["weights"]):
                continue
            place = rank(words, name, _notes(raw)) if words else ()
            if place is not None:
                hits.append(((place, not raw["weights"], raw["parameters"], name), each, name))
    found = ((each, each.model(name)) for _, each, name in sorted(hits, key=lambda hit: hit[0]))
    return [(each, model) for each, model in found if model is not None]


def params_of(framework: Framework) -> Mapping[str, "Param"]:
    """The framework's own parameters, from its adapter's PARAMS; imports no framework.

    Raises `vtspec.adapters.contract.AdapterError` where the adapter is not installed.
    """
    from vtspec.adapters.found import find

    params: Mapping[str, Param] = find(framework.adapter).PARAMS
    return params


def adapter_available(framework: Framework) -> bool:
    """Whether the framework's adapter is installed here; its packages may still be missing."""
    from vtspec.adapters.contract import AdapterError
    from vtspec.adapters.found import find

    try:
        find(framework.adapter)
    except AdapterError:
        return False
    return True


def _chosen(framework: str | None, among: Mapping[str, Framework] | None) -> Iterable[Framework]:
    available = frameworks() if among is None else among
    if framework is None:
        return available.values()
    return [available[framework]] if framework in available else []


def _notes(raw: Mapping[str, Any]) -> list[str]:
    return [note for weights in raw["weights"] for note in (weights["tag"], weights["licence"])]


def _model(name: str, tag: str | None, raw: Mapping[str, Any]) -> CatalogModel:
    return CatalogModel(
        name=name,
        tag=tag,
        tasks=tuple(raw["tasks"]),
        parameters=raw["parameters"],
        parameters_per_class=raw["perClass"],
        image_size=_size(raw["size"]),
        size_step=raw["step"],
        size_at_build=raw["build"],
        min_image_size=_size(raw["min"]) if raw["min"] else None,
        gmacs=raw["gmacs"],
        activations=raw["activations"],
        weights=tuple(_weights(each) for each in raw["weights"]),
    )


def _weights(raw: Mapping[str, Any]) -> Weights:
    return Weights(
        tag=raw["tag"],
        hub_id=raw["hub"],
        url=raw.get("url"),
        licence=raw["licence"],
        image_size=_size(raw["size"]),
        classes=raw["classes"],
    )


def _size(raw: Sequence[int]) -> Size:
    height, width = raw
    return height, width


def _nearest(side: int, own: int, step: int, least: int) -> int:
    smallest = least + (own - least) % step
    return max(smallest, own + round((side - own) / step) * step)


def _framework(file: Path) -> Framework:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        raw = yaml.load(_read(file), Loader=loader)
        return _framework_of(raw, file.parent)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise Permanent(
            f"{file}: not the description of an image: {why}",
            fix=f"write it as {images_folder() / 'timm' / 'image.yaml'} is written",
        ) from error


def _framework_of(raw: Mapping[str, Any], folder: Path) -> Framework:
    return Framework(
        name=folder.name,
        adapter=raw["adapter"],
        adapter_version=raw["adapterVersion"],
        tasks=tuple(raw["tasks"]),
        formats=tuple(raw["formats"]),
        extra=raw["extra"],
        python=raw["python"],
        licence=raw["licence"],
        distributions=tuple(raw["distributions"]),
        digest=raw.get("digest"),
        folder=folder,
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Permanent(
            f"{file}: cannot be read: {error.strerror}", fix="install vtspec again"
        ) from error
