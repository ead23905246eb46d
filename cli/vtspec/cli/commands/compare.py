"""`vtspec compare`: two runs side by side."""

from pathlib import Path

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace


@click.command()
@click.argument("before", metavar="RUN", shell_complete=complete_run)
@click.argument("after", metavar="RUN", shell_complete=complete_run)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "md"]),
    default="text",
    help="For a terminal, for programs, or for a comment.",
)
def command(before: str, after: str, runs: Path | None, output: str) -> None:
    """Hold the second RUN against the first: figures, plan, classes, times.

    RUN is a run's name, the beginning of one, or an experiment's name for the last finished run
    of it as it stands.
    """
    from vtspec.cli.run_arguments import find_run, open_runs
    from vtspec.pipelines.reporting import read_facts
    from vtspec.pipelines.reporting.run_comparison import build_comparison, render_comparison

    folder = open_runs(runs)
    old = find_run(folder, before)
    facts = read_facts(find_run(folder, after), old)
    if output == "json":
        import json

        click.echo(json.dumps(build_comparison(facts), indent=2, ensure_ascii=False))
    elif output == "md":
        click.echo(render_comparison(facts), nl=False)
    else:
        import sys

        from vtspec.cli.views.report import format_comparison
        from vtspec.cli.views.styled_text import get_terminal_width, print_lines

        print_lines(format_comparison(facts, get_terminal_width(sys.stdout)))
