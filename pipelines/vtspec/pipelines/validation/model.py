"""The model and the framework: that there are such, and that they do what is asked of them."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.catalog import (
    CatalogModel,
    Framework,
    find_training_problem,
    suggest_model,
)
from vtspec.schema.kinds.patterns import MODEL
from vtspec.schema.kinds.rules import suggest_line
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import find_nearest, format_choices, suggest_fix

from .spec_view import SpecView

_MODEL: Final = re.compile(MODEL.pattern)


def find_named_model(subject: SpecView) -> tuple[Framework | None, CatalogModel | None]:
    """The framework and model that the spec names, as far as they are there and only one."""
    name, framework = _find_model_name(subject), subject.get_text("framework")
    found = subject.catalogs.find_model(name, framework) if name else []
    if len(found) == 1:
        return found[0]
    # A wrong name of a model says nothing against its framework, whose task, formats and settings
    # are checked all the same.
    return subject.catalogs.frameworks.get(framework or ""), None


def find_meant_framework(subject: SpecView) -> Framework | None:
    """The framework that a misspelt one, or that of a misspelt model, most likely is."""
    named, name = subject.get_text("framework"), _find_model_name(subject)
    frameworks = subject.catalogs.frameworks
    if named is not None or name is None:
        return frameworks.get(find_nearest(named, frameworks) or "")
    meant = suggest_model(name, None, frameworks)
    found = subject.catalogs.find_model(meant) if meant is not None else []
    return found[0][0] if len(found) == 1 else None


def check_model(
    subject: SpecView, framework: Framework | None, model: CatalogModel | None
) -> Iterator[Problem]:
    """What is wrong with `framework`, `model`, and with what is asked of the two."""
    named = subject.get_text("framework")
    frameworks = subject.catalogs.frameworks
    if named is not None and named not in frameworks:
        message = f"there is no framework '{named}'"
        yield subject.make_problem(("framework",), message, suggest_fix(named, frameworks))
        # No model is in a framework that is not there: the one slip would be told twice.
        return
    if model is None:
        yield from _report_missing_model(subject, named)
    if framework is not None:
        yield from _check_framework_task(subject, framework)
    if model is not None and model.listed:
        yield from _check_model_options(subject, model)
    elif model is not None and framework is not None:
        yield _make_unlisted_warning(subject, framework, model)
    if framework is not None:
        yield from _check_training(subject, framework, model)


def _find_model_name(subject: SpecView) -> str | None:
    name = subject.get_text("model", "name")
    # One that can be no model's is told already, and looking for what is near takes its square.
    return name if name is not None and _MODEL.fullmatch(name) else None


def _report_missing_model(subject: SpecView, named: str | None) -> Iterator[Problem]:
    name = _find_model_name(subject)
    if name is None:
        return
    elsewhere = [framework.name for framework, _ in subject.catalogs.find_model(name)]
    if named is None and len(elsewhere) > 1:
        message = f"several frameworks have a model '{name}': {', '.join(elsewhere)}"
        line = suggest_line(f"framework: {elsewhere[0]}", subject.get_value())
        fix = f"{line} under 'spec'"
    elif elsewhere:
        message, fix = (
            f"{named} has no model '{name}'",
            f"set framework to {format_choices(elsewhere)}",
        )
    else:
        message = f"{named or 'no framework'} has {'no' if named else 'a'} model '{name}'"
        meant = suggest_model(name, named, subject.catalogs.frameworks)
        fix = f"did you mean '{meant}'?" if meant else "look with 'vtspec models search WORDS'"
    yield subject.make_problem(("model", "name"), message, fix)


def _check_framework_task(subject: SpecView, framework: Framework) -> Iterator[Problem]:
    task = subject.task
    if task is not None and task not in framework.tasks:
        message = f"{framework.name} does not do {task}"
        search = format_command("vtspec", "models", "search", "--task", task)
        fix = f"set task to {format_choices(framework.tasks)}, or take another model: {search}"
        yield subject.make_problem(("task",), message, fix)


def _check_model_options(subject: SpecView, model: CatalogModel) -> Iterator[Problem]:
    task = subject.task
    if task is not None and task not in model.tasks:
        can = f"it does {', '.join(model.tasks)}" if model.tasks else "it has no classifier"
        fix = f"look with 'vtspec models search --task {task}'"
        message = f"'{model.name}' does not do {task}; {can}"
        yield subject.make_problem(("model", "name"), message, fix)
    if subject.get_value("model", "pretrained") is True and not model.pretrained:
        message = f"there are no published weights of '{model.name}'"
        yield subject.make_problem(("model", "pretrained"), message, "set pretrained to false")
    size = subject.image_size
    if size is not None and not model.takes_size(size):
        height, width = model.find_nearest_size(size)
        message = f"'{model.name}' does not take {size[0]} x {size[1]} pixels"
        shown = f"{height}" if height == width else f"[{height}, {width}]"
        yield subject.make_problem(("training", "imageSize"), message, f"set imageSize to {shown}")


def _check_training(
    subject: SpecView, framework: Framework, model: CatalogModel | None
) -> Iterator[Problem]:
    """That no adapter here trains it. A warning: it can be planned, and read."""
    own = subject.get_text("model", "weights") is not None
    starts = not own and subject.get_value("model", "pretrained") is True
    task = subject.task
    # A task that the framework or the model does not do is told already.
    if task not in framework.tasks or model is None or (model.listed and task not in model.tasks):
        task, model = None, None
    problem = find_training_problem(framework, model, task, from_weights=starts)
    if problem is not None:
        message = f"cannot be trained here: {problem.message}"
        yield subject.make_problem(
            ("model", "name"), message, problem.fix or "", severity="warning"
        )


def _make_unlisted_warning(
    subject: SpecView, framework: Framework, model: CatalogModel
) -> Problem:
    """A hub id that no catalog has: it may be there all the same, and may be a slip."""
    message = f"no catalog lists '{model.name}': it is taken for a hub id, and its task on trust"
    meant = framework.find_near_name(model.name)
    fix = f"did you mean '{meant}'?" if meant else "see that the hub has it, and what it does"
    return subject.make_problem(("model", "name"), message, fix, severity="warning")
