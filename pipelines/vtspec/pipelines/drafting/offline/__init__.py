"""Offline drafting: a grammar of Korean and English, no model, no network; the same words give
the same answer."""

from vtspec.pipelines.drafting.context import Surroundings
from vtspec.pipelines.drafting.language import Tongue, tongue_of
from vtspec.pipelines.drafting.result import Sketch, State

__all__ = ["sketch"]


def sketch(state: State, surroundings: Surroundings) -> Sketch:
    """What a conversation comes to: a spec that has no error, one question, or a refusal.

    Deterministic, and never raises for anything that is typed. The first call in a process reads
    the catalogs and indexes them; later ones take milliseconds.
    """
    from . import messages
    from .dataset import registered, registers
    from .dialogue import answered
    from .experiment import assembled
    from .name_index import known_of
    from .parse import read
    from .refusals import why_refused

    known = known_of(surroundings)
    tongue = tongue_of(state.texts, _tongue_before(state))
    text = "\n".join(state.texts)
    reading = answered(text, state, known) or read(text, known)
    talks = state.draft is not None or state.question is not None
    why = why_refused(text, reading, in_conversation=talks)
    if why is not None:
        return Sketch(status="refused", reason=messages.refusal(why, tongue))
    if registers(reading, state.draft, text):
        return registered(known, tongue, reading, text, state)
    return assembled(known, tongue, reading, state)


def _tongue_before(state: State) -> Tongue:
    return "en" if state.question is None else tongue_of((state.question.text,))
