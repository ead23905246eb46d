"""`vtspec stop`: a run writes a checkpoint and ends."""

from pathlib import Path

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=120.0,
    show_default=True,
    help="Seconds to wait for the checkpoint.",
)
def command(run: str, runs: Path | None, timeout_s: float) -> None:
    """Ask RUN to stop: it writes a checkpoint and ends, as at a Ctrl-C in its own terminal.

    A second `stop` while it does ends it at once. A run on the cluster is stopped there. RUN is a
    run's name, the beginning of one, or a spec's name. Exit codes: 0 it has ended, 2 there is
    nothing to stop, 4 it is on another machine, 75 it has not ended yet.
    """
    from vtspec.cli.run_arguments import open_runs
    from vtspec.cli.views.run_status import format_resumption
    from vtspec.pipelines.execution.local import stop_run
    from vtspec.pipelines.operations.cluster_workflows import stop_on_cluster

    folder = open_runs(runs)
    found = folder.find(run)
    click.echo(f"asking {found.name} to stop", err=True)
    if found.is_on_cluster():
        state = stop_on_cluster(found, folder, timeout_s)
    else:
        state = stop_run(found, timeout_s)
    # A process that was killed meanwhile wrote no terminal event.
    if state.is_over:
        click.echo(f"{found.name} {state.status}")
    else:
        click.echo(f"{found.name} ended without saying how")
    if state.training.checkpoint is not None and state.status != "succeeded":
        click.echo(f"go on with: {format_resumption(found)}")
