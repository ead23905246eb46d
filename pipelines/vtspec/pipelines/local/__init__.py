"""A plan carried out on this machine: locks, attempts, resuming, joining, and the end of a run."""

from .attach import copy_output, follow
from .carry import Carried, Following, Place, carry_run, steps_left
from .decide import Choice, Decision, Seen, decide
from .smoke import Smoked, smoke
from .start import Local, Result
from .stopping import stop_run

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
