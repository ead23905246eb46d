"""Names that two files claim."""

from collections.abc import Sequence

from vtspec.schema.load import LoadedSpec
from vtspec.schema.problem import Problem

from .context import ValidationContext


def check_names(loaded: Sequence[LoadedSpec], world: ValidationContext) -> list[Problem]:
    """One problem for each spec whose name another spec of its kind bears already."""
    first: dict[tuple[str, str], LoadedSpec] = {}
    found = []
    for spec in loaded:
        if spec.kind is None or spec.name is None:
            continue
        earlier = first.setdefault((spec.kind, spec.name), spec)
        other = world.doubles.get(spec.file) if earlier is spec else earlier.file
        if other is not None:
            message = f"'{spec.name}' is already the name of the {spec.kind} in {other}"
            found.append(
                spec.document.make_problem(("metadata", "name"), message, "give one another name")
            )
    return found
