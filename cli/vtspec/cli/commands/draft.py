"""`vtspec draft`: say what to train, get a checked spec."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.draft_session import DraftSession, collect_messages, is_interactive

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.context import DraftContext
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import DraftResult
    from vtspec.pipelines.errors import Refused


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
    from vtspec.pipelines.drafting.context import DraftContext
    from vtspec.pipelines.project.workspace import find_workspace

    _check_options(as_json, asked)
    surroundings = DraftContext(find_workspace(Path.cwd()))
    file: Path | None = asked["conversation"]
    talk = DraftSession(
        surroundings=surroundings,
        drafter=_choose_drafter(offline),
        file=file,
        messages=collect_messages(words, asked["base"], file, surroundings),
    )
    if as_json:
        _print_json(talk.answer())
        return
    drafted = talk.ask_until_complete()
    place = asked["output"] or surroundings.get_spec_path(drafted.draft or {})
    text = _format_spec(drafted, surroundings, place)
    click.echo(text, nl=False)
    if _confirm_save(place, surroundings, asked):
        _save(place, text, surroundings)
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
    output: Path | None = asked["output"]
    if output is not None and output.exists():
        raise _make_exists_error(output)


def _choose_drafter(offline: bool) -> "Drafter":
    from vtspec.pipelines.drafting.drafter import OfflineDrafter

    if offline:
        return OfflineDrafter()
    from vtspec.pipelines.drafting.llm import find_drafter

    found = find_drafter(os.environ)
    return OfflineDrafter() if found is None else found


def _print_json(drafted: "DraftResult") -> None:
    import json

    click.echo(json.dumps(drafted.to_json(), ensure_ascii=False, indent=2))


def _format_spec(drafted: "DraftResult", surroundings: "DraftContext", place: Path) -> str:
    from vtspec.pipelines.project.spec_writer import format_spec

    assert drafted.draft is not None
    model = surroundings.build_spec(drafted.draft)
    # What was said stands there, also where it is the default: it would look unheard.
    return format_spec(model, place, surroundings.workspace.root, written=True)


def _confirm_save(place: Path, surroundings: "DraftContext", asked: dict[str, Any]) -> bool:
    """Whether the spec shall be written; where nobody said so, a person is asked."""
    if asked["output"] or asked["save"] or asked["runs"]:
        return True
    shown = surroundings.workspace.format_path(place)
    if is_interactive() and sys.stdout.isatty():
        return click.confirm(f"Save it as {shown}?", err=True)
    click.echo(f"not saved: --save writes it to {shown}", err=True)
    return False


def _save(place: Path, text: str, surroundings: "DraftContext") -> None:
    from vtspec.pipelines.project.spec_writer import write_new_file

    try:
        write_new_file(place, text)
    except FileExistsError as error:
        raise _make_exists_error(place) from error
    except OSError as error:
        from vtspec.pipelines.errors import Permanent

        raise Permanent(
            f"{place} cannot be written: {error.strerror}", fix="-o FILE, in a folder of yours"
        ) from error
    click.echo(f"wrote {surroundings.workspace.format_path(place)}", err=True)


def _make_exists_error(place: Path) -> "Refused":
    from vtspec.pipelines.errors import Refused

    return Refused(f"{place} is already there", fix="give another file: -o FILE")


def _print_next_step(drafted: "DraftResult") -> None:
    """A dataset's spec says where data lies; it does not put it there."""
    assert drafted.draft is not None
    if drafted.draft["kind"] == "Dataset":
        path = drafted.draft["spec"]["source"].get("dvc", {}).get("path")
        click.echo(
            f"next: dvc add {path}, or look at the data first: vtspec datasets inspect {path}",
            err=True,
        )
