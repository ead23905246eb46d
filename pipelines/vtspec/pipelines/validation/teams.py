"""Whose a run is, and what its team allows. Pure.

One answer for all: validating and planning read a spec, rendering a plan.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import quote_word
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.project.repository import Repository
from vtspec.schema.kinds.patterns import DURATION
from vtspec.schema.kinds.rules import RuleViolation
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import find_nearest
from vtspec.schema.yaml_source.document import Document

from .spec_view import SpecView

if TYPE_CHECKING:
    from vtspec.schema.kinds.cluster import Team

_DURATION: Final = re.compile(DURATION.pattern)
_DEFAULT_DURATION: Final = "1d"


def check_team(subject: SpecView) -> Iterator[Problem]:
    """What the spec asks for beyond the limits of its folder's team, else of its author's."""
    repository = subject.repository
    # Most repositories have none, and need no model of their configuration for it.
    if not repository.limits_teams:
        return
    teams = repository.project.spec.teams
    file = repository.make_relative(Path(subject.path or subject.document.file))
    # Who works here is asked of git, where no folder decides.
    name = find_team(teams, file, None) or find_team(teams, file, repository.author)
    gpus = subject.get_number("resources", "gpus", otherwise=0)
    duration = subject.get_value("resources", "maxDuration") or _DEFAULT_DURATION
    if name is None or gpus is None:
        return
    # What is no length of time is told by `load`, and cannot be compared with one.
    known = duration if isinstance(duration, str) and _DURATION.fullmatch(duration) else None
    for broken in check_limits(gpus, known, name, teams[name]):
        yield subject.document.make_problem(broken.path, broken.message, broken.fix)


def check_teams(document: Document, repository: Repository) -> Iterator[Problem]:
    """What of the `teams` in a `vtspec.yaml` is no folder with specs, and no address that git has:
    a team's limits and its queue hold for nothing by it."""
    teams = (document.data.get("spec") or {}).get("teams")
    for name, team in teams.items() if isinstance(teams, dict) else ():
        if not isinstance(team, dict):
            continue
        for index, folder in enumerate(team.get("specs") or ()):
            place = ("spec", "teams", name, "specs", index)
            if isinstance(folder, str):
                yield from _check_folder(folder, place, document, repository)
        for index, person in enumerate(team.get("people") or ()):
            if isinstance(person, str) and not re.fullmatch(r"[^@\s]+@[^@\s]+", person):
                yield document.make_problem(
                    ("spec", "teams", name, "people", index),
                    f"'{person}' is no e-mail address, and who works here is known by git's: only "
                    f"--author {quote_word(person)} would name them",
                    "write the address that they have there: git config user.email",
                    severity="warning",
                )


def _check_folder(
    folder: str, place: tuple[str | int, ...], document: Document, repository: Repository
) -> Iterator[Problem]:
    tree, path = repository.tree, repository.root / folder
    if tree.is_file(path):
        above = posixpath.dirname(posixpath.normpath(folder)) or "."
        told = f"'{folder}' is a file, and a team has folders"
        yield document.make_problem(place, told, f"did you mean '{above}'?")
    elif not tree.list_specs(path):
        files = map(repository.make_relative, repository.find_spec_files("Experiment").values())
        folders = {above for file in files for above in _list_folders(file)}
        # A folder of which the first spec is in hand.
        if posixpath.normpath(folder) in folders:
            return
        near = find_nearest(folder, folders, 0.8)
        yield document.make_problem(
            place,
            f"there is no spec in '{folder}', so that it gives no run to the team",
            f"did you mean '{near}'?"
            if near
            else "put a spec there, or name a folder that has any",
            # Before a team's first spec is there, it is no mistake.
            severity="warning",
        )


def find_team(teams: "Mapping[str, Team]", spec_path: str, author: str | None) -> str | None:
    """The team whose folder the spec lies in, the innermost of several; else its author's."""
    owners = {
        posixpath.normpath(path): name for name, team in teams.items() for path in team.specs
    }
    for folder in _list_folders(spec_path):
        if folder in owners:
            return owners[folder]
    # Mail servers take an address in any case, and people write it so.
    known = (author or "").casefold()
    return next(
        (name for name, team in teams.items() if known in map(str.casefold, team.people)), None
    )


def check_limits(
    gpus: float, duration: str | None, name: str, team: "Team"
) -> Iterator[RuleViolation]:
    """What a run asks for beyond its team's limits; paths are of the experiment.

    `duration` is its `maxDuration`, None where that is not known.
    """
    from vtspec.schema.kinds.patterns import parse_duration

    limits = team.limits
    if limits.gpus is not None and gpus > limits.gpus:
        yield RuleViolation(
            path=("spec", "resources", "gpus"),
            message=f"a run of team {name} may ask for {pluralize(limits.gpus, 'GPU')} at most, "
            f"not {gpus:g}",
            fix=f"set gpus to {limits.gpus} or less, or have teams.{name}.limits.gpus in "
            "vtspec.yaml raised",
        )
    longest = limits.max_duration
    if longest and duration and parse_duration(duration) > parse_duration(longest):
        yield RuleViolation(
            path=("spec", "resources", "maxDuration"),
            message=f"a run of team {name} may take {longest} at most, not {duration}",
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
