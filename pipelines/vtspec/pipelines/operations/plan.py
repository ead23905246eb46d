"""A spec planned: what would run, without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources
    from vtspec.pipelines.project.repository import Repository


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A plan, and the repository that it is carried out in."""

    made: "Plan"
    repository: "Repository"


def plan_spec(
    path: Path,
    repository: "Repository",
    sets: Sequence[str] = (),
    sources: "ModelSources | None" = None,
) -> PlannedRun:
    """Plan the spec in `path` (see `open_spec` for a spec by its name), with `--set` options.

    The repository may be one at a commit, or hold specs that are not saved. Raises `SpecError`,
    `Refused`, `Permanent` or `Temporary` as planning does.
    """
    from vtspec.pipelines.planning.plan import build_plan
    from vtspec.pipelines.planning.resolve import resolve_spec
    from vtspec.pipelines.project.overrides import parse_overrides

    spec, inputs = resolve_spec(path, repository, parse_overrides(sets), sources)
    return PlannedRun(made=build_plan(spec, inputs), repository=repository)


def find_planned_run(name: str, repository: "Repository") -> PlannedRun | None:
    """The plan that the run of that name has; None where there is no such run."""
    from vtspec.pipelines.planning.plan_model import plan_from_json
    from vtspec.pipelines.runs import Runs

    # Not by `Runs.find`, which takes a spec's name too: that means the spec as it is now.
    for run in Runs(repository.runs).list_runs():
        if run.name == name:
            made = plan_from_json(run.read_plan())
            return PlannedRun(made=made, repository=repository)
    return None
