"""Whose a run is, and what its team allows. Pure."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from vtspec.pipelines.planning.plan_model import Plan
from vtspec.schema.kinds.field_types import parse_duration
from vtspec.schema.kinds.rules import RuleViolation

if TYPE_CHECKING:
    from vtspec.schema.kinds.cluster import Team


def find_team(teams: "Mapping[str, Team]", spec_path: str, author: str | None) -> str | None:
    """The team whose folder the spec lies in, the innermost of several; else its author's."""
    above = [*_list_folders(spec_path)]
    owners = {
        posixpath.normpath(path): name for name, team in teams.items() for path in team.specs
    }
    for folder in above:
        if folder in owners:
            return owners[folder]
    return next((name for name, team in teams.items() if author in team.people), None)


def check_limits(plan: Plan, name: str, team: "Team") -> Iterator[RuleViolation]:
    """What the run asks for beyond its team's limits; paths are of the experiment."""
    limits, asked = team.limits, plan.resources
    if limits.gpus is not None and asked.gpus > limits.gpus:
        yield RuleViolation(
            path=("spec", "resources", "gpus"),
            message=f"a run of team {name} may ask for {limits.gpus} GPUs at most, not "
            f"{asked.gpus}",
            fix=f"set gpus to {limits.gpus} or less, or have teams.{name}.limits.gpus in "
            "vtspec.yaml raised",
        )
    longest = limits.max_duration
    if longest is not None and parse_duration(asked.max_duration) > parse_duration(longest):
        yield RuleViolation(
            path=("spec", "resources", "maxDuration"),
            message=f"a run of team {name} may take {longest} at most, not {asked.max_duration}",
            fix=f"set maxDuration to {longest} or less, or have "
            f"teams.{name}.limits.maxDuration in vtspec.yaml raised",
        )


def _list_folders(path: str) -> Iterator[str]:
    """The folders above a path of the repository, the innermost first."""
    folder = posixpath.dirname(posixpath.normpath(path))
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    # A team may have the whole repository.
    yield "."
