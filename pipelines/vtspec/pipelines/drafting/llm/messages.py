"""A conversation as a model reads it. Pure, save that the repository is read.

A person's words go as JSON, so that nothing in them can pass for anything else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vtspec.pipelines.drafting.drafter import unsigned
from vtspec.pipelines.drafting.result import Message

from .request import Turn

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage

LONGEST: Final = 60_000
"""Characters of a conversation that are sent; the oldest are left out."""

MOST_NAMES: Final = 100


def prompt_of(turn: Turn) -> str:
    """What the person has typed since the last answer, with the names that exist, as JSON."""
    last = _last_answer(turn.conversation)
    words = [each.text for each in turn.conversation[last + 1 :] if each.author == "person"]
    around = turn.surroundings
    return _json(
        turn,
        {
            "words": words,
            "language": turn.tongue,
            "repository": {
                "datasets": _names(around.datasets),
                "experiments": _names(around.experiments),
                "gpuTypes": _names(around.gpu_types),
                "frameworks": _names(around.frameworks),
            },
        },
    )


def history_of(turn: Turn) -> list["ModelMessage"]:
    """The messages up to the last answer: people's as requests, vtspec's as responses."""
    from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart

    earlier = _recent(turn.conversation[: _last_answer(turn.conversation) + 1])
    made: list[ModelMessage] = []
    if earlier and earlier[0].author == "vtspec":
        # Providers want a request first; this draft was not asked for in words.
        start = UserPromptPart(_json(turn, {"words": [], "note": "start from this draft"}))
        made.append(ModelRequest(parts=[start]))
    for message in earlier:
        if message.author == "person":
            part = UserPromptPart(_json(turn, {"words": [message.text]}))
            made.append(ModelRequest(parts=[part]))
        else:
            made.append(ModelResponse(parts=[TextPart(_json(turn, _answer(message)))]))
    return made


def _answer(message: Message) -> Mapping[str, Any]:
    return {
        "draft": None if message.draft is None else _without_notes(unsigned(message.draft)),
        "question": message.question and message.question.as_json(),
    }


def _without_notes(draft: dict[str, Any]) -> dict[str, Any]:
    metadata = draft.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("annotations", None)
    return draft


def _last_answer(conversation: Sequence[Message]) -> int:
    """The place of vtspec's last message, -1 where there is none."""
    places = [at for at, each in enumerate(conversation) if each.author == "vtspec"]
    return places[-1] if places else -1


def _recent(conversation: Sequence[Message]) -> list[Message]:
    kept: list[Message] = []
    left = LONGEST
    for message in reversed(conversation):
        left -= len(message.text)
        if left < 0 and kept:
            break
        kept.append(message)
    return kept[::-1]


def _names(names: Iterable[str]) -> list[str]:
    return list(names)[:MOST_NAMES]


def _json(turn: Turn, data: Mapping[str, Any]) -> str:
    return json.dumps(turn.hidden.data(data), ensure_ascii=False, separators=(",", ":"))
