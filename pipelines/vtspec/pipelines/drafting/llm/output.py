"""What a model answered becomes a sketch, or goes back to it with its problems.

Everything in an answer is untrusted: it is bounded, cleaned and checked here, and only what has
no problem comes out as complete.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.drafting.checks import filter_errors, find_problems, make_problem
from vtspec.pipelines.drafting.result import Assumption, Data, Draft, Question
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.spec_names import find_free_name
from vtspec.schema import API_VERSION
from vtspec.schema.kinds.patterns import NAME
from vtspec.schema.problem import Problem

from .bounded_data import Unbounded, copy_plain
from .choices import select_choices
from .field_paths import (
    DRAFTED,
    find_nearest_field,
    find_value,
    put_value,
    remove_value,
    resolve_field,
)
from .grounding import filter_notes, find_ungrounded
from .output_schema import PROPOSED
from .request import DraftRequest
from .safe_text import is_phishing, sanitize_text

LONGEST_TEXT: Final = 300
"""Characters of a question, of a reason and of why something was assumed."""

MOST_ASSUMED: Final = 20
MOST_PROBLEMS: Final = 10
"""Problems that go back to a model at once."""

_FREE_TEXTS: Final = {"spec.description": 1_000, "spec.tracking.experiment": 200}
"""The fields that hold what a model wrote in words, and the characters that each may have."""


@dataclass(frozen=True, kw_only=True)
class RejectedAnswer:
    """An answer that cannot stand: its problems, never none, and as much of its draft as can be
    kept."""

    problems: tuple[Problem, ...]
    draft: Data

    def to_json(self, turn: DraftRequest) -> Data:
        """The problems as a model reads them."""
        return {
            "problems": [
                {
                    "path": sanitize_text(each.path, 200, turn.hidden),
                    # Cut only when it is clean: half a secret is not known for one.
                    "value": turn.hidden.redact_text(str(each.value))[:100],
                    "message": turn.hidden.redact_text(each.message)[:400],
                    "fix": turn.hidden.redact_text(each.fix)[:400],
                }
                for each in self.problems[:MOST_PROBLEMS]
            ],
            "more": max(0, len(self.problems) - MOST_PROBLEMS),
        }


def parse_answer(tool: str, arguments: Data, turn: DraftRequest) -> Draft | RejectedAnswer:
    """The sketch of an answer, by the tool (one of `ANSWERS`) that a model gave it with."""
    try:
        # Bounded first, as whatever comes after walks through all of it.
        answer = turn.hidden.redact_data(copy_plain(arguments))
    except Unbounded as error:
        problem = make_problem("", f"the answer {error}", "answer briefly")
        return RejectedAnswer(problems=(problem,), draft=_normalize_draft({}, "Experiment", turn))
    if tool == "refuse":
        return Draft(status="refused", reason=_parse_reason(answer, turn))
    draft = answer.get("draft")
    kind = PROPOSED.get(tool) or (draft.get("kind") if isinstance(draft, dict) else None)
    kind = kind if kind in DRAFTED else "Experiment"
    whole = _normalize_draft(draft if isinstance(draft, dict) else {}, kind, turn)
    return (
        _parse_question(answer, whole, turn)
        if tool == "ask"
        else _parse_proposal(answer, whole, turn)
    )


def ask_about_problem(rejected: RejectedAnswer, turn: DraftRequest) -> Draft:
    """The one question about the first problem that a model could not mend."""
    problem = rejected.problems[0]
    field = find_nearest_field(problem.path)
    known = _keep_valid_fields(remove_value(rejected.draft, problem.path), turn)
    told = f"{problem.message}. {problem.fix}"
    text = sanitize_text(f"{_format_question(field, turn)} ({told})", LONGEST_TEXT, turn.hidden)
    question = Question(field=field, text=text, choices=select_choices(field, (), known, turn))
    return Draft(status="question", data=known, question=question)


def _parse_proposal(answer: Data, draft: Data, turn: DraftRequest) -> Draft | RejectedAnswer:
    # Mended here: to send a name back that is taken would cost one of few turns.
    draft = _ensure_unique_name(draft, turn)
    problems = _find_problems(draft, turn)
    if problems:
        return RejectedAnswer(problems=tuple(problems), draft=draft)
    return Draft(
        status="complete", data=draft, assumptions=_parse_assumptions(answer, draft, turn)
    )


def _parse_question(answer: Data, draft: Data, turn: DraftRequest) -> Draft | RejectedAnswer:
    field = resolve_field(answer.get("field"))
    if field is None:
        message = "the question's field is no field of a spec"
        fix = "give the dotted path of the field that is missing, such as spec.dataset.ref"
        return RejectedAnswer(problems=(make_problem("", message, fix),), draft=draft)
    known = _keep_valid_fields(draft, turn)
    offered = answer.get("choices")
    text = sanitize_text(answer.get("text"), LONGEST_TEXT, turn.hidden)
    if not text or is_phishing(text):
        text = _format_question(field, turn)
    return Draft(
        status="question",
        data=known,
        question=Question(
            field=field,
            text=text,
            choices=select_choices(
                field, offered if isinstance(offered, list) else (), known, turn
            ),
        ),
        assumptions=_parse_assumptions(answer, known, turn),
    )


def _parse_reason(answer: Data, turn: DraftRequest) -> str:
    reason = sanitize_text(answer.get("reason"), LONGEST_TEXT, turn.hidden)
    if reason and not is_phishing(reason):
        return reason
    if turn.tongue == "ko":
        return (
            "죄송하지만 이 요청은 스펙으로 만들 수 없습니다. 어떤 모델을 어떤 데이터셋으로 "
            "학습할지 말씀해 주세요."
        )
    return "Sorry, no spec can be made of this. Say which model is to be trained on which dataset."


def _normalize_draft(draft: Data, kind: str, turn: DraftRequest) -> Data:
    """The draft with its version and kind, without notes that nobody named and without markup."""
    rest = {key: _drop_nulls(item) for key, item in draft.items() if key not in _OURS}
    made = filter_notes({"apiVersion": API_VERSION, "kind": kind, **rest}, turn)
    for field, longest in _FREE_TEXTS.items():
        text = find_value(made, field)
        if isinstance(text, str):
            clean = sanitize_text(text, longest, turn.hidden)
            made = remove_value(made, field)
            made = put_value(made, field, clean) if clean else made
    return made


def _drop_nulls(data: object) -> object:
    """The data without nulls: models write them for what they leave out. Settings of a framework
    may be null, and stay."""
    if not isinstance(data, Mapping):
        return data
    return {
        key: item if key == "params" else _drop_nulls(item)
        for key, item in data.items()
        if item is not None
    }


def _ensure_unique_name(draft: Data, turn: DraftRequest) -> Data:
    """The draft with `-2`, `-3`, … behind its name where that is taken."""
    name = find_value(draft, "metadata.name")
    if not isinstance(name, str) or not re.fullmatch(NAME.pattern, name):
        return draft
    free = find_free_name(name, turn.repository.find_spec_files(draft["kind"]))
    return {**draft, "metadata": {**draft["metadata"], "name": free}}


def _keep_valid_fields(draft: Data, turn: DraftRequest) -> Data:
    """What of a draft can be kept beside a question: its only problems are what is missing."""
    known = dict(draft)
    for _ in range(50):
        # What is missing has no value, and may be missing; whatever else is wrong has one.
        faults = [each for each in _find_problems(known, turn) if each.value is not None]
        if not faults:
            return known
        # One at a time, as a fault is often the cause of those behind it.
        smaller = (remove_value(known, each.path) for each in faults if each.path not in _OURS)
        known = next((made for made in smaller if made != known), {})
        if not known:
            break
    # A key that no path can name, or faults without end.
    return {key: draft[key] for key in _OURS}


_OURS: Final = ("apiVersion", "kind")


def _find_problems(draft: Data, turn: DraftRequest) -> list[Problem]:
    return [*find_ungrounded(draft, turn), *filter_errors(find_problems(draft, turn.repository))]


def _parse_assumptions(answer: Data, draft: Data, turn: DraftRequest) -> tuple[Assumption, ...]:
    told = answer.get("assumptions")
    found = []
    for each in told[:MOST_ASSUMED] if isinstance(told, list) else ():
        if not isinstance(each, Mapping):
            continue
        named, why = each.get("field"), sanitize_text(each.get("why"), LONGEST_TEXT, turn.hidden)
        field = named if named == "" else resolve_field(named)
        if field is None:
            continue
        if not why or is_phishing(why):
            # What is in the draft is said aloud all the same.
            why = "" if find_value(draft, field) is None else _NOT_SAID[turn.tongue]
        if why:
            value = _get_assumed_value(field, each.get("value"), draft, turn)
            # a value that was said and is not in the draft was left out, as strange words are
            lacks = not field or find_value(draft, field) is None
            found.append(Assumption(field=field, value=value, why=why, left_out=lacks))
    return tuple(found)


_NOT_SAID: Final[Mapping[Tongue, str]] = {
    "ko": "말씀하지 않으셔서 정했습니다",
    "en": "it was not said",
}


def _get_assumed_value(field: str, told: object, draft: Data, turn: DraftRequest) -> object:
    """What the draft has there; where it has nothing, what the model says of it."""
    # The draft was checked; what a model says of it need not be so.
    held = find_value(draft, field) if field else None
    if held is not None:
        return held
    if isinstance(told, bool | int | float) or told is None:
        return told
    return sanitize_text(told if isinstance(told, str) else str(told), LONGEST_TEXT, turn.hidden)


def _format_question(field: str, turn: DraftRequest) -> str:
    ko, en = _LABELS.get(field, (field, field))
    if turn.tongue == "ko":
        return f"다음을 정해 주세요: {ko}"
    return f"Which {en} shall it be?" if field in _LABELS else f"What shall {en} be?"


_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "spec.dataset.ref": ("데이터셋", "dataset"),
    "spec.dataset.classes": ("클래스", "classes"),
    "spec.task": ("작업", "task"),
    "spec.model.name": ("모델", "model"),
    "spec.framework": ("프레임워크", "framework"),
    "spec.training.epochs": ("에폭 수", "number of epochs"),
    "spec.resources.gpuType": ("GPU 종류", "GPU type"),
    "metadata.name": ("이름", "name"),
}
"""What people call a field, in Korean and in English."""
