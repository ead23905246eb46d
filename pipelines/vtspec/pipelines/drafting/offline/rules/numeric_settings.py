"""Finds the settings that are numbers: each amount with its field. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention, Operation
from vtspec.pipelines.drafting.offline.quantities import Amount, iter_amounts
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.value_ranges import NUMBERS, SECONDS

from .attachment import find_adjacent_fields, find_field
from .small_talk import NEAR, find_sentence_span, is_of_current_run, is_of_earlier_run, is_past


@dataclass
class _AmountContext:
    """What came before an amount: the field of the last one, and of one that was only told, with
    the unit of a time that was told."""

    field: str | None = None
    told: str | None = None
    time: str = ""
    end: int = -1


def find_amounts(sentence: TokenizedText) -> Iterator[Mention]:
    """Every amount as a mention of its field; of `bare` where nothing tells the field."""
    before = _AmountContext()
    for amount in list(iter_amounts(sentence.tokens, sentence.used)):
        field, start, end = find_field(sentence, amount)
        # `한 시간을 서서 왔어` has a unit, and so a field: it has to be dropped here
        if _is_small_talk(sentence, amount, field, start, end):
            before.time = amount.unit if amount.unit in SECONDS else before.time
            continue
        if field not in (None, "count") and is_of_earlier_run(sentence, amount):
            # `yesterday I ran 20 epochs; today do 45`: the 45 takes the field from the 20
            before.told = field
            continue
        if (
            field == "resources.memory"
            and start == amount.start
            and _is_gpu_memory(sentence, amount)  # `my GPU only has 8 GB` limits no pod
        ):
            field = None
        field = field or _infer_field(sentence, amount, before)
        # after all else, as it looks at nothing but the number before
        field = _infer_list_field(sentence, amount, before, field)
        field = _correct_field(sentence, amount, field)
        if field is None:
            if amount.does != "scale" or amount.end - amount.start > 1:
                said = sentence.get_span_text(amount.start, amount.end)
                yield Mention("bare", amount, amount.start, amount.end, said)
            continue
        said = sentence.get_span_text(start, end)
        sentence.consume(start, end)
        if field == "count":
            yield Mention("count", amount.value, start, end, said)
            continue
        before.field = field
        operation: Operation = amount.does
        if isinstance(amount.value, tuple) and amount.does == "set" and field != _SIDE:
            operation = "unclear"  # `배치 256 x 8`: neither 256 nor 2048 is surely meant
        yield Mention(field, _get_value(amount), start, end, said, operation)
        before.end = end


def _correct_field(sentence: TokenizedText, amount: Amount, field: str | None) -> str | None:
    """The field, unless the number itself says that it is none of it."""
    if isinstance(amount.value, tuple) and amount.does == "set":
        return _infer_sides_field(sentence, amount, field)
    return field


def _infer_field(sentence: TokenizedText, amount: Amount, before: _AmountContext) -> str | None:
    """The field of a number that no name stands beside, or None."""
    # the told field first: all of the others only guess
    if before.told and is_of_current_run(sentence, amount):
        return before.told
    if amount.does == "scale" and (named := _find_referred_field(sentence, amount)) is not None:
        return named
    if _is_learning_rate(sentence, amount):
        return "training.learningRate"
    if before.time and _is_time_limit(sentence, amount):
        amount.unit = before.time
        return "resources.maxDuration"
    if before.field is not None and _replaces_previous(sentence, amount):
        return before.field
    return "training.imageSize" if _is_image_size(sentence, amount) else None


_REFERRING: Final = frozenset("that it this those".split())


def _find_referred_field(sentence: TokenizedText, amount: Amount) -> str | None:
    """The field that was named last, where a part of `that` is asked for."""
    after = sentence.get_token(amount.end)
    if after is None or after.text.lower() not in _REFERRING:
        return None
    for place in range(amount.start - 1, max(-1, amount.start - NEAR), -1):
        field = sentence.tokens[place].get("field")
        if isinstance(field, str) and field in NUMBERS:
            return field
    return None


_SIDE: Final = "training.imageSize"
_SMALLEST: Final = 16  # `batch 8 x 4 accumulation`: no picture is that small
"""Pixels that the side of an image has, where nothing says that it is one."""


def _infer_sides_field(sentence: TokenizedText, amount: Amount, field: str | None) -> str | None:
    """The field of `8 x 4`: another one's name beside it says that it is no size of images."""
    back, ahead = find_adjacent_fields(sentence, amount)
    if _SIDE in (back, ahead):
        return _SIDE
    least = min(amount.value)
    if back is not None and least < _SMALLEST:
        return back
    if ahead is not None and least < _SMALLEST:
        return ahead
    return field if least >= _SMALLEST or amount.value[0] == amount.value[1] else None


def _infer_list_field(
    sentence: TokenizedText, amount: Amount, before: _AmountContext, field: str | None
) -> str | None:
    """The field of the number before, where this is one more of a list: `seeds 1, 2, 3`."""
    if field is not None or before.field not in NUMBERS or amount.unit or amount.does != "set":
        return field
    if sentence.is_kind(before.end - 1, "field"):  # `50 epochs 32`: the name closed the value
        return field
    joined = before.end == amount.start or (
        before.end == amount.start - 1 and sentence.is_kind(before.end, "comma")
    )
    after = sentence.get_token(amount.end)
    ends = after is None or after.has("comma") or after.has("break") or after.text == "and"
    if not joined or not ends or isinstance(amount.value, tuple):
        return field
    # `20 epochs, 0.1`: no number of epochs
    return before.field if NUMBERS[before.field].contains(amount.value) else field


# number words that are also articles and endings: `one of us`, `이 모델`, `한 에폭`
_LITTLE: Final = frozenset(
    "one two three 한 두 세 네 일 이 삼 사 오 육 칠 팔 구 석 넉 영 공 하나 둘 셋 넷".split()
)


def _is_small_talk(
    sentence: TokenizedText, amount: Amount, field: str | None, start: int, end: int
) -> bool:
    """Whether a number is none of the spec's: `one needs`, `한 시간을 서서 왔어.`."""
    text = sentence.tokens[amount.start].text.lower()
    beside = sentence.get_token(amount.start - 1)
    if text in _LITTLE and not amount.unit and amount.does == "set" and end == amount.end:
        return (
            start == amount.start
            or beside is None
            or not (
                beside.has("field")
                or beside.has("particle")
                or beside.has("link")
                or beside.text.lower() in ("of", "to", "at", "is")
            )
        )
    if (
        field != "resources.maxDuration"
        or amount.unit not in SECONDS
        or start != amount.start
        or end != amount.end
    ):
        return False
    if is_past(sentence, amount):
        return True
    first, last = find_sentence_span(sentence, amount.start)
    # `I waited 3 hours at the dentist. cats resnet18`: a sentence without these tells a story
    kinds = ("within", "compare", "field", "model", "dataset", "gpu", "task", "train")
    return not any(sentence.is_kind(place, *kinds) for place in range(first, last))


def _is_learning_rate(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a small number after an optimizer is its learning rate: `AdamW at 3e-4`."""
    place = amount.start - 1
    if sentence.is_kind(place, "filler", "on", "link") or (
        sentence.get_token(place) is not None
        and sentence.tokens[place].text in ("@", "로", "으로")
    ):
        place -= 1
    choice = sentence.tokens[place].get("choice") if place >= 0 else None
    optimizer = isinstance(choice, tuple) and choice[0] == "training.optimizer"
    # `SGD 0.9` is no learning rate
    small = isinstance(amount.value, float) and 0 < amount.value < 0.5 and not amount.unit
    return optimizer and small and amount.does == "set"


def _is_time_limit(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a number without a unit is a time all the same: `took 3 hours, limit to 2`."""
    before = sentence.tokens[max(0, amount.start - 2) : amount.start]
    return not amount.unit and any(token.has("within") for token in before)


_PICTURES: Final = frozenset(
    "image images 이미지 이미지는 사진 pictures picture input inputs 영상 pics img imgs @".split()
)
_OF_SIZE: Final = frozenset("at to of size 크기 사이즈 sized = :".split())


def _is_image_size(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a bare number is the side of the images: `이미지 1024`, `images at 640`."""
    if (
        amount.does != "set"
        or not isinstance(amount.value, int)
        or amount.unit
        or not 16 <= amount.value <= 8192  # `이미지 3장`, `images 3`: how many, and not how large
    ):
        return False
    for place in range(amount.start - 1, max(-1, amount.start - 4), -1):
        token = sentence.tokens[place]
        if token.text.lower() in _PICTURES:
            return True
        if not token.has("particle") and token.text.lower() not in _OF_SIZE:
            return False
    return False


def _replaces_previous(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether a bare number stands for the field of the number before it: `64 말고 32`."""
    for place in range(amount.start - 1, max(-1, amount.start - 5), -1):
        token = sentence.tokens[place]
        turns = any(token.has(kind) for kind in ("correct", "not-after", "not-before"))
        if turns or token.text.lower() in _OR:
            return True
        if token.is_unknown:
            return False
    return False


_OR: Final = ("no", "or", "또는", "아니면", "혹은", "이나", "나")


def _is_gpu_memory(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether an amount of memory is a GPU's own: `my GPU only has 8 GB`, `24GB VRAM`."""
    start, end = sentence.tokens[amount.start].start, sentence.tokens[amount.end - 1].end
    before = sentence.text[max(0, start - 30) : start].lower()
    return bool(_GPU_HAS.search(before) or _VRAM.match(sentence.text[end : end + 24].lower()))


_GPU_HAS: Final = re.compile(  # `2 GPUs, 16 GB`: after a comma it is the memory of the pod
    r"(?:gpu|graphics card|card|지피유|그래픽 ?카드|vram|비디오 메모리)s?(?!s? ?,)[^,.;\n]{0,20}$"
)
_VRAM: Final = re.compile(
    r" ?(?:짜리|of|의)? ?(?:vram|video memory|gpu memory|비디오 메모리|gpu 메모리)"
)


def _get_value(amount: Amount) -> object:
    if amount.does != "set":
        return (amount.value, amount.unit)
    if amount.unit in SECONDS or amount.unit in ("gi", "mi", "ti"):
        return (amount.value, amount.unit)
    return amount.value
