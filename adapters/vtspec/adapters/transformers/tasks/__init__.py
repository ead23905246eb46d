"""The tasks that the adapter trains: a package here for each, by the task's name, with its part.

Nothing else names them: another task is another package, `tasks/its_name`, whose `PART` is it.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module
from typing import Any

from vtspec.adapters.task_types import TaskType
from vtspec.adapters.transformers.task_part import TaskPart


def list_tasks() -> tuple[TaskType, ...]:
    """Those that have a part, in the order of all tasks."""
    there = {module.name for module in pkgutil.iter_modules(__path__)}
    return tuple(task for task in TaskType if _name_module(task) in there)


@functools.cache
def get_part(task: TaskType) -> TaskPart[Any]:
    """The part of a task that is one of `list_tasks`."""
    part: TaskPart[Any] = import_module(f"{__name__}.{_name_module(task)}").PART
    return part


def _name_module(task: TaskType) -> str:
    return task.value.replace("-", "_")
