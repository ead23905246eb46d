"""What `vtspec draft` says to people: assumptions, questions, refusals, as lines."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from vtspec.pipelines.reporting.escape import visible

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.result import Assumption, Drafted, Question

Tell = Callable[[str], None]


def tell(drafted: "Drafted", line: Tell) -> None:
    """Say what stands beside the spec or instead of it: who drafted, and on what assumptions."""
    provenance = drafted.provenance
    if provenance.instead_of is not None:
        line(
            f"{visible(provenance.instead_of)} did not answer "
            f"({visible(provenance.because or '')}): drafted offline"
        )
    if drafted.status == "refused":
        line(visible(drafted.reason or "refused"))
        return
    for each in _assumptions(drafted.assumptions):
        line(each)


def shown_question(question: "Question") -> str:
    """The question, its choices numbered below it."""
    lines = [visible(question.text)]
    lines += [
        f"  {number}. {visible(choice)}" for number, choice in enumerate(question.choices, 1)
    ]
    if question.field == "spec.model.name" and not question.choices:
        lines.append("  look with: vtspec models search WORDS")
    return "\n".join(lines)


def answer_text(drafted: "Drafted") -> str:
    """The answer as what vtspec said in a conversation."""
    if drafted.question is not None:
        return drafted.question.text
    return drafted.reason or "complete"


def _assumptions(assumptions: "tuple[Assumption, ...]") -> Iterator[str]:
    if assumptions:
        yield "assumed:"
    for each in assumptions:
        what = f"'{each.value}'" if not each.field else f"{each.field}: {_shown(each.value)}"
        yield f"  {visible(what)}  ({visible(each.why)})"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return str(value)
