"""The framework that a plan or a run needs, and the Python that it runs in."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import Framework
    from vtspec.pipelines.execution.environment import Environment, EnvironmentMode, Environments
    from vtspec.pipelines.runs import Run


def find_framework(name: str, task: str | None = None) -> "Framework":
    """The framework of that name. Raises `Permanent` where no adapter here trains it, or `task`
    with it."""
    from vtspec.pipelines.catalog import find_training_problem, load_frameworks

    known = load_frameworks()
    if name not in known:
        raise Permanent(
            f"this vtspec has no framework '{name}'",
            fix=f"install the package that brings it; there are: {', '.join(known)}",
        )
    framework = known[name]
    # A catalog may come before its adapter, so that specs can be written and planned already.
    problem = find_training_problem(framework, task=task)
    if problem is not None:
        raise problem
    return framework


def choose_environment(
    framework: str,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wanted: "EnvironmentMode" = "auto",
) -> "Environment":
    """The environment of a framework, made where this Python does not fit; `report` hears of it.

    Inside an image it is the one that the image names, unless another is asked for. Raises
    `Permanent` where there is no such framework, or its environment cannot be had.
    """
    found = find_framework(framework)
    return _open_named(found, environ, wanted) or _get_environments(environ, report).choose(
        found, wanted
    )


def check_environment(
    framework: "Framework", environ: Mapping[str, str], wanted: "EnvironmentMode" = "auto"
) -> None:
    """Raise as `choose_environment` would, without making anything."""
    if _open_named(framework, environ, wanted) is None:
        _get_environments(environ, lambda _: None).check(framework, wanted)


def choose_prediction_environment(
    run: "Run",
    framework: str,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wanted: "EnvironmentMode | None" = None,
) -> "Environment":
    """The environment in which a run's model answers: the one that is `wanted`, else the kind of
    which the run's was, so that nothing is made that the run did without; what of it is not as
    locked is reported. Raises as `choose_environment` does.
    """
    if wanted is not None:
        return choose_environment(framework, environ, report, wanted)
    found, told = find_framework(framework), run.read_state().provenance.environment
    return _open_named(found, environ, "auto") or _get_environments(environ, report).choose_again(
        found, told
    )


def describe_missing_environment(
    framework: str, environ: Mapping[str, str], wanted: "EnvironmentMode" = "auto"
) -> str | None:
    """The environment that a run on this machine would make first, with its size and why; None
    where there is nothing to make, or no such framework to run."""
    from vtspec.pipelines.execution.image_environment import FRAMEWORK_PYTHON

    # An image brings its framework's.
    if environ.get(FRAMEWORK_PYTHON):
        return None
    environments = _get_environments(environ, lambda _: None)
    try:
        return environments.describe_missing(find_framework(framework), wanted)
    except Permanent:
        return None


def _open_named(
    framework: "Framework", environ: Mapping[str, str], wanted: "EnvironmentMode"
) -> "Environment | None":
    """The environment that the image names, looked at; None outside of one."""
    from vtspec.pipelines.execution.image_environment import (
        FRAMEWORK_PYTHON,
        open_image_environment,
    )

    named = environ.get(FRAMEWORK_PYTHON)
    if not named or wanted != "auto":
        return None
    return open_image_environment(framework, named)


def _get_environments(environ: Mapping[str, str], report: Callable[[str], None]) -> "Environments":
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments

    return Environments(cache=get_cache_folder(environ), report=report)
