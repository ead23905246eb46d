"""`vtspec predict`: ask a run's model about images."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.output_streams import watch_output
from vtspec.cli.runs_place import RunsPlace
from vtspec.schema.visible_text import make_visible

if TYPE_CHECKING:
    from vtspec.cli.views.styled_text import Line

_NAME_WIDTH = 60


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "--top", type=click.IntRange(min=1), default=3, show_default=True, help="Classes shown."
)
@click.option(
    "--output",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="A table; or with every class's score one JSON object a line, or CSV.",
)
@click.option(
    "--backend",
    type=click.Choice(["process", "container"]),
    help="By what it answers; else as VTSPEC_BACKEND or vtspec.yaml says, else as the run's.",
)
@click.option(
    "--environment",
    type=click.Choice(["auto", "current", "made"]),
    help="The framework's Python: this one, one that uv makes, or whichever fits; the run's if "
    "left out.",
)
def command(
    run: str, images: tuple[Path, ...], runs: Path | None, *, top: int, **options: Any
) -> None:
    """Ask RUN's model about images; of a folder, about every image in it.

    RUN is the run's name, the beginning of one, or an experiment's name for the last finished
    run of it as it stands. The best checkpoint answers, and images go through what val images
    went through in training. What cannot be read or is not there is named on stderr, and the
    exit code is then 2.
    """
    from vtspec.cli.run_arguments import find_run, open_runs
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.formatting import pluralize
    from vtspec.pipelines.operations.frameworks import Wish, resolve_backend
    from vtspec.pipelines.operations.predict import predict_images
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.run_mirror import ON_DEMAND

    # Before the run is opened: where none is there, no model is loaded.
    asked, missing = _expand_paths(images)
    found = Run(find_run(open_runs(runs), run, *ON_DEMAND))
    if Path(run).name != found.name:
        click.echo(f"{found.name} answers", err=True)
    repository = find_repository(Path.cwd())
    backend = resolve_backend(options["backend"], os.environ, repository)
    results = predict_images(
        found,
        asked,
        os.environ,
        lambda line: click.echo(line, err=True),
        Wish.of(repository, backend, options["environment"]),
    )
    unreadable: list[Path] = []
    answers = _skip_unreadable(zip(asked, results, strict=True), unreadable)
    # The answers are all that it is about: where nobody reads them, nobody waits for them.
    with watch_output(_leave):
        _print_answers(answers, asked, top, options["output"])
    if bad := len(unreadable) + missing:
        raise Refused(
            f"{bad} of {pluralize(len(asked) + missing, 'image')} could not be read",
            fix="write them anew, or leave them out; the others were answered",
        )


def _expand_paths(paths: Sequence[Path]) -> tuple[list[Path], int]:
    """The images of all paths, and how many paths have none, which are told on stderr.

    Raises `Refused` where no path has any.
    """
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.operations.predict import expand_images

    found: list[Path] = []
    refusals: list[Refused] = []
    for path in paths:
        try:
            found += expand_images([path])
        except Refused as refusal:
            refusals.append(refusal)
    if not found:
        raise refusals[0]
    for each in refusals:
        click.echo(make_visible(each.message), err=True)
    return found, len(refusals)


def _leave() -> None:
    raise click.exceptions.Exit(0)


def _print_answers(
    answers: Iterable[tuple[Path, Mapping[str, object]]],
    asked: Sequence[Path],
    top: int,
    output: str,
) -> None:
    if output == "json":
        for _, result in answers:
            click.echo(json.dumps(result, ensure_ascii=False))
    elif output == "csv":
        _write_csv(result for _, result in answers)
    else:
        from vtspec.cli.views.styled_text import get_table_width, print_lines

        print_lines(format_predictions(answers, asked, top, get_table_width(sys.stdout)))


def _skip_unreadable(
    answers: Iterable[tuple[Path, Mapping[str, object]]], unreadable: list[Path]
) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The answers; images without one are told on stderr as they come, and listed."""
    for path, result in answers:
        if "error" in result:
            unreadable.append(path)
            reason = f"{path}: cannot be read: {result['error']}"
            click.echo(make_visible(reason), err=True)
        else:
            yield path, result


def _write_csv(results: Iterable[Mapping[str, object]]) -> None:
    import csv

    from vtspec.pipelines.runs.json_values import to_numbers

    table = csv.writer(sys.stdout, lineterminator="\n")
    for index, result in enumerate(results):
        scores = to_numbers(result.get("scores"))
        if not index:
            table.writerow(["image", "label", "confidence", *scores])
        row = [result.get(name) for name in ("image_path", "predicted_label", "confidence")]
        table.writerow([*row, *scores.values()])


def format_predictions(
    answers: Iterable[tuple[Path, Mapping[str, object]]],
    asked: Sequence[Path],
    top: int,
    width: int | None = None,
) -> Iterator["Line"]:
    """A row an answer, as it comes: the image, then the likeliest classes with scores.

    In a terminal of a `width` that a row may not fit, the classes stand below their image.
    """
    from vtspec.cli.views.styled_text import count_cells, pad_text
    from vtspec.cli.views.table import stack_row
    from vtspec.pipelines.runs.json_values import to_numbers

    # Of all names beforehand, so that each row can be printed when its answer comes.
    longest = max(count_cells(_format_name(path)) for path in asked)
    for path, result in answers:
        ranked = sorted(to_numbers(result.get("scores")).items(), key=lambda pair: -pair[1])
        told = [f"{make_visible(label)} {score:.3f}" for label, score in ranked]
        first, *others = told[:top]
        # Every class is among them, in whatever order: the rows of all images are of one form.
        widest = longest + sum(sorted((2 + count_cells(one) for one in told), reverse=True)[:top])
        name = _format_name(path)
        if width is not None and widest > width:
            classes = [(first, "bold"), *((other, "dim") for other in others)]
            yield from stack_row((name, ""), classes, width)
            continue
        rest = "  ".join(others)
        yield ((f"{pad_text(name, longest)}  ", ""), (first, "bold"), (f"  {rest}", "dim"))


def _format_name(path: Path) -> str:
    shown = make_visible(str(path))
    # The end is kept: images of one folder differ there.
    return shown if len(shown) <= _NAME_WIDTH else f"…{shown[1 - _NAME_WIDTH :]}"
