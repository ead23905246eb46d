"""What `run` and `apply` share: their options, the plan that they mean, and how it is shown."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.adapters.shell_command import format_command

if TYPE_CHECKING:
    from vtspec.pipelines.execution.environment import EnvironmentMode
    from vtspec.pipelines.execution.local import SmokeResult
    from vtspec.pipelines.execution.steps import Outcome
    from vtspec.pipelines.operations.plan import PlannedRun
    from vtspec.pipelines.operations.run import Backend

Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What a person may say beside the spec."""

    sets: tuple[str, ...] = ()
    resume: bool = False
    again: bool = False
    smoke: bool = False
    runs: Path | None = None
    results: Path | None = None
    tracking: bool = True
    fail_on_gate: bool = False
    backend: "Backend | None" = None
    environment: "EnvironmentMode" = "auto"
    plan: Path | None = None

    def format_command(self, spec: str | None) -> str:
        """Join the command that carries the plan out again, without `--resume` and `--again`."""
        tracking = [] if self.tracking else ["--no-tracking"]
        words = [spec] if spec is not None else ["--plan", str(self.plan)]
        return join_command(["vtspec", "run", *words], self.sets, self.runs, tracking)


def join_command(
    words: Sequence[str], sets: Sequence[str], runs: Path | None, more: Sequence[str] = ()
) -> str:
    """Join a command with the options that decide its plan, quoted for a shell."""
    overrides = [part for one in sets for part in ("--set", one)]
    folder = [] if runs is None else ["--runs", str(runs)]
    return format_command(*words, *overrides, *folder, *more)


def add_run_options(function: Function) -> Function:
    """Give a command the options that `run` and `apply` share."""
    options = (
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="PATH=VALUE",
            help="Run with another value, as in --set training.epochs=1; may be repeated.",
        ),
        click.option(
            "--plan",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Run the plan in this file, such as a run's plan.json, instead of a SPEC's.",
        ),
        click.option("--resume", is_flag=True, help="Go on where the last attempt was cut short."),
        click.option("--again", is_flag=True, help="Make a new attempt, whatever there is."),
        click.option(
            "--smoke", is_flag=True, help="One batch through every step; nothing is kept."
        ),
        click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs."),
        click.option(
            "--results",
            type=click.Path(path_type=Path),
            help="Also write metrics and plot data there, as DVC compares them.",
        ),
        click.option("--no-tracking", "tracking", is_flag=True, default=True, flag_value=False),
        click.option("--fail-on-gate", is_flag=True, help="Exit with 3 where a gate is missed."),
        click.option(
            "--backend",
            type=click.Choice(["process", "container", "argo"]),
            help="Where it is carried out; process, which is this machine, if left out.",
        ),
        click.option(
            "--environment",
            type=click.Choice(["auto", "current", "made"]),
            default="auto",
            show_default=True,
            help="The framework's Python: this one, one that uv makes, or whichever fits.",
        ),
    )
    # As decorators do, the last one applied comes first in `--help`.
    for option in reversed(options):
        function = option(function)
    return function


def plan_named_spec(spec: str | None, options: CommandOptions) -> "PlannedRun":
    """Plan the spec; the name of a run, or `--plan`, stands for a plan that was made before.

    Raises `SpecError`, `Refused`, `Permanent` or `Temporary` as planning does.
    """
    from vtspec.pipelines.operations.plan import find_planned_run, open_plan, plan_spec
    from vtspec.pipelines.project.repository import find_repository, open_spec
    from vtspec.pipelines.runs import is_run_name

    if (spec is None) == (options.plan is None):
        raise click.UsageError("name either a SPEC or a plan's file: --plan FILE")
    found = None
    if options.plan is not None:
        found = open_plan(options.plan, find_repository(Path.cwd()).with_runs(options.runs))
    elif spec is not None and is_run_name(spec):
        # Its own plan: the spec may have been edited since, and would be another plan now.
        here = find_repository(Path.cwd()).with_runs(options.runs)
        found = find_planned_run(spec, here, going_on=options.resume)
    if found is not None and options.sets:
        raise click.UsageError("--set would make it another plan: name the spec instead")
    if found is not None:
        return found
    assert spec is not None
    repository, path = open_spec(spec, Path.cwd())
    return plan_spec(path, repository.with_runs(options.runs), options.sets)


def carry_out(
    spec: str | None,
    options: CommandOptions,
    found: "PlannedRun",
    confirm: Callable[[], None] | None = None,
) -> int:
    """Carry the plan out on this machine, show it, and return the exit code.

    `confirm` is called where something would be begun, and raises where it may not be.
    """
    from vtspec.cli.views.progress import make_progress
    from vtspec.cli.views.run_result import show_result
    from vtspec.pipelines.execution.steps import StopSignal
    from vtspec.pipelines.operations import run

    # On standard error, so that standard output has the result alone.
    stop, progress = StopSignal(), make_progress(sys.stderr)
    callbacks = run.RunCallbacks(
        report=progress.show_line, on_event=progress.show_event, stop=stop
    )
    request = run.RunRequest(
        planned=found,
        command=options.format_command(spec),
        resume=options.resume,
        again=options.again,
        tracking=options.tracking,
        backend=options.backend,
        environment=options.environment,
    )
    # A smoke run looks at no earlier attempt, so it always begins something. The question comes
    # before signals are taken over: a Ctrl-C at it has no run to stop, and ends vtspec.
    if confirm and (options.smoke or run.would_begin_run(request, callbacks, os.environ)):
        confirm()
    if options.smoke:
        with stop.handle_signals(), progress:
            smoked = run.try_plan(request, callbacks, os.environ)
        return show_smoke(smoked)
    with stop.handle_signals(), progress:
        result = run.run_plan(request, callbacks, os.environ)
    return show_result(result, found, options)


def show_smoke(smoked: "SmokeResult") -> int:
    """Show how the steps went with one batch and return the exit code that says so."""
    from vtspec.pipelines.formatting import format_duration

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
