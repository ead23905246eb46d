"""The framework that a plan or a run needs, and the Python that it runs in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from vtspec.pipelines.errors import Permanent

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import Framework
    from vtspec.pipelines.execution.container import Container
    from vtspec.pipelines.execution.environment import Environment, EnvironmentMode, Environments
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.runs import Run

LocalBackend = Literal["process", "container"]
Backend = Literal[LocalBackend, "argo"]

_BACKENDS: Final[Mapping[str, Backend]] = {one: one for one in ("process", "container", "argo")}

BACKEND_VARIABLE: Final = "VTSPEC_BACKEND"


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


def resolve_backend(
    given: Backend | None, environ: Mapping[str, str], repository: "Repository"
) -> Backend | None:
    """By what a plan is to be carried out: what is given, else what VTSPEC_BACKEND says, else
    vtspec.yaml; None where whatever fits will do. Raises `Refused` for another word."""
    from vtspec.pipelines.errors import Refused

    said = environ.get(BACKEND_VARIABLE) or None
    if given is not None or said is None:
        return given or repository.project.spec.backend
    if said in _BACKENDS:
        return _BACKENDS[said]
    raise Refused(
        f"{BACKEND_VARIABLE} says '{said}', which is no backend",
        fix=f"{BACKEND_VARIABLE}=process, container or argo; or unset it",
    )


@dataclass(frozen=True, kw_only=True)
class Wish:
    """By what an adapter is to run on this machine: left out, by whatever fits. `registry` is the
    repository's, where frameworks' images are."""

    backend: "LocalBackend | None" = None
    environment: "EnvironmentMode | None" = None
    registry: str | None = None

    @classmethod
    def of(
        cls,
        repository: "Repository",
        backend: Backend | None = None,
        environment: "EnvironmentMode | None" = None,
    ) -> "Wish":
        """What is wished for on this machine, of a repository's framework. Raises `Refused` where
        one of the two would change nothing."""
        from vtspec.pipelines.errors import Refused

        if backend == "container" and environment in ("current", "made"):
            raise Refused(
                "--environment is of a process, and a container has that of its image",
                fix="leave it out, or add --backend process",
            )
        return cls(
            backend=None if backend == "argo" else backend,
            environment=environment,
            registry=repository.project.spec.registry,
        )

    @property
    def mode(self) -> "EnvironmentMode":
        """Which Python a process is to be of."""
        return self.environment or "auto"

    @property
    def is_free(self) -> bool:
        """Whether whatever fits will do."""
        return self.backend is None and self.mode == "auto"


def choose_environment(
    framework: str,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wish: Wish = Wish(),
) -> "Environment":
    """The environment of a framework: this Python where it fits, else a container where an engine
    and a published image are, else one that is made; `report` hears of it.

    Inside an image it is the one that the image names, unless another is asked for. Raises
    `Permanent` where there is no such framework, or its environment cannot be had.
    """
    found = find_framework(framework)
    named = _open_named(found, environ, wish)
    if named is not None:
        return named
    container, why = _find_container(found, environ, wish)
    if container is not None:
        from vtspec.pipelines.execution.container import open_container

        return open_container(found, container, report, why)
    return _get_environments(environ, report).choose(found, wish.mode)


def check_environment(
    framework: "Framework", environ: Mapping[str, str], wish: Wish = Wish()
) -> None:
    """Raise as `choose_environment` would, without making or fetching anything."""
    if _open_named(framework, environ, wish) is None:
        container, _why = _find_container(framework, environ, wish)
        if container is None:
            _get_environments(environ, lambda _: None).check(framework, wish.mode)


def choose_prediction_environment(
    run: "Run",
    framework: str,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wish: Wish,
) -> "Environment":
    """The environment in which a run's model answers: the one that is wished for, else the kind of
    which the run's was, so that nothing is made that the run did without; what of it is not as
    locked is reported. Raises as `choose_environment` does.
    """
    from vtspec.pipelines.execution.environment import is_container

    told = run.read_state().provenance.environment
    if wish.backend is not None or wish.environment is not None:
        return choose_environment(framework, environ, report, wish)
    if is_container(told):
        wish = replace(wish, backend="container")
        return choose_environment(framework, environ, report, wish)
    found = find_framework(framework)
    named = _open_named(found, environ, wish)
    return named or _get_environments(environ, report).choose_again(found, told)


def describe_environment(
    framework: str, environ: Mapping[str, str], wish: Wish = Wish()
) -> str | None:
    """In which environment a run on this machine would be, and why; what of it would have to be
    made first, with its size. None where there is no such framework to run."""
    from vtspec.pipelines.execution.image_environment import FRAMEWORK_PYTHON

    if environ.get(FRAMEWORK_PYTHON) and wish.is_free:
        return f"{environ[FRAMEWORK_PYTHON]}, which this image names"
    try:
        found = find_framework(framework)
        container, why = _find_container(found, environ, wish)
        if container is not None:
            return f"container {container} ({why})"
        environments = _get_environments(environ, lambda _: None)
        return environments.describe_choice(found, wish.mode)
    except Permanent:
        return None


def _open_named(
    framework: "Framework", environ: Mapping[str, str], wish: Wish
) -> "Environment | None":
    """The environment that the image names, looked at; None outside of one."""
    from vtspec.pipelines.execution.image_environment import (
        FRAMEWORK_PYTHON,
        open_image_environment,
    )

    named = environ.get(FRAMEWORK_PYTHON)
    if not named or not wish.is_free:
        return None
    return open_image_environment(framework, named)


def _find_container(
    framework: "Framework", environ: Mapping[str, str], wish: Wish
) -> "tuple[Container | None, str]":
    """The container that the framework is to run in, and why; none where it is not to.

    Raises `Permanent` where one is asked for and there is no engine or no image.
    """
    if wish.backend == "process" or wish.mode != "auto":
        return None, ""
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.container import Container, find_image
    from vtspec.pipelines.images import find_engine

    from .images import get_default_tag

    why = "asked for"
    if wish.backend is None:
        current = _get_environments(environ, lambda _: None).get_current(framework)
        is_published = wish.registry is not None and framework.digest is not None
        if not current.differs or not is_published:
            return None, ""
        why = "; ".join(current.differs)
    try:
        engine = find_engine()
    except Permanent:
        if wish.backend is None:
            return None, ""
        raise
    image = find_image(framework, wish.registry, engine, get_default_tag())
    if image is None:
        raise Permanent(
            f"{framework.name} has no image here: none is published, none was built",
            fix=f"vtspec images build {framework.name}, or leave --backend container out",
        )
    return Container(engine=engine, image=image, cache=get_cache_folder(environ).absolute()), why


def _get_environments(environ: Mapping[str, str], report: Callable[[str], None]) -> "Environments":
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments

    return Environments(cache=get_cache_folder(environ), report=report)
