"""Image classification with any of timm's models."""

from .adapter import PARAMS, TASKS, VERSION, Adapter
from .params import find_conflicts

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter", "find_conflicts"]
