"""`vtspec predict`: ask a run's model about images."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vtspec.cli.views.styled_text import Line

_NAME_WIDTH = 60


@click.command()
@click.argument("run")
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--runs", type=click.Path(path_type=Path), help="Folder of the runs.")
@click.option(
    "--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes shown."
)
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="A table, or one JSON object a line with every class's score.",
)
def command(run: str, images: tuple[Path, ...], runs: Path | None, top: int, output: str) -> None:
    """Ask RUN's model about images; of a folder, about every image in it.

    RUN is the run's name, the beginning of one, or an experiment's name for its last run. The
    best checkpoint answers, and images go through what val images went through in training.
    """
    from vtspec.cli.run_arguments import find_run, open_runs
    from vtspec.pipelines.operations.predict import expand_images, predict_images
    from vtspec.pipelines.runs import Run

    # Before the run is opened: a path that is not there should not cost loading a model.
    asked = expand_images(images)
    found = Run(find_run(open_runs(runs), run))
    results = predict_images(found, asked, os.environ, lambda line: click.echo(line, err=True))
    if output == "json":
        for result in results:
            click.echo(json.dumps(result, ensure_ascii=False))
        return
    from vtspec.cli.views.styled_text import print_lines

    print_lines(format_predictions(results, asked, top))


def format_predictions(
    results: Iterable[Mapping[str, object]], asked: Sequence[Path], top: int
) -> Iterator["Line"]:
    """A row an image, as its answer comes: the name, then the likeliest classes with scores."""
    from vtspec.cli.views.styled_text import count_cells, pad_text
    from vtspec.pipelines.runs.json_values import to_numbers

    # Of all names beforehand, so that each row can be printed when its answer comes.
    names = [_format_name(path) for path in asked]
    width = max(count_cells(name) for name in names)
    for name, result in zip(names, results, strict=True):
        ranked = sorted(to_numbers(result.get("scores")).items(), key=lambda pair: -pair[1])[:top]
        first, *others = [f"{_escape_text(label)} {score:.3f}" for label, score in ranked]
        rest = "  ".join(others)
        yield ((f"{pad_text(name, width)}  ", ""), (first, "bold"), (f"  {rest}", "dim"))


def _format_name(path: Path) -> str:
    shown = _escape_text(str(path))
    # The end is kept: images of one folder differ there.
    return shown if len(shown) <= _NAME_WIDTH else f"…{shown[1 - _NAME_WIDTH :]}"


def _escape_text(text: str) -> str:
    from vtspec.pipelines.reporting.escape import make_visible

    # A file's name must not move the cursor or change the colours of a terminal.
    return make_visible(text)
