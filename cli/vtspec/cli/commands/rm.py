"""`vtspec rm`: runs that a person names are removed."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.completion import complete_run
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.cli.views.styled_text import Line
    from vtspec.pipelines.operations.removal import Removal
    from vtspec.pipelines.operations.runs import RunSummary
    from vtspec.pipelines.runs import Runs


@click.command()
@click.argument("names", metavar="RUN…", nargs=-1, required=True, shell_complete=complete_run)
@click.option(
    "--runs", "folder", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, or why not, and remove nothing.")
@click.option("--force", is_flag=True, help="Also runs that something needs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    names: Sequence[str], folder: Path | None, *, dry_run: bool, force: bool, yes: bool
) -> None:
    """Remove each RUN (a run's name, or the beginning of one) with its checkpoints and model.

    What needs a run is told: an experiment or a run that starts from its model, one that is
    compared with it or judged over its seed, a spec that cannot be read, events that MLflow has
    not got yet; and what it has cost, where that counts for a team's costPerMonth of this month,
    which it frees. Such a run stays without --force, one that is worked on in any case. Of a run
    of the cluster its Workflow goes too. MLflow keeps what it was sent.
    """
    from vtspec.cli.run_arguments import look_at_cluster
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.operations.removal import choose_runs, remove_runs
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Runs

    repository = find_repository(Path.cwd()).with_runs(folder)
    runs = Runs(repository.runs)
    look_at_cluster(runs, runs.list_runs())
    if not dry_run:
        # Who asks again after a kill names a run that is not there any more, and its rest is.
        remove_runs([], runs, lambda found: None)
    chosen = choose_runs(names, runs, repository)
    print_removals(chosen)
    needed = [one.found.run.name for one in chosen if one.needed_by]
    if needed and not force:
        raise Refused(
            f"{', '.join(needed)} would be missed, as is said above",
            fix=f"leave it out, or: {format_command('vtspec', 'rm', *names, '--force')}",
        )
    remove_chosen(chosen, runs, dry_run=dry_run, yes=yes)


def print_removals(removals: "Sequence[Removal]") -> None:
    """Print the runs that are to go, and of each what needs it."""
    from vtspec.cli.views.styled_text import get_table_width, print_lines

    print_lines(_format_removals(removals, get_table_width(sys.stdout)))


def remove_chosen(
    removals: "Sequence[Removal]", runs: "Runs", *, dry_run: bool, yes: bool
) -> None:
    """Ask unless `yes`, remove the runs, and say how much room that made.

    Raises `Refused` where nobody is there to be asked.
    """
    from vtspec.pipelines.formatting import format_size, pluralize
    from vtspec.pipelines.operations.removal import remove_runs

    count, size = pluralize(len(removals), "run"), sum(one.found.bytes for one in removals)
    if not confirm_removal(count, size, dry_run=dry_run, yes=yes):
        return
    gone: list[RunSummary] = []
    try:
        remove_runs(removals, runs, gone.append, lambda line: click.echo(line, err=True))
    finally:
        freed = format_size(sum(one.bytes for one in gone))
        click.echo(f"removed {pluralize(len(gone), 'run')}, {freed}")


def confirm_removal(count: str, size_bytes: int, *, dry_run: bool, yes: bool) -> bool:
    """Whether `count`, in words, is to be removed now; in a dry run it is only shown.

    Raises `Refused` where nobody is there to be asked.
    """
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.formatting import format_size

    size = format_size(size_bytes)
    if dry_run:
        click.echo(f"{count} would be removed, {size}")
        return False
    if yes:
        return True
    # What comes through a pipe is not a person's yes.
    if not sys.stdin.isatty():
        raise Refused("nobody is there to be asked", fix="add --yes to remove them")
    if not click.confirm(f"Remove {count}, {size}?"):
        raise click.exceptions.Exit(0)
    return True


def _format_removals(removals: "Sequence[Removal]", width: int | None) -> "Iterator[Line]":
    from vtspec.cli.views.styled_text import format_paragraph
    from vtspec.cli.views.table import stack_row
    from vtspec.pipelines.formatting import format_size

    rows = [
        (one.found.run.name, format_size(one.found.bytes), one.why or one.found.status)
        for one in removals
    ]
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(2)]
    widest = sum(widths) + 4 + max((len(why) for _, _, why in rows), default=0)
    for one, (name, size, why) in zip(removals, rows, strict=True):
        if width is not None and widest > width:
            yield from stack_row((name, "bold"), [(size, ""), (why, "")], width)
        else:
            yield ((f"{name:<{widths[0]}}  ", "bold"), (f"{size:>{widths[1]}}  {why}", ""))
        needs = [f"needed: {need}" for need in one.needed_by[:3]]
        if len(one.needed_by) > 3:
            needs.append(f"and by {len(one.needed_by) - 3} more")
        for need in needs:
            # Of what is no terminal each line is one thing, however long.
            yield from format_paragraph(need, width or len(need) + 2, style="yellow")
