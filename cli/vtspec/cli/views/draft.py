"""What `vtspec draft` says to people: assumptions, questions, refusals, as lines."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.shell_command import quote_word
from vtspec.schema.visible_text import make_visible

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.result import Assumption, DraftResult, Question
    from vtspec.pipelines.language import Tongue

Tell = Callable[[str], None]

_PHRASES: Final[Mapping[str, Mapping["Tongue", str]]] = {
    "offline": {
        "en": "{provider} did not answer ({because}): drafted offline",
        "ko": "{provider}의 응답이 없어({because}) 오프라인으로 작성했습니다",
    },
    "refused": {"en": "refused", "ko": "요청을 받아들이지 않았습니다"},
    "assumed": {"en": "assumed:", "ko": "이렇게 정했습니다:"},
    "search": {
        "en": "  look with: vtspec models search WORDS",
        "ko": "  찾아보기: vtspec models search 검색어",
    },
    "save?": {"en": "Save it as {place}?", "ko": "{place}에 저장할까요?"},
    "not-saved": {
        "en": "not saved: --save writes it to {place}",
        "ko": "저장하지 않았습니다: --save를 붙이면 {place}에 저장합니다",
    },
    "wrote": {"en": "wrote {place}", "ko": "{place}에 저장했습니다"},
    "warning": {
        "en": "warning: {field}: {message}; {fix}",
        "ko": "주의: {field}: {message}; {fix}",
    },
    "next": {
        "en": "next: dvc add {path}, or look at the data first: vtspec datasets inspect {path}",
        "ko": "다음: dvc add {path}, 먼저 데이터를 살펴보려면: vtspec datasets inspect {path}",
    },
    "answer": {"en": "ANSWER", "ko": "대답"},
    "answer-fix": {"en": "  fix: {command}", "ko": "  해결: {command}"},
    "say-again-fix": {
        "en": "  fix: say it all once more with --conversation {file}, then {command}",
        "ko": "  해결: --conversation {file}을 붙여 처음부터 다시 말씀하신 다음 {command}",
    },
    "not-run": {
        "en": "not run: {words} was not understood, and is not in the spec",
        "ko": "실행하지 않았습니다: {words}, 이해하지 못해 스펙에 없는 말이 있습니다",
    },
    "not-run-fix": {
        "en": "  fix: say it otherwise, or save what there is and look at it: {command}",
        "ko": "  해결: 다르게 말씀하시거나, 저장하고 살펴보세요: {command}",
    },
}
"""What this command says by itself, in the language of who writes."""


def phrase(key: str, language: "Tongue", **words: str) -> str:
    """One of the command's own lines, with its words filled in."""
    return _PHRASES[key][language].format(**words)


def print_draft_notes(drafted: "DraftResult", language: "Tongue", line: Tell) -> None:
    """Say what stands beside the spec or instead of it: who drafted, and on what assumptions."""
    provenance = drafted.provenance
    if provenance.instead_of is not None:
        provider, because = map(make_visible, (provenance.instead_of, provenance.because or ""))
        line(phrase("offline", language, provider=provider, because=because))
    if drafted.status == "refused":
        line(make_visible(drafted.reason or phrase("refused", language)))
        return
    for each in _format_assumptions(drafted.assumptions, language):
        line(each)


def format_question(question: "Question", language: "Tongue") -> str:
    """The question, its choices numbered below it."""
    # A model's words, and names that others gave, must not move the cursor of a terminal.
    lines = [make_visible(question.text)]
    lines += [
        f"  {number}. {make_visible(choice)}" for number, choice in enumerate(question.choices, 1)
    ]
    if question.field == "spec.model.name" and not question.choices:
        lines.append(phrase("search", language))
    return "\n".join(lines)


def format_example(language: "Tongue") -> str:
    """What stands for an answer where nobody can say which."""
    return phrase("answer", language)


def format_next_step(drafted: "DraftResult", language: "Tongue") -> str | None:
    """What is still to be done: a dataset's spec says where data lies; it puts none there."""
    assert drafted.draft is not None
    if drafted.draft["kind"] != "Dataset":
        return None
    path = quote_word(str(drafted.draft["spec"]["source"].get("dvc", {}).get("path")))
    return phrase("next", language, path=path)


def format_answer(drafted: "DraftResult") -> str:
    """The answer as what vtspec said in a conversation."""
    # As it is: it is kept as data and goes back to a drafter, not to a terminal.
    if drafted.question is not None:
        return drafted.question.text
    return drafted.reason or "complete"


def _format_assumptions(
    assumptions: "tuple[Assumption, ...]", language: "Tongue"
) -> Iterator[str]:
    if assumptions:
        yield phrase("assumed", language)
    for each in assumptions:
        what = (
            f"'{each.value}'" if not each.field else f"{each.field}: {_format_value(each.value)}"
        )
        yield f"  {make_visible(what)}  ({make_visible(each.why)})"


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_format_value(item) for item in value)}]"
    return str(value)
