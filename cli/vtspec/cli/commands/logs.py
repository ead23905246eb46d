"""`vtspec logs`: what a run's framework printed, now or as it comes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.events import Event
    from vtspec.pipelines.runs.state import RunState


@click.command()
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--raw", is_flag=True, help="Every byte that was printed, from output.log.")
@click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs.")
def command(run: str, *, follow: bool, raw: bool, runs: Path | None) -> None:
    """Print what the framework of RUN printed, and what its steps found.

    RUN is a run's name, the beginning of one, or a spec's name. Floods and very long lines are
    cut, with a count; --raw has them all.
    """
    from vtspec.cli.run_arguments import runs_in

    found = runs_in(runs).find(run)
    if raw:
        _raw(found, follow=follow)
    elif follow:
        _follow(found)
    else:
        for line in _lines(found):
            click.echo(line)


def _lines(run: "Run") -> list[str]:
    from vtspec.pipelines.runs.state import RunState, advance

    state, lines = RunState(), []
    for event in run.events():
        state = advance(state, event)
        line = _line(event, state)
        if line is not None:
            lines.append(line)
    return lines


def _line(event: "Event", state: "RunState") -> str | None:
    from vtspec.cli.views.progress import line_of

    match event.kind:
        case "output":
            return str(event.data.get("line", ""))
        case "failed":
            trace = event.data.get("traceback")
            message, fix = event.data.get("message"), event.data.get("fix")
            return "\n".join(
                str(part) for part in (trace, message, fix and f"  fix: {fix}") if part
            )
        case "run.finished":
            return f"{'run':<9} {event.data.get('ending')}"
        case _:
            return line_of(event, state)


def _follow(run: "Run") -> None:
    from vtspec.pipelines.execution.local import follow
    from vtspec.pipelines.execution.steps import Stop

    stop = Stop()

    def tell(event: "Event", state: "RunState") -> None:
        line = _line(event, state)
        if line is not None:
            click.echo(line)

    with stop.on_signals():
        follow(run, tell, stop)


def _raw(run: "Run", *, follow: bool) -> None:
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.execution.local import copy_output
    from vtspec.pipelines.execution.steps import Stop

    if not (run.path / "output.log").is_file():
        raise Refused(f"{run.name} has printed nothing", fix=f"vtspec status {run.name}")
    stop = Stop()
    with stop.on_signals():
        copy_output(run, sys.stdout.buffer, stop, follow=follow)
