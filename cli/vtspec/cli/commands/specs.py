"""`vtspec specs`: the experiments and datasets that there are."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.runs_place import RunsPlace

if TYPE_CHECKING:
    from vtspec.pipelines.operations.specs import ListedExperiment
    from vtspec.pipelines.project.repository import Repository


@click.group("specs")
def command() -> None:
    """List the experiments and datasets that there are."""


@command.command("list")
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_command(runs: Path | None, output: Literal["table", "json"]) -> None:
    """List the experiments, each with its last run; and the datasets.

    A spec with errors is listed too. Other commands take an experiment by the name shown here.
    """
    from vtspec.cli.commands.datasets import print_datasets, serialize_dataset
    from vtspec.pipelines.operations.specs import list_datasets, list_experiments
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(Path.cwd()).with_runs(runs)
    experiments, datasets = list_experiments(repository), list_datasets(repository)
    if output == "json":
        rows = {
            "experiments": [_serialize(one, repository) for one in experiments],
            "datasets": [serialize_dataset(one, repository) for one in datasets],
        }
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if experiments:
        _print_experiments(experiments, repository)
        click.echo()
    print_datasets(datasets, repository)


def _print_experiments(experiments: "list[ListedExperiment]", repository: "Repository") -> None:
    from vtspec.cli.views.run_status import STATUS_STYLES, format_figure
    from vtspec.cli.views.styled_text import get_table_width, print_lines
    from vtspec.cli.views.table import format_table

    rows = []
    for one in experiments:
        file = repository.format_path(one.file)
        if one.data is None:
            validate = format_command("vtspec", "validate", file)
            rows.append((one.name, "has errors", validate, "", "", "", file))
            continue
        last = one.last
        rows.append(
            (
                one.name,
                one.get_text("model", "name") or "",
                one.get_text("dataset", "ref") or "",
                str(one.runs or ""),
                "" if last is None else last.status,
                "" if last is None else format_figure(last),
                file,
            )
        )
    heads = ("experiment", "model", "dataset", "runs", "last run", "result", "file")
    print_lines(
        format_table(
            heads,
            rows,
            lambda n, cell: STATUS_STYLES.get(cell, "") if n == 4 else "",
            width=get_table_width(sys.stdout),
        )
    )


def _serialize(one: "ListedExperiment", repository: "Repository") -> dict[str, object]:
    last = one.last
    return {
        "name": one.name,
        "file": repository.format_path(one.file),
        "sound": one.data is not None,
        "task": one.get_text("task"),
        "model": one.get_text("model", "name"),
        "dataset": one.get_text("dataset", "ref"),
        "baseline": one.get_text("report", "baseline"),
        "schedule": None
        if one.get_text("schedule", "cron") is None
        else {
            "cron": one.get_text("schedule", "cron"),
            "timeZone": one.get_text("schedule", "timeZone") or "UTC",
        },
        "runs": one.runs,
        "lastRun": None
        if last is None
        else {
            "run": last.run.name,
            "status": last.status,
            "overrides": list(last.overrides),
            "result": None if last.result is None else dict([last.result]),
        },
    }
