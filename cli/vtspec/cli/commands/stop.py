"""`vtspec stop`: a run writes a checkpoint and ends."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.pipelines.runs import Run, Runs


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
@click.option(
    "--gone",
    is_flag=True,
    help="Its Workflow is gone, as with its cluster: end the run in the store.",
)
def command(run: str, runs: Path | None, timeout_s: float, *, gone: bool) -> None:
    """Ask RUN to stop: it writes a checkpoint and ends, as at a Ctrl-C in its own terminal.

    A second `stop` while it does ends it at once. A run on the cluster is stopped there, and one
    that waits in the queue of this machine (`vtspec run --queue`) leaves it. Where a schedule of
    the cluster will begin it, or its spec, that is said, with what to type against it. Where it
    cannot be told whether its Workflow is gone, as of a cluster that is no more, --gone says so
    and ends the run in the store. RUN is a run's name, the beginning of one, or a spec's name.
    Exit codes: 0 it has ended, 2 there is nothing to stop, 4 it is on another machine, 75 it has
    not ended yet.
    """
    from vtspec.adapters.shell_command import format_command
    from vtspec.cli.run_arguments import open_runs
    from vtspec.cli.views.run_status import format_resumption
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.execution.local import stop_run
    from vtspec.pipelines.operations.cluster_schedules import explain_unknown
    from vtspec.pipelines.operations.cluster_workflows import end_gone_run, stop_on_cluster
    from vtspec.pipelines.runs import UnknownRun

    folder = open_runs(runs)
    found = _find_run(run, folder)
    if found is None or not found.is_alive():
        names = (Path(run).name, *(() if found is None else (found.plan_id,)))
        if any(_leave_queue(name, timeout_s) for name in names):
            return
        try:
            found = folder.find(run)
        except UnknownRun as unknown:
            raise explain_unknown(unknown, run, folder) from None
    on_cluster = found.is_on_cluster()
    if gone and not on_cluster:
        raise Refused(
            f"{found.name} is not on a cluster", fix=format_command("vtspec", "stop", found.name)
        )
    # What is over, or of another machine, is asked nothing.
    holder = None if on_cluster else found.find_holder()
    is_asked = not found.read_state().is_over if on_cluster else holder and holder.is_here
    if is_asked and not gone:
        click.echo(f"asking {found.name} to stop", err=True)
    if gone:
        state = end_gone_run(found, folder)
    elif on_cluster:
        state = stop_on_cluster(found, folder, timeout_s)
        _tell_schedule(found, run)
    else:
        # What is over may be begun again, too.
        _tell_schedule(found, run)
        state = stop_run(found, timeout_s)
    # A process that was killed meanwhile wrote no terminal event.
    if state.is_over:
        click.echo(f"{found.name} {state.status}")
    else:
        click.echo(f"{found.name} ended without saying how")
    if state.training.checkpoint is not None and state.status != "succeeded":
        click.echo(f"go on with: {format_resumption(found)}")


def _tell_schedule(run: "Run", word: str) -> None:
    from vtspec.pipelines.operations.cluster_schedules import describe_schedule

    again = describe_schedule(run, Path(word).name)
    if again is not None:
        click.echo(f"warning: {again}", err=True)


def _find_run(word: str, runs: "Runs") -> "Run | None":
    from vtspec.pipelines.errors import Refused

    try:
        return runs.find(word)
    # What waits is no run yet.
    except Refused:
        return None


def _leave_queue(word: str, timeout_s: float) -> bool:
    """Whether a plan of that name waited in the queue of this machine, and has left it."""
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.operations.queue import find_waiting, leave_queue
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.schema.problem import SpecError

    try:
        root = find_repository(Path.cwd()).root
    # Runs are stopped from anywhere, also where `vtspec.yaml` is wrong.
    except (Refused, SpecError):
        return False
    ticket = find_waiting(word, root, os.environ)
    if ticket is None:
        return False
    click.echo(f"asking {ticket.run} to leave the queue", err=True)
    leave_queue(ticket, timeout_s, os.environ)
    click.echo(f"{ticket.run} has left the queue; nothing of it was begun")
    return True
