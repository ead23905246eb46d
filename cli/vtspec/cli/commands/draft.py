"""`vtspec draft`: say what to train, get a checked spec."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.cli.completion import complete_experiment
from vtspec.cli.draft_session import (
    ask_once,
    ask_until_complete,
    ask_whether_to_save,
    is_interactive,
    read_words,
    refuse_left_out,
)
from vtspec.cli.run_arguments import require_folder
from vtspec.schema.visible_text import make_visible

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.result import DraftResult
    from vtspec.pipelines.operations.draft import DraftSession
    from vtspec.pipelines.project.repository import Repository


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--from",
    "base",
    metavar="NAME",
    shell_complete=complete_experiment,
    help="Start from an existing experiment.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the spec there.",
)
@click.option("--save", is_flag=True, help="Write the spec where it belongs under specs/.")
@click.option(
    "--run", "runs", is_flag=True, help="Save it, show its plan, ask, and carry it out here."
)
@click.option("--yes", is_flag=True, help="With --run: do not ask.")
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
    vtspec draft "resnet18 on street-signs, 100 epochs, one l4" --save
    vtspec draft "half the learning rate" --from cats-resnet50

    Standard output has the spec and nothing else. What was assumed, and the question where
    something is missing, go to standard error; in a terminal the question can be answered.

    With --run the plan is shown, and nothing is begun without a yes: in a terminal, or by --yes.
    Where anything that was said was left out, or nothing here trains it, nothing is saved and
    nothing runs. What `vtspec validate` would warn of is told in any case.

    With GEMINI_API_KEY, ANTHROPIC_API_KEY or OPENAI_API_KEY set a language model drafts, with
    tools that only read; else, and with --offline, a grammar on this machine does.

    Exit codes: 0 a spec (with --json: any answer), 2 a question is open, the request was refused,
    or --run and something was left out, 130 Ctrl-C; with --run those of `vtspec run`.
    """
    from vtspec.pipelines.operations.draft import choose_drafter, open_session
    from vtspec.pipelines.project.repository import find_repository

    _check_options(as_json, asked)
    require_folder(asked["conversation"])
    session = open_session(
        read_words(words),
        find_repository(Path.cwd()),
        choose_drafter(offline=offline, environ=os.environ),
        base=asked["base"],
        file=asked["conversation"],
    )
    if as_json:
        _print_json(ask_once(session), session.repository)
        return
    place = _draft_file(session, asked)
    if asked["runs"]:
        from vtspec.cli.run_options import CommandOptions

        from .apply import apply_spec

        raise click.exceptions.Exit(apply_spec(str(place), CommandOptions(), yes=asked["yes"]))


def _draft_file(session: "DraftSession", asked: dict[str, Any]) -> Path:
    """The place of the spec, which is printed, and written there if that is wanted."""
    from vtspec.cli.views.draft import format_next_step, phrase
    from vtspec.pipelines.operations.draft import (
        find_warnings,
        get_draft_path,
        refuse_draft,
        render_draft,
        save_draft,
    )

    saves = False
    while True:
        drafted = ask_until_complete(session)
        repository = session.repository
        place = asked["output"] or get_draft_path(drafted, repository)
        text = render_draft(drafted, repository, place)
        click.echo(text, nl=False)
        shown = repository.format_path(place)
        for warning in find_warnings(drafted, repository):
            told = {"field": warning.path, "message": warning.message, "fix": warning.fix}
            click.echo(make_visible(phrase("warning", session.language, **told)), err=True)
        if asked["runs"]:
            refuse_left_out(session)
            refuse_draft(place, text, repository, os.environ)
        if asked["output"] or asked["save"] or asked["runs"]:
            saves = True
            break
        # Where standard output is a file or a pipe, the spec went where it was wanted.
        if not is_interactive() or not sys.stdout.isatty():
            click.echo(phrase("not-saved", session.language, place=shown), err=True)
            break
        answer = ask_whether_to_save(session, shown)
        if isinstance(answer, bool):
            saves = answer
            break
        session.say(answer)
    if saves:
        save_draft(place, text)
        click.echo(phrase("wrote", session.language, place=shown), err=True)
        if (step := format_next_step(drafted, session.language)) is not None:
            click.echo(step, err=True)
    return place


def _check_options(as_json: bool, asked: dict[str, Any]) -> None:
    """What cannot be done in the end is refused before a model is asked."""
    for name, option in (("output", "--output"), ("save", "--save"), ("runs", "--run")):
        if as_json and asked[name]:
            raise click.UsageError(f"--json only prints\n  fix: leave {option} or --json out")
    if asked["output"] and asked["save"]:
        raise click.UsageError("--save and --output name two places\n  fix: leave one out")
    if asked["yes"] and not asked["runs"]:
        raise click.UsageError("--yes is an answer to --run\n  fix: add --run, or leave --yes out")
    if asked["runs"] and not asked["yes"] and not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked\n  fix: add --yes to --run")
    # Writing would refuse it too, but only after the questions were asked and answered.
    output: Path | None = asked["output"]
    if output is not None and output.exists():
        from vtspec.pipelines.operations.draft import make_exists_error

        raise make_exists_error(output)


def _print_json(drafted: "DraftResult", repository: "Repository") -> None:
    import json

    from vtspec.pipelines.operations.draft import find_warnings

    found = find_warnings(drafted, repository) if drafted.status == "complete" else []
    warnings = [{"field": one.path, "message": one.message, "fix": one.fix} for one in found]
    whole = {**drafted.to_json(), "warnings": warnings}
    click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
