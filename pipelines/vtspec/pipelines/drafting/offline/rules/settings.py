"""Finds settings in tokens: numbers with their fields, choices, switches, gates."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import get_number

from .gates import find_gates
from .numeric_settings import find_amounts

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


def find_settings(sentence: TokenizedText) -> Iterator[Mention]:
    """Every setting, in the order: gates, choices beside their fields, amounts, switches."""
    yield from find_gates(sentence)  # first: a bound is no batch size that is named behind it
    # before choices: `register as adam-net` is no optimizer
    yield from _iter_text_fields(sentence)
    yield from _iter_switches(sentence)
    yield from _iter_refused_exports(sentence)
    yield from _iter_choices(sentence)
    yield from find_amounts(sentence)
    # last: a field is without a value where no rule took it
    yield from _iter_bare_fields(sentence)


def _iter_text_fields(sentence: TokenizedText) -> Iterator[Mention]:
    """Fields whose value is a name: what MLflow calls the run or the model."""
    yield from _iter_registered_model(sentence)
    yield from _iter_tracked_experiment(sentence)
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
        value, end = parse_name(sentence, place)
        if value:
            sentence.consume(at, end)
            yield Mention(str(path), value, at, end, sentence.get_span_text(at, end))


_REGISTERED: Final = re.compile(
    r"(?:모델|모델은|모델을|결과|결과를|결과는) ?['\"]?([A-Za-z0-9][A-Za-z0-9_.-]*)['\"]?"
    r"(?:이라는 이름)?(?:으로|로) ?등록"
)


_REGISTERED_ALONE: Final = re.compile(
    r"(?<![\w./-])['\"]?([A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+)['\"]?"
    r"(?:(?:이)?라는 이름)?(?:으로|로) ?등록"
)
_NAMED: Final = re.compile(
    r"모델(?:의)? ?(?:이름|명)(?:은|을|:)? ?['\"]?([A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+)['\"]?"
    r"(?:이라고|라고|으로|로|이야|야|임)?"
)


def find_registration(sentence: TokenizedText) -> re.Match[str] | None:
    """Where a Korean text says under which name the model is registered; group 1 is the name."""
    found = _REGISTERED.search(sentence.text)
    # `data/birds를 our-birds로 등록` registers data.
    if found is None and not any(token.has("path") for token in sentence.tokens):
        found = _REGISTERED_ALONE.search(sentence.text)
    if found is None:
        found = _NAMED.search(sentence.text)
        # `모델 이름은 vit-base`: the network.
        if found is not None and is_model(sentence, found[1]):
            return None
    return found


def is_model(sentence: TokenizedText, name: str) -> bool:
    """Whether a name is a model's of the catalogs, or one letter off."""
    known = sentence.known
    return (
        known.models.find_name(name) is not None or known.spellings.find_nearest(name) is not None
    )


def _iter_registered_model(sentence: TokenizedText) -> Iterator[Mention]:
    """`모델은 cat-net으로 등록`, `cat-net으로 등록해줘`, `모델 이름은 cat-net`."""
    match = find_registration(sentence)
    if match is None:
        return
    places = [
        place
        for place, token in enumerate(sentence.tokens)
        if match.start() <= token.start < match.end() and place not in sentence.used
    ]
    if places:
        sentence.consume(places[0], places[-1] + 1)
        yield Mention("tracking.registerAs", match[1], places[0], places[-1] + 1, match[0])


_NAME: Final = r"['\"]?([A-Za-z0-9][\w.-]*)['\"]?"
_STRANGE: Final = frozenset({"unknown", "noun", "dataset-like", "quoted"})
_KEPT: Final = r"(?:에다?|으로|로) ?(?:기록|남|로깅|저장|추적|올)\S*"
_TRACKED: Final = re.compile(
    r"\b(?:in|into|under|within|to) (?:the |an? |my |our )?experiment "
    rf"{_NAME}|실험 ?{_NAME}{_KEPT}|{_NAME}(?:(?:이?라는)? ?실험){_KEPT}",
    re.IGNORECASE | re.ASCII,
)


def _iter_tracked_experiment(sentence: TokenizedText) -> Iterator[Mention]:
    """`in the experiment bolts`, `bolts 실험에 기록`: MLflow's, where no spec is called so."""
    for match in _TRACKED.finditer(sentence.text):
        name = next(filter(None, match.groups())).rstrip(".-_")
        start = match.start(match.lastindex or 1)
        places = [
            place
            for place, token in enumerate(sentence.tokens)
            if match.start() <= token.start < match.end() and place not in sentence.used
        ]
        named = [
            sentence.tokens[place] for place in places if sentence.tokens[place].start >= start
        ]
        # `in the experiment with 3 epochs` names none, and one that there is was found before
        if named and ({sense.kind for sense in named[0].senses} <= _STRANGE or "-" in name):
            sentence.consume(places[0], places[-1] + 1)
            yield Mention("tracking.experiment", name, places[0], places[-1] + 1, match[0])


def parse_name(sentence: TokenizedText, place: int) -> tuple[str, int]:
    """A quoted text or one word of Latin letters as typed, and the token after it."""
    token = sentence.get_token(place)
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


def _iter_choices(sentence: TokenizedText) -> Iterator[Mention]:
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used:
            continue
        for kind, value in token.senses:
            if kind != "choice" or not isinstance(value, tuple):
                continue
            path, choice = value
            if path == "training.precision" and _is_export_precision(sentence, at):
                continue
            if _is_intended_choice(sentence, at, path, choice):
                sentence.consume(at, at + 1)
                yield Mention(path, choice, at, at + 1, token.text)
                break


def _iter_refused_exports(sentence: TokenizedText) -> Iterator[Mention]:
    """`no export`, `내보내기 없이`: what is exported is negated without its name."""
    for at, token in enumerate(sentence.tokens):
        if at in sentence.used or not token.has("export"):
            continue
        before, after = at - 1, at + 1
        while sentence.is_kind(after, "particle"):
            after += 1
        negated = sentence.is_kind(before, "not-before") or sentence.is_kind(after, "not-after")
        # `do not export onnx` has the format's name, which is what is negated
        named = any(_is_export_format(sentence, place) for place in (before, after))
        if negated and not named:
            yield Mention("export.formats", None, at, at + 1, token.text, "remove")


def _is_export_format(sentence: TokenizedText, place: int) -> bool:
    token = sentence.get_token(place)
    choice = None if token is None else token.get("choice")
    return isinstance(choice, tuple) and choice[0] == "export.formats"


_EXPORTS: Final = ("onnx", "오닉스", "온닉스")


def _is_export_precision(sentence: TokenizedText, at: int) -> bool:
    """Whether a precision is that of the exported file, which no spec has: `onnx fp16`."""
    before, after = sentence.get_token(at - 1), sentence.get_token(at + 1)
    texts = [each.text.lower() for each in (before, after) if each is not None]
    return any(text in _EXPORTS for text in texts)


def _is_intended_choice(sentence: TokenizedText, at: int, path: str, choice: str) -> bool:
    """Whether a word is meant as this choice: it is unmistakable, or its field is beside it."""
    token = sentence.tokens[at]
    # `팀` is timm, and everybody's team
    if choice in _STRONG and not (token.has("dataset") or token.text == "팀"):
        return True
    # `linear probe`, `class weights`: two words are said on purpose
    spaced = " " in token.text.strip() or "-" in token.text
    if spaced and not token.has("filler") and not token.has("unit"):
        return True
    # `sgd or lion`; a lion alone is an animal
    if path == "training.optimizer" and choice == "lion":
        others = [each.get("choice") for each in sentence.tokens if each is not token]
        if any(isinstance(each, tuple) and each[0] == path for each in others):
            return True
    # `균형` is a filler as well: many things may be in balance
    if path == "training.classWeights":
        return not token.has("filler")
    if (
        path == "training.freeze" and choice == "backbone" and token.text.endswith("만")
    ) or token.text.lower() == "unfreeze":
        return True
    return _consume_nearby_field(sentence, at, _NEAR.get(path, ()))


def _consume_nearby_field(sentence: TokenizedText, at: int, paths: tuple[str, ...]) -> bool:
    for step in (-1, 1):
        for distance in range(1, 5):
            token = sentence.get_token(at + step * distance)
            if token is None or token.has("break") or token.has("comma"):
                break
            if token.get("field") in paths:
                # The learning rate may have a number of its own.
                if token.get("field") != "training.learningRate":
                    sentence.consume(at + step * distance, at + step * distance + 1)
                return True
            # `lr 0.01 linear`: beyond another value the field is another's
            if token.has("field") or (get_number(token) is not None and not token.has("particle")):
                break
    return False


def _iter_switches(sentence: TokenizedText) -> Iterator[Mention]:
    for at, token in enumerate(sentence.tokens):
        flag = token.get("flag")
        if at in sentence.used or not isinstance(flag, tuple):
            continue
        # `ema decay 0.999` is its own field.
        if isinstance(token.get("field"), str) and token.get("field") != "training.ema":
            continue
        sentence.consume(at, at + 1)
        yield Mention(flag[0], flag[1], at, at + 1, token.text)


def _iter_bare_fields(sentence: TokenizedText) -> Iterator[Mention]:
    """Fields that are named without a value: `without warm-up`, `with label smoothing`."""
    for at, token in enumerate(sentence.tokens):
        path = token.get("field")
        if (
            at not in sentence.used
            and isinstance(path, str)
            and path not in ("dataset.classes", "task", "description", "framework")
        ):
            if path == "training.freeze" and _fixes_seed(sentence, at):
                sentence.consume(at, at + 1)
            elif path != "resources.gpus" or _is_gpu_requested(sentence, at):
                mention = Mention(path, None, at, at + 1, token.text, "remove")
                mention.assumed = "only" if _is_cpu_only(sentence, at, path) else None
                yield mention


def _fixes_seed(sentence: TokenizedText, at: int) -> bool:
    """Whether it is a value that is held fast and no layer: `시드는 7로 고정`."""
    before = sentence.tokens[max(0, at - 5) : at]
    return any(token.get("field") == "training.seed" for token in before)


def _is_cpu_only(sentence: TokenizedText, at: int, path: str) -> bool:
    """Whether the run is to use the CPU and nothing else: `on the CPU`, `CPU로만`."""
    if path != "resources.cpus":
        return False
    if sentence.is_kind(at - 1, "only", "on") or sentence.is_kind(at + 1, "only"):
        return True
    after = sentence.tokens[at + 1 : at + 3]
    return any(token.text in ("로만", "만", "에서만", "로", "에서", "으로만") for token in after)


def _is_gpu_requested(sentence: TokenizedText, at: int) -> bool:
    """Whether a GPU is asked for, and not only spoken of."""
    before, after = sentence.tokens[max(0, at - 3) : at], sentence.tokens[at + 1 : at + 4]
    asked = any(  # `my GPU broke` asks for none
        token.has("on") or token.has("not-before") or token.has("only") for token in before
    )
    return asked or any(
        token.text in ("로", "으로", "에서", "로만", "사용", "써", "써서", "써줘", "쓰고", "도")
        or token.has("not-after")
        for token in after
    )
