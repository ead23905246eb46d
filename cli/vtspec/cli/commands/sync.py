"""`vtspec sync`: send to MLflow what has not arrived there yet."""

from pathlib import Path

import click


@click.command()
@click.argument("run", required=False)
@click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs.")
@click.option("--uri", help="MLflow to send to, if not the configured one.")
def command(run: str | None, runs: Path | None, uri: str | None) -> None:
    """Send to MLflow what has not arrived there yet: of RUN, or of all runs.

    A run goes on while MLflow is away; what it had to tell waits in its folder.
    """
    import os

    from vtspec.pipelines.project.workspace import find_workspace
    from vtspec.pipelines.runs import Runs
    from vtspec.pipelines.tracking import choose_tracking_uri, sync_run

    workspace = find_workspace(Path.cwd())
    folder = runs or workspace.runs
    target = uri or choose_tracking_uri(folder, workspace.project.spec.tracking.uri, os.environ)
    found = Runs(folder)
    chosen = [found.find(run)] if run else found.list_runs()
    if not chosen:
        click.echo(f"no runs under {folder}")
    for each in chosen:
        shipped = sync_run(each.path, target)
        click.echo(f"{each.name}: {shipped.sent} events at {target}, {shipped.left} left")
