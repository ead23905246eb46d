"""`vtspec sync`: send to MLflow what has not arrived there yet."""

from pathlib import Path

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace


@click.command()
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option("--uri", help="MLflow to send to, if not the configured one.")
def command(run: str | None, runs: Path | None, uri: str | None) -> None:
    """Send to MLflow what has not arrived there yet: of RUN, or of all runs.

    A run goes on while MLflow is away; what it had to tell waits in its folder.
    """
    import os

    from vtspec.pipelines.formatting import pluralize
    from vtspec.pipelines.operations.sync import choose_target, sync_runs
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(Path.cwd()).with_runs(runs)
    target = choose_target(repository, run, uri, os.environ)
    click.echo(f"sending to MLflow at {target.address}", err=True)
    if not target.runs:
        click.echo(f"no runs under {target.folder}")
    failures = []
    for each, arrived in sync_runs(target):
        if isinstance(arrived, Exception):
            click.echo(f"{each.name}: {arrived}", err=True)
            failures.append(arrived)
            continue
        version = f", model version {arrived.model_version}" if arrived.model_version else ""
        sent = f"{pluralize(arrived.sent, 'event')} at {target.address}, {arrived.left} left"
        click.echo(f"{each.name}: {sent}{version}")
    if failures:
        raise click.exceptions.Exit(max(failure.exit_code for failure in failures))
