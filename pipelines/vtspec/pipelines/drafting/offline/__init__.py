"""Offline drafting: a grammar of Korean and English, no model, no network; the same words give
the same answer."""

from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.drafting.result import ConversationState, Draft
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.repository import Repository

__all__ = ["draft_offline"]


def draft_offline(state: ConversationState, repository: Repository) -> Draft:
    """What a conversation comes to: a spec that has no error, one question, or a refusal.

    Deterministic, and never raises for anything that is typed. The first call in a process reads
    the catalogs and indexes them; later ones take milliseconds.
    """
    from . import messages
    from .dataset import draft_dataset, is_registration
    from .dialogue import parse_answer
    from .experiment import assemble_draft
    from .name_index import build_name_index
    from .parse import parse_text
    from .refusals import find_refusal_reason

    known = build_name_index(repository)
    tongue = detect_language(state.texts, _detect_question_language(state))
    text = "\n".join(state.texts)
    reading = parse_answer(text, state, known) or parse_text(text, known)
    talks = state.draft is not None or state.question is not None
    why = find_refusal_reason(text, reading, in_conversation=talks)
    if why is not None:
        return Draft(status="refused", reason=messages.format_refusal(why, tongue))
    if is_registration(reading, state.draft, text):
        return draft_dataset(known, tongue, reading, text, state)
    return assemble_draft(known, tongue, reading, state)


def _detect_question_language(state: ConversationState) -> Tongue:
    if state.question is None:
        return state.language
    return detect_language((state.question.text,), state.language)
