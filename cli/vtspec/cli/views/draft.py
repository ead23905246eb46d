"""What `vtspec draft` says to people: assumptions, questions, refusals, as lines."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from vtspec.schema.visible_text import make_visible

if TYPE_CHECKING:
    from vtspec.pipelines.drafting.result import Assumption, DraftResult, Question

Tell = Callable[[str], None]


def print_draft_notes(drafted: "DraftResult", line: Tell) -> None:
    """Say what stands beside the spec or instead of it: who drafted, and on what assumptions."""
    provenance = drafted.provenance
    if provenance.instead_of is not None:
        line(
            f"{make_visible(provenance.instead_of)} did not answer "
            f"({make_visible(provenance.because or '')}): drafted offline"
        )
    if drafted.status == "refused":
        line(make_visible(drafted.reason or "refused"))
        return
    for each in _format_assumptions(drafted.assumptions):
        line(each)


def format_question(question: "Question") -> str:
    """The question, its choices numbered below it."""
    # A model's words, and names that others gave, must not move the cursor of a terminal.
    lines = [make_visible(question.text)]
    lines += [
        f"  {number}. {make_visible(choice)}" for number, choice in enumerate(question.choices, 1)
    ]
    if question.field == "spec.model.name" and not question.choices:
        lines.append("  look with: vtspec models search WORDS")
    return "\n".join(lines)


def format_answer(drafted: "DraftResult") -> str:
    """The answer as what vtspec said in a conversation."""
    # As it is: it is kept as data and goes back to a drafter, not to a terminal.
    if drafted.question is not None:
        return drafted.question.text
    return drafted.reason or "complete"


def _format_assumptions(assumptions: "tuple[Assumption, ...]") -> Iterator[str]:
    if assumptions:
        yield "assumed:"
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
