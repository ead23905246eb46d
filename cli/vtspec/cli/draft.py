"""`vtspec draft`: say what to train, get a checked spec."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.outcome import Drafted, Message
    from vtspec.pipelines.drafting.surroundings import Surroundings
    from vtspec.pipelines.errors import Refused

_UNANSWERED = 2


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
    type=click.File("rb"),
    metavar="FILE",
    help="Earlier messages, as JSON; see docs/drafting.md.",
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
    refused.
    """
    from vtspec.pipelines.drafting.surroundings import Surroundings
    from vtspec.pipelines.workspace import find_workspace

    surroundings = Surroundings(find_workspace(Path.cwd()))
    _refuse_before_anything(as_json, asked)
    conversation = _conversation(words, asked["base"], asked["conversation"], surroundings)
    drafter = _drafter(offline)
    if as_json:
        _print_json(_answer(conversation, surroundings, drafter))
        return
    drafted = _talk(conversation, surroundings, drafter)
    place = asked["output"] or surroundings.place(drafted.draft or {})
    text = _text(drafted, surroundings, place)
    click.echo(text, nl=False)
    if _is_wanted(place, surroundings, asked):
        _save(place, text, surroundings)
    if asked["runs"]:
        from .carry import Options
        from .run import carry_out

        raise click.exceptions.Exit(carry_out(str(place), Options()))


def _refuse_before_anything(as_json: bool, asked: dict[str, Any]) -> None:
    """What cannot be done in the end is refused before a model is asked."""
    for name, option in (("output", "--output"), ("save", "--save"), ("runs", "--run")):
        if as_json and asked[name]:
            raise click.UsageError(f"--json only prints\n  fix: leave {option} or --json out")
    output: Path | None = asked["output"]
    if output is not None and output.exists():
        raise _already_there(output)


def _conversation(
    words: tuple[str, ...], base: str | None, earlier: Any, surroundings: "Surroundings"
) -> "list[Message]":
    from vtspec.pipelines.drafting.conversation import person

    messages = [] if earlier is None else _earlier(earlier)
    if base is not None:
        messages.append(_base(base, surroundings))
    text = " ".join(words)
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip() and messages and messages[-1].author == "person":
        return messages
    return [*messages, person(text)]


def _earlier(file: Any) -> "list[Message]":
    import json

    from vtspec.pipelines.drafting.conversation import from_json
    from vtspec.pipelines.errors import Refused

    try:
        data = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"{file.name}: not a conversation: {error}",
            fix='write JSON: [{"author": "person", "text": "…"}]',
        ) from error
    return from_json(data)


def _base(name: str, surroundings: "Surroundings") -> "Message":
    """An existing experiment as something that vtspec said, under a name that is free."""
    from vtspec.pipelines.drafting.drafter import unsigned
    from vtspec.pipelines.drafting.naming import free_name
    from vtspec.pipelines.drafting.outcome import Message
    from vtspec.schema.dump import plain_data

    model = surroundings.workspace.load_experiment(name)
    data = unsigned(plain_data(model))
    data["metadata"]["name"] = free_name(model.metadata.name, surroundings.names("Experiment"))
    return Message(author="vtspec", text=f"{model.metadata.name}:", draft=data)


def _drafter(offline: bool) -> "Drafter":
    from vtspec.pipelines.drafting.drafter import Offline

    if offline:
        return Offline()
    from vtspec.pipelines.drafting.llm import drafter_of

    found = drafter_of(os.environ)
    return Offline() if found is None else found


def _answer(
    conversation: "list[Message]", surroundings: "Surroundings", drafter: "Drafter"
) -> "Drafted":
    from vtspec.pipelines.drafting.drafter import draft

    with _waiting(drafter):
        return draft(conversation, surroundings, drafter)


def _waiting(drafter: "Drafter") -> Any:
    """Shows in a terminal that a provider is being waited for."""
    from contextlib import nullcontext

    if drafter.provider is None or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(f"asking {drafter.model} ({drafter.provider})")


def _print_json(drafted: "Drafted") -> None:
    import json

    click.echo(json.dumps(drafted.as_json(), ensure_ascii=False, indent=2))


def _talk(
    conversation: "list[Message]", surroundings: "Surroundings", drafter: "Drafter"
) -> "Drafted":
    """The complete answer, after as many questions as it takes where there is a person."""
    from vtspec.pipelines.drafting.conversation import person, said

    from .draft_words import shown_question, tell

    while True:
        drafted = _answer(conversation, surroundings, drafter)
        tell(drafted, lambda line: click.echo(line, err=True))
        if drafted.status == "complete":
            return drafted
        if drafted.question is None:
            raise click.exceptions.Exit(_UNANSWERED)
        asked = shown_question(drafted.question)
        if not _has_person():
            _leave_unanswered(asked)
        conversation = [*conversation, said(drafted, drafted.question.text), person(_ask(asked))]


def _has_person() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(text: str) -> str:
    click.echo(text, err=True)
    answer = ""
    while not answer.strip():
        answer = click.prompt("", prompt_suffix="> ", err=True, default="", show_default=False)
    return answer


def _leave_unanswered(asked: str) -> NoReturn:
    click.echo(asked, err=True)
    click.echo("  fix: say it in the words, or go on with --conversation", err=True)
    raise click.exceptions.Exit(_UNANSWERED)


def _text(drafted: "Drafted", surroundings: "Surroundings", place: Path) -> str:
    from vtspec.pipelines.specwriting import spec_text

    assert drafted.draft is not None
    return spec_text(surroundings.model(drafted.draft), place, surroundings.workspace.root)


def _is_wanted(place: Path, surroundings: "Surroundings", asked: dict[str, Any]) -> bool:
    """Whether the spec shall be written; where nobody said so, a person is asked."""
    if asked["output"] or asked["save"] or asked["runs"]:
        return True
    shown = surroundings.workspace.shown(place)
    if _has_person() and sys.stdout.isatty():
        return click.confirm(f"Save it as {shown}?", err=True)
    click.echo(f"not saved: --save writes it to {shown}", err=True)
    return False


def _save(place: Path, text: str, surroundings: "Surroundings") -> None:
    from vtspec.pipelines.specwriting import write_new

    try:
        write_new(place, text)
    except FileExistsError as error:
        raise _already_there(place) from error
    click.echo(f"wrote {surroundings.workspace.shown(place)}", err=True)


def _already_there(place: Path) -> "Refused":
    from vtspec.pipelines.errors import Refused

    return Refused(f"{place} is already there", fix="give another file: -o FILE")
