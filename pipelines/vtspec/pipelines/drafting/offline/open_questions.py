"""Questions that wait: what was contradictory or out of range is asked until it is answered. Pure.

The draft beside a question lacks the field. Its question is asked again where the answer gave it
no value; the questions that came second are kept in an annotation of the unfinished draft.
"""

import json
from collections.abc import Iterator
from typing import Final

from vtspec.pipelines.drafting.result import ConversationState, Data, Question

from .draft_builder import OPEN, DraftBuilder, MutableData, QuestionPriority, find_value
from .mentions import ParsedText
from .value_ranges import DEFAULTS, NUMBERS

_WAITING: Final = frozenset(
    {*NUMBERS, *DEFAULTS, "report.gates", "report.baseline", "export.formats", "model.pretrained",
     "training.optimizer", "training.scheduler", "training.augmentation", "training.precision",
     "training.freeze", "resources.gpuType"}
)  # fmt: skip
_SUBJECTS: Final = ("spec.dataset.ref", "spec.model.name", "spec.task", "metadata.name")
_MOST: Final = 8
"""Questions that are kept beside the one that is asked."""


def repeat_open_questions(
    sheet: DraftBuilder, reading: ParsedText, state: ConversationState
) -> None:
    """Asks again what is still without a value and was neither left out nor left to vtspec."""
    asked = {each.field for *_, each in sheet.questions}
    first = state.question
    for question in _iter_open_questions(state):
        path = question.field.removeprefix("spec.")
        # a value that stood beside the question is no answer to it
        held = find_value(state.draft, question.field)
        answered = reading.get_mentions(path) or (held is None and sheet.get(path) is not None)
        settled = answered or reading.get_negated(path)
        waived = reading.waived and question == first
        open_again = path in _WAITING or (
            question.field in _SUBJECTS and reading.leaves_open(question.field)
        )
        if open_again and question.field not in asked and not settled and not waived:
            sheet.questions.append(
                (QuestionPriority.CONTRADICTION, len(sheet.questions), question)
            )


def attach_open_questions(sheet: DraftBuilder, question: Question) -> Data:
    """The draft beside a question, with the others that wait in its annotations."""
    others = [
        each
        for rank, _, each in sheet.questions
        if rank == QuestionPriority.CONTRADICTION and each.field.removeprefix("spec.") in _WAITING
    ]
    others = [each for each in others if each.field != question.field][:_MOST]
    if not others:
        return sheet.data
    metadata: MutableData = sheet.data["metadata"]
    text = json.dumps([each.to_json() for each in others], ensure_ascii=False)
    notes = {**metadata.get("annotations", {}), OPEN: text}
    return {**sheet.data, "metadata": {**metadata, "annotations": notes}}


def _iter_open_questions(state: ConversationState) -> Iterator[Question]:
    if state.question is not None:
        yield state.question
    kept = find_value(state.draft, "metadata.annotations")
    text = kept.get(OPEN) if isinstance(kept, dict) else None
    try:
        questions = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):  # a draft may come from anyone: a strange note is no note
        return
    for each in questions[:_MOST] if isinstance(questions, list) else []:
        if not isinstance(each, dict):
            continue
        field, asked, choices = (each.get(key) for key in ("field", "text", "choices"))
        if isinstance(field, str) and isinstance(asked, str) and isinstance(choices, list):
            yield Question(field=field, text=asked, choices=tuple(map(str, choices)))
