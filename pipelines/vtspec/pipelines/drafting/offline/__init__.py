"""Offline drafting: a grammar of Korean and English, no model, no network; the same words give
the same answer."""

from vtspec.pipelines.drafting.outcome import Sketch, State
from vtspec.pipelines.drafting.surroundings import Surroundings
from vtspec.pipelines.drafting.tongue import Tongue, tongue_of

__all__ = ["sketch"]


def sketch(state: State, surroundings: Surroundings) -> Sketch:
    """What a conversation comes to: a spec that has no error, one question, or a refusal.

    Deterministic, and never raises for anything that is typed. The first call in a process reads
    the catalogs and indexes them; later ones take milliseconds.
    """
    from . import wording
    from .answers import answered
    from .assembly import assembled
    from .known import known_of
    from .reading import read
    from .refusals import why_refused
    from .registering import registered, registers

    known = known_of(surroundings)
    tongue = tongue_of(state.texts, _tongue_before(state))
    text = "\n".join(state.texts)
    reading = answered(text, state, known) or read(text, known)
    talks = state.draft is not None or state.question is not None
    why = why_refused(text, reading, in_conversation=talks)
    if why is not None:
        return Sketch(status="refused", reason=wording.refusal(why, tongue))
    if registers(reading, state.draft, text):
        return registered(known, tongue, reading, text, state)
    return assembled(known, tongue, reading, state)


def _tongue_before(state: State) -> Tongue:
    return "en" if state.question is None else tongue_of((state.question.text,))
