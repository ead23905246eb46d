"""`vtspec prune`: runs that nobody needs any more are removed."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.ages import check_age, find_time
from vtspec.cli.completion import complete_experiment
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import Retention


@click.command()
@click.option(
    "--runs", "folder", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX."
)
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_experiment,
    help="Only runs of this spec.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="N",
    help="Also finished runs, but for the last N of each spec; all seeds of a result are one.",
)
@click.option(
    "--unfinished/--no-unfinished",
    default=None,
    help="Also runs that were cut short and could go on.",
)
@click.option("--older-than", metavar="AGE", help="Only runs untouched for so long: 12h, 30d.")
@click.option(
    "--caches",
    metavar="AGE",
    help="Also data, environments and weights on this machine that nothing used for so long.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    folder: Path | None, specs: tuple[str, ...], *, dry_run: bool, yes: bool, **given: Any
) -> None:
    """Remove runs that failed, and those whose plan has a later result.

    What a flag leaves open, `retention` in vtspec.yaml says. What something needs stays: as the
    baseline or the start weights of an experiment or a run, as a seed that others are judged
    with, as the model that an alias of MLflow's registry names, or since MLflow has not got all
    of it, or since a team's costPerMonth counts for this month what it has cost; and everything
    while a spec that may need it cannot be read. MLflow keeps what it was sent.
    """
    from vtspec.cli.commands.rm import print_removals, remove_chosen
    from vtspec.cli.run_arguments import look_at_cluster
    from vtspec.pipelines.operations.removal import PruneRule, choose_prunable, remove_runs
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Runs

    check_age(given["older_than"], "--older-than")
    check_age(given["caches"], "--caches")
    repository = find_repository(Path.cwd()).with_runs(folder)
    rule = _choose_rule(repository.project.spec.retention, given)
    runs = Runs(repository.runs)
    look_at_cluster(runs, runs.list_runs())
    going, needed = choose_prunable(
        PruneRule(
            specs=specs,
            keep=rule.keep,
            unfinished=rule.unfinished,
            before=None if rule.older_than is None else find_time(rule.older_than),
        ),
        runs,
        repository,
    )
    print_removals(going)
    if needed:
        click.echo("these stay, since something needs them:")
        print_removals(needed)
    if going:
        remove_chosen(going, runs, dry_run=dry_run, yes=yes)
    else:
        # What a killed removal left goes with the next one.
        if not dry_run:
            remove_runs([], runs, lambda found: None)
        click.echo("nothing to remove" if rule.caches is None else "no run to remove")
    if rule.caches is not None:
        _prune_caches(rule.caches, dry_run=dry_run, yes=yes)


def _choose_rule(retention: "Retention", given: Mapping[str, Any]) -> "Retention":
    """What the flags say, and where they are silent what `vtspec.yaml` does, which is shown."""
    said = {name: value for name, value in given.items() if value is not None}
    taken = retention.model_dump(by_alias=True, include=retention.model_fields_set - said.keys())
    if taken:
        shown = ", ".join(f"{key} {str(value).lower()}" for key, value in taken.items())
        click.echo(f"by retention of vtspec.yaml: {shown}")
    return retention.model_copy(update=said)


def _prune_caches(age: str, *, dry_run: bool, yes: bool) -> None:
    from vtspec.cli.commands.rm import confirm_removal
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.formatting import format_size, pluralize
    from vtspec.pipelines.operations.cache_removal import list_unused_entries, remove_entry

    cache = get_cache_folder(os.environ)
    found = list_unused_entries(cache, find_time(age))
    for one in found:
        since = time.strftime("%Y-%m-%d", time.localtime(one.used))
        click.echo(f"{one.name}  {format_size(one.bytes)}  not used since {since}")
    if not found:
        click.echo(f"nothing in {cache} that was not used for {age}")
        return
    count = pluralize(len(found), "entry of the cache", "entries of the cache")
    if confirm_removal(count, sum(one.bytes for one in found), dry_run=dry_run, yes=yes):
        gone = [one for one in found if remove_entry(one)]
        count = pluralize(len(gone), "entry of the cache", "entries of the cache")
        click.echo(f"removed {count}, {format_size(sum(one.bytes for one in gone))}")
