"""The two languages that people are told things in, and a sentence in both. Pure."""

from dataclasses import dataclass
from typing import Literal

Tongue = Literal["ko", "en"]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence in English and in Korean."""

    en: str
    ko: str

    def say(self, tongue: Tongue) -> str:
        """The sentence in a language."""
        return self.ko if tongue == "ko" else self.en
