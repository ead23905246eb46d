"""`vtspec render`: a spec as the Kubernetes objects that carry it out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_override, complete_spec
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.schema.kinds.experiment import Schedule


@click.command()
@click.argument("spec", required=False, shell_complete=complete_spec)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    shell_complete=complete_override,
    help="Plan with another value, as in --set training.epochs=1; may be repeated.",
)
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which attempt of the plan; a second one is another run.",
)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option("--author", help="Who asks, where no folder decides the team; git's user.email.")
@click.option("--semaphores", is_flag=True, help="The queues of a cluster without Kueue instead.")
def command(spec: str | None, semaphores: bool, **options: Any) -> None:
    """Print what carries SPEC (a path, or the name of an experiment) out on the cluster.

    YAML for kubectl, Argo CD or Flux: the plan as a ConfigMap, and its Workflow, or its
    CronWorkflow where the spec has a schedule (--set schedule=null leaves that out). Nothing is
    sent anywhere; the data's remote is asked whether it has the data. vtspec.yaml says of the
    cluster; with --semaphores and no SPEC, its queues are printed, for the operator to apply.
    """
    from vtspec.cli.views.manifests import format_manifests

    if semaphores and spec is not None:
        raise click.UsageError("--semaphores are the cluster's, and of no SPEC")
    documents = _render_queues() if semaphores else _render_spec(spec, **options)
    click.echo(format_manifests(documents), nl=False)


def _render_spec(
    spec: str | None, sets: tuple[str, ...], attempt: int, runs: Path | None, author: str | None
) -> list[Any]:
    from vtspec.pipelines.operations.plan import open_experiment
    from vtspec.pipelines.operations.render import render_spec

    if spec is None:
        raise click.UsageError("Missing argument 'SPEC'.")
    repository, path = open_experiment(spec, Path.cwd(), runs)
    found = render_spec(path, repository.with_author(author), sets, attempt=attempt)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not found.may_submit:
        click.echo(
            "warning: vtspec.yaml leaves creating runs to the controller (cluster.submit): read "
            "this, or commit it, and do not apply it by hand",
            err=True,
        )
    if found.schedule is not None:
        _tell_schedule(found.schedule, found.documents[-1]["metadata"])
    return list(found.documents)


def _tell_schedule(schedule: "Schedule", metadata: Mapping[str, Any]) -> None:
    from datetime import UTC, datetime

    from vtspec.adapters.shell_command import format_command
    from vtspec.cli.views.schedule import format_next_time

    labels = metadata["labels"]
    which = f"vtspec.dev/spec={labels['vtspec.dev/spec']},vtspec.dev/run!={metadata['name']}"
    delete = ("kubectl", "delete", "cronworkflows", "-n", metadata["namespace"], "-l", which)
    click.echo(
        f"a run at {format_next_time(schedule, datetime.now(UTC))} and at each time of the "
        "schedule after it until one has succeeded; those of the spec's earlier plans stay "
        f"until: {format_command(*delete)}",
        err=True,
    )


def _render_queues() -> list[Any]:
    from vtspec.pipelines.operations.render import render_queues
    from vtspec.pipelines.project.repository import find_repository

    return [render_queues(find_repository(Path.cwd()))]
