"""`vtspec draft`: say what to train, get a checked spec."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.draft_session import Talk, has_person, messages_of

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.context import Surroundings
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import Drafted
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
    from vtspec.pipelines.drafting.context import Surroundings
    from vtspec.pipelines.project.workspace import find_workspace

    _refuse_before_anything(as_json, asked)
    surroundings = Surroundings(find_workspace(Path.cwd()))
    file: Path | None = asked["conversation"]
    talk = Talk(
        surroundings=surroundings,
        drafter=_drafter(offline),
        file=file,
        messages=messages_of(words, asked["base"], file, surroundings),
    )
    if as_json:
        _print_json(talk.answer())
        return
    drafted = talk.spec()
    place = asked["output"] or surroundings.place(drafted.draft or {})
    text = _text(drafted, surroundings, place)
    click.echo(text, nl=False)
    if _is_wanted(place, surroundings, asked):
        _save(place, text, surroundings)
        _say_what_is_next(drafted)
    if asked["runs"]:
        from vtspec.cli.run_options import Options

        from .run import carry_out

        raise click.exceptions.Exit(carry_out(str(place), Options()))


def _refuse_before_anything(as_json: bool, asked: dict[str, Any]) -> None:
    """What cannot be done in the end is refused before a model is asked."""
    for name, option in (("output", "--output"), ("save", "--save"), ("runs", "--run")):
        if as_json and asked[name]:
            raise click.UsageError(f"--json only prints\n  fix: leave {option} or --json out")
    if asked["output"] and asked["save"]:
        raise click.UsageError("--save and --output name two places\n  fix: leave one out")
    output: Path | None = asked["output"]
    if output is not None and output.exists():
        raise _already_there(output)


def _drafter(offline: bool) -> "Drafter":
    from vtspec.pipelines.drafting.drafter import Offline

    if offline:
        return Offline()
    from vtspec.pipelines.drafting.llm import drafter_of

    found = drafter_of(os.environ)
    return Offline() if found is None else found


def _print_json(drafted: "Drafted") -> None:
    import json

    click.echo(json.dumps(drafted.as_json(), ensure_ascii=False, indent=2))


def _text(drafted: "Drafted", surroundings: "Surroundings", place: Path) -> str:
    from vtspec.pipelines.project.spec_writer import spec_text

    assert drafted.draft is not None
    model = surroundings.model(drafted.draft)
    # What was said stands there, also where it is the default: it would look unheard.
    return spec_text(model, place, surroundings.workspace.root, written=True)


def _is_wanted(place: Path, surroundings: "Surroundings", asked: dict[str, Any]) -> bool:
    """Whether the spec shall be written; where nobody said so, a person is asked."""
    if asked["output"] or asked["save"] or asked["runs"]:
        return True
    shown = surroundings.workspace.shown(place)
    if has_person() and sys.stdout.isatty():
        return click.confirm(f"Save it as {shown}?", err=True)
    click.echo(f"not saved: --save writes it to {shown}", err=True)
    return False


def _save(place: Path, text: str, surroundings: "Surroundings") -> None:
    from vtspec.pipelines.project.spec_writer import write_new

    try:
        write_new(place, text)
    except FileExistsError as error:
        raise _already_there(place) from error
    except OSError as error:
        from vtspec.pipelines.errors import Permanent

        raise Permanent(
            f"{place} cannot be written: {error.strerror}", fix="-o FILE, in a folder of yours"
        ) from error
    click.echo(f"wrote {surroundings.workspace.shown(place)}", err=True)


def _already_there(place: Path) -> "Refused":
    from vtspec.pipelines.errors import Refused

    return Refused(f"{place} is already there", fix="give another file: -o FILE")


def _say_what_is_next(drafted: "Drafted") -> None:
    """A dataset's spec says where data lies; it does not put it there."""
    assert drafted.draft is not None
    if drafted.draft["kind"] == "Dataset":
        path = drafted.draft["spec"]["source"].get("dvc", {}).get("path")
        click.echo(
            f"next: dvc add {path}, or look at the data first: vtspec datasets inspect {path}",
            err=True,
        )
