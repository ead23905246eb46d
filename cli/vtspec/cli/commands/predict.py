"""`vtspec predict`: ask a run's model about images."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from vtspec.cli.completion import complete_run
from vtspec.cli.output_streams import watch_output
from vtspec.cli.runs_place import RunsPlace
from vtspec.schema.visible_text import make_visible


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--runs", type=RunsPlace(), help="Folder of the runs, or s3://BUCKET/PREFIX.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Classes shown in the table, labels, or objects.",
)
@click.option(
    "--output",
    type=click.Choice(["table", "json", "csv", "coco"]),
    default="table",
    help="A table; or all of it, with every class's score or every object, as one JSON object a "
    "line, or as CSV; or COCO's results of objects and masks, with the ids of the dataset's own "
    "COCO file where all images are of one split of it.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="A new folder for pictures, a PNG an image: what was found drawn on it; the enlarged "
    "one, or distances with 16 bits in the dataset's unit. With --output coco it has the ids of "
    "other images in images.json.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    help="Leave out objects of less. If left out, all are told, and drawn are those from where F1 "
    "was best when the run was evaluated.",
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
    run: str,
    images: tuple[Path, ...],
    runs: Path | None,
    *,
    top: int,
    into: Path | None,
    **options: Any,
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
    from vtspec.pipelines.operations.predict import (
        check_wish,
        keep_confident,
        make_artist,
        open_coco,
        predict_images,
        save_pictures,
    )
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.run_mirror import ON_DEMAND

    # Before the run is opened: where none is there, no model is loaded.
    asked, missing = _expand_paths(images)
    found = Run(find_run(open_runs(runs), run, *ON_DEMAND))
    output, confidence = options["output"], options["confidence"]
    check_wish(found, into=into, output=output, least=confidence)
    if Path(run).name != found.name:
        click.echo(f"{found.name} answers", err=True)
    repository = find_repository(Path.cwd())
    backend = resolve_backend(options["backend"], os.environ, repository)
    coco = open_coco(found, repository.root, asked, into) if output == "coco" else None
    told = predict_images(
        found,
        asked,
        os.environ,
        _tell,
        Wish.of(repository, backend, options["environment"]),
    )
    results: Iterable[Mapping[str, object]] = told
    if confidence is not None:
        results = told = keep_confident(told, confidence)
    if into is not None:
        artist = make_artist(found, repository.root, top, confidence, _tell)
        results = save_pictures(told, into, artist)
    unreadable: list[Path] = []
    answers = _skip_unreadable(zip(asked, results, strict=True), unreadable)
    # The answers are all that it is about: where nobody reads them, nobody waits for them.
    with watch_output(_leave):
        if coco is not None:
            _print_entries(entry for _, told in answers for entry in coco.list_entries(told))
        else:
            _print_answers(answers, asked, top, output)
    if coco is not None and into is not None and (written := coco.write_images(into)):
        _tell(f"{written}: the ids of images and classes")
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


def _tell(line: str) -> None:
    click.echo(line, err=True)


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
        import csv

        from vtspec.cli.views.predictions import list_table_rows

        rows = list_table_rows(result for _, result in answers)
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
    else:
        from vtspec.cli.views.predictions import format_predictions
        from vtspec.cli.views.styled_text import get_table_width, print_lines

        print_lines(format_predictions(answers, asked, top, get_table_width(sys.stdout)))


def _print_entries(entries: Iterable[Mapping[str, object]]) -> None:
    """A JSON list, an entry a line, each as it comes."""
    before = "["
    for entry in entries:
        click.echo(f"{before}{json.dumps(entry, ensure_ascii=False)}", nl=False)
        before = ",\n"
    click.echo("[]" if before == "[" else "]")


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
