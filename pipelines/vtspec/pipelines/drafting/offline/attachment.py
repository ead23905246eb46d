"""Which field a number belongs to: by its unit, and by what stands around it. Pure."""

from typing import Final

from .amounts import PASSED, Amount
from .lattice import number_of
from .ranges import EPOCHS_MEASURED, NUMBERS
from .sentence import Sentence

_REACH: Final = 5

_UNIT_FIELDS: Final = {
    "h": "resources.maxDuration", "m": "resources.maxDuration", "s": "resources.maxDuration",
    "d": "resources.maxDuration", "gi": "resources.memory", "mi": "resources.memory",
    "ti": "resources.memory", "px": "training.imageSize",
}  # fmt: skip


def field_of(sentence: Sentence, amount: Amount) -> tuple[str | None, int, int]:
    """The field of an amount, and the tokens from its name to the amount."""
    back = _before(sentence, amount)
    ahead = _ahead(sentence, amount)
    if ahead is not None and ahead[0] == "training.epochs" and _is_patience(sentence, amount):
        return "training.earlyStopping.patience", amount.start, ahead[1] + 1
    if amount.unit in _UNIT_FIELDS:
        path = _UNIT_FIELDS[amount.unit]
        start = back[1] if back and back[0] == path else amount.start
        end = ahead[1] + 1 if ahead and ahead[0] == path else amount.end
        return path, start, end
    if (
        back is not None
        and ahead is not None
        and ahead[0] == "training.epochs"
        and back[0] in EPOCHS_MEASURED
    ):
        return back[0], back[1], ahead[1] + 1
    if ahead is not None and ahead[0] == "training.epochs":
        measured = _measured_after(sentence, ahead[1])
        if measured is not None:
            return measured[0], amount.start, measured[1] + 1
    if (
        sentence.is_kind(amount.end, "count")
        and back is None
        and _counts_classes(sentence, amount)
    ):
        return "count", amount.start, amount.end + 1
    if back is not None and not (ahead is not None and _nearer(sentence, amount, back, ahead)):
        end = ahead[1] + 1 if ahead is not None and ahead[0] == back[0] else amount.end
        return back[0], back[1], end
    if ahead is not None:
        return ahead[0], amount.start, ahead[1] + 1
    if amount.unit == "turn" and (
        sentence.is_kind(amount.end, "train")
        or sentence.is_kind(amount.end + 1, "train")
        or sentence.is_kind(amount.start - 1, "train", "particle")
    ):
        return "training.epochs", amount.start, amount.end
    return None, amount.start, amount.end


_NO_BETTER: Final = (
    "동안",
    "나아지지",
    "좋아지지",
    "개선이",
    "개선",
    "개선되지",
    "향상",
    "improvement",
    "improve",
    "improving",
    "improves",
    "improved",
    "nothing",
    "gain",
    "개선되지",
    "없으면",
    "늘지",
    "오르지",
    "better",
    "progress",
    "연속",
    "안에",
)


def _is_patience(sentence: Sentence, amount: Amount) -> bool:
    """Whether epochs are those without improvement: `stop early after 8 epochs`."""
    clause = _clause(sentence, amount.start)
    stops = any(
        sentence.tokens[place].get("flag") == ("training.earlyStopping", True) for place in clause
    )
    if not stops:
        return False
    hints = any(sentence.tokens[place].text.lower() in _NO_BETTER for place in clause)
    before = sentence.tokens[amount.start - 1].text.lower() if amount.start else ""
    near = sentence.tokens[max(0, amount.start - 4) : amount.start]
    after_flag = any(token.get("flag") == ("training.earlyStopping", True) for token in near)
    nearest = min(
        (
            place
            for place in clause
            if place > amount.end and sentence.tokens[place].get("field") == "training.epochs"
        ),
        default=None,
    )
    return (after_flag and before in ("after", "of", "with", "at", "(")) or (
        hints and nearest is None
    )


def _clause(sentence: Sentence, at: int) -> range:
    """The tokens of the sentence around one, to the next comma or full stop on either side."""
    start = at
    while start > 0 and not (
        sentence.tokens[start - 1].has("break") or sentence.tokens[start - 1].has("comma")
    ):
        start -= 1
    end = at
    while end < len(sentence.tokens) and not (
        sentence.tokens[end].has("break") or sentence.tokens[end].has("comma")
    ):
        end += 1
    return range(start, end)


def _nearer(
    sentence: Sentence, amount: Amount, back: tuple[str, int], ahead: tuple[str, int]
) -> bool:
    """Whether the name after the amount is surely its own: the one before is further, and a comma
    or another word lies between."""
    if ahead[1] != amount.end:
        return False
    between = sentence.tokens[back[1] + 1 : amount.start]
    if not between:
        return False
    linked = any(
        token.has("link")
        or token.text.lower()
        in (
            "at",
            "over",
            "by",
            "with",
            "as",
            "is",
            "should",
            "be",
            "은",
            "는",
            "을",
            "를",
            "도",
            "만",
            "이",
            "가",
            "of",
            "to",
            "로",
            "으로",
            "값은",
        )
        for token in between
    )
    after = sentence.at(ahead[1] + 1)
    return not linked and (after is None or not (number_of(after) is not None))


def _counts_classes(sentence: Sentence, amount: Amount) -> bool:
    token = sentence.tokens[amount.end]
    return not (token.text.lower() in ("labels", "types") and amount.does != "set")


_LOOKED_THROUGH: Final = (
    *PASSED,
    "compare",
    "up",
    "down",
    "to",
    "within",
    "more",
    "less",
    "from",
    "train",
    "not-after",
    "every",
    "spec",
    "between",
    "like",
    "paren",
    "choice",
)


def _before(sentence: Sentence, amount: Amount) -> tuple[str, int] | None:
    place, strangers = amount.start - 1, 0
    for _ in range(_REACH):
        token = sentence.at(place)
        if (
            token is None
            or token.has("break")
            or token.has("comma")
            or (place in sentence.used and not (token.has("flag") or token.has("spec")))
        ):
            return None
        path = _named_field(sentence, place)
        if path is not None:
            return (path, place) if place not in sentence.used else None
        averaged = token.get("flag") == ("training.ema", True)
        if averaged or token.get("flag") == ("training.earlyStopping", True):
            field = "training.ema.decay" if averaged else "training.earlyStopping.patience"
            between = sentence.tokens[place + 1 : amount.start]
            close = all(each.has("particle") or each.text.lower() in _OF_IT for each in between)
            return (field, place) if close else None
        if number_of(token) is not None and not token.has("particle") and not token.has("filler"):
            return None
        if not any(token.has(kind) for kind in _LOOKED_THROUGH):
            # One word that nothing knows may stand between: `에폭은 넉넉잡고 100`.
            strangers += 1
            if strangers > 1 or not token.unknown:
                return None
        place -= 1
    return None


_OF_IT: Final = (
    "after",
    "of",
    "with",
    "at",
    "(",
    "=",
    ":",
    "for",
    "to",
    "a",
    "켜줘",
    "켜고",
    "decay",
)


def _ahead(sentence: Sentence, amount: Amount) -> tuple[str, int] | None:
    place = amount.end
    for _ in range(_REACH):
        token = sentence.at(place)
        if token is None or token.has("break") or token.has("comma") or place in sentence.used:
            return None
        path = _named_field(sentence, place)
        if path is not None:
            if (
                path == "resources.gpus"
                and sentence.is_kind(place + 1, "number")
                and place > amount.end
            ):
                return None
            return path, place
        passes = (
            token.text.lower()
            in (
                "of",
                "is",
                "okay",
                "ok",
                "fine",
                "the",
                "의",
                "짜리",
                "-",
                "as",
                "many",
                "much",
                "for",
                "로",
                "으로",
                "개의",
                "장의",
            )
            or token.has("more")
            or token.has("less")
        )
        if not passes or (token.text in ("로", "으로") and amount.unit != "turn"):
            return None
        place += 1
    return None


def _named_field(sentence: Sentence, place: int) -> str | None:
    """The field of numbers that a token names, or None."""
    path = sentence.tokens[place].get("field")
    if path == "decay":
        near = sentence.tokens[max(0, place - 5) : place]
        averaged = any(token.get("flag") == ("training.ema", True) for token in near)
        return "training.ema.decay" if averaged else "training.weightDecay"
    return path if isinstance(path, str) and _is_number_field(path) else None


def _is_number_field(path: str) -> bool:
    return path in NUMBERS or path in ("resources.memory", "resources.maxDuration")


def _measured_after(sentence: Sentence, at: int) -> tuple[str, int] | None:
    """`5 epochs of warmup`, `5 epoch warm-up`, `10 에폭마다 저장`."""
    for place in range(at + 1, at + 4):
        token = sentence.at(place)
        if token is None or token.has("break") or token.has("comma"):
            return None
        path = token.get("field")
        if path in EPOCHS_MEASURED and not (
            sentence.is_kind(place + 1, "number") or sentence.is_kind(place + 2, "number")
        ):
            return str(path), place
        if token.has("every") and _saves(sentence, place):
            return "training.checkpoint.every", place
        if not any(token.has(kind) for kind in ("particle", "filler", "every", "on", "export")):
            return None
    return None


def _saves(sentence: Sentence, at: int) -> bool:
    near = sentence.tokens[max(0, at - 5) : at + 5]
    return any(
        token.get("field") == "training.checkpoint.every"
        or token.text in ("저장", "저장해", "저장해줘", "save")
        for token in near
    )
