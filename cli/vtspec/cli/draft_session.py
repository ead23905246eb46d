"""The questions of `vtspec draft`, answered in a terminal."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NoReturn

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.terminal import get_styled_stream, make_printable
from vtspec.cli.views.draft import (
    format_answer,
    format_example,
    format_question,
    phrase,
    print_draft_notes,
)

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import DraftResult, Question
    from vtspec.pipelines.operations.draft import DraftSession

_UNANSWERED = 2


def ask_once(session: "DraftSession") -> "DraftResult":
    """Ask the drafter for its answer to what was said so far."""
    with _show_waiting(session.drafter):
        return session.answer(format_answer)


def ask_until_complete(session: "DraftSession") -> "DraftResult":
    """The complete answer, after as many questions as it takes where there is a person.

    Exits where a question stays open, or the request is refused.
    """
    while True:
        drafted = ask_once(session)
        # All but the spec goes to standard error: `vtspec draft … > spec.yaml` holds a spec.
        print_draft_notes(drafted, session.language, lambda line: click.echo(line, err=True))
        if drafted.status == "complete":
            return drafted
        if drafted.question is None:
            raise click.exceptions.Exit(_UNANSWERED)
        click.echo(format_question(drafted.question, session.language), err=True)
        if not is_interactive():
            _exit_unanswered(drafted.question, session)
        session.say(_prompt_answer())


def read_words(words: Sequence[str]) -> str:
    """What was typed; `-` stands for standard input."""
    text = " ".join(words)
    # As bytes: text in another encoding than the terminal's would end in a traceback.
    return sys.stdin.buffer.read().decode("utf-8", "replace") if text == "-" else text


def is_interactive() -> bool:
    """Whether somebody sits there who can be asked."""
    # Not standard output, which may go into a file: the question is on standard error.
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_whether_to_save(session: "DraftSession", place: str) -> bool | str:
    """A yes or no in either language, or what else the person wants of the draft."""
    prompt = f"{phrase('save?', session.language, place=place)} [y/N]"
    answer: str = click.prompt(prompt, err=True, default="", show_default=False)
    plain = answer.strip().lower().rstrip(".!")
    if plain in _YES:
        return True
    return False if plain in _NO else answer


_YES = frozenset(
    "y yes ok okay sure save 네 넵 예 응 ㅇ ㅇㅇ ㅇㅋ 그래 좋아 저장 저장해 저장해줘".split()
)
_NO = frozenset(["", *"n no nope 아니 아니요 아니오 아뇨 ㄴ ㄴㄴ 취소".split()])


def refuse_left_out(session: "DraftSession") -> None:
    """Exit where anything that was said is not in the draft, which may be what mattered most."""
    if not session.left_out:
        return
    words = ", ".join(f"'{each}'" for each in session.left_out)
    click.echo(phrase("not-run", session.language, words=words), err=True)
    again = format_command("vtspec", "draft", session.words[-1], "--save")
    click.echo(phrase("not-run-fix", session.language, command=again), err=True)
    raise click.exceptions.Exit(_UNANSWERED)


def _exit_unanswered(question: "Question", session: "DraftSession") -> NoReturn:
    # Without a file nobody kept the request: an answer alone would be a request of its own.
    file = str(session.file or "talk.json")
    answer = question.choices[0] if question.choices else format_example(session.language)
    command = format_command("vtspec", "draft", "--conversation", file, answer)
    key = "answer-fix" if session.file else "say-again-fix"
    click.echo(phrase(key, session.language, command=command, file=file), err=True)
    raise click.exceptions.Exit(_UNANSWERED)


def _show_waiting(drafter: "Drafter") -> AbstractContextManager[object]:
    """Shows in a terminal that a provider is being waited for."""
    # The grammar answers in milliseconds; a spinner would only flicker.
    if drafter.provider is None or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(file=get_styled_stream(sys.stderr)).status(
        make_printable(f"asking {drafter.model} ({drafter.provider})")
    )


def _prompt_answer() -> str:
    answer = ""
    while not answer.strip():
        answer = click.prompt("", prompt_suffix="> ", err=True, default="", show_default=False)
    return answer
