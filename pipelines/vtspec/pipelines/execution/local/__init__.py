"""A plan carried out on this machine: locks, attempts, resuming, joining, and the end of a run."""

from .attach import copy_output, follow
from .backend import Local, Result
from .next_action import Choice, Decision, Seen, decide
from .runner import Carried, Following, Place, carry_run, steps_left
from .smoke import Smoked, smoke
from .stop_run import stop_run

__all__ = [
    "Carried",
    "Choice",
    "Decision",
    "Following",
    "Local",
    "Place",
    "Result",
    "Seen",
    "Smoked",
    "carry_run",
    "copy_output",
    "decide",
    "follow",
    "smoke",
    "steps_left",
    "stop_run",
]
