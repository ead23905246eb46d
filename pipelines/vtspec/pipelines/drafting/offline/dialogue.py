"""Answers to a question: a value by itself, the number of a choice, or a change like any other."""

import re
from collections.abc import Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.rules.vague_requests import is_command
from vtspec.pipelines.drafting.offline.vocabulary.fields import FIELDS
from vtspec.pipelines.drafting.result import ConversationState, Question

from .dataset_index import MatchLevel
from .lexicon import iter_rows
from .mentions import Mention, ParsedText
from .name_index import NameIndex
from .parse import parse_text
from .quantities import Amount
from .text import lowercase, normalize_name, normalize_text
from .value_ranges import NUMBERS

_POLITE: Final = re.compile(
    r"(?:으로|로)?(?:요|이요|이에요|예요|입니다|해 ?줘(?:요)?|해 ?주세요|할게(?:요)?|하자|"
    r"부탁(?:해|드려)?요?|이야|야|데이터셋|데이터|모델| please| then| one|으로|로|은|는|를|"
    r"을|이|가|[.!?,~ ])+$"
)
_LEADING: Final = re.compile(
    r"^(?:the |use |take |i'?d like |let'?s (?:use |go with )?|go with |make it |it'?s |"
    r"number |option |choice |no\.? ?|#|음 ?|네,? |yes,? |ok,? |그럼 |그러면 )+"
)
_NUMBERED: Final = re.compile(
    r"(\d{1,2}) ?(번째|번|st|nd|rd|th)?(?: ?(?:거|것|꺼|choice|option|one))?"
)
_ORDINALS: Final = {
    "첫": 0, "처음": 0, "first": 0, "former": 0, "전자": 0, "두": 1, "둘": 1, "second": 1,
    "후자": 1, "latter": 1, "세": 2, "셋": 2, "third": 2, "네": 3, "넷": 3, "fourth": 3,
    "다섯": 4, "fifth": 4, "마지막": -1, "last": -1,
}  # fmt: skip
_YES: Final = frozenset(
    "yes yeah yep sure ok okay y 네 예 응 그래 좋아 좋아요 맞아 맞아요 넵".split()
)
_ANY: Final = (
    "any", "whatever", "whichever", "you choose", "up to you", "아무거나", "상관없", "상관 없",
    "알아서", "적당",
)  # fmt: skip


def parse_answer(text: str, state: ConversationState, known: NameIndex) -> ParsedText | None:
    """The reading of an answer, or None where there was no question."""
    question = state.question
    if question is None:
        return None
    if is_command(text):  # `취소` is none of the choices
        return parse_text(text, known)
    chosen = find_choice(text, question)
    if chosen is not None:
        reading = _parse_choice(question, chosen, known)
        if any(word in lowercase(normalize_text(text)) for word in _ANY):
            for each in reading.mentions:
                each.assumed = each.assumed or "any"
        return reading
    # `마지막 거로 하고 에폭은 33`: a choice, and then a change
    head, more = _split_at_conjunction(text)
    chosen = find_choice(head, question) if more else None
    if chosen is not None and not question.field.startswith("metadata"):
        reading = parse_text(more, known)
        reading.mentions += _parse_choice(question, chosen, known).mentions
        return reading
    reading = parse_text(text, known)
    reading.asked = question.field
    reading.waived = _WAIVED.search(lowercase(normalize_text(text))) is not None
    added = _ADDED.search(question.text) if _DONE.search(lowercase(text)) else None
    if added is not None and reading.leaves_open("spec.dataset.ref"):
        # the folder that was to be registered is looked for once more
        reading.mentions.append(Mention("path", added[1], 0, 0, added[1], assumed="data"))
        reading.rest = []
        return reading
    _fill_asked_slot(reading, question, text, known)
    return reading


_ADDED: Final = re.compile(r"vtspec datasets add '?([^\s']+)")
_DONE: Final = re.compile(
    r"등록|추가|했|완료|됐|\b(?:done|added|registered|did|ok|okay|yes|ready)\b"
)


_WAIVED: Final = re.compile(
    r"\b(?:default|skip|leave (?:it|that)|never ?mind|whatever|don'?t care|up to you|"
    r"you (?:choose|decide|pick))\b|기본|디폴트|알아서|상관 ?없|아무|적당|됐어|생략"
)
_JOINT: Final = re.compile(
    r"(?:, ?(?:and |그리고 )?|\. | and | 하고 |(?:로|으로)? ?하고 |[가-힣]고 |\n)"
)


_LEAVES_OUT: Final = re.compile(r"(?:말|빼|아니|제외하|없애) ?고 ?$")


def _split_at_conjunction(text: str) -> tuple[str, str]:
    """What stands before the first joint of a sentence, and what after it."""
    plain = normalize_text(text)
    match = _JOINT.search(plain)
    # `cats 말고 flowers`: that 고 joins no second request
    if match is not None and _LEAVES_OUT.search(plain[: match.end()]):
        return plain, ""
    return (plain, "") if match is None else (plain[: match.start()], plain[match.end() :])


def find_choice(text: str, question: Question) -> str | None:
    """The choice that an answer picks, by its value or by its place; or None."""
    if not question.choices:
        return None
    whole = lowercase(normalize_text(text)).strip()
    plain = _LEADING.sub("", whole)
    for candidate in (whole, plain, _POLITE.sub("", plain)):
        for choice in question.choices:
            if candidate and normalize_name(candidate) == normalize_name(choice):
                return choice
    # `accuracy` for `accuracy >= 0.9`, where no other choice is on that metric
    gates = [each for each in question.choices if _GATED.split(each)[0] == _POLITE.sub("", plain)]
    if len(gates) == 1:
        return gates[0]
    if any(word in whole for word in _ANY):
        return question.choices[0]
    if (end := _find_extreme_index(whole)) is not None and len(question.choices) > 1:
        return _pick_extreme(question.choices, end)
    # `yes` picks the only choice, and of several none
    if _POLITE.sub("", whole) in _YES or whole in _YES:
        return question.choices[0] if len(question.choices) == 1 else None
    return _find_ordinal_choice(_POLITE.sub("", plain), plain, question.choices)


_GATED: Final = re.compile(r" ?[<>]")

_LARGER: Final = re.compile(
    r"(?:the )?(?:larger|bigger|higher|greater|largest|biggest|highest|maximum|max)"
    r"(?: (?:one|value))?"
    r"|(?:더 )?(?:큰|높은|많은|긴) ?(?:쪽|값|거|것|걸로|거로|걸|쪽으로|값으로)?"
)
_SMALLER: Final = re.compile(
    r"(?:the )?(?:smaller|lower|lesser|smallest|lowest|minimum|min)(?: (?:one|value))?"
    r"|(?:더 )?(?:작은|낮은|적은|짧은) ?(?:쪽|값|거|것|걸로|거로|걸|쪽으로|값으로)?"
)


def _find_extreme_index(whole: str) -> int | None:
    """-1 where the largest of the choices is meant, 0 where the smallest, else None."""
    plain = _POLITE.sub("", whole)
    for pattern, end in ((_LARGER, -1), (_SMALLER, 0)):
        if any(pattern.fullmatch(each.strip(" .!")) for each in (whole, plain) if each):
            return end
    return None


def _pick_extreme(choices: Sequence[str], end: int) -> str | None:
    try:
        return sorted(choices, key=float)[end]
    except ValueError:
        return None


def _find_ordinal_choice(bare: str, plain: str, choices: Sequence[str]) -> str | None:
    match = _NUMBERED.fullmatch(bare) or _NUMBERED.fullmatch(plain)
    if match is not None:
        # Where the choices are numbers themselves, a mere number is a value.
        if match[2] is None and any(choice[:1].isdigit() for choice in choices):
            return None
        place = int(match[1]) - 1
        return choices[place] if 0 <= place < len(choices) else None
    word = re.fullmatch(
        r"([a-z]+|[가-힣]+?)(?: ?(?:번째|째|one|choice|option|거|것|걸|꺼|껄))*", bare
    )
    # `네` alone is yes, and not the fourth
    if word is None or word[1] not in _ORDINALS or (bare == word[1] and len(bare) == 1):
        return None
    place = _ORDINALS[word[1]]
    return choices[place] if place < len(choices) else None


def _parse_choice(question: Question, chosen: str, known: NameIndex) -> ParsedText:
    """The reading of a choice: the field of the question has its value."""
    field = question.field.removeprefix("spec.")
    reading = ParsedText()
    if field == "metadata.name":
        reading.mentions.append(
            Mention(
                "base" if chosen in known.repository.sound_experiments else "name",
                chosen,
                0,
                0,
                chosen,
            )
        )
        return reading
    if field == "dataset.ref":
        return ParsedText([Mention("dataset", {chosen: MatchLevel.NAME}, 0, 0, chosen)])
    if field == "task":
        return ParsedText([Mention("task", (chosen,), 0, 0, chosen)])
    if field == "model.name":
        return ParsedText([Mention("model", chosen, 0, 0, chosen)])
    if field == "dataset.classes":
        return ParsedText([Mention("thing", chosen, 0, 0, chosen, assumed="only")])
    if chosen == "none" and field in NUMBERS:
        return ParsedText([Mention(field, None, 0, 0, chosen, negated=True)])
    if field in NUMBERS or field in ("resources.memory", "resources.maxDuration"):
        reading = parse_text(chosen, known)
        _fill_asked_slot(reading, question, chosen, known)
        return reading
    return ParsedText([Mention(field, chosen, 0, 0, chosen)])


def _fill_asked_slot(reading: ParsedText, question: Question, text: str, known: NameIndex) -> None:
    """Reads what stands alone as the value that was asked for."""
    field = question.field.removeprefix("spec.")
    # `make it 30 epochs` has filled its own slot
    if reading.get_mentions(field) and field not in ("dataset.ref",):
        return
    if field in NUMBERS or field in ("resources.memory", "resources.maxDuration"):
        _fill_number_slot(reading, field, text, known)
    elif field == "dataset.ref" and not reading.get_mentions("dataset") and reading.rest:
        reading.mentions.append(Mention("unknown-dataset", reading.rest[0], 0, 0, reading.rest[0]))
        reading.rest = reading.rest[1:]
    elif field == "model.name" and not reading.get_mentions("model") and reading.rest:
        reading.mentions.append(Mention("model", None, 0, 0, reading.rest[0]))
        reading.rest = reading.rest[1:]
    elif field == "dataset.classes":
        for each in reading.mentions:
            if each.field == "thing":
                each.assumed = "only"
    elif field == "metadata.name":
        _fill_name_slot(reading, text, known)
    elif (
        field == "resources.gpuType"
        and not reading.get_mentions("resources.gpuType")
        and reading.rest
    ):
        reading.mentions.append(Mention("resources.gpuType", (), 0, 0, reading.rest[0]))


_SHORT: Final = 40
"""Letters of an answer that holds a value and nothing else."""


def _get_usual_name(field: str) -> str:
    return next((names[-1] for path, names in iter_rows(FIELDS) if path == field), field)


def _fill_number_slot(reading: ParsedText, field: str, text: str, known: NameIndex) -> None:
    for each in reading.mentions:
        if each.field == "bare" and each.is_active and isinstance(each.value, Amount):
            amount = each.value
            each.field = field
            relative = amount.does != "set"
            each.operation = amount.does
            each.value = (
                (amount.value, amount.unit)
                if relative or amount.unit in ("h", "m", "s", "d", "gi", "mi", "ti")
                else amount.value
            )
            reading.rest = [word for word in reading.rest if word not in each.said]
            return
    if len(text) <= _SHORT:
        # `절반`: what is a value only beside the name of its field
        named = parse_text(f"{_get_usual_name(field)} {text}", known).get_mentions(field)
        reading.mentions += [each for each in named if each.operation != "remove"]


def _fill_name_slot(reading: ParsedText, text: str, known: NameIndex) -> None:
    word = re.search(r"[A-Za-z0-9][A-Za-z0-9_-]*", normalize_text(text))
    if word is None or reading.get_mentions("name") or reading.get_mentions("base"):
        return
    if word[0] in known.repository.sound_experiments:
        reading.mentions.append(Mention("base", word[0], 0, 0, word[0]))
    elif len(normalize_text(text).split()) <= 4:  # a whole sentence is no name
        reading.mentions.append(Mention("name", word[0], 0, 0, word[0]))
        reading.mentions = [each for each in reading.mentions if each.field in ("name",)]
        reading.rest = []
