"""The smallest complete adapter: softmax regression on pixels, in plain Python."""

from .adapter import PARAMS, TASKS, VERSION, Adapter

__all__ = ["PARAMS", "TASKS", "VERSION", "Adapter"]
