"""`vtspec report`: write the report of a run, and show it."""

from pathlib import Path

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace


@click.command()
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--baseline",
    metavar="RUN",
    shell_complete=complete_run,
    help="Compare with this run instead of the spec's.",
)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "-o",
    "--into",
    type=click.Path(path_type=Path),
    help="Write it into this folder and not the run's, as where that is read-only.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "md", "html-path"]),
    default="text",
    help="For a terminal, the markdown itself, or only where the page is.",
)
def command(
    run: str | None, *, opens: bool, baseline: str | None, output: str, **folders: Path | None
) -> None:
    """Write and show the report of RUN; of the last run if left out.

    RUN is the run's name, the beginning of one, or an experiment's name for the last finished
    run of it as it stands. The report is written anew from the run's files: report.md,
    report.html and plots/. The exit code does not depend on the gates; see 'vtspec run
    --fail-on-gate'.
    """
    from vtspec.cli.run_arguments import find_run, look_at_cluster, open_runs
    from vtspec.pipelines.reporting import find_baseline, write_report
    from vtspec.pipelines.runs import Run

    folder = open_runs(folders["runs"])
    path = find_run(folder, run)
    look_at_cluster(folder, [Run(path)])
    against = find_run(folder, baseline) if baseline is not None else find_baseline(path)
    report = write_report(path, against, into=folders["into"])
    if output == "md":
        click.echo(report.paths[0].read_text(encoding="utf-8"), nl=False)
    elif output == "html-path":
        click.echo(report.html)
    else:
        import sys

        from vtspec.cli.views.report import format_report
        from vtspec.cli.views.styled_text import get_terminal_width, print_lines

        print_lines(format_report(report.facts, get_terminal_width(sys.stdout)))
        click.echo(f"\n{report.html}")
    if opens:
        _open_page(report.html)


def _open_page(page: Path) -> None:
    import webbrowser

    from vtspec.pipelines.errors import Permanent

    if not webbrowser.open(page.resolve().as_uri()):
        raise Permanent("no browser could be started here", fix=f"open {page} in one yourself")
