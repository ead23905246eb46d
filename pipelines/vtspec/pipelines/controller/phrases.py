"""Sentences in the two languages that people write to us in, as markdown. Pure.

What others wrote stands in code spans alone, which `quote` makes.
"""

from dataclasses import dataclass

from vtspec.pipelines.drafting.language import Tongue
from vtspec.pipelines.reporting.escape import render_code

_LONGEST_QUOTE = 100


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence in English and in Korean; markdown."""

    en: str
    ko: str

    def say(self, tongue: Tongue) -> str:
        """The sentence in a language."""
        return self.ko if tongue == "ko" else self.en


def quote(text: str) -> str:
    """What somebody wrote, in which nothing has any power."""
    return render_code(text, _LONGEST_QUOTE)
