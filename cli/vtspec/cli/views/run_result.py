"""The end of a run for people: the first words of its report, and where things are."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.run_options import CommandOptions, join_command
from vtspec.pipelines.cache_folder import find_store
from vtspec.pipelines.formatting import format_duration, pluralize
from vtspec.pipelines.operations.plan import PlannedRun
from vtspec.pipelines.operations.run import get_tracking_uri
from vtspec.pipelines.runs import Run

from .report import format_result
from .styled_text import Line, get_terminal_width, print_lines

if TYPE_CHECKING:
    from vtspec.pipelines.execution.local import RunResult, SmokeResult
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.operations.seeds import SeedsResult
    from vtspec.pipelines.tracking import SyncResult

_MISSED_GATE: Final = 3


def show_results(
    done: "SeedsResult", found: PlannedRun, options: CommandOptions, spec: str | None
) -> int:
    """Show how the run, or the runs of all seeds, ended and return the exit code that says so.

    Of several that succeeded the first is shown, whose figures are those of all.
    """
    from vtspec.pipelines.execution.steps import EXIT_CODES

    others = [one for one in done.results if one.outcome is None or not one.outcome.is_good]
    if not done.left and not others:
        for result in done.results[1:]:
            for line in format_unsent(result.run, result.shipped):
                click.echo(f"MLflow   {result.run.name}: {line}", err=True)
        return _show_result(done.results[0], found, options)
    # Looking on at one is no failure, but those that are left are still to come.
    code = EXIT_CODES["stopped"] if done.left else 0
    for result in others:
        code = _show_result(result, found, options) or code
    if done.left:
        _show_left(done, options, spec)
    return code


def _show_left(done: "SeedsResult", options: CommandOptions, spec: str | None) -> None:
    seeds = ", ".join(str(plan.training.seed) for plan in done.left)
    whole = len(done.results) + len(done.left)
    were = "was" if len(done.left) == 1 else "were"
    click.echo(f"{len(done.left)} of {whole} seeds {were} not begun: {seeds}", err=True)
    go_on = f"{options.format_command(spec)} --resume"
    if not options.again:
        click.echo(f"  fix: go on with all of them: {go_on}", err=True)
        return
    # What they had before is there, and `--resume` alone would show that.
    click.echo(f"  fix: {go_on}; then those that are to be made again:", err=True)
    tracking = [] if options.tracking else ["--no-tracking"]
    for plan in done.left:
        words = ["vtspec", "run", plan.id, "--again"]
        click.echo(f"       {join_command(words, (), options.runs, tracking)}", err=True)


def _show_result(result: "RunResult", found: PlannedRun, options: CommandOptions) -> int:
    from vtspec.pipelines.reporting import find_baseline, read_facts

    run, outcome = result.run, result.outcome
    # Another process carries the run out, and somebody stopped looking on: that is no failure.
    if outcome is None:
        again = format_command("vtspec", "logs", run.name, "-f")
        click.echo(f"{run.name} goes on; look again with: {again}", err=True)
        if run.read_workflow() is not None:
            stop = format_command("vtspec", "stop", run.name)
            click.echo(f"it is the cluster's, which stops it with: {stop}", err=True)
        return 0
    if not outcome.is_good:
        show_failure(run, outcome)
        for line in format_unsent(run, result.shipped):
            click.echo(f"MLflow   {line}", err=True)
        return outcome.exit_code
    facts = read_facts(run.path, find_baseline(run.path))
    print_lines(
        (
            (),
            *format_result(facts, get_terminal_width(sys.stdout)),
            *_format_locations(result, found, options),
        )
    )
    # Also of a run that is only shown: DVC removes a stage's outputs before it calls us.
    if options.results is not None:
        from vtspec.pipelines.reporting.dvc_metrics import write_results

        write_results(run.path, options.results)
    return _MISSED_GATE if options.fail_on_gate and facts.verdict.missed else 0


def show_failure(run: Run, outcome: "Outcome") -> None:
    """Say why the run did not succeed, and what to type."""
    told = f": {outcome.message}" if outcome.message else ""
    click.echo(f"{run.name} {outcome.ending}{told}", err=True)
    if outcome.fix:
        click.echo(f"  fix: {outcome.fix}", err=True)


def _format_locations(
    result: "RunResult", found: PlannedRun, options: CommandOptions
) -> Iterator[Line]:
    yield ()
    for name, told in _iter_locations(result, found, options):
        yield ((f"{name:<9}", "bold"), (told, ""))


def _iter_locations(
    result: "RunResult", found: PlannedRun, options: CommandOptions
) -> Iterator[tuple[str, str]]:
    from vtspec.pipelines.tracking import describe_registration

    folder = result.run.path
    report = next(
        (folder / name for name in ("report.html", "report.md") if (folder / name).is_file()), None
    )
    if report is not None:
        yield "report", format_path(report)
    for model in result.state.exports.values():
        yield "model", _format_model(result.run, model.path)
    told = describe_registration(result.run)
    registration = [told] if told is not None else []
    if not options.tracking:
        yield from (("MLflow", line) for line in registration)
        return
    address = get_tracking_uri(found.repository, os.environ)
    # A server has a page at its address; of a file MLflow has to show one first.
    is_page = address.uri.startswith(("http://", "https://"))
    show = format_command("mlflow", "ui", "--backend-store-uri", address.uri)
    yield "MLflow", address.uri if is_page else show
    yield from (("", line) for line in format_unsent(result.run, result.shipped))
    yield from (("", line) for line in registration)


def _format_model(run: Run, path: str) -> str:
    """Where the model is: here, or in the store alone, until somebody asks it something."""
    store = find_store(run.path.parent)
    if store is not None and not (run.path / path).exists():
        return f"{store}/{run.name}/{path}"
    return format_path(run.path / path)


def format_unsent(run: Run, shipped: "SyncResult | None") -> Iterator[str]:
    """What has not arrived in MLflow, why, and what sends it; nothing where all has."""
    if shipped is None or not shipped.left:
        return
    why = f": {shipped.reason}" if shipped.reason else ""
    from vtspec.pipelines.tracking import format_sync

    events = pluralize(shipped.left, "event has", "events have")
    yield f"{events} not arrived there{why}"
    yield f"fix: {shipped.fix}" if shipped.fix else f"send them with: {format_sync(run)}"


def format_path(path: Path) -> str:
    """The path as a person who stands here would type it."""
    relative = os.path.relpath(path)
    # `../../..` is harder to read than where it leads.
    return str(path) if relative.startswith("..") else relative


def show_smoke(smoked: "SmokeResult") -> int:
    """Show how the steps went with one batch and return the exit code that says so."""
    outcome = smoked.outcome
    if outcome.is_good:
        click.echo(
            f"every step works on one batch, in {format_duration(smoked.seconds)}; nothing is kept"
        )
        return 0
    show_outcome(outcome)
    click.echo(f"what it left is in {smoked.folder}", err=True)
    return outcome.exit_code


def show_outcome(outcome: "Outcome") -> None:
    """Say on standard error why a step did not succeed, and what to type; nothing where it did."""
    if outcome.message:
        click.echo(outcome.message, err=True)
    if outcome.fix:
        click.echo(f"  fix: {outcome.fix}", err=True)
