"""The values that a question may offer: only what exists. Reads the repository alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from vtspec.pipelines import catalog
from vtspec.pipelines.drafting.result import Data
from vtspec.schema.json_schema.generate import build_schema

from .field_paths import DRAFTED, find_value, parse_path
from .request import DraftRequest
from .safe_text import is_phishing, sanitize_text

MOST: Final = 10
LONGEST: Final = 80
FEWEST: Final = 2
"""A choice between less is none: the rest is filled from what exists."""

FILLED: Final = 6

Existing = Callable[[Data, DraftRequest], Sequence[str]]


def select_choices(
    field: str, offered: Sequence[object], draft: Data, turn: DraftRequest
) -> tuple[str, ...]:
    """The choices of a question at `field` (dotted): those offered that exist, in their order.

    Where the field is a reference and fewer than two are left, others that exist fill them up.
    """
    # A model may offer thousands: of more than can be kept only so many are even cleaned.
    texts = list(dict.fromkeys(_clean_choice(each, turn) for each in list(offered)[: 5 * MOST]))
    texts = [each for each in texts if each and not is_phishing(each)]
    if field in _REFERENCES:
        is_there, others = _REFERENCES[field]
        kept = [each for each in texts if is_there(each, turn)]
        if len(kept) < FEWEST:
            kept += [each for each in others(draft, turn) if each not in kept][
                : FILLED - len(kept)
            ]
        return tuple(kept[:MOST])
    values = _find_enum_values(field)
    return tuple(each for each in texts if not values or each in values)[:MOST]


def _clean_choice(offered: object, turn: DraftRequest) -> str:
    if isinstance(offered, bool):
        return "true" if offered else "false"
    if isinstance(offered, int | float):
        return f"{offered:g}" if isinstance(offered, float) else str(offered)[:LONGEST]
    text = sanitize_text(offered, LONGEST, turn.hidden)
    # A value that had to be changed to be shown is none.
    return text if text == offered else ""


def _find_enum_values(field: str) -> tuple[str, ...]:
    """The values of a field that has a fixed set of them."""
    for kind in DRAFTED:
        root = build_schema(kind)
        node: Data = root
        for part in parse_path(field):
            node = _resolve_ref(node, root).get("properties", {}).get(part, {})
        if found := _get_enum(_resolve_ref(node, root)):
            return found
    return ()


def _resolve_ref(node: Data, root: Data) -> Data:
    if "$ref" not in node:
        return node
    target: Data = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return target


def _get_enum(node: Data) -> tuple[str, ...]:
    items = node.get("items", {})
    return tuple(node.get("enum") or (items.get("enum") if isinstance(items, dict) else ()) or ())


def _list_tasks(draft: Data, turn: DraftRequest) -> Sequence[str]:
    dataset = turn.repository.sound_datasets.get(str(find_value(draft, "spec.dataset.ref")))
    if dataset is not None:
        return dataset.tasks
    every = [task for each in turn.repository.sound_datasets.values() for task in each.tasks]
    return tuple(dict.fromkeys(every))


def _list_datasets(draft: Data, turn: DraftRequest) -> Sequence[str]:
    task, every = find_value(draft, "spec.task"), turn.repository.sound_datasets
    return [name for name, each in every.items() if task in each.tasks] or list(every)


def _list_models(draft: Data, turn: DraftRequest) -> Sequence[str]:
    tasks = _list_tasks(draft, turn)
    wanted = find_value(draft, "spec.task")
    task = wanted if isinstance(wanted, str) else tasks[0] if len(tasks) == 1 else None
    found = catalog.search_models([], task=task, pretrained=True)
    # Those that can be run come first, if there are any.
    found.sort(key=lambda hit: catalog.find_training_problem(hit[0], hit[1], task) is not None)
    return list(dict.fromkeys(model.name for _, model in found[:FILLED]))


def _is_model(name: str, turn: DraftRequest) -> bool:
    frameworks = catalog.load_frameworks()
    if "/" in name:
        # Any ORG/NAME would do; what is offered is listed, or was typed.
        listed = any(name in each.model_names for each in frameworks.values())
        return listed or name.casefold() in turn.user_text
    return bool(catalog.find_model(name, frameworks))


def _is_experiment(name: str, turn: DraftRequest) -> bool:
    return name in turn.repository.sound_experiments


def _list_experiments(_draft: Data, turn: DraftRequest) -> Sequence[str]:
    return list(turn.repository.sound_experiments)


_IsThere = Callable[[str, DraftRequest], bool]

_REFERENCES: Final[Mapping[str, tuple[_IsThere, Existing]]] = {
    "spec.dataset.ref": (
        lambda name, turn: name in turn.repository.sound_datasets,
        _list_datasets,
    ),
    "spec.task": (lambda name, turn: name in _find_enum_values("spec.task"), _list_tasks),
    "spec.model.name": (_is_model, _list_models),
    "spec.framework": (
        lambda name, turn: name in catalog.load_frameworks(),
        lambda _, turn: list(catalog.load_frameworks()),
    ),
    "spec.resources.gpuType": (
        lambda name, turn: name in turn.repository.gpu_types,
        lambda _, turn: turn.repository.gpu_types,
    ),
    "spec.report.baseline": (_is_experiment, _list_experiments),
    "metadata.name": (_is_experiment, _list_experiments),
}
"""Fields that name what exists: whether a name is one, and which there are besides."""
