"""Finds settings in tokens: numbers with their fields, choices, switches, gates."""

import re
from collections.abc import Iterator
from typing import Any, Final

from .amounts import Amount, amounts_in
from .attachment import field_of
from .gates import find_gates
from .lattice import number_of
from .mentions import Mention
from .ranges import SECONDS
from .sentence import Sentence

_STRONG: Final = frozenset(
    (
        "adamw adam nadam radam sgd rmsprop lamb onnx safetensors bf16 fp16 fp32 timm "
        "ultralytics transformers cosine polynomial plateau"
    ).split()
)
"""Choices that need no field beside them."""

_NEAR: Final = {
    "training.optimizer": ("training.optimizer",),
    "training.scheduler": ("training.scheduler", "training.learningRate"),
    "training.augmentation": ("training.augmentation",),
    "training.precision": ("training.precision",),
    "training.freeze": ("training.freeze",),
    "training.classWeights": ("training.classWeights", "dataset.classes"),
    "framework": ("framework",),
}


def find_settings(sentence: Sentence) -> Iterator[Mention]:
    """Every setting, in the order: gates, choices beside their fields, amounts, switches."""
    yield from find_gates(sentence)
    yield from _texts(sentence)
    yield from _switches(sentence)
    yield from _choices(sentence)
    yield from _amounts(sentence)
    yield from _bare_fields(sentence)


def _texts(sentence: Sentence) -> Iterator[Mention]:
    """Fields whose value is a name: what MLflow calls the run or the model."""
    yield from _registered(sentence)
    for at, token in enumerate(sentence.tokens):
        path = token.get("field")
        if path not in ("tracking.experiment", "tracking.registerAs") or at in sentence.used:
            continue
        place = at + 1
        while sentence.is_kind(place, "particle", "link", "name", "to") or (
            sentence.is_kind(place, "filler")
            and sentence.tokens[place].text.lower() in ("as", "the", "is", "이름", "under")
        ):
            place += 1
        value, end = name_at(sentence, place)
        if value:
            sentence.take(at, end)
            yield Mention(str(path), value, at, end, sentence.said(at, end))


_REGISTERED: Final = re.compile(
    r"(?:모델|모델은|모델을|결과|결과를|결과는) ?['\"]?([A-Za-z0-9][A-Za-z0-9_.-]*)['\"]?"
    r"(?:이라는 이름)?(?:으로|로) ?등록"
)


def _registered(sentence: Sentence) -> Iterator[Mention]:
    """`모델은 cat-net으로 등록`."""
    match = _REGISTERED.search(sentence.text)
    if match is None:
        return
    places = [
        place
        for place, token in enumerate(sentence.tokens)
        if match.start() <= token.start < match.end() and place not in sentence.used
    ]
    if places:
        sentence.take(places[0], places[-1] + 1)
        yield Mention("tracking.registerAs", match[1], places[0], places[-1] + 1, match[0])


def name_at(sentence: Sentence, place: int) -> tuple[str, int]:
    """A quoted text or one word of Latin letters as typed, and the token after it."""
    token = sentence.at(place)
    if token is None:
        return "", place
    quoted = token.get("quoted")
    if isinstance(quoted, tuple):
        return sentence.text[quoted[0] : quoted[1]].strip(), place + 1
    end = token.start
    text = sentence.text
    while end < len(text) and (
        text[end].isascii() and (text[end].isalnum() or text[end] in "-_.")
    ):
        end += 1
    value = text[token.start : end].rstrip(".-_")
    after = place
    while after < len(sentence.tokens) and sentence.tokens[after].start < token.start + max(
        len(value), 1
    ):
        after += 1
    return value, after


def _choices(sentence: Sentence) -> Iterator[Mention]:
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        for kind, value in token.senses:
            if kind != "choice":
                continue
            path, choice = value
            if _counts(sentence, at, path, choice):
                sentence.take(at, at + 1)
                yield Mention(path, choice, at, at + 1, token.text)
                break


def _counts(sentence: Sentence, at: int, path: str, choice: str) -> bool:
    """Whether a word is meant as this choice: it is unmistakable, or its field is beside it."""
    token = sentence.tokens[at]
    if choice in _STRONG and not (token.has("dataset") or token.text == "팀"):
        return True
    spaced = " " in token.text.strip() or "-" in token.text
    if spaced and not token.has("filler") and not token.has("unit"):
        return True
    if path == "training.optimizer" and choice == "lion":
        others = [each.get("choice") for each in sentence.tokens if each is not token]
        if any(isinstance(each, tuple) and each[0] == path for each in others):
            return True
    if path == "training.classWeights":
        return not token.has("filler")
    if (
        path == "training.freeze" and choice == "backbone" and token.text.endswith("만")
    ) or token.text.lower() == "unfreeze":
        return True
    return _beside(sentence, at, _NEAR.get(path, ()))


def _beside(sentence: Sentence, at: int, paths: tuple[str, ...]) -> bool:
    for step in (-1, 1):
        for distance in range(1, 5):
            token = sentence.at(at + step * distance)
            if token is None or token.has("break") or token.has("comma"):
                break
            if token.get("field") in paths:
                # The learning rate may have a number of its own.
                if token.get("field") != "training.learningRate":
                    sentence.take(at + step * distance, at + step * distance + 1)
                return True
            if token.has("field") or (number_of(token) is not None and not token.has("particle")):
                break
    return False


def _switches(sentence: Sentence) -> Iterator[Mention]:
    for at, token in enumerate(sentence.tokens):
        flag = token.get("flag")
        if at in sentence.used or not isinstance(flag, tuple):
            continue
        # `ema decay 0.999` is its own field.
        if isinstance(token.get("field"), str) and token.get("field") != "training.ema":
            continue
        sentence.take(at, at + 1)
        yield Mention(flag[0], flag[1], at, at + 1, token.text)


def _amounts(sentence: Sentence) -> Iterator[Mention]:
    last: str | None = None
    for amount in list(amounts_in(sentence.tokens, sentence.used)):
        field, start, end = field_of(sentence, amount)
        if _is_small_talk(sentence, amount, field, start, end):
            continue
        said = sentence.said(start, end)
        if field == "count":
            yield Mention("count", amount.value, start, end, said)
            sentence.take(start, end)
            continue
        if field is None and last is not None and _takes_over(sentence, amount):
            field = last
        if field is None and _is_side(sentence, amount):
            field = "training.imageSize"
        if field is None:
            if amount.does != "scale" or amount.end - amount.start > 1:
                yield Mention(
                    "bare",
                    amount,
                    amount.start,
                    amount.end,
                    sentence.said(amount.start, amount.end),
                )
            continue
        sentence.take(start, end)
        last = field
        yield Mention(field, _value(field, amount), start, end, said, amount.does)


_LITTLE: Final = frozenset(
    "one two three 한 두 세 네 일 이 삼 사 오 육 칠 팔 구 석 넉 영 공 하나 둘 셋 넷".split()
)


def _is_small_talk(
    sentence: Sentence, amount: Amount, field: str | None, start: int, end: int
) -> bool:
    """Whether a number is none of the spec's: `one needs`, `한 시간을 서서 왔어.`."""
    text = sentence.tokens[amount.start].text.lower()
    beside = sentence.at(amount.start - 1)
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
    sentences = [
        place for place in range(len(sentence.tokens)) if sentence.tokens[place].has("break")
    ]
    first = max((place for place in sentences if place < amount.start), default=-1) + 1
    last = min((place for place in sentences if place >= amount.end), default=len(sentence.tokens))
    kinds = ("within", "compare", "field", "model", "dataset", "gpu", "task", "train")
    return not any(sentence.is_kind(place, *kinds) for place in range(first, last))


_PICTURES: Final = frozenset(
    "image images 이미지 이미지는 사진 pictures picture input inputs 영상 pics img imgs @".split()
)


def _is_side(sentence: Sentence, amount: Amount) -> bool:
    """Whether a bare number is the side of the images: `이미지 1024`, `images at 640`."""
    if (
        amount.does != "set"
        or not isinstance(amount.value, int)
        or amount.unit
        or not 16 <= amount.value <= 8192
    ):
        return False
    for place in range(amount.start - 1, max(-1, amount.start - 4), -1):
        token = sentence.tokens[place]
        if token.text.lower() in _PICTURES:
            return True
        if not token.has("particle") and token.text.lower() not in (
            "at",
            "to",
            "of",
            "size",
            "크기",
            "사이즈",
            "sized",
            "=",
            ":",
        ):
            return False
    return False


def _takes_over(sentence: Sentence, amount: Amount) -> bool:
    """Whether a bare number stands for the field of the number before it: `64 말고 32`."""
    before = sentence.tokens[max(0, amount.start - 4) : amount.start]
    return any(
        token.has("correct")
        or token.has("not-after")
        or token.has("not-before")
        or token.text.lower() in ("no", "or", "또는", "아니면", "혹은", "이나", "나")
        for token in before
    )


def _value(field: str, amount: Amount) -> Any:
    if amount.does != "set":
        return (amount.value, amount.unit)
    if amount.unit in SECONDS or amount.unit in ("gi", "mi", "ti"):
        return (amount.value, amount.unit)
    return amount.value


def _bare_fields(sentence: Sentence) -> Iterator[Mention]:
    """Fields that are named without a value: `without warm-up`, `with label smoothing`."""
    for at, token in enumerate(sentence.tokens):
        path = token.get("field")
        if (
            at not in sentence.used
            and isinstance(path, str)
            and path not in ("dataset.classes", "task", "description", "framework")
        ):
            if path != "resources.gpus" or _is_used(sentence, at):
                mention = Mention(path, None, at, at + 1, token.text, "remove")
                mention.assumed = "only" if _is_alone(sentence, at, path) else None
                yield mention


def _is_alone(sentence: Sentence, at: int, path: str) -> bool:
    """Whether the run is to use the CPU and nothing else: `on the CPU`, `CPU로만`."""
    if path != "resources.cpus":
        return False
    if sentence.is_kind(at - 1, "only", "on") or sentence.is_kind(at + 1, "only"):
        return True
    after = sentence.tokens[at + 1 : at + 3]
    return any(token.text in ("로만", "만", "에서만", "로", "에서", "으로만") for token in after)


def _is_used(sentence: Sentence, at: int) -> bool:
    """Whether a GPU is asked for, and not only spoken of."""
    before, after = sentence.tokens[max(0, at - 3) : at], sentence.tokens[at + 1 : at + 4]
    asked = any(
        token.has("on") or token.has("not-before") or token.has("only") for token in before
    )
    return asked or any(
        token.text in ("로", "으로", "에서", "로만", "사용", "써", "써서", "써줘", "쓰고", "도")
        or token.has("not-after")
        for token in after
    )
