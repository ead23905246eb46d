"""Finds GPU types and their number. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.numbers import Number
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import get_number


def find_gpus(sentence: TokenizedText) -> Iterator[Mention]:
    """GPU types, and how many where the number stands beside the type.

    The value is the type, or a tuple of those that it may be, none where `vtspec.yaml` lacks it.
    """
    for at, token in enumerate(sentence.tokens):
        said = token.get("gpu")
        # a dataset that is here goes before a card of that name
        if not isinstance(said, str) or at in sentence.used or token.has("dataset"):
            continue
        end = at + 1
        # `two T4s`
        while sentence.is_kind(end, "filler") and (sentence.get_token(end) or token).text == "s":
            end += 1
        # before the count: `A100 80기가 두 장` are two, not eighty
        end, memory = _parse_gpu_memory(sentence, at, end)
        # `RTX 4090`, which vtspec.yaml lacks: the number is asked about with the name
        while not sentence.known.match_gpu_types(said) and (
            sentence.is_kind(end, "variant")
            or (
                sentence.is_kind(end, "number")
                and not sentence.is_kind(end + 1, "unit")
                and sentence.tokens[end].text.isdigit()
                and len(sentence.tokens[end].text) == 4
            )
        ):
            end += 1
        types = sentence.known.match_gpu_types(said, memory)  # `A100` may be two types: asked
        sentence.consume(at, end)
        typed = token.text if memory == "" else sentence.get_span_text(at, end)
        value = types[0] if len(types) == 1 else tuple(types)
        yield Mention("resources.gpuType", value, at, end, typed)
        count = find_gpu_count(sentence, at, end)
        if count is not None:
            sentence.consume(count.start, count.end)
            yield count


_OWN_MEMORY: Final = re.compile(r"[ -](\d+)(?: ?(?:gb?|기가))?$", re.IGNORECASE)


def _parse_gpu_memory(sentence: TokenizedText, at: int, end: int) -> tuple[int, str]:
    """Where the name of a GPU ends, and the memory in it: `A100 80GB` is one type."""
    own = _OWN_MEMORY.search(sentence.tokens[at].text)
    if own is not None and sentence.tokens[at].text.lower() != sentence.tokens[at].get("gpu"):
        unit = sentence.get_token(end)
        return end + (unit is not None and unit.get("unit") == "gi"), own[1]
    token, unit = sentence.get_token(end), sentence.get_token(end + 1)
    number = None if token is None else get_number(token)
    if number is not None and unit is not None and unit.get("unit") == "gi":
        return end + 2, f"{number.value:g}"
    return end, ""


def find_gpu_count(sentence: TokenizedText, at: int, end: int) -> Mention | None:
    """The number of GPUs that stands before or after their type, or None."""
    before = at - 1
    while before >= 0 and (
        (sentence.is_kind(before, "filler") and not get_number(sentence.tokens[before]))
        or sentence.tokens[before].text.lower()
        # `8x H100`, `두 장의 A100`: number, counter, type
        in ("x", "장", "대", "개", "의", "장의", "*", "nvidia", "gpu")
    ):
        before -= 1
    # a number further away counts something else
    if before >= 0 and before not in sentence.used and at - before <= 4:
        number = get_number(sentence.tokens[before])
        # `20 epochs A100`: the number has its field
        if number is not None and not sentence.is_kind(before + 1, "field", "break"):
            return _make_count(sentence, number, before, at)
    after = end
    while (
        (sentence.is_kind(after, "particle", "filler") and not get_number(sentence.tokens[after]))
        or (
            sentence.is_kind(after, "field")
            and sentence.tokens[after].get("field") == "resources.gpus"
        )
        or (
            sentence.get_token(after) is not None
            and sentence.tokens[after].text.lower() in ("x", "*")
        )
    ):
        after += 1
        if after - end > 3:  # `A100 GPU를 4장`, but no number of the next phrase
            return None
    token = sentence.get_token(after)
    number = get_number(token) if token is not None and after not in sentence.used else None
    if number is None:
        return None
    piece = sentence.get_token(after + 1)
    # `A100 4장`: the counter follows its number
    if piece is not None and piece.get("unit") == "piece":
        return _make_count(sentence, number, end, after + 2)
    crossed = sentence.tokens[after - 1].text.lower() in ("x", "*")  # `h100 x2`
    # `L4 2`; in `L4 20 epochs` a field follows, and the number is its own
    alone = piece is None or piece.has("particle") or piece.has("comma") or piece.has("break")
    if crossed or (alone and not (piece is not None and piece.has("field"))):
        return _make_count(sentence, number, end, after + 1)
    return None


def _make_count(sentence: TokenizedText, number: Number, start: int, end: int) -> Mention:
    said = sentence.get_span_text(start, end)
    return Mention("resources.gpus", number.value, start, end, said)
