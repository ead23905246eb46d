"""What drafting answers: a spec, a question, or a refusal; with all that was assumed. Pure.

A drafter that gives up raises `Unavailable` instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vtspec.pipelines.language import Tongue

Status = Literal["complete", "question", "refused"]

Data = Mapping[str, Any]
"""Plain data in camelCase. Of a kind, as a spec writes it: apiVersion, kind, metadata, spec."""

NOTE_PREFIX: Final = "vtspec.dev/draft-"
"""What the names of the annotations begin with that say where a draft came from."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """The one thing that is missing. `field` is dotted, as `spec.dataset.ref`; `choices` are
    values that exist, the likeliest first, empty where any text is an answer."""

    field: str
    text: str
    choices: tuple[str, ...] = ()

    def to_json(self) -> Data:
        """Plain data, in the order in which it is documented."""
        return {"field": self.field, "text": self.text, "choices": list(self.choices)}


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """What a person did not say and the draft has all the same, or said and is not in the draft.

    `field` is dotted; it is empty for words that were not understood, which `value` then holds.
    `why` is in the person's language. `left_out` says that the draft lacks what was said.
    """

    field: str
    value: object
    why: str
    left_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a drafter makes of a conversation, before it is checked and signed.

    `data` is the spec beside "complete", as much of it as is known beside "question", and None
    beside "refused". `repairs` counts the times that problems went back to a model.
    """

    status: Status
    data: Data | None = None
    question: Question | None = None
    reason: str | None = None
    assumptions: tuple[Assumption, ...] = ()
    repairs: int = 0


# None of `errors`, which end a command: where a drafter gives up, the other one answers.
class Unavailable(Exception):
    """A drafter could not do its work for now: no answer, no quota, no budget left.

    The text is a sentence for people; nothing secret is in it.
    """


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Who drafted from what. Hashes are `sha256:` and 64 hex digits, over UTF-8.

    `prompt` is over the instructions and tools that a model was given, None offline; `words` over
    what people typed. `instead_of` is the provider that did not answer where another drafter then
    did, and `because` says why.
    """

    # Hashes, and never the words: a spec is committed, where what was typed need not be read.
    drafter: str
    version: str
    provider: str | None = None
    model: str | None = None
    prompt: str | None = None
    words: str
    repairs: int = 0
    instead_of: str | None = None
    because: str | None = None

    def to_json(self) -> Data:
        """Every field in camelCase; nulls stay."""
        return {
            "drafter": self.drafter,
            "version": self.version,
            "provider": self.provider,
            "model": self.model,
            "prompt": self.prompt,
            "words": self.words,
            "repairs": self.repairs,
            "insteadOf": self.instead_of,
            "because": self.because,
        }

    def to_annotations(self) -> dict[str, str]:
        """The same as annotations of a spec, without what is absent or only said once."""
        # Annotations are texts. As one, "0" repairs are told; the number would be left out.
        said = {
            "drafter": f"{self.drafter} {self.version}",
            "provider": self.provider,
            "model": self.model,
            "prompt": self.prompt,
            "words": self.words,
            "repairs": str(self.repairs),
        }
        return {f"{NOTE_PREFIX}{key}": value for key, value in said.items() if value}


@dataclass(frozen=True, kw_only=True)
class DraftResult:
    """The answer to a conversation; what `vtspec draft --json` prints.

    `draft` is a spec that has no problem where `status` is "complete". Beside a question it is
    what is known so far, whose only problems are what is missing.
    """

    status: Status
    draft: Data | None
    question: Question | None
    reason: str | None
    assumptions: tuple[Assumption, ...]
    provenance: Provenance

    @property
    def left_out(self) -> tuple[str, ...]:
        """The words that were not understood and are not in the draft."""
        return tuple(str(each.value) for each in self.assumptions if each.left_out)

    def to_json(self) -> Data:
        """Plain data, in the order in which it is documented."""
        return {
            "status": self.status,
            "draft": self.draft,
            "question": self.question and self.question.to_json(),
            "reason": self.reason,
            "assumptions": [
                {"field": each.field, "value": each.value, "why": each.why}
                for each in self.assumptions
            ],
            "provenance": self.provenance.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of a conversation.

    What vtspec said carries the draft that it had then, the question that it asked, and the words
    that it left out.
    """

    author: Literal["person", "vtspec"]
    text: str
    draft: Data | None = None
    question: Question | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversationState:
    """Where a conversation stands: the last draft, what was asked with it, what people have typed
    since, in order, and the language that they have written in so far."""

    draft: Data | None
    question: Question | None
    texts: tuple[str, ...]
    language: Tongue = "en"
