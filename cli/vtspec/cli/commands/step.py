"""`vtspec step`: one step of a plan; what a container runs."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

# Not from the package of the steps, which brings all that carries them out, even for a `--help`.
from vtspec.cli.ages import check_age, find_time
from vtspec.cli.figures import telling_figures
from vtspec.cli.runs_place import RunsPlace
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.runs.events import PRINTED_PREFIX, STEPS


@click.command()
@click.argument("name", type=click.Choice(STEPS))
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The plan, as `vtspec plan SPEC --output json` prints it.",
)
@click.option(
    "--workdir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The run's folder; every step of a run is given the same.",
)
@click.option(
    "--runs",
    type=RunsPlace(),
    help="The store of the run, s3://BUCKET/PREFIX, instead of --workdir: the steps of a run may "
    "then be on several machines.",
)
@click.option("--attempt", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint, if there is one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data that was verified."
)
@click.option(
    "--remote",
    metavar="URL",
    help="DVC remote that step data fetches from, by the data's hash alone.",
)
@click.option(
    "--prune-cache",
    metavar="AGE",
    help="Step data also removes fetched data that nothing used for so long, such as 30d.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Where a Prometheus reads figures while the step goes on; else nowhere.",
)
@click.option(
    "--print-events",
    is_flag=True,
    help="Print each line of events.jsonl, too, with 'vtspec-event ' before it.",
)
def command(
    name: str,
    plan_file: Path,
    workdir: Path | None,
    runs: Path | None,
    print_events: bool,
    **options: Any,
) -> None:
    """Carry out one step of a plan, and tell what happens in its run's events.jsonl.

    Exit codes: 0 done, 2 something to correct, 3 the step failed, 4 the world refused, 75
    interrupted: try again with --resume.
    """
    if options["remote"] is not None and name != "data":
        raise click.UsageError(f"--remote is for step data; {name} fetches none")
    age, metrics = options.pop("prune_cache"), options.pop("metrics")
    if age is not None and name != "data":
        raise click.UsageError(f"--prune-cache is for step data; {name} fetches none")
    check_age(age, "--prune-cache")
    if (workdir is None) == (runs is None):
        raise click.UsageError("one of --workdir and --runs says where the run is")
    if runs is not None and find_store(runs) is None:
        raise click.UsageError("--runs is a store, s3://BUCKET/PREFIX; --workdir is a folder")
    from vtspec.cli.views.progress import make_progress
    from vtspec.cli.views.run_result import show_outcome
    from vtspec.pipelines.execution.steps import StopSignal
    from vtspec.pipelines.operations.run import RunCallbacks
    from vtspec.pipelines.operations.step import StepOptions, load_plan, run_step

    plan = load_plan(plan_file)
    folder = None if workdir is None else workdir.absolute()
    _ensure_temporary_folder(folder or runs or Path.cwd())
    place = StepOptions(
        root=Path.cwd(),
        folder=folder,
        runs=runs,
        on_line=_print_event if print_events else None,
        **options,
    )
    progress, stop = make_progress(sys.stderr), StopSignal()
    with (
        telling_figures(metrics, progress.show_event) as hear,
        stop.handle_signals(),
        progress,
    ):
        callbacks = RunCallbacks(report=progress.show_line, on_event=hear, stop=stop)
        outcome = run_step(name, plan, place, callbacks, os.environ)
    show_outcome(outcome)
    if age is not None:
        _prune_cache(age)
    raise click.exceptions.Exit(outcome.exit_code)


def _prune_cache(age: str) -> None:
    """Free the cache of what nothing used for so long; what stands against it is only said."""
    from vtspec.pipelines.cache_folder import get_cache_folder
    from vtspec.pipelines.operations.cache_removal import prune_cache

    try:
        for gone in prune_cache(get_cache_folder(os.environ), find_time(age), ["data"]):
            click.echo(f"removed {gone.name} from the cache: not used for {age}", err=True)
    except OSError as error:
        click.echo(f"the cache was not freed of what nothing used for {age}: {error}", err=True)


def _print_event(line: bytes) -> None:
    click.echo(PRINTED_PREFIX.encode() + line, nl=False)


def _ensure_temporary_folder(workdir: Path) -> None:
    """See that there is a folder for what passes, for this process and the framework's."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        # A root that can only be read, and no /tmp mounted: where the run is is what there is.
        folder = workdir / ".tmp"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        # At the very end: what others put there they take away at theirs.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
