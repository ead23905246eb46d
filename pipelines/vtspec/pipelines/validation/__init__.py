"""What only the world tells of specs: references, catalogs, parameters, gates, memory. Pure.

Every check reads the plain data of a document, so that it is decided also in a spec with other
faults; where a part that it needs is absent or of the wrong type, it says nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from vtspec.schema.load import MOST_PROBLEMS, Loaded
from vtspec.schema.problem import Problem

from .context import World
from .dataset import data_problems
from .model import find, model_problems
from .objectives import target_problems
from .params import param_problems
from .resources import resource_problems
from .spec_view import Subject
from .unique_names import name_problems

__all__ = ["World", "check"]


def check(loaded: Sequence[Loaded], world: World) -> list[Problem]:
    """The problems that the specs have in `world`, file by file, each file's by line.

    Those that `load` found are not among them. Of one file at most `MOST_PROBLEMS` are told.
    """
    found = name_problems(loaded, world)
    for spec in loaded:
        if spec.kind == "Experiment":
            subject = Subject(document=spec.document, world=world)
            found += islice(_experiment(subject), MOST_PROBLEMS)
    order = {spec.file: index for index, spec in enumerate(loaded)}
    return sorted(found, key=lambda one: (order[one.file], one.line, one.column))


def _experiment(subject: Subject) -> Iterator[Problem]:
    framework, model = find(subject)
    yield from model_problems(subject, framework, model)
    yield from data_problems(subject, framework)
    yield from param_problems(subject, framework)
    yield from target_problems(subject)
    yield from resource_problems(subject, model)
