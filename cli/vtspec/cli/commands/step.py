"""`vtspec step`: one step of a plan; what a container runs."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan

STEPS = ("data", "train", "evaluate", "export", "report")


@click.command()
@click.argument("name", type=click.Choice(STEPS))
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The plan, as `vtspec plan SPEC --output json` prints it.",
)
@click.option(
    "--workdir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The run's folder; every step of a run is given the same.",
)
@click.option("--attempt", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint, if there is one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data that was verified."
)
def command(name: str, plan_file: Path, workdir: Path, **options: Any) -> None:
    """Carry out one step of a plan in a folder, and tell what happens in its events.jsonl.

    Exit codes: 0 done, 2 something to correct, 3 the step failed, 4 the world refused, 75
    interrupted: try again with --resume.
    """
    from vtspec.cli.run_options import get_framework, write_run_report
    from vtspec.cli.views.progress import make_progress
    from vtspec.pipelines.data.fetch import get_cache_folder
    from vtspec.pipelines.execution.environment import Environments
    from vtspec.pipelines.execution.steps import (
        RunContext,
        StepRequest,
        StopSignal,
        execute_single_step,
    )

    plan = _load_plan(plan_file)
    cache, progress, stop = get_cache_folder(os.environ), make_progress(sys.stderr), StopSignal()
    environments = Environments(cache=cache, report=progress.show_line)
    task = StepRequest(
        folder=workdir.absolute(),
        plan=plan,
        choose=lambda: environments.choose(get_framework(plan.framework.name)),
        **options,
    )
    place = RunContext(
        root=Path.cwd(),
        cache=cache,
        stop=stop,
        report=progress.show_line,
        write_report=write_run_report,
        told=progress.show_event,
    )
    with stop.handle_signals(), progress:
        outcome = execute_single_step(name, task, place)
    if outcome.message:
        click.echo(f"{outcome.message}", err=True)
    if outcome.fix:
        click.echo(f"  fix: {outcome.fix}", err=True)
    raise click.exceptions.Exit(outcome.exit_code)


def _load_plan(path: Path) -> "Plan":
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.planning.plan import refuse_unpinned
    from vtspec.pipelines.planning.plan_model import plan_from_json

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(
            f"{path} is not a plan: {error}", fix="make one: vtspec plan SPEC --output json"
        ) from error
    made = plan_from_json(raw)
    refuse_unpinned(made)
    return made
