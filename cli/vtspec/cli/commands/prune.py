"""`vtspec prune`: runs that nobody needs any more are removed."""

import time
from pathlib import Path
from typing import Any

import click

from vtspec.cli.completion import complete_experiment
from vtspec.cli.runs_place import RunsPlace


@click.command()
@click.option(
    "--runs", "folder", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX."
)
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_experiment,
    help="Only runs of this spec.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="N",
    help="Also finished runs, but for the last N of each spec; all seeds of a result are one.",
)
@click.option("--unfinished", is_flag=True, help="Also runs that were cut short and could go on.")
@click.option(
    "--older-than", "age", metavar="AGE", help="Only runs untouched for so long: 12h, 30d."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    folder: Path | None, age: str | None, *, dry_run: bool, yes: bool, **rule: Any
) -> None:
    """Remove runs that failed, and those whose plan has a later result.

    What something needs stays: as the baseline or the start weights of an experiment or a run, as
    a seed that others are judged with, or since MLflow has not got all of it; and everything
    while a spec that may need it cannot be read. MLflow keeps what it was sent.
    """
    from vtspec.cli.commands.rm import print_removals, remove_chosen
    from vtspec.cli.run_arguments import look_at_cluster
    from vtspec.pipelines.operations.removal import PruneRule, choose_prunable, remove_runs
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Runs

    before = None if age is None else time.time() - _parse_age(age)
    repository = find_repository(Path.cwd()).with_runs(folder)
    runs = Runs(repository.runs)
    look_at_cluster(runs, runs.list_runs())
    going, needed = choose_prunable(PruneRule(before=before, **rule), runs, repository)
    print_removals(going)
    if needed:
        click.echo("these stay, since something needs them:")
        print_removals(needed)
    if going:
        remove_chosen(going, runs, dry_run=dry_run, yes=yes)
        return
    # What a killed removal left goes with the next one.
    if not dry_run:
        remove_runs([], runs, lambda found: None)
    click.echo("nothing to remove")


def _parse_age(text: str) -> int:
    import re

    from vtspec.schema.kinds.field_types import parse_duration
    from vtspec.schema.kinds.patterns import DURATION

    if not re.fullmatch(DURATION.pattern, text):
        raise click.BadParameter(
            f"must be {DURATION.words}, got '{text}'\n  fix: --older-than 30d",
            param_hint="--older-than",
        )
    return parse_duration(text)
