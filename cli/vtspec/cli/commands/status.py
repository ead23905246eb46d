"""`vtspec status`: the runs there are, or one of them in detail."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_experiment, complete_run
from vtspec.cli.runs_place import RunsPlace
from vtspec.pipelines.operations.runs import ORDERS, STATUSES

if TYPE_CHECKING:
    from vtspec.cli.views.styled_text import Line
    from vtspec.pipelines.operations.runs import RunSummary


@click.command()
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_experiment,
    help="Only runs of this spec.",
)
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only such runs."
)
@click.option("--sort", type=click.Choice(ORDERS), help="What comes last; the newest if left out.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Show at most so many, the last ones; all if left out.",
)
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)
def command(run: str | None, runs: Path | None, output: str, **chosen: Any) -> None:
    """List the runs, or show RUN: a run's name, the beginning of one, or a spec's name.

    `killed` is a run that neither ended nor has a process: `vtspec run SPEC --resume` goes on.
    Of runs on the cluster that have not ended the cluster is asked.
    What a run `took` leaves out the writing of its report. The largest, longest or best run comes
    last with --sort. --spec and --status may be repeated. After the runs comes the queue of this
    machine: who has a GPU or waits for one (`vtspec run --queue`), of whichever repository.
    """
    from vtspec.cli.run_arguments import look_at_cluster, open_runs, tell_other_completion
    from vtspec.pipelines.operations.runs import (
        RunFilter,
        RunSummary,
        list_runs,
        refuse_unknown_specs,
    )

    found = open_runs(runs)
    if run is not None:
        if any(chosen.values()):
            raise click.UsageError("--spec, --status, --sort and --limit are for the list of runs")
        one = found.find(run)
        tell_other_completion(one, run)
        workflow = look_at_cluster(found, [one]).get(one.name)
        _show_run(RunSummary(one, one.read_state(), workflow), output)
        return
    from vtspec.cli.views.queue import serialize_queue
    from vtspec.pipelines.operations.queue import list_queue

    queue = list_queue(os.environ)
    there = look_at_cluster(found, found.list_runs())
    wanted = RunFilter(specs=chosen["specs"], statuses=chosen["statuses"])
    if wanted.specs:
        from vtspec.pipelines.project.repository import find_repository

        refuse_unknown_specs(wanted.specs, found, find_repository(Path.cwd()))
    every = list_runs(found, wanted, chosen["sort"] or "started", there)
    shown = every[-(chosen["limit"] or len(every)) :]
    if output == "json":
        rows = [_serialize_run(one) for one in shown]
        told = {"total": len(every), "runs": rows, "queue": serialize_queue(queue)}
        click.echo(json.dumps(told, indent=2))
        return
    if not every and wanted == RunFilter():
        click.echo(f"no runs in {found.place} yet; begin one with: vtspec run SPEC")
    elif not every:
        click.echo(f"no such runs in {found.place}; all of them: vtspec status")
    else:
        from vtspec.cli.views.styled_text import print_lines

        print_lines(_format_table(shown))
        _print_footer(every, shown)
    if queue:
        from vtspec.cli.views.queue import format_queue
        from vtspec.cli.views.styled_text import get_terminal_width, print_lines

        print_lines(format_queue(queue, get_terminal_width(sys.stdout)))


def _print_footer(every: "Sequence[RunSummary]", shown: "Sequence[RunSummary]") -> None:
    from vtspec.pipelines.formatting import format_size, pluralize

    size = format_size(sum(one.bytes for one in every))
    click.echo(f"\n{pluralize(len(every), 'run')}, {size}")
    if len(shown) < len(every):
        click.echo(f"{len(every) - len(shown)} more; --limit {len(every)} shows all")


def _show_run(found: "RunSummary", output: str) -> None:
    if output == "json":
        click.echo(json.dumps(_serialize_details(found), indent=2))
        return
    from vtspec.cli.views.styled_text import print_lines

    print_lines(_format_run(found))


def _serialize_run(found: "RunSummary") -> dict[str, object]:
    run, state = found.run, found.state
    clock, training = state.clock, state.training
    return {
        "run": run.name,
        "spec": run.spec_name,
        "plan": run.plan_id,
        "attempt": run.attempt,
        "completion": state.completion,
        "overrides": list(found.overrides),
        **_serialize_adaptations(found),
        "status": found.status,
        "step": state.step,
        "epoch": training.epoch,
        "epochs": training.epochs,
        "best": None if training.best is None else training.best.to_row(),
        "final": dict(state.final.metrics),
        "started": clock.started,
        "updated": clock.updated,
        "seconds": clock.result_s,
        "pauses": clock.pauses,
        "bytes": found.bytes,
    }


def _serialize_details(found: "RunSummary") -> dict[str, object]:
    state = found.state
    failure = state.failure
    return {
        **_serialize_run(found),
        "folder": str(found.run.path),
        "cluster": _serialize_workflow(found),
        "steps": {
            name: {"ending": step.ending, "exit_code": step.exit_code, "seconds": step.seconds}
            for name, step in state.steps.items()
        },
        "progress": state.training.progress,
        "remainingSeconds": state.training.remaining_s,
        "finalSplit": state.final.split,
        "environment": state.provenance.environment,
        "warnings": list(state.warnings),
        "undoneUpdate": state.undone_update and state.undone_update.en,
        "failure": None if failure is None else {"message": failure.message, "fix": failure.fix},
        "artifacts": dict(state.artifacts),
        **_serialize_seeds(found),
    }


def _serialize_workflow(found: "RunSummary") -> dict[str, object] | None:
    """What the cluster says of a run that is on it; None where it was not asked."""
    if found.workflow is None:
        return None
    from vtspec.pipelines.argo.workflow_words import describe_workflow

    there = found.workflow
    place = there.place
    return {
        "phase": there.phase,
        "step": there.step,
        "wait": there.wait,
        "place": None
        if place is None
        else {
            "queue": place.queue,
            "place": place.place,
            "placeInCluster": place.place_in_cluster,
        },
        "since": None if there.since is None else there.since.isoformat(),
        "description": describe_workflow(there),
    }


def _serialize_adaptations(found: "RunSummary") -> dict[str, object]:
    told = found.state.training.adaptations
    return {"adapted": [one.message for one in told]} if told else {}


def _serialize_seeds(found: "RunSummary") -> dict[str, object]:
    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.reporting import read_facts
    from vtspec.pipelines.reporting.run_comparison import serialize_seeds

    try:
        seeds = read_facts(found.run.path).seeds
    # One damaged file must not hide what the events tell.
    except Permanent:
        return {}
    return {"seeds": serialize_seeds(seeds)} if seeds.runs else {}


def _format_table(runs: "Sequence[RunSummary]") -> Iterator["Line"]:
    from vtspec.cli.views.run_status import STATUS_STYLES
    from vtspec.cli.views.styled_text import get_table_width
    from vtspec.cli.views.table import format_table

    heads = ("run", "status", "epoch", "result", "took", "size", "started")
    rows = [_format_row(found) for found in runs]
    return format_table(
        heads,
        rows,
        lambda n, cell: STATUS_STYLES.get(cell, "") if n == 1 else "",
        width=get_table_width(sys.stdout),
    )


def _format_row(found: "RunSummary") -> tuple[str, ...]:
    from vtspec.cli.views.run_status import format_figure
    from vtspec.pipelines.formatting import format_duration, format_epoch, format_size

    run, state = found.run, found.state
    at = state.training
    epoch = f"{format_epoch(at.epoch)}/{at.epochs}" if at.epochs else ""
    return (
        run.name,
        found.status,
        epoch,
        format_figure(found),
        format_duration(state.clock.result_s),
        format_size(found.bytes),
        (state.clock.started or "")[:16].replace("T", " "),
    )


def _format_run(found: "RunSummary") -> Iterator["Line"]:
    from vtspec.cli.views.report import format_result
    from vtspec.cli.views.run_result import format_path
    from vtspec.cli.views.run_status import STATUS_STYLES
    from vtspec.cli.views.styled_text import get_terminal_width
    from vtspec.pipelines.errors import Permanent
    from vtspec.pipelines.formatting import format_duration, format_size
    from vtspec.pipelines.reporting import find_baseline, read_facts
    from vtspec.pipelines.tracking import describe_registration

    run, state, status = found.run, found.state, found.status
    yield ((run.name, "bold"), (f"  {status}", STATUS_STYLES.get(status, "")))
    yield (("", ""),)
    yield from _format_state(found)
    for name, step in state.steps.items():
        took = format_duration(step.seconds) if step.seconds is not None else ""
        ending = step.ending or ("running" if status == "running" else "cut short")
        yield (
            (f"  {name:<10}", "bold"),
            (f"{ending:<12}", STATUS_STYLES.get(ending, "")),
            (took, "dim"),
        )
    undone = (state.undone_update.en,) if state.undone_update else ()
    for warning in (*state.warnings, *undone):
        yield (("warning: ", "yellow"), (warning, ""))
    if state.failure is not None:
        yield ()
        yield ((state.failure.message, "red"),)
        if state.failure.fix:
            yield ((f"  fix: {state.failure.fix}", ""),)
    if state.final.metrics:
        # One damaged file must not hide what the events tell.
        try:
            facts = read_facts(run.path, find_baseline(run.path))
            yield ()
            yield from format_result(facts, get_terminal_width(sys.stdout))
        except Permanent as error:
            yield ((str(error), "yellow"),)
    yield ()
    registration = describe_registration(run)
    if registration is not None:
        yield (("model    ", "bold"), (registration, ""))
    yield (
        ("folder   ", "bold"),
        (format_path(run.path), ""),
        (f", {format_size(found.bytes)}", "dim"),
    )


def _format_state(found: "RunSummary") -> Iterator["Line"]:
    from vtspec.cli.views.run_status import format_resumption
    from vtspec.pipelines.argo.workflow_words import describe_workflow
    from vtspec.pipelines.formatting import format_pauses, format_work
    from vtspec.pipelines.runs.state_phrases import format_figures

    run, state, status = found.run, found.state, found.status
    if state.step == "train" and status == "running":
        yield ((f"  {format_figures(state)}", ""),)
    clock = state.clock
    worked = f"worked {format_work(clock.result_s)}{format_pauses(clock.pauses)}"
    begun = f"started {clock.started}, {worked}" if clock.started else "not begun yet"
    yield ((f"  {begun}", "dim"),)
    if state.provenance.environment:
        yield ((f"  in {state.provenance.environment}", "dim"),)
    if found.workflow is not None:
        told, *fixes = describe_workflow(found.workflow).split("\n")
        yield ((f"  on the cluster: {told}", "cyan"),)
        yield from (((f"  {fix}", ""),) for fix in fixes)
    if state.completion:
        yield ((f"  its policy is {state.completion}", "dim"),)
    if status in ("killed", "interrupted", "stopped"):
        yield ((f"  go on with: {format_resumption(run)}", ""),)
