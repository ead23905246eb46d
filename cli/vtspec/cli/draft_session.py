"""The conversation of `vtspec draft`: from words, a file or a spec; kept; gone on with in a
terminal."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from vtspec.cli.views.draft import format_answer, format_question, print_draft_notes

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.context import DraftContext
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import DraftResult, Message, Question

_UNANSWERED = 2


@dataclass(kw_only=True)
class DraftSession:
    """A conversation in a repository. Where it has a file, that always holds all of it."""

    surroundings: "DraftContext"
    drafter: "Drafter"
    file: Path | None
    messages: "list[Message]"

    def answer(self) -> "DraftResult":
        """The answer to the messages so far, which it becomes one of."""
        from vtspec.pipelines.drafting.conversation import make_reply
        from vtspec.pipelines.drafting.drafter import draft

        with _show_waiting(self.drafter):
            drafted = draft(self.messages, self.surroundings, self.drafter)
        self.messages.append(make_reply(drafted, format_answer(drafted)))
        self._save()
        return drafted

    def ask_until_complete(self) -> "DraftResult":
        """The complete answer, after as many questions as it takes where there is a person.

        Exits where a question stays open, or the request is refused.
        """
        from vtspec.pipelines.drafting.conversation import make_user_message

        while True:
            drafted = self.answer()
            print_draft_notes(drafted, lambda line: click.echo(line, err=True))
            if drafted.status == "complete":
                return drafted
            if drafted.question is None:
                raise click.exceptions.Exit(_UNANSWERED)
            click.echo(format_question(drafted.question), err=True)
            if not is_interactive():
                self._exit_unanswered(drafted.question)
            self.messages.append(make_user_message(_prompt_answer()))

    def _save(self) -> None:
        if self.file is None:
            return
        from vtspec.pipelines.drafting.conversation import to_json
        from vtspec.pipelines.runs.store import write_json

        write_json(self.file, to_json(self.messages))

    def _exit_unanswered(self, question: "Question") -> NoReturn:
        file = self.file or "talk.json"
        again = "" if self.file else "say it all once more with --conversation talk.json, then "
        example = question.choices[0] if question.choices else "ANSWER"
        click.echo(f"  fix: {again}vtspec draft --conversation {file} '{example}'", err=True)
        raise click.exceptions.Exit(_UNANSWERED)


def collect_messages(
    words: Sequence[str], base: str | None, file: Path | None, surroundings: "DraftContext"
) -> "list[Message]":
    """The conversation so far: what the file has, the spec to start from, and the words.

    Raises `Refused` where there are no words, or the file holds no conversation.
    """
    from vtspec.pipelines.drafting.conversation import make_user_message

    messages = _load_messages(file)
    if base is not None:
        messages.append(_load_base(base, surroundings))
    text = " ".join(words)
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip() and messages and messages[-1].author == "person":
        return messages
    return [*messages, make_user_message(text)]


def is_interactive() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _load_messages(file: Path | None) -> "list[Message]":
    if file is None or not file.exists():
        return []
    import json

    from vtspec.pipelines.drafting.conversation import from_json
    from vtspec.pipelines.errors import Refused

    try:
        data: Any = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"{file}: not a conversation: {error}",
            fix='write JSON: [{"author": "person", "text": "…"}]',
        ) from error
    return from_json(data)


def _load_base(name: str, surroundings: "DraftContext") -> "Message":
    """An existing experiment as something that vtspec said, under a name that is free."""
    from vtspec.pipelines.drafting.drafter import strip_provenance
    from vtspec.pipelines.drafting.result import Message
    from vtspec.pipelines.drafting.spec_names import find_free_name
    from vtspec.schema.dump import to_plain_data

    model = surroundings.workspace.load_experiment(name)
    data = strip_provenance(to_plain_data(model, written=True))
    data["metadata"]["name"] = find_free_name(
        model.metadata.name, surroundings.find_spec_files("Experiment")
    )
    return Message(author="vtspec", text=f"{model.metadata.name}:", draft=data)


def _show_waiting(drafter: "Drafter") -> AbstractContextManager[object]:
    """Shows in a terminal that a provider is being waited for."""
    if drafter.provider is None or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(f"asking {drafter.model} ({drafter.provider})")


def _prompt_answer() -> str:
    answer = ""
    while not answer.strip():
        answer = click.prompt("", prompt_suffix="> ", err=True, default="", show_default=False)
    return answer
