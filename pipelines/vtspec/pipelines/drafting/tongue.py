"""Which of the two languages a person writes in. Pure."""

from typing import Literal

Tongue = Literal["ko", "en"]


def tongue_of(texts: tuple[str, ...], otherwise: Tongue = "en") -> Tongue:
    """The language of the last text that has one: Korean where it has any Hangul syllable.

    A Korean sentence is full of Latin names; an English one has no reason for Hangul.
    """
    for text in reversed(texts):
        if any("가" <= letter <= "힣" or "ㄱ" <= letter <= "ㅣ" for letter in text):
            return "ko"
        if any(letter.isalpha() for letter in text):
            return "en"
    return otherwise
