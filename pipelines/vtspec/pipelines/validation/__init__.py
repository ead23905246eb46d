"""What only the world tells of specs: references, catalogs, parameters, gates, memory.

Every check reads the plain data of a document, so that it is decided also in a spec with other
faults; where a part that it needs is absent or of the wrong type, it says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from vtspec.pipelines.project.repository import Repository
from vtspec.schema.load import MOST_PROBLEMS, LoadedSpec
from vtspec.schema.problem import Problem

from .catalogs import Catalogs
from .dataset import check_data
from .model import check_model, find_meant_framework, find_named_model
from .objectives import check_targets
from .params import check_params, point_to_params
from .resources import check_resources
from .settings import check_settings
from .spec_view import SpecView
from .team_members import check_teams
from .teams import check_team
from .unique_names import check_names

__all__ = ["Catalogs", "check_specs", "check_teams", "point_to_params"]


def check_specs(
    loaded: Sequence[LoadedSpec],
    repository: Repository,
    paths: Mapping[str, str] | None = None,
    catalogs: Catalogs | None = None,
) -> list[Problem]:
    """The problems that the specs have in `repository`, file by file, each file's by line.

    They go before what the repository has; `paths` is as for `Repository.with_specs`. Problems
    that `load` found are not among them. Of one file at most `MOST_PROBLEMS` are told.
    """
    repository, catalogs = repository.with_specs(loaded, paths), catalogs or Catalogs()
    found = check_names(loaded, repository)
    for spec in loaded:
        if spec.kind == "Experiment":
            subject = SpecView(
                document=spec.document,
                repository=repository,
                catalogs=catalogs,
                path=(paths or {}).get(spec.file),
            )
            # Thousands of wrong classes are as many problems, each with a search for what was
            # meant; those that are not told are not made.
            found += islice(_check_experiment(subject), MOST_PROBLEMS)
    order = {spec.file: index for index, spec in enumerate(loaded)}
    return sorted(found, key=lambda one: (order[one.file], one.line, one.column))


def _check_experiment(subject: SpecView) -> Iterator[Problem]:
    named, model = find_named_model(subject)
    framework, meant = (
        None if one is None else one.for_task(subject.likely_task)
        for one in (named, named or find_meant_framework(subject))
    )
    yield from check_model(subject, framework, model)
    yield from check_data(subject, framework)
    yield from check_params(subject, meant)
    yield from check_settings(subject, framework)
    yield from check_targets(subject, framework)
    yield from check_resources(subject, model)
    yield from check_team(subject)
