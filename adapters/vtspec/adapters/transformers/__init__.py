"""Object detection with the detectors of Transformers: RT-DETR, D-FINE, DETR and its kin."""

from .adapter import TASKS, VERSION, Adapter
from .params import PARAMS, find_conflicts

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter", "find_conflicts"]
