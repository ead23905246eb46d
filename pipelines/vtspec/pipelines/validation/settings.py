"""The settings that the framework's adapter cannot do, or not together: told before a run is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines.catalog import Framework, choose_default, find_unsupported
from vtspec.schema.problem import Problem

from .spec_view import SpecView

if TYPE_CHECKING:
    from vtspec.adapters.contract import SettingConflict

_CONFLICTING: Final = (
    "resources.gpus",
    "training.classWeights",
    "training.labelSmoothing",
    "training.minLearningRate",
    "training.precision",
)
"""Fields beside `params` that an adapter may refuse for what others say."""


def check_settings(subject: SpecView, framework: Framework | None) -> Iterator[Problem]:
    """What the adapter would refuse of what the spec writes."""
    if framework is None:
        return
    written = {
        path: value
        for path in framework.supported
        if (value := subject.get_value(*path.split("."))) is not None
    }
    # Without GPUs auto is fp32 whatever the adapter, and with them it is the adapter's to choose.
    if written.get("training.precision") == "auto":
        del written["training.precision"]
    for found in find_unsupported(framework, written):
        yield _make_problem(subject, found)
    asked = any(subject.get_value(*path.split(".")) for path in _CONFLICTING)
    if asked or subject.get_mapping("params"):
        yield from _check_conflicts(subject, framework)


def _check_conflicts(subject: SpecView, framework: Framework) -> Iterator[Problem]:
    from vtspec.schema.json_schema.fast_check import (
        find_property,
        list_fields,
        load_field_validator,
    )

    settings = {
        path: subject.get_value(*path.split("."))
        for path in (name.removeprefix("spec.") for name in list_fields("Experiment"))
        if path.startswith("training.") or path == "resources.gpus"
    }
    for path, value in settings.items():
        if value is None:
            usual = find_property("Experiment", f"spec.{path}").get("default")
            settings[path] = choose_default(framework.supported, path, usual)
        elif not load_field_validator("Experiment", f"spec.{path}")(value):
            # What is wrong with it is told; beside it nothing can be said of the others.
            return
    params = _resolve_params(subject, framework)
    if params is not None:
        named = subject.get_value("model", "name")
        # What is no name is told as such.
        name = named if isinstance(named, str) else None
        settings |= {"task": subject.likely_task, "model.name": name, **params}
        for found in subject.catalogs.conflicts_of(framework, settings):
            yield _make_problem(subject, found)


def _resolve_params(subject: SpecView, framework: Framework) -> dict[str, Any] | None:
    """The params as a run would have them, without those that are told to be wrong; None where
    nobody can say."""
    from vtspec.adapters.contract import AdapterError, TaskType
    from vtspec.adapters.job import resolve_params

    declared, task = subject.catalogs.params_of(framework), subject.likely_task
    if declared is None or task is None:
        return None
    sound: dict[str, Any] = {}
    for name, value in subject.get_mapping("params").items():
        try:
            sound |= resolve_params({name: value}, {name: declared[name]}, TaskType(task))
        except (AdapterError, KeyError):
            continue
    whole = resolve_params(sound, declared, TaskType(task))
    return {f"params.{name}": value for name, value in whole.items()}


def _make_problem(subject: SpecView, found: "SettingConflict") -> Problem:
    path = tuple(found.path.split("."))
    # A GPU that is not asked for, or more than one, is had elsewhere: such a plan can be read.
    if found.path == "resources.gpus" or found.message.endswith("needs a GPU"):
        message = f"cannot be trained here: {found.message}"
        return subject.make_problem(path, message, found.fix, severity="warning")
    return subject.make_problem(path, found.message, found.fix)
