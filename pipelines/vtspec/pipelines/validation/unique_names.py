"""Names that two files claim."""

from collections.abc import Sequence

from vtspec.pipelines.project.repository import Repository
from vtspec.schema.load import LoadedSpec
from vtspec.schema.problem import Problem


def check_names(loaded: Sequence[LoadedSpec], repository: Repository) -> list[Problem]:
    """One problem for each spec whose name another spec of its kind bears already."""
    found = []
    for spec in loaded:
        other = repository.find_other_bearer(spec)
        if other is not None:
            message = f"'{spec.name}' is already the name of the {spec.kind} in {other}"
            found.append(
                spec.document.make_problem(("metadata", "name"), message, "give one another name")
            )
    return found
