"""What one answer is worth: held against what its request expects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from effective import effective, is_right, is_same, value_at
from request import Request

from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.conversation import get_state
from vtspec.pipelines.drafting.result import Draft
from vtspec.pipelines.project.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How one request went.

    `status` is that of the answer, or "crashed". `valid` is None where no draft was given as
    complete. `right` of `expected` fields have their values; `exact` says that all have, and
    that nothing else was set; a field that its request lets be told instead is right where it was.
    `as_asked` says that a question or refusal was the expected one. `lost` says that a draft was
    given as complete that is not what was said, `told` that it names words that it left out.
    `wrong` tells a person what was not as expected. `cpu_s` is CPU time in seconds.
    """

    request: Request
    status: str
    valid: bool | None = None
    expected: int = 0
    right: int = 0
    exact: bool = False
    as_asked: bool = False
    lost: bool = False
    told: bool = False
    cpu_s: float = 0.0
    wrong: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return (self.exact or self.as_asked) and self.valid is not False


def judge(request: Request, sketch: Draft, repository: Repository, cpu_s: float) -> Judgement:
    """The judgement of an answer. Reads the repository."""
    problems = _problems(sketch, repository)
    valid = not problems if sketch.status == "complete" else None
    common: dict[str, Any] = {
        "request": request,
        "status": sketch.status,
        "valid": valid,
        "told": bool(_list_left_out(sketch)),
        "cpu_s": cpu_s,
    }
    if request.expects == "fields":
        count = len(request.fields)
        if _is_told_without_draft(request, sketch):
            return Judgement(**common, expected=count, right=count, exact=True)
        wrong = list(_wrong_fields(request, sketch))
        extra = [*_set_unasked(request, sketch, repository), *_untold(request, sketch)]
        exact = not wrong and not extra and sketch.status == "complete"
        return Judgement(
            **common,
            expected=count,
            right=count - len(wrong),
            exact=exact,
            lost=sketch.status == "complete" and not exact,
            wrong=(*_other_status(sketch), *wrong, *extra, *problems),
        )
    wrong = list(_wrong_question(request, sketch))
    return Judgement(
        **common,
        as_asked=not wrong,
        lost=sketch.status == "complete",
        wrong=(*wrong, *problems),
    )


def crashed(request: Request, error: Exception) -> Judgement:
    """The judgement of a drafter that raised: everything is wrong."""
    return Judgement(
        request=request,
        status="crashed",
        expected=len(request.fields),
        wrong=(f"raised {type(error).__name__}: {error}",),
    )


def _problems(sketch: Draft, repository: Repository) -> tuple[str, ...]:
    if sketch.status != "complete":
        return ()
    found = filter_errors(find_problems(sketch.data or {}, repository))
    return tuple(f"invalid: {each.path}: {each.message}" for each in found)


def _other_status(sketch: Draft) -> Iterator[str]:
    if sketch.status == "question" and sketch.question is not None:
        yield f"asked at {sketch.question.field}: {sketch.question.text}"
    elif sketch.status != "complete":
        yield f"{sketch.status}: {sketch.reason}"


def _wrong_fields(request: Request, sketch: Draft) -> Iterator[str]:
    data = effective(sketch.data or {}) if sketch.status == "complete" else {}
    for path, expected in request.fields.items():
        got = value_at(data, path)
        if sketch.status == "complete" and _is_told(request, path, sketch):
            continue
        if sketch.status != "complete" or not is_right(path, expected, got):
            yield f"{path}: expected {expected}, got {got}"


def _list_left_out(sketch: Draft) -> list[str]:
    """The words that a draft says it did not understand, in small letters."""
    return [
        str(each.value).casefold()
        for each in sketch.assumptions
        if each.left_out or not each.field
    ]


def _is_told(request: Request, path: str, sketch: Draft) -> bool:
    left_out = _list_left_out(sketch)
    texts = request.told.get(path, ())
    return any(text.casefold() in words for text in texts for words in left_out)


def _is_told_without_draft(request: Request, sketch: Draft) -> bool:
    """Whether a draft asks about what may be told, or refuses what no field holds."""
    match sketch.status:
        case "question":
            asked = sketch.question.field if sketch.question else None
            return "" in request.told or asked in request.told
        case "refused":
            return "" in request.told
        case "complete":
            return False


def _untold(request: Request, sketch: Draft) -> Iterator[str]:
    if "" in request.told and not _is_told(request, "", sketch):
        yield f"must be told as left out: {' or '.join(request.told[''])}"


_SECTIONS: Final = ("training", "resources", "export", "tracking", "report")

_SPARED: Final = "spec.training.epochs"
"""The one field of the sections that may be assumed."""


def _set_unasked(request: Request, sketch: Draft, repository: Repository) -> Iterator[str]:
    """Fields that must not be set, and fields that nobody spoke of and are not as they were."""
    if sketch.status != "complete" or sketch.data is None:
        return
    data = effective(sketch.data)
    for path in request.absent:
        if value_at(data, path) is not None:
            yield f"{path}: must not be set, got {value_at(data, path)}"
    if data.get("kind") != "Experiment":
        return
    before = effective(_before(request, repository))
    for path in _decided_paths(data, before):
        got, was = value_at(data, path), value_at(before, path)
        if not _spoken_of(path, request) and not is_same(path, was, got):
            yield f"{path}: nobody spoke of it, was {was}, got {got}"


def _before(request: Request, repository: Repository) -> Mapping[str, Any]:
    if request.base is not None:
        return repository.sound_experiments[request.base]
    return get_state(request.conversation).draft or {"kind": "Experiment"}


def _decided_paths(*drafts: Mapping[str, Any]) -> list[str]:
    paths = {"spec.params": None, "spec.dataset.classes": None}
    for data in drafts:
        for section in _SECTIONS:
            held = value_at(data, f"spec.{section}")
            if isinstance(held, Mapping):
                paths.update(dict.fromkeys(f"spec.{section}.{key}" for key in held))
    paths.pop(_SPARED, None)
    return list(paths)


def _spoken_of(path: str, request: Request) -> bool:
    said = (*request.fields, *request.absent)
    return any(each == path or each.startswith(f"{path}.") for each in said)


def _wrong_question(request: Request, sketch: Draft) -> Iterator[str]:
    if request.expects == "refusal":
        if sketch.status != "refused":
            yield f"expected a refusal, got {_shown(sketch)}"
        return
    question = sketch.question
    if sketch.status != "question" or question is None:
        yield f"expected a question at {' or '.join(request.question)}, got {_shown(sketch)}"
        return
    if question.field not in request.question:
        yield f"expected a question at {' or '.join(request.question)}, got {_shown(sketch)}"
    missing = [each for each in request.choices if each not in question.choices]
    if missing:
        yield f"the choices {list(question.choices)} lack {missing}"


def _shown(sketch: Draft) -> str:
    match sketch.status:
        case "question":
            asked = sketch.question
            return "a question without a field" if asked is None else f"one at {asked.field}"
        case "complete":
            return f"the draft {(sketch.data or {}).get('spec')}"
        case "refused":
            return f"the refusal {sketch.reason!r}"
