"""The tasks of Ultralytics' YOLO networks. The package is AGPL-3.0."""

from .adapter import TASKS, VERSION, Adapter
from .params import PARAMS, find_conflicts

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter", "find_conflicts"]
