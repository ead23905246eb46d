"""A conversation as a model reads it. Pure, save that the repository is read.

A person's words go as JSON, so that nothing in them can pass for anything else.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.conversation import list_words
from vtspec.pipelines.drafting.result import Data, Message
from vtspec.pipelines.redaction import Redactor

from .field_paths import remove_value
from .request import DraftRequest

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage

LONGEST: Final = 60_000
"""Characters of a conversation that are sent; the oldest are left out."""

MOST_NAMES: Final = 100


def build_prompt(turn: DraftRequest) -> str:
    """What the person has typed since the last answer, with the names that exist, as JSON."""
    last = _find_last_answer(turn.conversation)
    words = list_words(_keep_recent(turn.conversation[last + 1 :]))
    around = turn.repository
    return _dump_json(
        turn,
        {
            "words": words,
            "language": turn.tongue,
            "repository": {
                "datasets": _limit_names(around.sound_datasets),
                "experiments": _limit_names(around.sound_experiments),
                "gpuTypes": _limit_names(around.gpu_types),
                "frameworks": _limit_names(load_frameworks()),
            },
        },
    )


def build_history(turn: DraftRequest) -> list["ModelMessage"]:
    """The messages up to the last answer: people's as requests, vtspec's as responses."""
    from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart

    earlier = _keep_recent(turn.conversation[: _find_last_answer(turn.conversation) + 1])
    made: list[ModelMessage] = []
    if earlier and earlier[0].author == "vtspec":
        # Providers want a request first; this draft was not asked for in words.
        start = UserPromptPart(_dump_json(turn, {"words": [], "note": "start from this draft"}))
        made.append(ModelRequest(parts=[start]))
    for message in earlier:
        if message.author == "person":
            part = UserPromptPart(_dump_json(turn, {"words": [message.text]}))
            made.append(ModelRequest(parts=[part]))
        else:
            made.append(
                ModelResponse(parts=[TextPart(_dump_json(turn, _serialize_answer(message)))])
            )
    return made


def hide_secrets(messages: "list[ModelMessage]", hidden: Redactor) -> "list[ModelMessage]":
    """The messages of an exchange without secrets in a model's own words, or in what is said back
    of them: whatever it makes up, or read from a text, is not sent a second time."""
    from pydantic_ai.messages import RetryPromptPart, TextPart, ThinkingPart, ToolCallPart

    def hide(part: Any) -> Any:
        match part:
            case TextPart() | ThinkingPart() | RetryPromptPart():
                clean = {"content": hidden.redact_data(part.content)}
            case ToolCallPart(args=str() as text):
                clean = {"args": _redact_json(text, hidden)}
            case ToolCallPart():
                clean = {"args": hidden.redact_data(part.args)}
            case _:
                return part
        return replace(part, **clean)

    hidden_messages: list[Any] = list(messages)
    return [replace(one, parts=[hide(part) for part in one.parts]) for one in hidden_messages]


def _redact_json(text: str, hidden: Redactor) -> str:
    # As data: a key that is cut off would hide the rest of a text, and its closing braces.
    try:
        return json.dumps(hidden.redact_data(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return hidden.redact_text(text)


def _serialize_answer(message: Message) -> Data:
    return {
        "draft": remove_value(message.draft, "metadata.annotations"),
        "question": message.question and message.question.to_json(),
    }


def _find_last_answer(conversation: Sequence[Message]) -> int:
    """The place of vtspec's last message, -1 where there is none."""
    places = [at for at, each in enumerate(conversation) if each.author == "vtspec"]
    return places[-1] if places else -1


def _keep_recent(conversation: Sequence[Message]) -> list[Message]:
    kept: list[Message] = []
    left = LONGEST
    for message in reversed(conversation):
        left -= _count_characters(message)
        # The last answer goes along however long it is: what is said now changes its draft.
        if left < 0 and kept:
            break
        kept.append(message)
    return kept[::-1]


def _count_characters(message: Message) -> int:
    """The characters of what is sent of a message: of an answer it is the draft, not the text."""
    if message.author == "person":
        return len(message.text)
    return len(json.dumps(_serialize_answer(message), ensure_ascii=False, default=str))


def _limit_names(names: Iterable[str]) -> list[str]:
    return list(names)[:MOST_NAMES]


def _dump_json(turn: DraftRequest, data: Data) -> str:
    return json.dumps(turn.hidden.redact_data(data), ensure_ascii=False, separators=(",", ":"))
