"""A text into what it says: mentions, and what was not understood."""

import re
from collections.abc import Iterator
from typing import Final

from .find_gpus import find_gpus
from .find_models import find_models
from .known import Known
from .lattice import Token, number_of, tokens_of
from .mending import mended_text
from .mentions import Mention, Reading
from .references import find_names, find_paths, find_specs
from .scopes import apply_scopes
from .sentence import Sentence
from .settings import find_settings
from .strangers import find_strangers
from .things import find_data, find_tasks
from .written import is_hangul, normal

_VERB_END: Final = re.compile(
    r"(?:다|요|줘|까|죠|면|서|게|며|려고|해|할|한|하는|네|니|데|고|지|는|은|을|를|의|도|만|적|들)$"
)
_PARTED: Final = re.compile(
    r"\b(?:leave|take|keep) ((?:[\w-]+ ){1,6}?)(?:out|away|off)\b(?: (?:of|from)\b)?",
    re.IGNORECASE,
)
"""Verbs in two parts: what stands between them is left out."""

_MINUS: Final = re.compile(r"(?:마이너스|\bminus|\bnegative) ?(?=[0-9.])", re.IGNORECASE)


def read(text: str, known: Known) -> Reading:
    """All that one text says; any text is read."""
    plain, mended = mended_text(_plain(normal(text)), known)
    sentence = Sentence(plain, tokens_of(plain, known.words), known, mended=mended)
    mentions: list[Mention] = []
    for find in (
        find_names,
        find_specs,
        find_paths,
        find_models,
        find_gpus,
        find_settings,
        find_tasks,
        find_data,
    ):
        mentions.extend(find(sentence))
    mentions.extend(find_strangers(sentence, mentions))
    apply_scopes(sentence.tokens, mentions)
    _inherit(sentence, mentions)
    reading = Reading(mentions=mentions, mended=sentence.mended)
    reading.kinds = _kinds(sentence)
    reading.rest = list(_rest(sentence, mentions))
    _restrict(sentence, reading)
    return reading


def _inherit(sentence: Sentence, mentions: list[Mention]) -> None:
    """A bare number beside one that was taken back is of the same field: `100, not 50 epochs`."""
    taken_back = [one for one in mentions if _is_taken_back(one)]
    models = [one for one in mentions if one.field == "model" and one.negated]
    for each in [one for one in mentions if one.field == "bare"]:
        if _is_other_member(sentence, models, each):
            continue
        near = [one for one in taken_back if _is_near(one, each)]
        if near and each.stands:
            each.field, each.value = near[0].field, each.value.value
            sentence.take(each.start, each.end)
            continue
        later = any(
            token.has("correct") for token in sentence.tokens[each.end : each.end + 2]
        ) or (
            [token.text.lower() for token in sentence.tokens[each.end : each.end + 2]]
            == [",", "no"]
        )
        if later:
            each.corrected = True
            sentence.take(each.start, each.end)


def _is_other_member(sentence: Sentence, negated: list[Mention], bare: Mention) -> bool:
    """Makes `50` a model in `resnet34 말고 50으로`."""
    for one in negated:
        if isinstance(one.value, str) and 0 <= bare.start - one.end <= 3:
            name = sentence.known.models.exact(re.sub(r"[0-9]+", bare.said, one.value, count=1))
            if name is not None and bare.said.isdigit():
                bare.field, bare.value = "model", name
                sentence.take(bare.start, bare.end)
                return True
    return False


def _is_taken_back(one: Mention) -> bool:
    return one.field != "bare" and not one.stands and isinstance(one.value, int | float)


def _is_near(one: Mention, bare: Mention) -> bool:
    return 0 <= one.start - bare.end <= 3 or 0 <= bare.start - one.end <= 4


def _plain(text: str) -> str:
    """The text with minus signs for their words, and `leave X out` as `without X`."""
    return _PARTED.sub(r"without \1, on ", _MINUS.sub("-", text))


def _kinds(sentence: Sentence) -> set[str]:
    """The function words that there are, by kind."""
    found: set[str] = set()
    for token in sentence.tokens:
        found.update(sense.kind for sense in token.senses)
    return found


def _rest(sentence: Sentence, mentions: list[Mention]) -> Iterator[str]:
    """Words that mean something and were not understood."""
    spoken_of = _spoken_of(sentence)
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        if number_of(token) is not None and at not in spoken_of:
            continue
        if (
            token.unknown
            and not (is_hangul(token.text[-1]) and _VERB_END.search(token.text))
            and len(token.text) > 1
        ):
            yield token.text
        elif (number_of(token) is not None or token.has("sides")) and not _is_small_word(token):
            yield token.text
        elif token.has("path") or token.has("quoted") or token.has("variant"):
            yield token.text


def _spoken_of(sentence: Sentence) -> set[int]:
    """The tokens of sentences in which anything was understood; a number elsewhere is talk."""
    found: set[int] = set()
    start = 0
    for at, token in enumerate(sentence.tokens):
        last = at == len(sentence.tokens) - 1
        if token.has("break") or last:
            if any(place in sentence.used for place in range(start, at + 1)) or (
                last and not start
            ):
                found.update(range(start, at + 1))
            start = at + 1
    return found


def _is_small_word(token: Token) -> bool:
    return (
        token.has("particle")
        or token.has("filler")
        or (not any(letter.isdigit() for letter in token.text) and len(token.text) <= 2)
    )


def _restrict(sentence: Sentence, reading: Reading) -> None:
    """Marks where "only" stands beside classes, or a list of them is announced."""
    only = any(
        token.has("only") or token.text in ("만", "만을", "하나만", "만으로", "들만")
        or token.get("field") == "dataset.classes"
        for token in sentence.tokens
    )  # fmt: skip
    if not only:
        return
    for each in reading.mentions:
        if each.field not in ("thing", "bare"):
            continue
        near = [
            *sentence.tokens[max(0, each.start - 4) : each.start],
            *sentence.tokens[each.end : each.end + 8],
        ]
        if any(
            token.has("only")
            or token.text in ("만", "만을", "하나만", "만으로", "들만")
            or token.get("field") == "dataset.classes"
            for token in near
        ):
            each.assumed = "only"
