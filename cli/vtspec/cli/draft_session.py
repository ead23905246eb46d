"""The conversation of `vtspec draft`: from words, a file or a spec; kept; gone on with in a
terminal."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from vtspec.cli.views.draft import answer_text, shown_question, tell

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.context import Surroundings
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import Drafted, Message, Question

_UNANSWERED = 2


@dataclass(kw_only=True)
class Talk:
    """A conversation in a repository. Where it has a file, that always holds all of it."""

    surroundings: "Surroundings"
    drafter: "Drafter"
    file: Path | None
    messages: "list[Message]"

    def answer(self) -> "Drafted":
        """The answer to the messages so far, which it becomes one of."""
        from vtspec.pipelines.drafting.conversation import said
        from vtspec.pipelines.drafting.drafter import draft

        with _waiting(self.drafter):
            drafted = draft(self.messages, self.surroundings, self.drafter)
        self.messages.append(said(drafted, answer_text(drafted)))
        self._keep()
        return drafted

    def spec(self) -> "Drafted":
        """The complete answer, after as many questions as it takes where there is a person.

        Exits where a question stays open, or the request is refused.
        """
        from vtspec.pipelines.drafting.conversation import person

        while True:
            drafted = self.answer()
            tell(drafted, lambda line: click.echo(line, err=True))
            if drafted.status == "complete":
                return drafted
            if drafted.question is None:
                raise click.exceptions.Exit(_UNANSWERED)
            click.echo(shown_question(drafted.question), err=True)
            if not has_person():
                self._leave(drafted.question)
            self.messages.append(person(_typed()))

    def _keep(self) -> None:
        if self.file is None:
            return
        from vtspec.pipelines.drafting.conversation import to_json
        from vtspec.pipelines.runs.store import write_json

        write_json(self.file, to_json(self.messages))

    def _leave(self, question: "Question") -> NoReturn:
        file = self.file or "talk.json"
        again = "" if self.file else "say it all once more with --conversation talk.json, then "
        example = question.choices[0] if question.choices else "ANSWER"
        click.echo(f"  fix: {again}vtspec draft --conversation {file} '{example}'", err=True)
        raise click.exceptions.Exit(_UNANSWERED)


def messages_of(
    words: Sequence[str], base: str | None, file: Path | None, surroundings: "Surroundings"
) -> "list[Message]":
    """The conversation so far: what the file has, the spec to start from, and the words.

    Raises `Refused` where there are no words, or the file holds no conversation.
    """
    from vtspec.pipelines.drafting.conversation import person

    messages = _kept(file)
    if base is not None:
        messages.append(_base(base, surroundings))
    text = " ".join(words)
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip() and messages and messages[-1].author == "person":
        return messages
    return [*messages, person(text)]


def has_person() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _kept(file: Path | None) -> "list[Message]":
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


def _base(name: str, surroundings: "Surroundings") -> "Message":
    """An existing experiment as something that vtspec said, under a name that is free."""
    from vtspec.pipelines.drafting.drafter import unsigned
    from vtspec.pipelines.drafting.result import Message
    from vtspec.pipelines.drafting.spec_names import free_name
    from vtspec.schema.dump import plain_data

    model = surroundings.workspace.load_experiment(name)
    data = unsigned(plain_data(model, written=True))
    data["metadata"]["name"] = free_name(model.metadata.name, surroundings.names("Experiment"))
    return Message(author="vtspec", text=f"{model.metadata.name}:", draft=data)


def _waiting(drafter: "Drafter") -> AbstractContextManager[object]:
    """Shows in a terminal that a provider is being waited for."""
    if drafter.provider is None or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(f"asking {drafter.model} ({drafter.provider})")


def _typed() -> str:
    answer = ""
    while not answer.strip():
        answer = click.prompt("", prompt_suffix="> ", err=True, default="", show_default=False)
    return answer
