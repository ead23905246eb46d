"""The params that the transformers adapter knows, and when each of them has an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from vtspec.adapters.contract import AdapterError, Job, Param, SettingConflict
from vtspec.adapters.job import complete_params
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.schedule_params import (
    SCHEDULE_PARAMS,
    find_process_conflicts,
    find_training_conflicts,
    list_idle_schedule_params,
)
from vtspec.adapters.task_types import TaskType

from .shared_params import COMMON_PARAMS
from .task_part import TaskPart
from .tasks import get_part, list_tasks


def _join_params() -> dict[str, Param]:
    joined = {**COMMON_PARAMS}
    for task in list_tasks():
        for name, param in get_part(task).params.items():
            known = joined.get(name, replace(param, tasks=()))
            joined[name] = replace(known, tasks=(*(known.tasks or ()), task))
    return {**joined, **SCHEDULE_PARAMS}


PARAMS: Final[Mapping[str, Param]] = _join_params()
"""Name: type, range and meaning. A default of None stands for what the help says."""


def complete_job(job: Job) -> Job:
    """The job with a value for every param of its task.

    Raises:
        AdapterError: a task that is not trained; a param that there is not, that is out of its
            range, or that would change nothing in this job; a setting that cannot be.
    """
    if job.task not in list_tasks():
        raise AdapterError(
            f"the adapter transformers does not train {job.task.value}",
            f"take a task of {', '.join(task.value for task in list_tasks())}",
        )
    return complete_params(job, PARAMS, find_conflicts)


def find_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """The settings that change nothing or cannot be, beside the others: `task`, and `training`,
    `params` and `resources` by dotted path, each with its value."""
    for name, why in list_idle_schedule_params(settings):
        if settings[f"params.{name}"] is not None:
            yield SettingConflict(
                path=f"params.{name}",
                message=f"changes nothing {why}",
                fix=f"leave out params.{name}",
            )
    part = get_part(TaskType(settings["task"]))
    known = part.architectures.get(settings["model.name"])
    if known is not None:
        # A hub's is told once its configuration is there.
        yield from _find_strange_params(part, known.family, settings)
    yield from part.find_conflicts(settings)
    yield from find_training_conflicts(settings)
    yield from find_process_conflicts(settings)


def list_family_params(part: TaskPart[Any]) -> list[str]:
    """The params of a task that stand for settings of a family's configuration."""
    return sorted({name for family in part.families.values() for name in family.settings})


def _find_strange_params(
    part: TaskPart[Any], kind: str, settings: JsonObject
) -> Iterator[SettingConflict]:
    for name in list_family_params(part):
        if name not in part.families[kind].settings and settings[f"params.{name}"] is not None:
            yield SettingConflict(
                path=f"params.{name}",
                message=f"models of {kind} have no such setting",
                fix=f"leave out params.{name}",
            )
