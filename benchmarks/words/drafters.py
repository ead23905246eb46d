"""The drafters that can be measured, by name."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from vtspec.pipelines.drafting.result import Draft, Message
from vtspec.pipelines.project.repository import Repository

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.drafter import Drafter

LOCAL: Final = ("offline", "keywords")

NAMES: Final = (*LOCAL, "one-shot", "model")

_AS_PYDANTIC_AI: Final = {"openai": "openai-chat"}
"""Providers that pydantic-ai names otherwise; what is OpenAI-compatible has the older format."""

HOW_TO_SET_A_KEY: Final = (
    "set GEMINI_API_KEY, ANTHROPIC_API_KEY or OPENAI_API_KEY (with OPENAI_BASE_URL for anything "
    "else that speaks its format)"
)


class Sketches(Protocol):
    """What can be measured: anything that makes a sketch of a conversation."""

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """The sketch of a conversation."""
        ...


class FellBack(Exception):
    """The language model did not answer, so nothing was measured; the text says why."""


class Checked:
    """The way a person gets it: the drafter with the check and the repairs behind it."""

    def __init__(self, drafter: "Drafter") -> None:
        self._drafter = drafter

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """The answer of `drafter.draft`. Raises `FellBack` where another drafter stood in."""
        from vtspec.pipelines.drafting.drafter import draft

        drafted = draft(conversation, repository, self._drafter)
        if drafted.provenance.instead_of is not None:
            raise FellBack(drafted.provenance.because or "it did not answer")
        return Draft(
            status=drafted.status,
            data=drafted.draft,
            question=drafted.question,
            reason=drafted.reason,
            assumptions=drafted.assumptions,
            repairs=drafted.provenance.repairs,
        )


def drafter_named(name: str, environment: Mapping[str, str] = os.environ) -> Sketches | None:
    """The drafter of that name, one of NAMES; None where it needs a key and there is none."""
    if name == "keywords":
        from keywords import Keywords

        return Keywords()
    if name == "offline":
        from vtspec.pipelines.drafting.drafter import OfflineDrafter

        return OfflineDrafter()
    from vtspec.pipelines.drafting.llm import find_drafter

    found = find_drafter(environment)
    if found is None:
        return None
    if name == "model":
        return Checked(found)
    from one_shot import OneShot

    provider = _AS_PYDANTIC_AI.get(found.provider or "", found.provider)
    return OneShot(f"{provider}:{found.model}")
