"""How far negations and corrections reach. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.tokens import Token, get_number

FAR: Final = 6  # `don't use any of the pretrained weights`: small words count too
"""Tokens between a negation and what it negates, at most."""

MOST_CORRECTIONS: Final = 20
"""Corrections of one text that are followed, the last ones."""

_BETWEEN: Final = (
    "particle", "filler", "field", "dataset-word", "on", "model-word", "link", "more", "train",
    "like", "generic", "metric", "only", "change", "any", "by", "dataset", "model",
)  # fmt: skip
"""What may stand between a negation and what it negates."""

_AND: Final = ("나", "이나", "랑", "이랑", "와", "과", "도")

_AtToken = Mapping[int, list[Mention]]


def apply_scopes(tokens: Sequence[Token], mentions: list[Mention]) -> None:
    """Marks the mentions that are negated or corrected."""
    at_token: defaultdict[int, list[Mention]] = defaultdict(list)
    for each in mentions:
        for place in range(each.start, each.end):
            at_token[place].append(each)
    corrections = [at for at in range(len(tokens)) if is_correction(tokens, at)]
    # `must not exceed 12 %`: that `not` was read with its gate
    spared = {*corrections, *at_token}
    for at, token in enumerate(tokens):
        if at in spared:
            continue
        if token.has("not-after"):
            _apply_exclusion(tokens, at, at_token)
        elif token.has("not-before"):
            _negate_after(tokens, at, at_token)
    # after negations: `cats, actually not flowers` takes no cats back
    for at in corrections[-MOST_CORRECTIONS:]:
        _apply_correction(at, mentions)


def _apply_exclusion(tokens: Sequence[Token], at: int, at_token: _AtToken) -> None:
    if _excludes_rest(tokens, at):  # `car 말고는 다 제외하고` keeps the car
        for each in _find_in_scope(tokens, at, -1, at_token):
            each.assumed = "only"
    # the second of the two negations, which leaves out the rest
    elif not _excludes_rest(tokens, at - 2):
        _negate_before(tokens, at, at_token)


def is_correction(tokens: Sequence[Token], at: int) -> bool:
    """Whether a token takes back what was said before it: `아니`, `actually`, `no,`."""
    token = tokens[at]
    if token.has("correct"):
        return True
    if token.text.lower() not in ("no", "nope"):
        return False
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    before = tokens[at - 1] if at else None
    if after is None:
        return False
    # `50, no, 100` takes back; `no augmentation` negates
    if after.has("comma") or after.has("break"):
        return True
    return before is not None and before.has("comma") and get_number(after) is not None


_ALL: Final = ("다", "전부", "모두", "싹", "나머지", "나머지는")


def _excludes_rest(tokens: Sequence[Token], at: int) -> bool:
    """Whether all but what stands before is left out: `car 말고는 다 제외하고`."""
    place = at + 1
    while 0 <= at and place < min(at + 4, len(tokens)) and tokens[place].text not in _ALL:
        if not tokens[place].has("particle"):
            return False
        place += 1
    if not 0 <= at or place >= min(at + 4, len(tokens)) or not tokens[at].has("not-after"):
        return False
    return place + 1 < len(tokens) and tokens[place + 1].has("not-after")


def _find_in_scope(
    tokens: Sequence[Token], at: int, step: int, at_token: _AtToken
) -> list[Mention]:
    """The mentions that are next to a token in one direction, small words aside."""
    place = at + step
    while 0 <= place < len(tokens) and abs(place - at) <= FAR and not tokens[place].has("break"):
        if place in at_token:
            return at_token[place]
        # a strange word ends the reach: `without further ado cats` keeps the cats
        if not any(tokens[place].has(kind) for kind in _BETWEEN):
            return []
        place += step
    return []


def _negate(mentions: Sequence[Mention]) -> None:
    for each in mentions:
        each.negated = True


def _negate_before(tokens: Sequence[Token], at: int, at_token: _AtToken) -> None:
    found = _find_in_scope(tokens, at, -1, at_token)
    _negate(found)
    first = min((each.start for each in found), default=0)
    # `flowers vit 실험 말고` leaves out an experiment, and so its data too.
    if first and any(token.has("train") for token in tokens[first:at]):
        _negate([each for each in at_token.get(first - 1, []) if each.field == "dataset"])
    # `A나 B 말고` is neither of them.
    if first > 0 and tokens[first - 1].text in _AND:
        place = first - 1
        while place >= 0 and tokens[place].has("particle"):
            place -= 1
        _negate(at_token.get(place, []))


def _negate_after(tokens: Sequence[Token], at: int, at_token: _AtToken) -> None:
    found = _find_in_scope(tokens, at, 1, at_token)
    # `the same except 20 epochs` is a change, and nothing that is left out.
    if tokens[at].text.lower() == "except" and any(_is_number(each.value) for each in found):
        return
    # `drop the warm-up to 3` is a change as well.
    if any(_is_number(each.value) and _has_target(tokens, each) for each in found):
        return
    _negate(found)
    last = max((each.end for each in found), default=len(tokens))
    if last + 1 >= len(tokens):
        return
    joint = tokens[last].text.lower()
    following = at_token.get(last + 1, [])
    # `not cats and dogs`; `not cats and resnet50` keeps the model
    alike = {each.field for each in found} & {each.field for each in following}
    word = tokens[at].text.lower()
    both = joint in ("or", "nor") or (
        joint == "and" and (word in ("without", "no") or bool(alike))
    )
    # `no augmentation and 50 epochs`: a number is not what is left out.
    if both and not any(_is_number(each.value) or _contradicts(found, each) for each in following):
        _negate(following)


def _has_target(tokens: Sequence[Token], mention: Mention) -> bool:
    return any(token.has("to") for token in tokens[mention.start : mention.end])


def _contradicts(refused: Sequence[Mention], mention: Mention) -> bool:
    """Whether a field has a value after it was refused: `no gate and accuracy at least 99%`."""
    return mention.value is not None and any(
        each.field == mention.field and each.value is None for each in refused
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _apply_correction(at: int, mentions: Sequence[Mention]) -> None:
    """What follows a correction takes the place of what was said of the same field before."""
    # `50, no, 100 epochs, batch 32`: only fields that are said again are taken back
    after = {each.field for each in mentions if each.start >= at and not each.negated}
    for each in mentions:
        if each.end <= at and each.field in after:
            each.corrected = True
