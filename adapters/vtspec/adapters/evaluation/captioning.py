"""How close sentences about images come to those that people wrote.

As COCO's caption evaluation measures it (Chen et al. 2015, https://arxiv.org/abs/1504.00325;
https://github.com/tylin/coco-caption): BLEU-4 over the whole split with the closest reference's
length (Papineni et al. 2002), ROUGE-L with beta 1.2 (Lin 2004), CIDEr-D with n up to 4 and sigma
6, times 10 (Vedantam et al. 2015, https://arxiv.org/abs/1411.5726), its document frequencies from
this split's references. Words are runs of letters, digits and apostrophes, in lower case; COCO
itself cuts with Stanford's tokenizer, which parts a few words otherwise (`don't` into two).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from vtspec.adapters.json_types import JsonObject

from .influence import linearize
from .numbers import divide
from .sample_records import build_value_records

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Tokens: TypeAlias = Sequence[str]
Ngrams: TypeAlias = "Counter[tuple[str, ...]]"

_LONGEST: Final = 4
_BETA: Final = 1.2
_SIGMA: Final = 6.0
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class CaptioningMetrics:
    """The captions of a split, image by image: it keeps their words."""

    def __init__(self) -> None:
        self.images: list[str] = []
        self._captions: list[tuple[Tokens, Sequence[Tokens]]] = []

    def update(self, image: str, references: Sequence[str], caption: str) -> None:
        """One image, by its name, with what people and what the model say of it.

        Raises `ValueError` where people say nothing.
        """
        if not references:
            raise ValueError(f"{image}: no reference to hold a caption against")
        self.images.append(image)
        self._captions.append((cut_words(caption), [cut_words(each) for each in references]))

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name."""
        import numpy as np

        return {
            "cider": float(np.mean(self._score_cider())),
            "bleu4": float(measure_bleu(self._count_matches().sum(axis=0))),
            "rouge_l": float(np.mean(self._score_rouge())),
        }

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        values = {
            "cider": self._score_cider(),
            "bleu4": linearize(self._count_matches(), measure_bleu),
            "rouge_l": self._score_rouge(),
        }
        return {
            "images": len(self.images),
            "classes": [],
            "samples": build_value_records(self.images, values),
        }

    def _score_rouge(self) -> list[float]:
        return [score_rouge_l(caption, references) for caption, references in self._captions]

    def _score_cider(self) -> list[float]:
        documents: Ngrams = Counter()
        for _, references in self._captions:
            documents.update({ngram for each in references for ngram in count_ngrams(each)})
        total = math.log(len(self._captions))
        found = []
        for caption, references in self._captions:
            own = _weigh(caption, documents, total)
            alike = [_compare(own, _weigh(each, documents, total)) for each in references]
            found.append(10 * math.fsum(alike) / len(alike))
        return found

    def _count_matches(self) -> Floats:
        """A row an image: matched and all n-grams for each n, words, words of the reference."""
        import numpy as np

        rows = []
        for caption, references in self._captions:
            own, most = count_ngrams(caption), Counter[tuple[str, ...]]()
            for each in references:
                most |= count_ngrams(each)
            shared = own & most
            lengths = range(1, _LONGEST + 1)
            closest = min((abs(len(each) - len(caption)), len(each)) for each in references)[1]
            rows.append(
                [
                    *(sum(k for g, k in shared.items() if len(g) == n) for n in lengths),
                    *(sum(k for g, k in own.items() if len(g) == n) for n in lengths),
                    len(caption),
                    closest,
                ]
            )
        return np.array(rows, np.float64)


def cut_words(text: str) -> Tokens:
    """The words of a sentence, in lower case."""
    return _WORD.findall(text.lower())


def count_ngrams(words: Tokens) -> Ngrams:
    """How often each run of one to four words occurs."""
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, _LONGEST + 1)
        for start in range(len(words) - length + 1)
    )


def measure_bleu(totals: Floats) -> Floats:
    """BLEU-4 of totals `(..., 10)`; 0 where no run of some length matches."""
    import numpy as np

    matched, said = totals[..., :_LONGEST], totals[..., _LONGEST : 2 * _LONGEST]
    precision = divide(matched, said)
    length, reference = totals[..., -2], totals[..., -1]
    # log(0) is what makes it 0.
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(precision).mean(axis=-1))
    short = np.minimum(1 - divide(reference, length, float("inf")), 0)
    bleu: Floats = mean * np.exp(short)
    return bleu


def score_rouge_l(caption: Tokens, references: Sequence[Tokens]) -> float:
    """F of the longest common subsequence; precision and recall are the best of any reference."""
    from rapidfuzz.distance import LCSseq

    common = [(LCSseq.similarity(caption, each), len(each)) for each in references]
    precision = max(shared / len(caption) if caption else 0.0 for shared, _ in common)
    recall = max(shared / length if length else 0.0 for shared, length in common)
    if not precision or not recall:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


_Weighed: TypeAlias = tuple[Sequence[dict[tuple[str, ...], float]], Sequence[float], int]


def _weigh(words: Tokens, documents: Ngrams, total: float) -> _Weighed:
    """The n-grams of each length by how telling they are, the length of each vector, and how many
    words there are."""
    vectors: list[dict[tuple[str, ...], float]] = [{} for _ in range(_LONGEST)]
    for ngram, count in count_ngrams(words).items():
        rarity = total - math.log(max(1, documents[ngram]))
        vectors[len(ngram) - 1][ngram] = count * rarity
    norms = [math.sqrt(math.fsum(value**2 for value in one.values())) for one in vectors]
    return vectors, norms, len(words)


def _compare(own: _Weighed, other: _Weighed) -> float:
    """CIDEr-D of a caption and one reference, without the factor of 10."""
    alike = []
    for mine, theirs, norm, other_norm in zip(own[0], other[0], own[1], other[1], strict=True):
        shared = math.fsum(
            min(value, theirs.get(ngram, 0.0)) * theirs.get(ngram, 0.0)
            for ngram, value in mine.items()
        )
        alike.append(shared / (norm * other_norm) if norm and other_norm else 0.0)
    penalty = math.exp(-((own[2] - other[2]) ** 2) / (2 * _SIGMA**2))
    return penalty * math.fsum(alike) / len(alike)
