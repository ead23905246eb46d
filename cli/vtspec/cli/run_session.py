"""What `run` and `apply` do: the plan that a person means, carried out and shown."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .figures import telling_figures
from .run_options import CommandOptions

if TYPE_CHECKING:
    from vtspec.cli.views.progress import RunProgress
    from vtspec.pipelines.operations.plan import PlannedRun
    from vtspec.pipelines.operations.run import RunCallbacks, RunRequest
    from vtspec.pipelines.operations.seeds import SeedsResult


def plan_named_spec(spec: str | None, options: CommandOptions) -> "PlannedRun":
    """Plan the spec; the name of a run, or `--plan`, stands for a plan that was made before.

    Raises `SpecError`, `Refused`, `Permanent` or `Temporary` as planning does.
    """
    from vtspec.pipelines.operations.plan import (
        find_planned_run,
        open_plan,
        plan_spec,
        refuse_completion,
    )
    from vtspec.pipelines.project.repository import find_repository, open_spec
    from vtspec.pipelines.runs import is_completion_name, is_run_name

    _check_options(options)
    if (spec is None) == (options.plan is None):
        raise click.UsageError(
            "name either a SPEC or a plan's file\n  fix: one of SPEC and --plan FILE"
        )
    found = None
    if options.plan is not None:
        found = open_plan(options.plan, find_repository(Path.cwd()).with_runs(options.runs))
    elif spec is not None and is_run_name(spec):
        # Its own plan: the spec may have been edited since, and would be another plan now.
        here = find_repository(Path.cwd()).with_runs(options.runs)
        found = find_planned_run(spec, here, going_on=options.resume)
    if found is not None and options.sets:
        raise click.UsageError("--set would make it another plan\n  fix: name the spec instead")
    if found is not None:
        return found
    assert spec is not None
    if is_completion_name(spec):
        refuse_completion(spec, find_repository(Path.cwd()).with_runs(options.runs))
    repository, path = open_spec(spec, Path.cwd())
    return plan_spec(path, repository.with_runs(options.runs), options.sets)


def settle_backend(options: CommandOptions, found: "PlannedRun") -> CommandOptions:
    """The options with the backend that they name, or the machine, or the repository of the plan;
    refused what then has no effect."""
    from vtspec.pipelines.operations.frameworks import Wish, resolve_backend

    backend = resolve_backend(options.backend, os.environ, found.repository)
    settled = replace(options, backend=backend)
    _check_options(settled)
    # Which refuses what the two are together, before anything is shown or begun.
    Wish.of(found.repository, backend, options.environment)
    return settled


def carry_out(
    spec: str | None,
    options: CommandOptions,
    found: "PlannedRun",
    confirm: Callable[[], None] | None = None,
) -> int:
    """Carry the plan out here or on the cluster, show it, and return the exit code.

    `confirm` is called where something would be begun, and raises where it may not be.
    """
    from vtspec.cli.views.progress import make_progress
    from vtspec.cli.views.run_result import show_results, show_smoke
    from vtspec.pipelines.execution.steps import StopSignal
    from vtspec.pipelines.operations import run, seeds

    _check_seeds(found, options)
    if options.backend == "argo":
        _check_cluster_options(options)
    if spec is not None and found.schedule is not None:
        from vtspec.cli.views.schedule import describe_schedule

        click.echo(describe_schedule(found.schedule, spec), err=True)
    # On standard error, so that standard output has the result alone.
    stop, progress = StopSignal(), make_progress(sys.stderr)
    request = run.RunRequest(
        planned=found,
        command=options.format_command(spec),
        run=spec,
        resume=options.resume,
        again=options.again,
        tracking=options.tracking,
        backend=options.backend,
        environment=options.environment,
        queue=options.queue,
    )
    is_elsewhere = options.backend == "argo"
    with telling_figures(options.metrics, progress.show_event, is_elsewhere=is_elsewhere) as hear:
        callbacks = run.RunCallbacks(report=progress.show_line, on_event=hear, stop=stop)
        if is_elsewhere:
            done = _carry_out_on_cluster(request, callbacks, confirm, progress)
            return show_results(done, found, options, spec)
        # A smoke run looks at no earlier attempt, so it always begins something. The question
        # comes before signals are taken over: a Ctrl-C at it has no run to stop, and ends vtspec.
        if confirm and (options.smoke or run.would_begin_run(request, callbacks, os.environ)):
            confirm()
        if options.smoke:
            with stop.handle_signals(), progress:
                smoked = run.try_plan(request, callbacks, os.environ)
            return show_smoke(smoked)
        with stop.handle_signals(), progress:
            done = seeds.run_seeds(request, callbacks, os.environ)
        return show_results(done, found, options, spec)


def _carry_out_on_cluster(
    request: "RunRequest",
    callbacks: "RunCallbacks",
    confirm: Callable[[], None] | None,
    progress: "RunProgress",
) -> "SeedsResult":
    from vtspec.pipelines.controller.submitted_costs import SubmittedCosts
    from vtspec.pipelines.operations.cluster_runner import ClusterRequest
    from vtspec.pipelines.operations.cluster_runs import (
        run_on_cluster,
        would_begin_on_cluster,
    )

    limits = SubmittedCosts(repository=request.planned.repository)
    asked = ClusterRequest(request=request, limits=limits)
    if confirm and would_begin_on_cluster(asked, os.environ):
        confirm()
    # A Ctrl-C ends the looking, and not the run, which is the cluster's.
    with callbacks.stop.handle_signals(), progress:
        return run_on_cluster(asked, callbacks, os.environ)


def _check_options(options: CommandOptions) -> None:
    """Refuse what has no effect beside another option."""
    if options.resume and options.again:
        raise click.UsageError(
            "--resume goes on with the last attempt, and --again makes a new one"
            "\n  fix: leave one out"
        )
    if options.queue and options.backend == "argo":
        raise click.UsageError(
            "--queue is this machine's; a cluster has queues of its own\n  fix: leave --queue out"
        )
    if options.smoke:
        without_effect = {
            "--resume": options.resume,
            "--again": options.again,
            "--results": options.results is not None,
            "--queue": options.queue,
            "--fail-on-gate": options.fail_on_gate,
        }
        named = " ".join(name for name, given in without_effect.items() if given)
        if named:
            raise click.UsageError(
                f"--smoke tries one batch at once, and keeps and judges nothing"
                f"\n  fix: leave {named} out"
            )


def _check_cluster_options(options: CommandOptions) -> None:
    """Refuse what has no effect on a cluster."""
    if options.smoke:
        raise click.UsageError("--smoke tries one batch on this machine\n  fix: --backend process")
    if options.environment != "auto":
        raise click.UsageError(
            "--environment is of this machine, and pods have that of their image"
            "\n  fix: leave it out"
        )


def _check_seeds(found: "PlannedRun", options: CommandOptions) -> None:
    """Say what is done with one plan of several that belong together, or refuse it."""
    made, count = found.made, len(found.plans)
    if count > 1 and options.results is not None:
        raise click.UsageError(
            f"--results are the figures of one run, and report.seeds asks for {count}"
            "\n  fix: leave one of the two out (--set report.seeds=null)"
        )
    if count > 1 and options.smoke:
        words = f"seed {made.training.seed} is tried, for all {count}: they differ in nothing else"
        click.echo(words, err=True)
    elif made.report.seeds and count == 1:
        names = ", ".join(map(str, made.report.seeds))
        click.echo(f"seed {made.training.seed} alone, of {names} (report.seeds)", err=True)
