"""How well questions about images are answered.

`vqa_accuracy` is that of Antol et al., "VQA: Visual Question Answering", 2015
(https://visualqa.org/evaluation.html): an answer is right by as many thirds as people gave it, at
most wholly, averaged over all ways to leave out one person. Where fewer than four people answered,
all that remain have to agree; where one did, it is right or wrong. Before that, answers are
simplified as that page says: lower case, no articles, number words as digits, no full stops but in
decimals, no commas in numbers, other punctuation as spaces; apostrophes are dropped on both sides
instead of put into contractions, which makes the same ones equal.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from vtspec.adapters.json_types import JsonObject

from .sample_records import build_value_records

_ARTICLES: Final = frozenset({"a", "an", "the"})
_NUMBERS: Final = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten".split())
} | {"none": "0"}
_APOSTROPHE: Final = re.compile(r"['\u2019]")
_FULL_STOP: Final = re.compile(r"(?<!\d)\.|\.(?!\d)")
_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
_PUNCTUATION: Final = re.compile(r"[^\w\s.]|_")
_ENOUGH: Final = 3


class QuestionAnsweringMetrics:
    """The answers of a split, question by question: it keeps two numbers each."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self._values: dict[str, list[float]] = {"vqa_accuracy": [], "exact_match": []}

    def update(self, question: str, answers: Sequence[str], answer: str) -> None:
        """One question, by a name of its own (its image's, and which of it), with what people and
        what the model answer.

        Raises `ValueError` where nobody answered.
        """
        if not answers:
            raise ValueError(f"{question}: no answer to hold another against")
        self.questions.append(question)
        self._values["vqa_accuracy"].append(compute_agreement(answers, answer))
        # Of equally frequent answers the first.
        usual = Counter(answers).most_common(1)[0][0]
        self._values["exact_match"].append(float(usual.strip() == answer.strip()))

    def compute(self) -> dict[str, float]:
        """The standard metrics but the loss, by name; `exact_match` is with the most frequent
        answer, to the letter."""
        return {name: math.fsum(each) / len(each) for name, each in self._values.items()}

    def build_details(self) -> JsonObject:
        """What a report shows beside the metrics, as plain JSON data; see `docs/results.md`."""
        return {
            "images": len(self.questions),
            "classes": [],
            "samples": build_value_records(self.questions, self._values),
        }


def compute_agreement(answers: Sequence[str], answer: str) -> float:
    """How far people agree with an answer, 0 to 1."""
    people, given = [simplify_answer(each) for each in answers], simplify_answer(answer)
    if len(people) == 1:
        return float(people[0] == given)
    needed, agreeing = min(_ENOUGH, len(people) - 1), people.count(given)
    without = [agreeing - (each == given) for each in people]
    return math.fsum(min(1.0, count / needed) for count in without) / len(people)


def simplify_answer(answer: str) -> str:
    """An answer without what tells two spellings of it apart."""
    text = _APOSTROPHE.sub("", answer.lower())
    text = _PUNCTUATION.sub(" ", _COMMA.sub("", _FULL_STOP.sub("", text)))
    words = (_NUMBERS.get(word, word) for word in text.split())
    return " ".join(word for word in words if word not in _ARTICLES)
