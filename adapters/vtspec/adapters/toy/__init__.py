"""The smallest complete adapter: softmax regression on pixels, in plain Python."""

from .adapter import PARAMS, SUPPORTED, TASKS, VERSION, Adapter

__all__ = ["PARAMS", "SUPPORTED", "TASKS", "VERSION", "Adapter"]
