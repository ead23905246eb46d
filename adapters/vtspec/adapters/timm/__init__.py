"""Image classification with any of timm's models."""

from .adapter import PARAMS, TASKS, VERSION, Adapter

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter"]
