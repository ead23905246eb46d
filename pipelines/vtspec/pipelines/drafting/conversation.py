"""A conversation is a list of messages and nothing else: wherever it is kept, it is the memory.

As JSON a message is `{"author": "person" | "vtspec", "text": …, "draft": {…} | null, "question":
{"field", "text", "choices"} | null, "leftOut": […]}`; the last three may be left out.
"""

import hashlib
from collections.abc import Mapping, Sequence

from vtspec.pipelines.errors import Refused

from .language import detect_language
from .result import ConversationState, Data, DraftResult, Message, Question

LONGEST = 20_000
"""Characters that one message may have."""


def get_state(conversation: Sequence[Message]) -> ConversationState:
    """The last draft of vtspec's, and the person's messages after it. Pure.

    What vtspec answered without a draft, as a refusal is, has no part in what comes next.
    """
    texts: list[str] = []
    was_answered = False
    language = detect_language(list_words(conversation))
    for message in reversed(conversation):
        if message.author == "person":
            texts += [] if was_answered else [message.text]
        elif message.draft or message.question:
            return ConversationState(
                draft=message.draft,
                question=message.question,
                texts=tuple(reversed(texts)),
                language=language,
            )
        else:
            # An answer without a draft ends what was said before it, and not the draft before.
            was_answered = True
    return ConversationState(
        draft=None, question=None, texts=tuple(reversed(texts)), language=language
    )


def list_words(conversation: Sequence[Message]) -> list[str]:
    """What people typed, in order."""
    return [message.text for message in conversation if message.author == "person"]


def make_reply(drafted: DraftResult, text: str) -> Message:
    """The answer as the next message of the conversation; `text` is what the person reads."""
    return Message(
        author="vtspec",
        text=text,
        draft=drafted.draft,
        question=drafted.question,
        left_out=drafted.left_out,
    )


def make_user_message(text: str) -> Message:
    """A message that somebody typed. Raises `Refused` where it is empty or too long."""
    if not text.strip():
        raise Refused(
            "there are no words to draft from",
            fix='say what to train: vtspec draft "resnet50 on cats, 50 epochs", or - to read them',
        )
    if len(text) > LONGEST:
        raise Refused(
            f"a message may have {LONGEST:,} characters, got {len(text):,}",
            fix="say it in fewer words; what a run needs fits a few sentences",
        )
    return Message(author="person", text=text)


def hash_words(conversation: Sequence[Message]) -> str:
    """`sha256:…` over what people typed, each message ended by a NUL."""
    digest = hashlib.sha256()
    for text in list_words(conversation):
        # A terminal hands on bytes that are no UTF-8 as lone surrogates (PEP 383), and a NUL,
        # which nobody types, keeps "a", "b" apart from "ab".
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return f"sha256:{digest.hexdigest()}"


def to_json(conversation: Sequence[Message]) -> list[Data]:
    """The conversation as plain data."""
    return [
        {
            "author": message.author,
            "text": message.text,
            "draft": message.draft,
            "question": message.question and message.question.to_json(),
            **({"leftOut": list(message.left_out)} if message.left_out else {}),
        }
        for message in conversation
    ]


def from_json(data: object) -> list[Message]:
    """The conversation that `to_json` wrote. Raises `Refused` for any other form."""
    if not isinstance(data, list):
        raise _make_malformed_error("it is no list of messages")
    return [_parse_message(each, number) for number, each in enumerate(data, start=1)]


def _parse_message(data: object, number: int) -> Message:
    if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
        raise _make_malformed_error(f"message {number} has no text")
    author, draft, left_out = data.get("author"), data.get("draft"), data.get("leftOut", [])
    if author == "person":
        # As if it were typed now, so that a file is no way around the limits.
        return make_user_message(data["text"])
    if author != "vtspec":
        raise _make_malformed_error(f"message {number} is neither a person's nor vtspec's")
    if draft is not None and not isinstance(draft, Mapping):
        raise _make_malformed_error(f"the draft of message {number} is no mapping")
    if not isinstance(left_out, list) or not all(isinstance(each, str) for each in left_out):
        raise _make_malformed_error(f"what message {number} left out is no list of texts")
    return Message(
        author="vtspec",
        text=data["text"],
        draft=draft,
        question=_parse_question(data.get("question"), number),
        left_out=tuple(left_out),
    )


def _parse_question(data: object, number: int) -> Question | None:
    if data is None:
        return None
    if isinstance(data, Mapping):
        field, text, choices = data.get("field"), data.get("text"), data.get("choices", [])
        texts = isinstance(choices, list) and all(isinstance(each, str) for each in choices)
        if isinstance(field, str) and isinstance(text, str) and texts:
            return Question(field=field, text=text, choices=tuple(choices))
    raise _make_malformed_error(f"the question of message {number} lacks field, text or choices")


def _make_malformed_error(why: str) -> Refused:
    return Refused(
        f"this is no conversation: {why}",
        fix='a list such as [{"author": "person", "text": "resnet50 on cats, 50 epochs"}]',
    )
