"""`vtspec plan`: what would run, on what, for how long, and what differs; nothing is done."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vtspec.cli.completion import complete_override, complete_spec
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.pipelines.planning.prior_runs import PriorRuns


@click.command()
@click.argument("spec", shell_complete=complete_spec)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people, or the plan itself.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    shell_complete=complete_override,
    help="Plan with another value, as in --set training.epochs=1; may be repeated.",
)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
def command(spec: str, output: str, sets: tuple[str, ...], runs: Path | None) -> None:
    """Show what SPEC (a path, or the name of an experiment) would run.

    Every value is shown with where it came from: the spec, a default, the dataset, the model,
    vtspec.yaml, or --set. Differences from the baseline and from the last run are marked 'new
    run' (they decide the result), 'same run' (they do not) or 'cosmetic'.
    """
    from vtspec.pipelines.operations.plan import open_experiment, plan_spec
    from vtspec.pipelines.operations.render import find_renewal_caution
    from vtspec.pipelines.operations.run import find_refusal, find_tracking_problem

    repository, path = open_experiment(spec, Path.cwd(), runs)
    planned = plan_spec(path, repository, sets)
    caution = find_renewal_caution(planned.made, repository)
    schedule = None
    if planned.schedule is not None:
        from vtspec.cli.views.schedule import describe_schedule

        schedule = describe_schedule(planned.schedule, spec)
    if output == "json":
        import json

        # A run would refuse it; told here, before anybody waits for one.
        problem = find_tracking_problem(planned.repository, os.environ)
        if problem is not None:
            click.echo(f"warning: {problem}", err=True)
        if caution is not None:
            click.echo(f"warning: {caution}", err=True)
        if planned.others:
            names = ", ".join(plan.id for plan in planned.others)
            click.echo(f"the plan of the first seed; run carries out {names} too", err=True)
        if schedule is not None:
            click.echo(schedule, err=True)
        click.echo(json.dumps(planned.made.to_json(), indent=2, ensure_ascii=False))
        return
    import sys

    from vtspec.cli.run_options import join_command
    from vtspec.cli.views.plan import PlaceNotes, format_plan, format_refusal
    from vtspec.cli.views.styled_text import format_paragraph, get_terminal_width, print_lines
    from vtspec.pipelines.operations.frameworks import (
        Wish,
        describe_environment,
        resolve_backend,
    )
    from vtspec.pipelines.planning.prior_runs import find_prior_runs

    found = find_prior_runs(planned.made, planned.repository, others=planned.others)
    apply = join_command(["vtspec", "apply", spec, *_choose_attempt(found)], sets, runs)
    backend = resolve_backend(None, os.environ, planned.repository)
    wish = Wish.of(planned.repository, backend)
    environment = (
        None
        if backend == "argo"
        else describe_environment(planned.made.framework.name, os.environ, wish)
    )
    refusal = find_refusal(planned, os.environ)
    width = get_terminal_width(sys.stdout)
    place = PlaceNotes(environment=environment, caution=caution)
    print_lines(format_plan(planned.made, found, width, None if refusal else apply, place))
    if refusal is not None:
        print_lines(format_refusal(refusal, width))
    if schedule is not None:
        print_lines([(), *format_paragraph(schedule, width)])


def _choose_attempt(found: "PriorRuns") -> list[str]:
    """The option without which `apply` would refuse, or only show the result that there is."""
    every = found.seeds or (found,)
    if any(one.runs_as == "cut short" for one in every):
        return ["--resume"]
    is_done = all(one.runs_as == "done" and one.update is None for one in every)
    return ["--again"] if is_done else []
