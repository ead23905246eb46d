"""The catalogs of models searched, and one model as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Refused

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import CatalogModel, Framework, Weights
    from vtspec.pipelines.weights.hub import Hub, HubHit


@dataclass(frozen=True, kw_only=True)
class ModelFilter:
    """What is wanted of a model; None and False ask for nothing."""

    task: str | None = None
    framework: str | None = None
    pretrained: bool = False


class WeightsData(TypedDict):
    """Published weights as JSON."""

    tag: str
    licence: str
    permissive: bool
    imageSize: list[int] | None
    classes: int | None
    hubId: str | None
    url: str | None


class ModelData(TypedDict):
    """A model as JSON; the keys are those of catalog.json, in whole words."""

    framework: str
    name: str
    family: str | None
    listed: bool
    tasks: list[str]
    parameters: int | None
    parametersPerClass: int | None
    imageSize: list[int] | None
    imageSizeStep: int | None
    minImageSize: list[int] | None
    gmacs: float | None
    activations: float | None
    pretrained: bool
    trainsHere: bool
    weights: list[WeightsData]


def search_models(
    words: Sequence[str], wanted: ModelFilter
) -> "list[tuple[Framework, CatalogModel]]":
    """The models that fit all words, the best first. Raises `Refused` for no such framework."""
    from vtspec.pipelines import catalog

    _require_framework(wanted.framework)
    return catalog.search_models(
        _split_words(words),
        task=wanted.task,
        framework=wanted.framework,
        pretrained=wanted.pretrained,
    )


_PIPELINES: Final[Mapping[str, tuple[str, ...]]] = {
    "image-classification": ("image-classification",),
    "multilabel-classification": ("image-classification",),
    "object-detection": ("object-detection",),
    "instance-segmentation": ("image-segmentation",),
    "semantic-segmentation": ("image-segmentation",),
    "pose-estimation": ("keypoint-detection",),
    "super-resolution": ("image-to-image",),
    "depth-estimation": ("depth-estimation",),
    "ocr": ("image-to-text", "image-text-to-text"),
    "image-captioning": ("image-to-text", "image-text-to-text"),
    "visual-question-answering": ("visual-question-answering",),
    "text-generation": ("text-generation",),
}
"""A hub's words for each task (https://huggingface.co/tasks)."""


class HubModelData(TypedDict):
    """A model of a hub, as a search finds it."""

    framework: str
    name: str
    family: str | None
    pipeline: str | None
    licence: str | None
    permissive: bool
    parameters: int | None
    downloads: int | None
    gated: bool
    trainsHere: bool


def search_hub(
    words: Sequence[str], wanted: ModelFilter, limit: int, hub: "Hub"
) -> list[HubModelData]:
    """The hub's models that fit all words, the most downloaded first.

    Of the frameworks whose models are a hub's. Raises `Refused` where none is asked for, and as
    the hub does.
    """
    from vtspec.pipelines import catalog

    _require_framework(wanted.framework)
    on_hub = {name: one for name, one in catalog.load_frameworks().items() if one.hub_ids}
    asked = on_hub if wanted.framework is None else {wanted.framework}
    for name in asked - on_hub.keys():
        raise Refused(
            f"{name} knows its models by their names, and not by those of a hub",
            fix=format_command("vtspec", "models", "search", *words, "--framework", name),
        )
    pipelines = _PIPELINES.get(wanted.task or "", ())
    return [
        _serialize_hit(on_hub[name], hit, wanted.task)
        for name in sorted(asked)
        for hit in hub.search(_split_words(words), name, pipelines, limit)
    ]


def _serialize_hit(framework: "Framework", hit: "HubHit", task: str | None) -> HubModelData:
    from vtspec.pipelines import catalog

    licence = hit.licence or catalog.UNKNOWN_LICENCE
    tasks = (task,) if task else [one for one, of in _PIPELINES.items() if hit.pipeline in of]
    return {
        "framework": framework.name,
        "name": hit.id,
        "family": hit.family,
        "pipeline": hit.pipeline,
        "licence": hit.licence,
        "permissive": catalog.is_permissive(licence),
        "parameters": hit.parameters,
        "downloads": hit.downloads,
        "gated": hit.is_gated,
        "trainsHere": any(_trains_family(framework, hit.family, one) for one in tasks),
    }


def _trains_family(framework: "Framework", family: str | None, task: str) -> bool:
    """Whether a network of that kind is trained here for a task: as the catalog's are."""
    from vtspec.pipelines import catalog

    if catalog.find_training_problem(framework, task=task) is not None:
        return False
    models = framework.catalog["models"].values()
    return any(
        one.get("family") == family and task in one["tasks"] and one.get("trained", True)
        for one in models
    )


def suggest_search(words: Sequence[str], wanted: ModelFilter) -> str:
    """What to type after a search without a hit."""
    from vtspec.pipelines import catalog

    # The options may be what nothing fits: without them there are models.
    if catalog.search_models(_split_words(words)):
        return format_command("vtspec", "models", "search", *words)
    meant = catalog.suggest_model("".join(words), wanted.framework)
    return f"did you mean '{meant}'?" if meant else "use fewer words, or shorter ones"


def _split_words(words: Sequence[str]) -> list[str]:
    # A shell's quotes keep "resnet 50" together; the catalog compares word by word.
    return [part for word in words for part in word.split()]


def find_models(name: str, framework: str | None) -> "list[tuple[Framework, CatalogModel]]":
    """The model of that name in each framework that has it.

    Raises `Refused` where there is no such model, or no such framework.
    """
    from vtspec.pipelines import catalog

    _require_framework(framework)
    named = catalog.find_model(name)
    found = [(each, model) for each, model in named if framework in (None, each.name)]
    if not found:
        meant = catalog.suggest_model(name, framework)
        fix = (
            format_command("vtspec", "models", "show", meant) if meant else "vtspec models search"
        )
        raise Refused(f"there is no model '{name}'", fix=fix)
    return found


def select_weights(model: "CatalogModel") -> "list[Weights]":
    """Select the weights that the model's name means: those of its tag, all without one."""
    return [each for each in model.weights if model.tag in (None, each.tag)]


def serialize_model(framework: "Framework", model: "CatalogModel") -> ModelData:
    """One model as JSON; of its weights only those that its name chooses."""
    from vtspec.pipelines import catalog

    return {
        "framework": framework.name,
        "name": model.name,
        "family": model.family,
        "listed": model.listed,
        "tasks": list(model.tasks),
        "parameters": model.parameters,
        "parametersPerClass": model.parameters_per_class,
        "imageSize": list(model.image_size) if model.image_size else None,
        "imageSizeStep": model.size_step,
        "minImageSize": list(model.min_image_size) if model.min_image_size else None,
        "gmacs": model.gmacs,
        "activations": model.activations,
        "pretrained": model.pretrained,
        "trainsHere": catalog.find_training_problem(framework, model) is None,
        "weights": [_serialize_weights(each) for each in select_weights(model)],
    }


def _serialize_weights(weights: "Weights") -> WeightsData:
    return {
        "tag": weights.tag,
        "licence": weights.licence,
        "permissive": weights.permissive,
        "imageSize": list(weights.image_size) if weights.image_size else None,
        "classes": weights.classes,
        "hubId": weights.hub_id,
        "url": weights.url,
    }


def _require_framework(name: str | None) -> None:
    from vtspec.pipelines.catalog import load_frameworks
    from vtspec.schema.suggestions import suggest_fix

    known = load_frameworks()
    if name is None or name in known:
        return
    fix = suggest_fix(name, known, f"there are: {', '.join(known)}")
    raise Refused(f"there is no framework '{name}'", fix=fix)
