"""The framework that a plan or a run needs, and the Python that it runs in."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import Framework
    from vtspec.pipelines.execution.environment import Environment, EnvironmentMode


def find_framework(name: str) -> "Framework":
    """The framework of that name. Raises `Permanent` where this vtspec has none to run it with."""
    from vtspec.pipelines.catalog import is_adapter_available, load_frameworks

    known = load_frameworks()
    if name not in known:
        raise Permanent(
            f"this vtspec has no framework '{name}'",
            fix=f"install the package that brings it; there are: {', '.join(known)}",
        )
    framework = known[name]
    # A catalog may come before its adapter, so that specs can be written and planned already.
    if not is_adapter_available(framework):
        raise Permanent(
            f"the adapter for {name} is not there yet: its plans can be read, and not run",
            fix="vtspec models search --task TASK shows models of other frameworks",
        )
    return framework


def choose_environment(
    framework: str,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wanted: "EnvironmentMode" = "auto",
) -> "Environment":
    """The environment of a framework, made where this Python does not fit; `report` hears of it.

    Raises `Permanent` where there is no such framework, or its environment cannot be had.
    """
    from vtspec.pipelines.data.fetch import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments

    environments = Environments(cache=get_cache_folder(environ), report=report)
    return environments.choose(find_framework(framework), wanted)


def describe_missing_environment(framework: str, environ: Mapping[str, str]) -> str | None:
    """The environment that a run on this machine would make first, with its size; None where
    there is nothing to make, or no such framework to run."""
    from vtspec.pipelines.data.fetch import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments

    environments = Environments(cache=get_cache_folder(environ), report=lambda line: None)
    try:
        return environments.describe_missing(find_framework(framework))
    except Permanent:
        return None
