"""`vtspec logs`: what a run's framework printed, now or as it comes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.completion import complete_run
from vtspec.cli.output_streams import watch_output
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.pipelines.runs import Run, Runs
    from vtspec.pipelines.runs.events import Event
    from vtspec.pipelines.runs.state import RunState


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--raw", is_flag=True, help="All that was printed, save secrets: output.log.")
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
def command(run: str, *, follow: bool, raw: bool, runs: Path | None) -> None:
    """Print what the framework of RUN printed, and what its steps found.

    RUN is a run's name, the beginning of one, or a spec's name. Floods and very long lines are
    cut, with a count; --raw has them all. With --follow a run on the cluster is told live.
    """
    from vtspec.cli.run_arguments import open_runs

    folder = open_runs(runs)
    found = folder.find(run)
    folder.fetch(found)
    if raw:
        _print_raw(found, follow=follow)
    elif follow:
        _follow(found, folder)
    else:
        for line in _read_lines(found):
            click.echo(line)


def _read_lines(run: "Run") -> list[str]:
    from vtspec.pipelines.runs.state import RunState, apply_event

    state, lines = RunState(), []
    for event in run.read_events():
        state = apply_event(state, event)
        line = _format_event(event, state)
        if line is not None:
            lines.append(line)
    return lines


def _format_event(event: "Event", state: "RunState") -> str | None:
    from vtspec.cli.views.progress import format_event
    from vtspec.pipelines.runs.events import Failed, Printed, RunFinished

    match event.body:
        case Printed(line=line):
            return line
        case Failed(message=message, fix=fix, traceback=trace):
            return "\n".join(part for part in (trace, message, fix and f"  fix: {fix}") if part)
        # A crash says why. One without a word is an ending that only a later vtspec knows.
        case RunFinished(ending="crashed", message=None) if state.failure is None:
            return f"{'run':<9} ended, in a way that this vtspec does not know"
        case RunFinished(ending=ending):
            return f"{'run':<9} {ending}"
        case _:
            return format_event(event, state)


def _follow(run: "Run", runs: "Runs") -> None:
    from vtspec.pipelines.execution.steps import StopSignal
    from vtspec.pipelines.operations.cluster_workflows import look_on
    from vtspec.pipelines.operations.run import RunCallbacks

    stop = StopSignal()

    def tell(event: "Event", state: "RunState") -> None:
        line = _format_event(event, state)
        if line is not None:
            click.echo(line)

    def report(line: str) -> None:
        click.echo(line, err=True)

    # A Ctrl-C ends the looking, and not the run, which is another process's.
    with stop.handle_signals(), watch_output(lambda: stop.request("stopped")):
        look_on(run, runs, RunCallbacks(report=report, on_event=tell, stop=stop))


def _print_raw(run: "Run", *, follow: bool) -> None:
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.execution.local import copy_output
    from vtspec.pipelines.execution.steps import StopSignal

    if not (run.path / "output.log").is_file():
        raise Refused(
            f"{run.name} has printed nothing", fix=format_command("vtspec", "status", run.name)
        )
    stop = StopSignal()
    with stop.handle_signals(), watch_output(lambda: stop.request("stopped")):
        # Bytes: a framework may print what is no text, or half a character at the end.
        copy_output(run, sys.stdout.buffer, stop, follow=follow)
