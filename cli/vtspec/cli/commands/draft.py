"""`vtspec draft`: say what to train, get a checked spec."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.draft_session import (
    ask_once,
    ask_until_complete,
    is_interactive,
    read_words,
)

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.result import DraftResult
    from vtspec.pipelines.project.repository import Repository


@click.command()
@click.argument("words", nargs=-1)
@click.option("--from", "base", metavar="NAME", help="Start from an existing experiment.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the spec there.",
)
@click.option("--save", is_flag=True, help="Write the spec where it belongs under specs/.")
@click.option("--run", "runs", is_flag=True, help="Save it, and carry it out on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
@click.option(
    "--conversation",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Go on with the conversation in FILE, and keep it there (JSON).",
)
@click.option("--offline", is_flag=True, help="Ask no language model.")
def command(words: tuple[str, ...], as_json: bool, offline: bool, **asked: Any) -> None:
    """Draft a spec from WORDS, in Korean or English; `-` reads them from standard input.

    \b
    vtspec draft "ResNet50으로 고양이 3종류 분류, cats 데이터로 50 에폭"
    vtspec draft "yolo11n on street, 100 epochs, one l4" --save
    vtspec draft "half the learning rate" --from cats-resnet50

    Standard output has the spec and nothing else. What was assumed, and the question where
    something is missing, go to standard error; in a terminal the question can be answered.

    With GEMINI_API_KEY, ANTHROPIC_API_KEY or OPENAI_API_KEY set a language model drafts, with
    tools that only read; else, and with --offline, a grammar on this machine does.

    Exit codes: 0 a spec (with --json: any answer), 2 a question is open or the request was
    refused, 130 Ctrl-C; with --run those of `vtspec run`.
    """
    from vtspec.pipelines.operations.draft import (
        choose_drafter,
        get_draft_path,
        open_session,
        render_draft,
        save_draft,
    )
    from vtspec.pipelines.project.repository import find_repository

    _check_options(as_json, asked)
    repository = find_repository(Path.cwd())
    session = open_session(
        read_words(words),
        repository,
        choose_drafter(offline=offline, environ=os.environ),
        base=asked["base"],
        file=asked["conversation"],
    )
    if as_json:
        _print_json(ask_once(session))
        return
    drafted = ask_until_complete(session)
    place = asked["output"] or get_draft_path(drafted, repository)
    text = render_draft(drafted, repository, place)
    click.echo(text, nl=False)
    if _confirm_save(place, repository, asked):
        save_draft(place, text)
        click.echo(f"wrote {repository.format_path(place)}", err=True)
        _print_next_step(drafted)
    if asked["runs"]:
        from vtspec.cli.run_options import CommandOptions

        from .run import run_spec

        raise click.exceptions.Exit(run_spec(str(place), CommandOptions()))


def _check_options(as_json: bool, asked: dict[str, Any]) -> None:
    """What cannot be done in the end is refused before a model is asked."""
    for name, option in (("output", "--output"), ("save", "--save"), ("runs", "--run")):
        if as_json and asked[name]:
            raise click.UsageError(f"--json only prints\n  fix: leave {option} or --json out")
    if asked["output"] and asked["save"]:
        raise click.UsageError("--save and --output name two places\n  fix: leave one out")
    # Writing would refuse it too, but only after the questions were asked and answered.
    output: Path | None = asked["output"]
    if output is not None and output.exists():
        from vtspec.pipelines.operations.draft import make_exists_error

        raise make_exists_error(output)


def _print_json(drafted: "DraftResult") -> None:
    import json

    click.echo(json.dumps(drafted.to_json(), ensure_ascii=False, indent=2))


def _confirm_save(place: Path, repository: "Repository", asked: dict[str, Any]) -> bool:
    """Whether the spec shall be written; where nobody said so, a person is asked."""
    if asked["output"] or asked["save"] or asked["runs"]:
        return True
    shown = repository.format_path(place)
    # Where standard output is a file or a pipe, the spec went where it was wanted.
    if is_interactive() and sys.stdout.isatty():
        return click.confirm(f"Save it as {shown}?", err=True)
    click.echo(f"not saved: --save writes it to {shown}", err=True)
    return False


def _print_next_step(drafted: "DraftResult") -> None:
    """A dataset's spec says where data lies; it does not put it there."""
    assert drafted.draft is not None
    if drafted.draft["kind"] == "Dataset":
        path = drafted.draft["spec"]["source"].get("dvc", {}).get("path")
        click.echo(
            f"next: {format_command('dvc', 'add', path)}, or look at the data first: "
            + format_command("vtspec", "datasets", "inspect", path),
            err=True,
        )
