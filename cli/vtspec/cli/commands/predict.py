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
    from vtspec.pipelines.inference.sources import Source
    from vtspec.pipelines.inference.tiles import Tiling
    from vtspec.pipelines.inference.video_frames import Every
    from vtspec.pipelines.operations.predict import Answered


def _parse_every(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> "Every | None":
    from vtspec.pipelines.inference.video_frames import parse_every

    try:
        return None if text is None else parse_every(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither frames (10) nor seconds (0.5s), above zero", context, parameter
        ) from error


def _parse_tiles(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> "Tiling | None":
    from vtspec.pipelines.inference.tiles import LEAST_SIDE, parse_tiling

    try:
        return None if text is None else parse_tiling(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither a side of {LEAST_SIDE} pixels or more (640) nor one with an "
            "overlap of at most half of it (640:128)",
            context,
            parameter,
        ) from error


@click.command()
@click.argument("run", shell_complete=complete_run)
@click.argument(
    "sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path)
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
    help="A new folder for pictures, a PNG an image and an MP4 a video: what was found drawn on "
    "it; the enlarged one, or distances with 16 bits in the dataset's unit. With --output coco it "
    "has the ids of other images in images.json.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    help="Leave out objects of less. If left out, all are told, and drawn are those from where F1 "
    "was best when the run was evaluated.",
)
@click.option(
    "--every",
    callback=_parse_every,
    metavar="N|Ns",
    help="Of a video look at each N-th frame, or at one each N seconds (0.5s); else at all.",
)
@click.option(
    "--tiles",
    callback=_parse_tiles,
    metavar="SIZE[:OVERLAP]",
    help="Show a detector a large image in squares of so many pixels, which overlap by a fifth of "
    "that or OVERLAP pixels; what lies over their edges is found once.",
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
    sources: tuple[Path, ...],
    runs: Path | None,
    *,
    top: int,
    into: Path | None,
    **options: Any,
) -> None:
    """Ask RUN's model about images and videos.

    A SOURCE is an image, a video, a folder with any number of them, or a quoted pattern such as
    'photos/**/*.jpg'. RUN is the run's name, the beginning of one, or an experiment's name for
    the last finished run of it as it stands. The best checkpoint answers, and images go through
    what val images went through in training. What cannot be read or is not there is named on
    stderr, and the exit code is then 2.
    """
    from vtspec.cli.run_arguments import find_run, open_runs
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.formatting import pluralize
    from vtspec.pipelines.inference.video_frames import EACH
    from vtspec.pipelines.operations.frameworks import Wish, resolve_backend
    from vtspec.pipelines.operations.predict import (
        Question,
        answers_with_pictures,
        check_wish,
        keep_confident,
        make_artist,
        open_coco,
        predict_sources,
        save_pictures,
    )
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.runs import Run
    from vtspec.pipelines.runs.run_mirror import ON_DEMAND

    # Before the run is opened: where none is there, no model is loaded.
    asked, missing = _expand_paths(sources)
    if options["every"] is not None and not any(one.is_video for one in asked):
        raise click.UsageError("--every is about videos, and none is asked about")
    found = Run(find_run(open_runs(runs), run, *ON_DEMAND))
    output, confidence = options["output"], options["confidence"]
    if Path(run).name != found.name:
        _tell(f"{found.name} answers")
    check_wish(found, into=into, output=output, least=confidence, tiling=options["tiles"])
    repository = find_repository(Path.cwd())
    backend = resolve_backend(options["backend"], os.environ, repository)
    if into is None and output == "csv" and answers_with_pictures(found):
        _tell("its answers are pictures, which CSV has the files of: add --into FOLDER")
    coco = open_coco(found, repository.root, asked, into) if output == "coco" else None
    answers = predict_sources(
        found,
        Question(sources=asked, every=options["every"] or EACH, tiling=options["tiles"]),
        os.environ,
        _tell,
        Wish.of(repository, backend, options["environment"]),
    )
    if confidence is not None:
        answers = keep_confident(answers, confidence)
    if into is not None:
        artist = make_artist(found, repository.root, top, confidence, _tell)
        answers = save_pictures(answers, into, artist)
    unreadable: list[str] = []
    # The answers are all that it is about: where nobody reads them, nobody waits for them.
    with watch_output(_leave):
        readable = _skip_unreadable(answers, unreadable)
        if coco is not None:
            _print_entries(
                entry for one in readable for entry in coco.list_entries(one.told, one.pixels)
            )
        else:
            _print_answers((one.told for one in readable), asked, top, output)
    if coco is not None and into is not None and (written := coco.write_images(into)):
        _tell(f"{written}: the ids of images and classes")
    if bad := len(unreadable) + missing:
        every = len(asked) + missing
        noun = "source" if any(one.is_video for one in asked) else "image"
        raise Refused(
            f"{bad} of {pluralize(every, noun)} could not be read"
            + (" as a whole" if noun == "source" else ""),
            fix="write them anew, or leave them out"
            + ("; the others were answered" if bad < every else ""),
        )


def _expand_paths(paths: Sequence[Path]) -> tuple[list["Source"], int]:
    """The images and videos of all paths, and how many paths have none, which are told on stderr.

    Raises `Refused` where no path has any.
    """
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.inference.sources import expand_sources

    found: list[Source] = []
    refusals: list[Refused] = []
    for path in paths:
        try:
            found += expand_sources(path)
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
    answers: Iterable[Mapping[str, object]], asked: Sequence["Source"], top: int, output: str
) -> None:
    if output == "json":
        for result in answers:
            click.echo(json.dumps(result, ensure_ascii=False))
    elif output == "csv":
        import csv

        from vtspec.cli.views.predictions import list_table_rows

        rows = list_table_rows(answers, with_frames=any(one.is_video for one in asked))
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
    else:
        from vtspec.cli.views.predictions import format_predictions
        from vtspec.cli.views.styled_text import get_table_width, print_lines

        names = ((one.path, one.is_video) for one in asked)
        print_lines(format_predictions(answers, names, top, get_table_width(sys.stdout)))


def _print_entries(entries: Iterable[Mapping[str, object]]) -> None:
    """A JSON list, an entry a line, each as it comes."""
    before = "["
    for entry in entries:
        click.echo(f"{before}{json.dumps(entry, ensure_ascii=False)}", nl=False)
        before = ",\n"
    click.echo("[]" if before == "[" else "]")


def _skip_unreadable(answers: Iterable["Answered"], unreadable: list[str]) -> Iterator["Answered"]:
    """The answers; what has none is told on stderr as it comes, and listed."""
    for one in answers:
        if "error" in one.told:
            path = str(one.told["image_path"])
            unreadable.append(path)
            click.echo(make_visible(f"{path}: cannot be read: {one.told['error']}"), err=True)
        else:
            yield one
