"""A conversation that becomes a spec: drafted, kept in a file, written where specs lie."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent, Refused

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.drafter import Drafter
    from vtspec.pipelines.drafting.result import DraftResult, Message
    from vtspec.pipelines.language import Tongue
    from vtspec.pipelines.project.repository import Repository
    from vtspec.schema.problem import Problem


@dataclass(kw_only=True)
class DraftSession:
    """A conversation in a repository. Where it has a file, that always holds all of it."""

    repository: "Repository"
    drafter: "Drafter"
    messages: "list[Message]"
    file: Path | None = None

    @property
    def words(self) -> "list[str]":
        """What the person said, in order."""
        from vtspec.pipelines.drafting.conversation import list_words

        return list_words(self.messages)

    @property
    def language(self) -> "Tongue":
        """The language that the person writes in."""
        from vtspec.pipelines.drafting.language import detect_language

        return detect_language(self.words)

    @property
    def left_out(self) -> "list[str]":
        """All that was said so far and is not in the draft, because it was not understood."""
        return list(dict.fromkeys(word for each in self.messages for word in each.left_out))

    def say(self, text: str) -> None:
        """Add what a person says, and look at the repository anew: data may have been added."""
        from vtspec.pipelines.drafting.conversation import make_user_message
        from vtspec.pipelines.project.repository import find_repository

        self.messages.append(make_user_message(text))
        self.repository = find_repository(self.repository.here, self.repository.tree)

    def answer(self, phrase: "Callable[[DraftResult], str]") -> "DraftResult":
        """The answer to the messages so far; in the words of `phrase` it becomes one of them."""
        from vtspec.pipelines.drafting.conversation import make_reply, to_json
        from vtspec.pipelines.drafting.drafter import draft
        from vtspec.pipelines.runs.run import write_json

        drafted = draft(self.messages, self.repository, self.drafter)
        self.messages.append(make_reply(drafted, phrase(drafted)))
        # At every answer, so that a Ctrl-C at the question loses nothing of what was said.
        if self.file is not None:
            write_json(self.file, to_json(self.messages))
        return drafted


def open_session(
    text: str, repository: "Repository", drafter: "Drafter", *, base: str | None, file: Path | None
) -> DraftSession:
    """The conversation so far: what the file has, the spec to start from, and the words.

    Raises `Refused` where there are no words, or the file holds no conversation.
    """
    from vtspec.pipelines.drafting.conversation import make_user_message

    session = DraftSession(
        repository=repository, drafter=drafter, messages=_load_messages(file), file=file
    )
    if base is not None:
        session.messages.append(_load_base(base, repository))
    # Without new words an unanswered message is what is asked.
    if text.strip() or not session.messages or session.messages[-1].author != "person":
        session.messages.append(make_user_message(text))
    return session


def choose_drafter(*, offline: bool, environ: Mapping[str, str]) -> "Drafter":
    """The language model that the environment names; else, and with `offline`, the grammar."""
    from vtspec.pipelines.drafting.drafter import OfflineDrafter

    if offline:
        return OfflineDrafter()
    from vtspec.pipelines.drafting.llm import find_drafter

    return find_drafter(environ) or OfflineDrafter()


def get_draft_path(drafted: "DraftResult", repository: "Repository") -> Path:
    """Say where the file of a complete draft naturally lies."""
    assert drafted.draft is not None
    return repository.get_spec_path(drafted.draft["kind"], drafted.draft["metadata"]["name"])


def render_draft(drafted: "DraftResult", repository: "Repository", place: Path) -> str:
    """Render the text of the spec's file at `place`, with the line that editors read."""
    from vtspec.pipelines.drafting.checks import build_spec
    from vtspec.pipelines.project.spec_writer import format_spec

    assert drafted.draft is not None
    # What was said stands there, also where it is the default: it would look unheard.
    return format_spec(build_spec(drafted.draft), place, repository.root, written=True)


def find_warnings(drafted: "DraftResult", repository: "Repository") -> "list[Problem]":
    """What `vtspec validate` would warn of in a complete draft."""
    from vtspec.pipelines.drafting.checks import find_problems

    assert drafted.draft is not None
    return find_problems(drafted.draft, repository)


def refuse_draft(
    place: Path, text: str, repository: "Repository", environ: Mapping[str, str]
) -> None:
    """Raise where the spec, not yet saved at `place`, could not be run here once it is."""
    from vtspec.schema.load import load

    from .plan import plan_spec
    from .run import find_refusal

    loaded = load(text.encode(), repository.format_path(place))
    here = repository.with_specs([loaded], {loaded.file: repository.tree.resolve(place)})
    refusal = find_refusal(plan_spec(place, here), environ)
    if refusal is not None:
        raise refusal


def save_draft(place: Path, text: str) -> None:
    """Write a spec's file. Raises `Refused` where there is one, `Permanent` where none can be."""
    from vtspec.adapters.durable_files import write_new_file

    try:
        write_new_file(place, text)
    except FileExistsError as error:
        raise make_exists_error(place) from error
    except OSError as error:
        raise Permanent(
            f"{place} cannot be written: {error.strerror}", fix="-o FILE, in a folder of yours"
        ) from error


def make_exists_error(place: Path) -> Refused:
    """Make the refusal to write over a file."""
    return Refused(f"{place} is already there", fix="give another file: -o FILE")


def _load_messages(file: Path | None) -> "list[Message]":
    if file is None or not file.exists():
        return []
    from vtspec.pipelines.drafting.conversation import from_json

    try:
        data = json.loads(file.read_bytes())
    # A thousand brackets are no syntax error to the parser: it runs out of stack.
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"{file}: not a conversation: {error}",
            fix='write JSON: [{"author": "person", "text": "…"}]',
        ) from error
    return from_json(data)


def _load_base(name: str, repository: "Repository") -> "Message":
    """An existing experiment as something that vtspec said, under a name that is free."""
    from vtspec.pipelines.drafting.drafter import strip_provenance
    from vtspec.pipelines.drafting.result import Message
    from vtspec.pipelines.project.spec_names import find_free_name
    from vtspec.schema.dump import to_plain_data

    model = repository.load_experiment(name)
    # Its annotations say who drafted the base, with which words; the new spec gets its own.
    data = strip_provenance(to_plain_data(model, written=True))
    data["metadata"]["name"] = find_free_name(
        model.metadata.name, repository.find_spec_files("Experiment")
    )
    return Message(author="vtspec", text=f"{model.metadata.name}:", draft=data)
