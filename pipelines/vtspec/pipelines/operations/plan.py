"""A spec planned: what would run, without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Refused
from vtspec.schema.problem import SpecError

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources
    from vtspec.pipelines.project.repository import Repository
    from vtspec.schema.kinds.experiment import Schedule


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A plan, and the repository that it is carried out in; `others` are the plans of the other
    seeds that are asked for with it. `schedule` is its spec's, and no part of the plan: when it
    is carried out does not change what it comes to."""

    made: "Plan"
    repository: "Repository"
    others: "tuple[Plan, ...]" = ()
    schedule: "Schedule | None" = None

    @property
    def plans(self) -> "tuple[Plan, ...]":
        """All that is to be carried out, in order."""
        return (self.made, *self.others)


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
    from vtspec.pipelines.planning.seeds import build_seed_plans
    from vtspec.pipelines.project.overrides import parse_overrides

    spec, inputs = resolve_spec(path, repository, parse_overrides(sets), sources)
    made, *others = build_seed_plans(build_plan(spec, inputs))
    return PlannedRun(
        made=made, repository=repository, others=tuple(others), schedule=spec.spec.schedule
    )


def open_plan(path: Path, repository: "Repository") -> PlannedRun:
    """The plan in a file, such as a run's `plan.json`, to be carried out in the repository.

    Raises `Refused` where it is none that can be, or was made for other versions than are here.
    """
    from .step import load_plan

    made = load_plan(path)
    _refuse_other_versions(made)
    return PlannedRun(made=made, repository=repository)


def _refuse_other_versions(made: "Plan") -> None:
    """What a plan was made for decides its result: other versions under its id would be a lie."""
    from .frameworks import find_framework

    here, planned = find_framework(made.framework.name), made.framework
    for what, ours, theirs in (
        ("version of the adapter", here.adapter_version, planned.adapter_version),
        ("locked environment", here.requirements_hash, planned.requirements_hash),
    ):
        if ours != theirs:
            raise Refused(
                f"{made.id} was planned for another {what} of {planned.name}: {theirs}, and here "
                f"it is {ours}",
                fix="install the vtspec that made it (its report names the version), or plan the "
                f"spec anew: {format_command('vtspec', 'run', made.spec_path)}",
            )


def open_experiment(word: str, here: Path, runs: Path | None) -> "tuple[Repository, Path]":
    """The file of the spec that a person in `here` means, and its repository with its `runs`.

    Raises as `open_spec` does, and `Refused` for the name of a run, whose plan is made already.
    """
    from vtspec.pipelines.project.repository import find_repository, open_spec
    from vtspec.pipelines.runs import Runs, is_completion_name, is_run_name

    try:
        repository, path = open_spec(word, here)
    except SpecError:
        if not is_run_name(word) and not is_completion_name(word):
            raise
        run = Runs(find_repository(here).with_runs(runs).runs).find(word)
        what = "a run" if run.name == word else f"a completion of {run.name}"
        show, spec = (
            format_command("vtspec", *words)
            for words in (("status", word), ("plan", run.spec_name))
        )
        raise Refused(
            f"{word} is {what}, and its plan is made: only a spec can be planned",
            fix=f"{show} shows it; its spec as it is now: {spec}",
        ) from None
    return repository.with_runs(runs), path


def refuse_completion(name: str, repository: "Repository") -> None:
    """Raise `Refused` for the name of a completion, which is no plan by itself: with the run that
    it is of, and what carries it out."""
    from vtspec.pipelines.runs import Runs, is_completion_name

    if not is_completion_name(name):
        return
    run = Runs(repository.runs).find(name)
    file = run.path / f"{name}.json"
    typed = format_command("vtspec", "run", "--plan", repository.format_path(file))
    raise Refused(
        f"{name} is a completion of {run.name}: a policy for a result, and nothing to train",
        fix=f"{format_command('vtspec', 'run', run.name)} shows the result; {typed} applies it",
    )


def find_planned_run(
    name: str, repository: "Repository", *, going_on: bool = False
) -> PlannedRun | None:
    """The plan that the run of that name has; None where there is no such run.

    Raises as `open_plan` does, and not for other versions where the run is to go on.
    """
    from vtspec.pipelines.planning.plan_model import plan_from_json
    from vtspec.pipelines.runs import Runs

    # Not by `Runs.find`, which takes a spec's name too: that means the spec as it is now.
    run = Runs(repository.runs).find_named(name)
    if run is None:
        return None
    made = plan_from_json(run.read_plan())
    if not going_on:
        _refuse_other_versions(made)
    return PlannedRun(made=made, repository=repository)
