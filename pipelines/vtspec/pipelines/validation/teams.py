"""Whose a run is, and what its team allows. Pure.

One answer for all: validating and planning read a spec, rendering a plan.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.formatting import pluralize
from vtspec.schema.kinds.patterns import DURATION
from vtspec.schema.kinds.rules import RuleViolation
from vtspec.schema.problem import Problem

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


def find_team(teams: "Mapping[str, Team]", spec_path: str, author: str | None) -> str | None:
    """The team whose folder the spec lies in, the innermost of several; else its author's."""
    owners = {
        posixpath.normpath(path): name for name, team in teams.items() for path in team.specs
    }
    for folder in list_folders(spec_path):
        if folder in owners:
            return owners[folder]
    # Mail servers take an address in any case, and people write it so.
    known = (author or "").casefold()
    return next(
        (name for name, team in teams.items() if known in map(str.casefold, team.people)), None
    )


def find_member_team(teams: "Mapping[str, Team]", login: str) -> str | None:
    """The team that lists the login of a forge's account; letters count without their case."""
    account = login.casefold()
    found = (name for name, team in teams.items() if account in map(str.casefold, team.logins))
    return next(found, None)


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


def explain_limit(
    broken: RuleViolation, name: str, team: "Team", gpus: float, duration: str
) -> str:
    """In Korean which limit of a team is passed, and what to do: as `check_limits` has it."""
    limits = team.limits
    if broken.path[-1] == "gpus":
        return (
            f"{name} 팀의 실행은 GPU를 {limits.gpus}개까지 쓸 수 있는데 {gpus:g}개를 "
            f"요청했습니다. `gpus`를 낮추거나 `vtspec.yaml`의 `teams.{name}.limits.gpus`를 "
            "올리세요"
        )
    return (
        f"{name} 팀의 실행은 {limits.max_duration}까지 걸릴 수 있는데 {duration}을(를) "
        f"요청했습니다. `maxDuration`을 낮추거나 `vtspec.yaml`의 "
        f"`teams.{name}.limits.maxDuration`을 올리세요"
    )


def list_folders(path: str) -> Iterator[str]:
    """The folders above a path of the repository, the innermost first."""
    folder = posixpath.dirname(posixpath.normpath(path))
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    # A team may have the whole repository.
    yield "."
