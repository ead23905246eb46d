"""Questions that wait: what was contradictory or out of range is asked until it is answered. Pure.

The draft beside a question lacks the field. Its question is asked again where the answer gave it
no value; the questions that came second are kept in an annotation of the unfinished draft.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from vtspec.pipelines.drafting.result import Data, Question, State

from .draft_builder import OPEN, Rank, Sheet, value_at
from .mentions import Reading
from .value_ranges import DEFAULTS, NUMBERS

_WAITING: Final = frozenset(
    {*NUMBERS, *DEFAULTS, "report.gates", "report.baseline", "model.pretrained",
     "training.optimizer", "training.scheduler", "training.augmentation", "training.precision",
     "training.freeze", "resources.gpuType"}
)  # fmt: skip
_MOST: Final = 8
"""Questions that are kept beside the one that is asked."""


def keep_open(sheet: Sheet, reading: Reading, state: State) -> None:
    """Asks again what is still without a value and was neither left out nor left to vtspec."""
    asked = {each.field for *_, each in sheet.questions}
    first = state.question
    for question in _open(state):
        path = question.field.removeprefix("spec.")
        settled = sheet.get(path) is not None or reading.negated(path)
        waived = reading.waived and question == first
        if path in _WAITING and question.field not in asked and not settled and not waived:
            sheet.questions.append((Rank.CONTRADICTION, len(sheet.questions), question))


def with_open(sheet: Sheet, question: Question) -> Data:
    """The draft beside a question, with the others that wait in its annotations."""
    others = [
        each
        for rank, _, each in sheet.questions
        if rank == Rank.CONTRADICTION and each.field.removeprefix("spec.") in _WAITING
    ]
    others = [each for each in others if each.field != question.field][:_MOST]
    if not others:
        return sheet.data
    metadata: dict[str, Any] = sheet.data["metadata"]
    text = json.dumps([each.as_json() for each in others], ensure_ascii=False)
    notes = {**metadata.get("annotations", {}), OPEN: text}
    return {**sheet.data, "metadata": {**metadata, "annotations": notes}}


def _open(state: State) -> Iterator[Question]:
    if state.question is not None:
        yield state.question
    kept = value_at(state.draft, "metadata.annotations")
    text = kept.get(OPEN) if isinstance(kept, dict) else None
    try:
        questions = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        return
    for each in questions[:_MOST] if isinstance(questions, list) else []:
        if not isinstance(each, dict):
            continue
        field, asked, choices = (each.get(key) for key in ("field", "text", "choices"))
        if isinstance(field, str) and isinstance(asked, str) and isinstance(choices, list):
            yield Question(field=field, text=asked, choices=tuple(map(str, choices)))
