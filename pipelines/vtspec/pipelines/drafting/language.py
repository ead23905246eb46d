"""Which of the two languages a person writes in. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from vtspec.pipelines.language import Tongue

_WORD: Final = re.compile(r"(?<![^\s(])[A-Za-z]{2,}(?![^\s,.;:!?)])")
"""Letters between blanks; a name with digits, hyphens or slashes is none."""


def detect_language(texts: Sequence[str], otherwise: Tongue = "en") -> Tongue:
    """The language of the last text that has one: Korean where it has any Hangul.

    A Korean sentence is full of Latin names; an English one has no reason for Hangul. One or two
    Latin words (`cats`, `resnet50 please`) are a name in either language: they say nothing.
    """
    for text in reversed(texts):
        # Chats are full of single letters, such as ㅇㅇ for yes, which are no syllables.
        if any("가" <= letter <= "힣" or "ㄱ" <= letter <= "ㅣ" for letter in text):
            return "ko"
        if len(_WORD.findall(text)) >= 3:
            return "en"
    return otherwise
