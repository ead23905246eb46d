"""The reckoning: every number, name and strange word of a text is in the draft, in a question,
told to be not understood, or part of a sentence about something else. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.rules.small_talk import is_past

from .common_words import is_everyday
from .dataset_index import MatchLevel
from .draft_builder import DraftBuilder
from .mentions import Mention, ParsedText
from .quantities import Amount
from .sentence import TokenizedText
from .text import is_hangul
from .tokens import Token, get_number

_VERB_END: Final = re.compile(
    r"(?:다|요|줘|까|죠|면|서|게|며|려고|해|할|한|하는|네|니|데|고|지|는|은|을|를|의|도|만|적|들)$"
)
_QUANTITIES: Final = ("sides", "fraction", "time", "scale")
_NAMES: Final = ("path", "quoted", "variant", "model", "family", "dataset", "spec", "gpu")
_SIZES: Final = frozenset(
    "nano tiny pico xlarge 나노 타이니 스몰 미디엄 라지 엑스라지 피코".split()
)
"""Words that are sizes of models, and nothing else."""

_LETTERS_ALONE: Final = re.compile("[ᄀ-ᇿㄱ-ㆎ]+")
"""What is typed for laughter or haste: `ㅋㅋ`, `ㄱㄱ`."""

_LAST_COUNTS: Final = (
    "name", "base", "run", "model.weights", "tracking.experiment", "tracking.registerAs",
    "training.checkpoint.monitor", "training.deterministic",
)  # fmt: skip
"""Fields of which the last value is taken."""


def list_unexplained(sentence: TokenizedText, mentions: Sequence[Mention]) -> list[str]:
    """The words of a text that no mention explains, in order."""
    explained = {
        place
        for each in mentions
        if each.field != "bare" or each.corrected
        for place in range(each.start, each.end)
    }
    about = _find_relevant_tokens(sentence, explained)
    return [
        token.text
        for at, token in enumerate(sentence.tokens)
        if at not in explained and _is_reportable(sentence, at, told=at not in about)
    ]


def _is_reportable(sentence: TokenizedText, at: int, *, told: bool) -> bool:
    """Whether a token that nothing explains has to be spoken of."""
    token = sentence.tokens[at]
    # numbers first: many of them are particles too, as `이` and `일`
    if get_number(token) is not None or any(token.has(kind) for kind in _QUANTITIES):
        # `세 잔` of coffee; `서른 번` is worth telling
        counted = sentence.is_kind(at + 1, "unit") and len(token.text) > 1
        small = _is_small_word(token) and not counted
        return not told and not small and not _is_past_time(sentence, at)
    # `early stopping on f1`: no field takes it
    if token.has("metric") and at not in sentence.used and _is_metric_condition(sentence, at):
        return True
    # after numbers and metrics, which are told even so
    if token.has("filler") or token.has("particle") or at in sentence.used:
        return False
    choice = token.get("choice")
    # `onnx fp16`: not the precision of training
    if isinstance(choice, tuple) and choice[0] == "training.precision":
        return True
    if token.text.lower() in _SIZES:  # `nano` alone names no model, and was surely meant to
        return True
    if _LETTERS_ALONE.fullmatch(token.text):
        return False
    if token.is_unknown:
        if is_everyday(token.text):  # `as a test`
            return False
        # `커피를 마셨더니`: a Korean verb that nothing knows is talk
        verb = is_hangul(token.text[-1]) and _VERB_END.search(token.text)
        return not verb and len(token.text) > 1
    return any(token.has(kind) for kind in _NAMES)


def _is_metric_condition(sentence: TokenizedText, at: int) -> bool:
    """Whether something hangs on a metric: `early stopping on f1`, `map 50 이상`, `…, f1, …`."""
    ends = ("comma", "break")
    if all(
        sentence.get_token(place) is None or sentence.is_kind(place, *ends)
        for place in (at - 1, at + 1)
    ):
        return True
    # `정확도 지표를 높게`: told whole, and not `지표` alone
    if sentence.is_kind(at + 1, "field") and at + 1 not in sentence.used:
        after = sentence.tokens[at + 1]
        return after.get("field") == "training.checkpoint.monitor"
    on = sentence.is_kind(at - 1, "on") and sentence.is_kind(at - 2, "flag")
    return on or sentence.is_kind(at + 1, "compare")


def _find_relevant_tokens(sentence: TokenizedText, explained: set[int]) -> set[int]:
    """The tokens of sentences in which anything was understood or looks like a setting; a number
    elsewhere is talk, unless there is one sentence only."""
    found: set[int] = set()
    start = 0
    for at, token in enumerate(sentence.tokens):
        last = at == len(sentence.tokens) - 1
        if token.has("break") or last:
            places = range(start, at + 1)
            if (
                (last and not start)  # a text of one sentence is all a request
                or len(places) <= _FEW  # `32. thanks`
                or any(
                    place in explained or sentence.is_kind(place, *_SETTING) for place in places
                )
            ):
                found.update(places)
            start = at + 1
    return found


_FEW: Final = 5
"""Tokens of which no story is told."""

_SETTING: Final = (
    "within", "compare", "field", "change", "up", "down", "flag", "metric", "choice",
)  # fmt: skip


def _is_small_word(token: Token) -> bool:
    if any(map(str.isdigit, token.text)):
        return False
    small = token.has("particle") or token.has("filler")
    return small or len(token.text) <= 2 or token.text.lower() == "one"


def _is_past_time(sentence: TokenizedText, at: int) -> bool:
    timed = sentence.is_kind(at + 1, "unit")  # `it took 3 hours last time`
    return timed and is_past(sentence, Amount(at, at + 2, 0, ""))


def list_unresolved(sheet: DraftBuilder, reading: ParsedText) -> list[str]:
    """What was read and has no place in the draft: other things, paths, tasks, names."""
    return list(dict.fromkeys(_iter_unresolved(sheet, reading)))


def _iter_unresolved(sheet: DraftBuilder, reading: ParsedText) -> Iterator[str]:
    for each in reading.mentions:
        if each.field == "task":
            if _is_another_task(sheet, each):
                yield each.said
        elif each.is_active and (
            (each.field == "path" and each.assumed != "data")
            or (each.field == "thing" and _is_unmatched_thing(sheet, reading, each))
            or (each.operation == "remove" and sheet.get(each.field) is None and not each.assumed)
        ):
            yield each.said
    for field in _LAST_COUNTS:
        said = [each for each in reading.get_mentions(field) if each.operation != "remove"]
        yield from (each.said for each in said[:-1] if each.value != said[-1].value)


def _is_another_task(sheet: DraftBuilder, mention: Mention) -> bool:
    """Whether the draft's task is not the one that was said, or is the one that was negated."""
    chosen = sheet.get("task")
    if mention.negated:  # `no segmentation`, and yet the dataset has nothing else
        return chosen in mention.value
    return (
        mention.is_active and mention.assumed != "vague" and chosen not in (None, *mention.value)
    )


def _is_unmatched_thing(sheet: DraftBuilder, reading: ParsedText, thing: Mention) -> bool:
    """Whether a thing is neither a class of the dataset nor how it is described."""
    terms = sheet.known.terms.get(sheet.get("dataset.ref") or "")
    if terms is None or any(each.field == "spec.dataset.classes" for *_, each in sheet.questions):
        return False
    spellings = (str(thing.value), thing.said.lower())
    known = any(terms.match_words(tuple(one.split())) is not None for one in spellings)
    return not known and not _names_dataset(reading, thing, terms.dataset.name)


def list_missing_classes(sheet: DraftBuilder, reading: ParsedText) -> list[str]:
    """Things that the dataset has not, joined to one that it was chosen by: `고양이랑 강아지`."""
    ref = sheet.get("dataset.ref")
    chosen = [each for each in reading.get_mentions("dataset") if ref in each.value]
    # a dataset that was named needs no class to be known by
    if not chosen or any(each.value[ref] >= MatchLevel.NAME for each in chosen):
        return []
    # `고양이랑 강아지`: one joint lies between
    places = {place for each in chosen for place in (each.start - 2, each.end + 1)}
    things = [each for each in reading.get_mentions("thing") if each.start in places]
    return [each.said for each in things if _is_unmatched_thing(sheet, reading, each)]


def _names_dataset(reading: ParsedText, thing: Mention, dataset: str) -> bool:
    """Whether the words of a thing are how the dataset was named, or the name of another one."""
    return any(
        each.start == thing.start and dataset in each.value
        for each in reading.get_mentions("dataset")
    )
