"""The framework's own settings, against what its adapter declares."""

from collections.abc import Iterator
from dataclasses import replace

from vtspec.pipelines.catalog import Framework
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import find_nearest

from .catalogs import Catalogs
from .spec_view import SpecView


def check_params(subject: SpecView, framework: Framework | None) -> Iterator[Problem]:
    """What the adapter would refuse of `params`, each setting by itself."""
    given, task = subject.get_mapping("params"), subject.likely_task
    if not given or framework is None or task is None:
        return
    # The contract is a dear import, and most specs have no settings of their own.
    from vtspec.adapters.contract import AdapterError, TaskType
    from vtspec.adapters.job import resolve_params

    declared = subject.catalogs.params_of(framework)
    if declared is None:
        is_to_come = task not in (framework.trained_tasks or framework.tasks)
        lacks = f"does not do {task} yet" if is_to_come else "is not installed"
        message = f"cannot be checked: the adapter of {framework.name} {lacks}"
        fix = f"leave params out until there is an adapter '{framework.adapter}' here"
        fix += f" that does {task}" * is_to_come
        yield subject.make_problem(("params",), message, fix, at_key=True, severity="warning")
        return
    # `resolve_params` ends at the first fault; given one at a time, it tells them all.
    for name, value in given.items():
        # A list or mapping is refused by its type already.
        if isinstance(value, list | dict):
            continue
        try:
            # The one declaration is enough, save to say what a wrong name should have been.
            known = {name: declared[name]} if name in declared else declared
            resolve_params({name: value}, known, TaskType(task))
        except AdapterError as error:
            message = str(error).removeprefix(f"params.{name}: ")
            field = None if name in declared else _find_field(name)
            near = error.fix or "see 'vtspec explain params'"
            fix = near if field is None else f"did you mean '{field}'?"
            yield subject.make_problem(("params", name), message, fix, at_key=name not in declared)


def point_to_params(problem: Problem, catalogs: Catalogs) -> Problem:
    """The problem; of a key that is no field but a setting of a framework, with where it goes."""
    from vtspec.schema.json_schema.field_docs import find_spec_field

    *above, name = problem.path.split(".")
    if above[:1] != ["spec"] or find_spec_field("Experiment", (*above, name)) is not None:
        return problem
    declared = {
        setting
        for framework in catalogs.frameworks.values()
        for setting in catalogs.params_of(framework) or ()
    }
    setting = find_nearest(name, sorted(declared), cutoff=1)
    if setting is None:
        return problem
    return replace(problem, fix=f"did you mean 'params.{setting}'?")


def _find_field(name: str) -> str | None:
    """The field of an experiment that is called just so, by its path below `spec`."""
    from vtspec.schema.json_schema.field_docs import find_elsewhere

    field = find_elsewhere("Experiment", name)
    if field is None or find_nearest(name, [field.path[-1]], cutoff=1) is None:
        return None
    return field.name.removeprefix("spec.")
