"""Transformers' models: the hub ids that its own files name, of the families that it can train,
and the architectures that the adapter describes itself, which are measured by running them.

Nothing is asked of the hub. What a family can do is in the package's tables of automatic classes;
parameters are counted on the meta device, and only where the defaults of a family's configuration
describe the very checkpoint: for any other id they are null, as nothing in the package tells them.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.task_types import TaskType
from vtspec.adapters.transformers.architectures import (
    ARCHITECTURES,
    describe_architecture,
    list_tasks_of,
)
from vtspec.adapters.transformers.tasks import get_part, list_tasks

from . import model_stats as stats
from .hub_names import FamilyIndex, FamilyMatch, find_hub_ids

if TYPE_CHECKING:
    import torch

CLASSES: Final = 1000

IMAGE_CHAT: Final = "IMAGE_TEXT_TO_TEXT"

# Task → the tables (MODEL_FOR_…_MAPPING_NAMES) whose families do it.
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "image-classification": ("IMAGE_CLASSIFICATION",),
    "multilabel-classification": ("IMAGE_CLASSIFICATION",),
    "object-detection": ("OBJECT_DETECTION",),
    "instance-segmentation": ("INSTANCE_SEGMENTATION", "UNIVERSAL_SEGMENTATION"),
    "semantic-segmentation": ("SEMANTIC_SEGMENTATION", "UNIVERSAL_SEGMENTATION"),
    "pose-estimation": ("POSE_ESTIMATION",),
    "super-resolution": ("IMAGE_TO_IMAGE",),
    "depth-estimation": ("DEPTH_ESTIMATION",),
    "ocr": ("TEXT_RECOGNITION",),
    "image-captioning": (IMAGE_CHAT,),
    "visual-question-answering": (IMAGE_CHAT, "VISUAL_QUESTION_ANSWERING"),
    "text-generation": ("CAUSAL_LM",),
}

WITH_CLASSES: Final = tuple(TABLES)[:5]
"""The tasks whose heads have something for each class."""

LANGUAGE: Final = frozenset({"image-captioning", "visual-question-answering", "text-generation"})

# Families that a table of automatic classes has no word for: they read text in images.
READERS: Final = frozenset(
    {"florence2", "granite_docling", "kosmos-2.5", "pix2struct", "udop", "vision-encoder-decoder"}
)

# The two halves of TrOCR and Donut, in whose files those are described.
ENCODER_OR_DECODER: Final = ("donut-swin", "trocr")

# In the tables, but no model of the task: text beside other things than images, video alone,
# decoders that are a part of another model, judges of safety, and wrappers of other libraries.
NOT_TRAINED_SO: Final[Mapping[str, frozenset[str]]] = {
    "image-classification": frozenset({"donut-swin", "shieldgemma2", "timm_wrapper"}),
    "instance-segmentation": frozenset({"videomt"}),
    "semantic-segmentation": frozenset({"videomt"}),
    "image-captioning": frozenset({"evolla", "pi0", "shieldgemma2"}),
    "text-generation": frozenset({"musicgen", "musicgen_melody", "trocr", "whisper"}),
}


def get_versions() -> dict[str, str]:
    """Transformers' version, and torch's, which does the counting."""
    return {name: version(name) for name in ("transformers", "torch")}


def list_models() -> list[str]:
    """Every hub id that the package names for a family with a task, in order of id; then the
    adapter's own architectures."""
    return [*_get_hub_ids(), *ARCHITECTURES]


def get_renames() -> dict[str, str]:
    """The hub redirects what is renamed there; the package lists none."""
    return {}


def build_entry(name: str) -> JsonObject:
    """One model: its family and what that does; its size and cost where the package tells."""
    if name in ARCHITECTURES:
        return _describe_own(name)
    named = _get_hub_ids()[name]
    tasks = list(_get_family_tasks()[named.family])
    measured = _measure_defaults(name, named, tasks)
    return {
        "tasks": tasks,
        "family": named.family,
        **measured,
        **describe_training(named.family, tasks),
        "weights": [{"tag": "main", "licence": "unknown", "hub": name}],
    }


def describe_training(family: str, tasks: Sequence[str]) -> JsonObject:
    """Which of a family's tasks the adapter does with others and not with that family."""
    done = [task for task in list_tasks() if task.value in tasks]
    untrained = [task.value for task in done if family not in get_part(task).families]
    if not untrained:
        return {}
    return {"trained": False} if len(untrained) == len(done) else {"untrained": untrained}


def _describe_own(name: str) -> JsonObject:
    import torch

    known, task = ARCHITECTURES[name], list_tasks_of(name)[0]
    step = known.size_step or get_part(task).families[known.family].size_step
    network = _build_own(name, task, CLASSES, known.size)

    def images(count: int, height: int, width: int) -> torch.Tensor:
        return torch.zeros(count, 3, height, width)

    def run(side: int) -> object:
        network = _build_own(name, task, CLASSES, (side, side))
        with torch.no_grad():
            return network.eval()(images(1, side, side))

    # Smaller ones have fewer places than a network chooses queries from.
    start = -(-16 // step) * step
    sides = range(start, max(known.size) + 1, step)
    least = next(side for side in sides if stats.attempt(functools.partial(run, side)) is not None)
    return {
        "tasks": [task.value for task in list_tasks_of(name)],
        "family": known.family,
        "parameters": stats.count_parameters(network),
        **_count_per_class(name, task, network),
        "size": list(known.size),
        "step": step,
        "build": False,
        "min": [least, least],
        "gmacs": float(f"{stats.count_gmacs(network, images(1, *known.size)):.4g}"),
        "activations": float(f"{stats.count_activations(network, images(2, *known.size)):.4g}"),
        "weights": [],
    }


def _count_per_class(name: str, task: TaskType, network: torch.nn.Module) -> JsonObject:
    if not get_part(task).has_classes:
        return {}
    fewer = _build_own(name, task, CLASSES - 1, ARCHITECTURES[name].size)
    return {"perClass": stats.count_parameters(network) - stats.count_parameters(fewer)}


def _build_own(name: str, task: TaskType, classes: int, size: tuple[int, int]) -> torch.nn.Module:
    """One of our own as a function of images of a size. Raises `ValueError` as `fit_size`."""
    import torch

    part, config = get_part(task), describe_architecture(name)
    config.num_labels = classes
    part.fit_size(config, size)
    auto = getattr(_import_module(), part.families[ARCHITECTURES[name].family].auto_class)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network: torch.nn.Module = auto.from_config(config)

        def forward(self, images: torch.Tensor) -> object:
            return part.run_once(self.network, images)

    return Network()


@functools.cache
def _get_hub_ids() -> dict[str, FamilyMatch]:
    return find_hub_ids(Path(_import_module("models").__file__).parent, _build_family_index())


@functools.cache
def _get_family_tasks() -> dict[str, tuple[str, ...]]:
    """The tasks of every family that has one, in the order of TABLES."""
    modeling_auto = _import_module("models.auto.modeling_auto")
    return group_tasks_by_family(
        {
            task: {family for table in tables for family in _get_table(modeling_auto, table)}
            for task, tables in TABLES.items()
        },
        set(_get_table(modeling_auto, IMAGE_CHAT)),
    )


def group_tasks_by_family(
    listed: Mapping[str, set[str]], chat: set[str]
) -> dict[str, tuple[str, ...]]:
    """The tasks of every family, from the families that the tables list for every task.

    `chat` are those that write text about images: readers of text are told by their names.
    """
    readers = {family for family in chat if family in READERS or "ocr" in family}
    found: dict[str, tuple[str, ...]] = {}
    for task, families in listed.items():
        left_out = NOT_TRAINED_SO.get(task.replace("multilabel", "image"), frozenset())
        if task == "visual-question-answering":
            left_out = NOT_TRAINED_SO["image-captioning"]
        for family in families - left_out | (readers if task == "ocr" else set()):
            found[family] = (*found.get(family, ()), task)
    return found


@functools.cache
def _build_family_index() -> FamilyIndex:
    configuration_auto = _import_module("models.auto.configuration_auto")
    modeling_auto = _import_module("models.auto.modeling_auto")
    known = _get_family_tasks()
    class_of: dict[str, str] = {}
    for table in [name for name in vars(modeling_auto) if name.endswith("_MAPPING_NAMES")]:
        for family, classes in getattr(modeling_auto, table).items():
            for each in (classes,) if isinstance(classes, str) else classes:
                # Of two families with one class the first that has a task.
                if class_of.get(each) not in known:
                    class_of[each] = family
    configs = configuration_auto.CONFIG_MAPPING_NAMES
    folder_of = configuration_auto.model_type_to_module_name
    return FamilyIndex(
        folder_of={family: folder_of(family) for family in configs},
        class_of=class_of,
        config_of={config: family for family, config in configs.items()},
        wanted=frozenset(known),
        whole_of={part: "vision-encoder-decoder" for part in ENCODER_OR_DECODER},
    )


def _import_module(name: str = "") -> Any:
    """A module of the package, which is only there in an environment that was made for it."""
    return importlib.import_module(f"transformers.{name}".rstrip("."))


def _get_table(modeling_auto: ModuleType, name: str) -> JsonObject:
    table: JsonObject = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES")
    return table


def _measure_defaults(name: str, named: FamilyMatch, tasks: Sequence[str]) -> JsonObject:
    """What the family's defaults tell of a checkpoint that they describe; {} of another."""
    if not named.by_defaults:
        return {}
    task = tasks[0]
    try:
        with stats.use_meta_device():
            network, size = _build_network(named.family, task, CLASSES)
            has_classes = task in WITH_CLASSES
            fewer = _build_network(named.family, task, CLASSES - 1)[0] if has_classes else None
    except Exception as error:
        # A family may need a package that is not here, or be refused by its own defaults.
        print(f"{name}: not built: {type(error).__name__}: {error}"[:300], file=sys.stderr)
        return {}
    count = stats.count_parameters(network)
    if not is_plausible_count(name, count, named.after_family and not LANGUAGE & {*tasks}):
        print(f"{name}: not confirmed: the defaults have {count:,}", file=sys.stderr)
        return {}
    found: dict[str, Any] = {"parameters": count}
    if fewer is not None:
        found["perClass"] = count - stats.count_parameters(fewer)
    # The sides that a family of language takes are its processor's to say.
    return {**found, "size": list(size)} if size and not LANGUAGE & {*tasks} else found


def _build_network(
    family: str, task: str, classes: int
) -> tuple[torch.nn.Module, tuple[int, int] | None]:
    package, modeling_auto = _import_module(), _import_module("models.auto.modeling_auto")
    config = package.AutoConfig.for_model(family, num_labels=classes)
    classes_of_task = (
        each
        for table in (*TABLES[task], IMAGE_CHAT)
        if (each := _get_table(modeling_auto, table).get(family)) is not None
    )
    chosen = next(classes_of_task)
    architecture = getattr(package, chosen if isinstance(chosen, str) else chosen[0])
    return architecture(config), parse_image_size(getattr(config, "image_size", None))


def parse_image_size(written: object) -> tuple[int, int] | None:
    """A configuration's `image_size` as (height, width), or None where it has none."""
    if isinstance(written, int) and written > 0:
        return written, written
    if isinstance(written, (list, tuple)) and len(written) == 2:
        height, width = written
        return int(height), int(width)
    return None


def is_plausible_count(name: str, count: int, may_be_silent: bool) -> bool:
    """Whether a family's defaults can be those of the checkpoint that it states.

    A name that tells the number (…-7b, …-350M) confirms it or not, a fifth to a quarter off, as
    embeddings are often not counted. Any other name confirms it only where it `may_be_silent`:
    language models grew new sizes while their families' defaults stayed as they were, and some
    families state a checkpoint of another.
    """
    told = re.findall(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])", name)
    sizes = [float(number) * (1e9 if unit in "bB" else 1e6) for number, unit in told]
    if not sizes:
        return may_be_silent
    return any(size * 0.8 <= count <= size * 1.25 for size in sizes)
