"""`vtspec status`: the runs there are, or one of them in detail."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vtspec.adapters.shell_command import format_command

if TYPE_CHECKING:
    from vtspec.cli.views.styled_text import Line
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.state import RunState

_STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "failed": "red",
    "crashed": "red",
    "refused": "red",
    "killed": "yellow",
    "interrupted": "yellow",
    "stopped": "yellow",
}


@click.command()
@click.argument("run", required=False)
@click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs.")
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)
def command(run: str | None, runs: Path | None, output: str) -> None:
    """List the runs, or show RUN: a run's name, the beginning of one, or a spec's name.

    `killed` is a run that neither ended nor has a process: `vtspec run SPEC --resume` goes on.
    """
    from vtspec.cli.run_arguments import open_runs

    found = open_runs(runs)
    if run is not None:
        _show_run(found.find(run), output)
        return
    every = found.list_runs()
    if output == "json":
        click.echo(
            json.dumps(
                {"runs": [_serialize_run(one, one.read_state()) for one in every]}, indent=2
            )
        )
    elif not every:
        click.echo(f"no runs in {found.folder} yet; begin one with: vtspec run SPEC")
    else:
        from vtspec.cli.views.styled_text import print_lines

        print_lines(_format_table(every))


def get_status(run: "Run", state: "RunState") -> str:
    """The state's status, and `killed` where no process works on a run that has not ended."""
    return "killed" if not state.is_over and not run.is_alive() else state.status


def _show_run(run: "Run", output: str) -> None:
    state = run.read_state()
    if output == "json":
        click.echo(json.dumps(_serialize_details(run, state), indent=2))
        return
    from vtspec.cli.views.styled_text import print_lines

    print_lines(_format_run(run, state))


def _serialize_run(run: "Run", state: "RunState") -> dict[str, object]:
    clock, training = state.clock, state.training
    return {
        "run": run.name,
        "spec": run.spec_name,
        "plan": run.plan_id,
        "attempt": run.attempt,
        "status": get_status(run, state),
        "step": state.step,
        "epoch": training.epoch,
        "epochs": training.epochs,
        "best": None if training.best is None else training.best.to_row(),
        "final": dict(state.final.metrics),
        "started": clock.started,
        "updated": clock.updated,
        "seconds": clock.seconds,
    }


def _serialize_details(run: "Run", state: "RunState") -> dict[str, object]:
    failure = state.failure
    return {
        **_serialize_run(run, state),
        "folder": str(run.path),
        "steps": {name: vars(step) for name, step in state.steps.items()},
        "progress": state.training.progress,
        "remainingSeconds": state.training.remaining_s,
        "finalSplit": state.final.split,
        "environment": state.provenance.environment,
        "warnings": list(state.warnings),
        "failure": None if failure is None else {"message": failure.message, "fix": failure.fix},
        "artifacts": dict(state.artifacts),
    }


def _format_table(runs: Sequence["Run"]) -> Iterator["Line"]:
    rows = [_format_row(run, run.read_state()) for run in runs]
    heads = ("run", "status", "epoch", "result", "took", "started")
    widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    yield tuple(
        (f"{head:<{width + 2}}", "bold") for head, width in zip(heads, widths, strict=True)
    )
    for row in rows:
        yield tuple(
            (f"{cell:<{width + 2}}", _STYLES.get(cell, "") if n == 1 else "")
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )


def _format_row(run: "Run", state: "RunState") -> tuple[str, ...]:
    from vtspec.pipelines.formatting import format_duration

    at = state.training
    epoch = f"{at.epoch:.3g}/{at.epochs}" if at.epochs else ""
    return (
        run.name,
        get_status(run, state),
        epoch,
        _format_result(state),
        format_duration(state.clock.seconds),
        (state.clock.started or "")[:16].replace("T", " "),
    )


def _format_result(state: "RunState") -> str:
    from vtspec.pipelines.formatting import format_number

    final, best, monitor = state.final.metrics, state.training.best, state.training.monitor
    figures = final or (best.metrics if best is not None else {})
    name = monitor if monitor in figures else next(iter(figures), None)
    if name is None:
        return ""
    # Until the final split is measured, val's figures stand in; the two must not be mixed up.
    return f"{name} {format_number(figures[name])}" + ("" if final else " (val)")


def _format_run(run: "Run", state: "RunState") -> Iterator["Line"]:
    from vtspec.cli.views.report import format_result
    from vtspec.cli.views.run_result import format_path
    from vtspec.cli.views.styled_text import get_terminal_width
    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.formatting import format_duration
    from vtspec.pipelines.reporting import find_baseline, read_facts

    status = get_status(run, state)
    yield ((run.name, "bold"), (f"  {status}", _STYLES.get(status, "")))
    yield (("", ""),)
    yield from _format_state(run, state, status)
    for name, step in state.steps.items():
        took = format_duration(step.seconds) if step.seconds is not None else ""
        ending = step.ending or ("running" if status == "running" else "cut short")
        yield (
            (f"  {name:<10}", "bold"),
            (f"{ending:<12}", _STYLES.get(ending, "")),
            (took, "dim"),
        )
    for warning in state.warnings:
        yield (("warning: ", "yellow"), (warning, ""))
    if state.failure is not None:
        yield ()
        yield ((state.failure.message, "red"),)
        if state.failure.fix:
            yield ((f"  fix: {state.failure.fix}", ""),)
    if state.final.metrics:
        # One damaged file must not hide what the events tell.
        try:
            facts = read_facts(run.path, find_baseline(run.path))
            yield ()
            yield from format_result(facts, get_terminal_width(sys.stdout))
        except Permanent as error:
            yield ((str(error), "yellow"),)
    yield ()
    yield (("folder   ", "bold"), (format_path(run.path), ""))


def _format_state(run: "Run", state: "RunState", status: str) -> Iterator["Line"]:
    from vtspec.cli.views.progress import format_figures
    from vtspec.pipelines.formatting import format_duration

    if state.step == "train" and status == "running":
        yield ((f"  {format_figures(state)}", ""),)
    clock = state.clock
    yield (
        (f"  started {clock.started or 'never'}, worked {format_duration(clock.seconds)}", "dim"),
    )
    if state.provenance.environment:
        yield ((f"  in {state.provenance.environment}", "dim"),)
    if status in ("killed", "interrupted", "stopped"):
        go_on = format_command("vtspec", "run", run.name, "--resume")
        yield ((f"  go on with: {go_on}", ""),)
