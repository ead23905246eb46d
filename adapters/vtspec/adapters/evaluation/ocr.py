"""How well text is read: error rates of characters and of words.

A rate is the least number of insertions, deletions and substitutions that make the truth of what
was read (Levenshtein), added up over the split and divided by the length of the truth; it may be
above 1. Both texts are first put into Unicode's NFC, runs of white space are one space, and those
at the ends are dropped. A character is a code point, a word what stands between spaces.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from vtspec.adapters.json_types import JsonObject

from .influence import linearize
from .numbers import divide
from .sample_records import build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SHOWN: Final = 24


class OcrMetrics:
    """The texts of a split, image by image: it keeps four counts each, and the worst texts."""

    def __init__(self) -> None:
        self.images: list[str] = []
        self._counts: list[tuple[int, int, int, int]] = []
        self._worst: list[tuple[int, int, str, str]] = []

    def update(self, image: str, truth: str, predicted: str) -> None:
        """One image, by its name."""
        from rapidfuzz.distance import Levenshtein

        true, read = normalize_text(truth), normalize_text(predicted)
        words, said = true.split(), read.split()
        wrong = Levenshtein.distance(true, read)
        place = len(self.images)
        self.images.append(image)
        self._counts.append((wrong, len(true), Levenshtein.distance(words, said), len(words)))
        if wrong:
            self._worst = sorted([*self._worst, (-wrong, place, true, read)])[:_SHOWN]

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        total = self._stack().sum(axis=0)
        return {name: float(measure(total)) for name, measure in _MEASURES.items()} | {
            "exact_match": sum(not one[0] for one in self._counts) / len(self._counts)
        }

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        sums = self._stack()
        values = {name: linearize(sums, measure) for name, measure in _MEASURES.items()}
        return {
            "images": len(self.images),
            "classes": [],
            "worst": [
                {"image": self.images[place], "true": true, "predicted": read, "edits": -wrong}
                for wrong, place, true, read in self._worst
            ],
            "samples": build_value_records(
                self.images, {**values, "exact_match": [float(not one[0]) for one in self._counts]}
            ),
        }

    def _stack(self) -> Floats:
        import numpy as np

        return np.array(self._counts, np.float64).reshape(-1, 4)


def normalize_text(text: str) -> str:
    """NFC, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _measure_characters(totals: Floats) -> Floats:
    return _rate(totals[..., 0], totals[..., 1])


def _measure_words(totals: Floats) -> Floats:
    return _rate(totals[..., 2], totals[..., 3])


def _rate(edits: Floats, length: Floats) -> Floats:
    import numpy as np

    # With nothing to read, each thing read is one error too many.
    return divide(edits, np.maximum(length, 1))


_MEASURES: Final = {"cer": _measure_characters, "wer": _measure_words}
