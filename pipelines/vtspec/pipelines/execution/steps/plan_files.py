"""The files of a repository that a plan is made of, which a checkout has to hold to repeat it."""

from collections.abc import Iterator
from pathlib import Path

from vtspec.pipelines.data.dvc_files import find_pointer
from vtspec.pipelines.data.source import PathSource
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.repository import PROJECT_FILE, find_repository
from vtspec.pipelines.weights.model import FileWeights
from vtspec.schema.problem import SpecError


def list_plan_files(plan: Plan, root: Path) -> tuple[str, ...]:
    """Specs, DVC file, weights and configuration of a plan, from the root; there or not."""
    return tuple(dict.fromkeys(_iter_files(plan, root)))


def list_plan_folders(plan: Plan) -> tuple[str, ...]:
    """Folders of which every file that git does not ignore may decide what a plan does."""
    source = plan.dataset.source
    data = (source.path,) if isinstance(source, PathSource) else ()
    # An absolute one lies outside of the repository, and no commit can hold it.
    here = tuple(path for path in data if not Path(path).is_absolute())
    return (*here, "adapters", f"images/{plan.framework.name}")


def _iter_files(plan: Plan, root: Path) -> Iterator[str]:
    yield PROJECT_FILE
    yield plan.spec_path
    yield from _iter_named_specs(plan, root)
    source = plan.dataset.source
    if not isinstance(source, PathSource) and source.repo is None:
        try:
            pointer = find_pointer(root, source.path)
        except Permanent:
            pointer = None
        if pointer is not None:
            yield pointer.file
    if isinstance(plan.model.weights, FileWeights):
        yield plan.model.weights.path


def _iter_named_specs(plan: Plan, root: Path) -> Iterator[str]:
    """The files of the dataset and of the baseline: validating a spec asks for both."""
    try:
        repository = find_repository(root)
    # A plan is carried out whatever became of the repository since.
    except (SpecError, Refused):
        return
    for kind, name in (("Dataset", plan.dataset.name), ("Experiment", plan.report.baseline)):
        file = repository.find_spec_files(kind).get(name or "")
        if file is not None:
            yield repository.make_relative(file)
