"""Which field a number belongs to: by its unit, and by what stands around it. Pure."""

import re
from typing import Final

from vtspec.pipelines.drafting.offline.quantities import PASSED, Amount
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import get_number
from vtspec.pipelines.drafting.offline.value_ranges import EPOCHS_MEASURED, NUMBERS

from .small_talk import find_clause_span

_REACH: Final = 5  # further away a name is that of another value

_UNIT_FIELDS: Final = {
    "h": "resources.maxDuration", "m": "resources.maxDuration", "s": "resources.maxDuration",
    "d": "resources.maxDuration", "gi": "resources.memory", "mi": "resources.memory",
    "ti": "resources.memory", "px": "training.imageSize",
}  # fmt: skip


_Named = tuple[str, int]
"""A field, and the token that names it."""


def find_field(sentence: TokenizedText, amount: Amount) -> tuple[str | None, int, int]:
    """The field of an amount, and the tokens from its name to the amount."""
    back, ahead = _find_field_before(sentence, amount), _find_field_after(sentence, amount)
    # first, or `7 epochs, stop after 2 epochs without improvement` is asked about: 7 or 2?
    found = _match_patience(sentence, amount, back, ahead)
    # `90분 안에`, `16GB`: nothing names the field, the unit does
    if found is None and amount.unit in _UNIT_FIELDS:
        found = _match_by_unit(amount, back, ahead)
    if found is None and ahead is not None and ahead[0] == "training.epochs":
        # `60 epochs, 5 epochs of warm-up`: epochs are also the unit of other fields
        found = _match_epoch_unit(sentence, amount, back, ahead)
        if found is None and _is_interval(sentence, amount, ahead[1]):
            return None, amount.start, amount.end  # else `validation every 5 epochs` trains for 5
    return found or _match_by_name(sentence, amount, back, ahead)


_Attached = tuple[str | None, int, int]


def _is_interval(sentence: TokenizedText, amount: Amount, named: int) -> bool:
    """Whether it is how often something happens: `validate every 5 epochs`, `5 에폭마다`."""
    before = sentence.get_token(amount.start - 1)
    often = before is not None and before.text.lower() in ("every", "each", "매")
    return often or sentence.is_kind(named + 1, "every")


def find_adjacent_fields(sentence: TokenizedText, amount: Amount) -> tuple[str | None, str | None]:
    """The fields that are named before and after an amount."""
    back, ahead = _find_field_before(sentence, amount), _find_field_after(sentence, amount)
    if ahead is not None and _has_own_number(sentence, ahead[1]):
        ahead = None
    return back and back[0], ahead and ahead[0]


def _match_patience(
    sentence: TokenizedText, amount: Amount, back: _Named | None, ahead: _Named | None
) -> _Attached | None:
    in_epochs = ahead is not None and ahead[0] == "training.epochs"
    # `5번 안 오르면 끊어` names no epochs
    alone = back is None and amount.unit in ("turn", "piece", "")
    if not (in_epochs or alone) or not _is_patience(sentence, amount):
        return None
    end = ahead[1] + 1 if in_epochs and ahead is not None else amount.end
    return "training.earlyStopping.patience", amount.start, end


def _match_by_unit(amount: Amount, back: _Named | None, ahead: _Named | None) -> _Attached:
    path = _UNIT_FIELDS[amount.unit]
    # with the name, which else is told as strange: `메모리 8GB`
    start = back[1] if back and back[0] == path else amount.start
    end = ahead[1] + 1 if ahead and ahead[0] == path else amount.end
    return path, start, end


def _match_epoch_unit(
    sentence: TokenizedText, amount: Amount, back: _Named | None, ahead: _Named
) -> _Attached | None:
    if back is not None and back[0] in EPOCHS_MEASURED:  # `save a checkpoint every 5 epochs`
        return back[0], back[1], ahead[1] + 1
    measured = _find_epoch_field(sentence, amount, ahead[1])
    return None if measured is None else (measured[0], amount.start, measured[1] + 1)


def _match_by_name(
    sentence: TokenizedText, amount: Amount, back: _Named | None, ahead: _Named | None
) -> _Attached:
    counts = back is None and sentence.is_kind(amount.end, "count")
    if counts and _is_class_count(sentence, amount):
        # `4종류`: asked about where the dataset has three
        return "count", amount.start, amount.end + 1
    if back is not None and not (
        ahead is not None and _is_ahead_nearer(sentence, amount, back, ahead)
    ):
        twice = (  # `에폭 60 epochs`; but in `시드는5배치는100` the 100 needs the second name
            ahead is not None and ahead[0] == back[0] and not _has_own_number(sentence, ahead[1])
        )
        end = ahead[1] + 1 if ahead is not None and twice else amount.end
        return back[0], back[1], end
    if ahead is not None and not _belongs_to_next(sentence, ahead):
        return ahead[0], amount.start, ahead[1] + 1
    # `열 번 돌려`; in `digits에서 0,1만` bare numbers are classes
    if amount.unit == "turn" and _is_epoch_count(sentence, amount):
        return "training.epochs", amount.start, amount.end
    return None, amount.start, amount.end


def _has_own_number(sentence: TokenizedText, named: int) -> bool:
    """Whether a number follows a field's name: `epochs=60`."""
    place = named + 1
    while sentence.is_kind(place, "link"):
        place += 1
    return sentence.is_kind(place, "number")


def _belongs_to_next(sentence: TokenizedText, ahead: _Named) -> bool:
    """Whether a field's name is surely that of the number after it, as in `640 batch 16`, or
    counts its values, as in `2 seeds`."""
    # `50 epochs x 2 seeds`: two runs
    if sentence.tokens[ahead[1]].text.lower() in ("seeds", "random seeds"):
        return True
    if ahead[0] == "training.epochs" or not _has_own_number(sentence, ahead[1]):
        return False
    following = sentence.get_token(ahead[1] + 2)
    # `32 batch 16 epochs`: the 16 has a name behind it, and leaves the one before to the 32
    return following is None or not (
        following.has("field") or following.has("unit") or following.has("flag")
    )


def _is_epoch_count(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether turns are epochs: `열 번 돌려`, `학습 20번`."""
    following = sentence.get_token(amount.end)
    again = following is not None and sentence.text.startswith(("돌", "반복"), following.start)
    alone = following is None or following.has("comma") or following.has("break")
    before = sentence.get_token(amount.start - 1)
    counted = before is not None and (before.is_unknown or before.has("field"))
    return (
        # `digits resnet18 50번`; `폴드 2번` counts something else
        (alone and amount.value > 1 and not counted)
        or (again and amount.value > 1)  # `한 번 돌려줘` only asks for a run
        or sentence.is_kind(amount.end, "train")
        or sentence.is_kind(amount.end + 1, "train")
        or sentence.is_kind(amount.start - 1, "train", "particle")
    )


_NO_BETTER: Final = re.compile(
    r"동안|나아지지|좋아지지|개선|향상|없으면|늘지|오르지|연속|안에|안 ?(?:오르|좋아|늘|나아|"
    r"떨어|줄|"
    r"내려)|그대로|제자리|improv|nothing|gain|better|progress|in a row|plateau|stagnat"
)
"""What is said of epochs that bring nothing."""


_STOPS: Final = re.compile(r"\b(?:stop|halt|quit|end|abort)|끊|멈추|멈춰|중단|종료|그만")


def _is_patience(sentence: TokenizedText, amount: Amount) -> bool:
    """Whether epochs are those without improvement: `stop early after 8 epochs`."""
    clause = range(*find_clause_span(sentence, amount.start))
    said = sentence.get_span_text(clause.start, clause.stop).lower()
    hints = _NO_BETTER.search(said) is not None
    stops = any(
        sentence.tokens[place].get("flag") == ("training.earlyStopping", True) for place in clause
    )
    if not stops and not (hints and _STOPS.search(said)):  # a plateau alone stops nothing
        return False
    before = sentence.tokens[amount.start - 1].text.lower() if amount.start else ""
    near = sentence.tokens[max(0, amount.start - 4) : amount.start]
    after_flag = any(token.get("flag") == ("training.earlyStopping", True) for token in near)
    nearest = min(
        (
            place
            for place in clause
            # `80에폭 학습하되 10에폭 동안 나아지지 않으면`: the last is the patience
            if place > amount.end and sentence.tokens[place].get("field") == "training.epochs"
        ),
        default=None,
    )
    return (after_flag and before in ("after", "of", "with", "at", "(")) or (
        hints and nearest is None
    )


def _is_ahead_nearer(
    sentence: TokenizedText, amount: Amount, back: tuple[str, int], ahead: tuple[str, int]
) -> bool:
    """Whether the name after the amount is surely its own: the one before is further, and a comma
    or another word lies between."""
    if ahead[1] != amount.end:
        return False
    between = sentence.tokens[back[1] + 1 : amount.start]
    if not between:  # `gradient clipping 1.0`, `over 4 batches`: right behind its name
        return False
    linked = any(token.has("link") or token.text.lower() in _LINKING for token in between)
    after = sentence.get_token(ahead[1] + 1)
    # `에폭은 구십오 시드는 삼십일`: 은 ties 95 to what is before it
    return not linked and (after is None or not (get_number(after) is not None))


_LINKING: Final = frozenset(
    "at over by with as is should be of to 은 는 을 를 도 만 이 가 로 으로 값은".split()
)


def _is_class_count(sentence: TokenizedText, amount: Amount) -> bool:
    token = sentence.tokens[amount.end]
    return not (token.text.lower() in ("labels", "types") and amount.does != "set")


_LOOKED_THROUGH: Final = (
    *PASSED, "compare", "up", "down", "to", "within", "more", "less", "from", "train", "not-after",
    "every", "spec", "between", "like", "paren", "choice",
)  # fmt: skip


def _find_field_before(sentence: TokenizedText, amount: Amount) -> tuple[str, int] | None:
    place, strangers = amount.start - 1, 0
    for _ in range(_REACH):
        token = sentence.get_token(place)
        if (
            token is None
            or token.has("break")
            or token.has("comma")  # `batch 16, 30 epochs`: no name reaches over a comma
            or (place in sentence.used and not (token.has("flag") or token.has("spec")))
        ):
            return None
        path = _find_number_field(sentence, place)
        if path is not None:
            return (path, place) if place not in sentence.used else None
        averaged = token.get("flag") == ("training.ema", True)
        # `EMA at 0.999`: a switch names the number that it takes
        if averaged or token.get("flag") == ("training.earlyStopping", True):
            field = "training.ema.decay" if averaged else "training.earlyStopping.patience"
            between = sentence.tokens[place + 1 : amount.start]
            close = all(each.has("particle") or each.text.lower() in _OF_IT for each in between)
            return (field, place) if close else None
        # `batch 32 64`: the name has its number
        if get_number(token) is not None and not token.has("particle") and not token.has("filler"):
            return None
        if not any(token.has(kind) for kind in _LOOKED_THROUGH):
            # One word that nothing knows may stand between: `에폭은 넉넉잡고 100`.
            strangers += 1
            if strangers > 1 or not token.is_unknown:
                return None
        place -= 1
    return None


_OF_IT: Final = "after of with at ( = : for to a 켜줘 켜고 decay".split()


def _find_field_after(sentence: TokenizedText, amount: Amount) -> tuple[str, int] | None:
    place = amount.end
    for _ in range(_REACH):
        token = sentence.get_token(place)
        if token is None or token.has("break") or token.has("comma") or place in sentence.used:
            return None
        path = _find_number_field(sentence, place)
        if path is not None:
            if (
                path == "resources.gpus"  # `640 for gpus 2`: the 2 is theirs
                and sentence.is_kind(place + 1, "number")
                and place > amount.end
            ):
                return None
            return path, place
        passes = token.text.lower() in _JOINING or token.has("more") or token.has("less")
        # `half of the usual number of epochs`
        passes = passes or (amount.does == "scale" and token.text.lower() in _HELD)
        # `64로 배치 16`: the phrase of the 64 is over
        if not passes or (token.text in ("로", "으로") and amount.unit != "turn"):
            return None
        place += 1
    return None


_JOINING: Final = frozenset(
    "of is are okay ok fine the as many much for - 의 짜리 로 으로 개의 장의".split()
)


_HELD: Final = frozenset("usual default current normal number amount 평소 기존 현재".split())


def _find_number_field(sentence: TokenizedText, place: int) -> str | None:
    """The field of numbers that a token names, or None."""
    path = sentence.tokens[place].get("field")
    if path == "decay":
        near = sentence.tokens[max(0, place - 5) : place]
        averaged = any(token.get("flag") == ("training.ema", True) for token in near)
        # `EMA with decay 0.999`; a bare decay is that of the weights
        return "training.ema.decay" if averaged else "training.weightDecay"
    return path if isinstance(path, str) and _is_number_field(path) else None


def _is_number_field(path: str) -> bool:
    return path in NUMBERS or path in ("resources.memory", "resources.maxDuration")


def _has_following_number(sentence: TokenizedText, named: int, amount: Amount) -> bool:
    """Whether a number follows that is rather the field's own: `50 epochs, warm-up 5`, but not
    `5에폭 워밍업 후 30에폭`."""
    for place in (named + 1, named + 2):
        number = get_number(sentence.tokens[place]) if sentence.is_kind(place, "number") else None
        if number is not None:
            in_epochs = sentence.get_token(place + 1)
            counted = in_epochs is not None and in_epochs.get("field") == "training.epochs"
            # no warm-up is longer than the training
            return not (counted and number.value > amount.value)
    return False


def _find_epoch_field(sentence: TokenizedText, amount: Amount, at: int) -> tuple[str, int] | None:
    """`5 epochs of warmup`, `5 epoch warm-up`, `10 에폭마다 저장`."""
    for place in range(at + 1, at + 4):
        token = sentence.get_token(place)
        if token is None or token.has("break") or token.has("comma"):
            return None
        path = token.get("field")
        if path in EPOCHS_MEASURED and not _has_following_number(sentence, place, amount):
            return str(path), place
        # `10에폭마다 저장`; `10에폭마다 검증` is no setting
        if token.has("every") and _is_about_saving(sentence, place):
            return "training.checkpoint.every", place
        if not any(token.has(kind) for kind in ("particle", "filler", "every", "on", "export")):
            return None
    return None


def _is_about_saving(sentence: TokenizedText, at: int) -> bool:
    near = sentence.tokens[max(0, at - 5) : at + 5]
    return any(
        token.get("field") == "training.checkpoint.every"
        or token.text in ("저장", "저장해", "저장해줘", "save")
        for token in near
    )
