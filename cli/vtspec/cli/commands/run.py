"""`vtspec run`: carry a spec out, on this machine or on the cluster."""

from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_plan
from vtspec.cli.run_options import CommandOptions, add_run_options
from vtspec.cli.run_session import carry_out, plan_named_spec, settle_backend

if TYPE_CHECKING:
    from vtspec.pipelines.planning.plan_model import Plan


@click.command()
@click.argument("spec", required=False, shell_complete=complete_plan)
@add_run_options
def command(spec: str | None, **options: Any) -> None:
    """Carry SPEC (a path, or the name of an experiment) out, here or on the cluster.

    The name of a run stands for the very plan that it has; --plan takes one from a file.

    The steps are data, train, evaluate, export and report. A plan that has been carried out is
    not run again: its result is shown, unless --again is given, and what is asked for otherwise
    (gates, exports, registration, baseline) is made of it. Ctrl-C and SIGTERM make training
    write a checkpoint; --resume goes on from it. A second run of a plan that is being carried
    out looks on at the first.

    Exit codes: 0 done, 2 something to correct, 3 the run failed or (--fail-on-gate) a gate was
    missed, 4 the world refused, 75 interrupted: resume it.
    """
    raise click.exceptions.Exit(run_spec(spec, CommandOptions(**options)))


def run_spec(spec: str | None, chosen: CommandOptions) -> int:
    """Plan the spec, say so in a line, carry it out, show it, and return the exit code."""
    found = plan_named_spec(spec, chosen)
    chosen = settle_backend(chosen, found)
    summary = format_summary(found.made, len(found.others))
    # What is estimated is work: nobody knows how long others keep the GPUs.
    waits = ", beside what its pods wait for" if chosen.backend == "argo" else ""
    click.echo(f"{summary}{waits}", err=True)
    for warning in found.made.warnings:
        click.echo(f"warning: {warning}", err=True)
    return carry_out(spec, chosen, found)


def format_summary(made: "Plan", others: int = 0) -> str:
    """Say on one line what the plan trains, and for how long, and how many `others` there are."""
    from vtspec.pipelines.formatting import format_duration, format_range, pluralize

    epochs = made.training.epochs
    parts = [
        f"{made.id}: {made.model.name} ({made.framework.name}) on {made.dataset.name}",
        pluralize(epochs, "epoch"),
    ]
    guess = made.estimate
    if guess.whole_seconds is not None:
        parts.append(f"about {format_duration(guess.whole_seconds, 'rough')}")
    if guess.whole_range is not None:
        parts[-1] += f" ({format_range(*guess.whole_range)})"
    if others:
        parts.append(f"and {pluralize(others, 'more plan')} for the other seeds")
    return ", ".join(parts)
