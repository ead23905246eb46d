"""Architectures that need no hub: a family of Transformers, and what differs from its defaults.

A hub id's configuration is a file of the hub. These are named as hub ids are, under `vtspec/`, so
that a model can be trained from random weights where there is no hub.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.task_types import TaskType

from .families import Architecture
from .tasks import get_part, list_tasks

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    name: known for task in list_tasks() for name, known in get_part(task).architectures.items()
}
"""Those of every task, by name."""


def list_tasks_of(name: str) -> tuple[TaskType, ...]:
    """The tasks that one of `ARCHITECTURES` is for."""
    return tuple(task for task in list_tasks() if name in get_part(task).architectures)


def describe_architecture(name: str) -> Any:
    """The configuration, of Transformers' own classes, of one of `ARCHITECTURES`."""
    from transformers import AutoConfig

    known = ARCHITECTURES[name]
    for task in list_tasks_of(name):
        get_part(task).register_classes()
    # A configuration takes the parts of what describes its own parts.
    settings = copy.deepcopy(dict(known.settings))
    backbone = settings.pop("backbone_config", None)
    if backbone is not None:
        kind = {**backbone}
        settings["backbone_config"] = AutoConfig.for_model(kind.pop("model_type"), **kind)
    return AutoConfig.for_model(known.family, **settings)
