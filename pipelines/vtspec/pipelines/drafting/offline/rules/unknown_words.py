"""Words that nothing knows and that stand where a dataset, a model or a class is named. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.tokens import Token

from .gpu_mentions import find_gpu_count

_LIKE_A_MODEL: Final = re.compile(  # `foobarnet-50`, `미스테리넷`
    r"(?:[a-z]*(?:net|former|cnn|gan|bert|gpt|vit|yolo|mixer|llm|llama|clip|mamba|"
    r"unet)[a-z]*[-_.v]?[0-9a-z_.-]*|[a-z]{2,}[-_.]?[0-9]{1,5}[a-z]?|[가-힣]+(?:넷|포머|"
    r"네트)[0-9]*)"
)
_WITH: Final = ("with", "using", "use", "via")
_ON: Final = ("on", "over", "from")


def find_unknown_names(sentence: TokenizedText, mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Unknown datasets and models, with the value None or what was typed; unknown classes."""
    fields = {each.field for each in mentions}
    named = any(each.field == "dataset" and 4 in each.value.values() for each in mentions)
    for at, token in enumerate(sentence.tokens):
        if (
            at in sentence.used
            or not (token.is_unknown or token.has("variant"))
            or len(token.text) < 2
        ):
            continue
        # first: `MI250` looks like a model as well
        if _is_gpu(sentence, at, "model" in fields and named):
            yield from _iter_gpu_mentions(sentence, at)
            continue
        if not token.is_unknown:
            continue
        role = _infer_role(sentence, at, has_model="model" in fields, has_dataset=named)
        # `siamese and maine-coon`, of which the dataset knows the first
        if role is None and _is_among_classes(sentence, at, mentions):
            role = "thing"
        if role is None:
            continue
        sentence.consume(at, at + 1)
        fields.add(role)
        yield _make_mention(role, token, at)


_LIKE_A_GPU: Final = re.compile(r"[a-z]{1,6}[-_]?[0-9]{1,4}[a-z]{0,3}")


def _is_gpu(sentence: TokenizedText, at: int, settled: bool) -> bool:
    """Whether a word such as `MI250` stands where a GPU is named; `settled` where dataset and
    model are known, so that it can be neither."""
    if not _LIKE_A_GPU.fullmatch(sentence.tokens[at].text.lower()):
        return False
    before, after = _find_neighbor(sentence, at, -1), _find_neighbor(sentence, at, 1)
    if any(
        token is not None and token.get("field") in ("resources.gpus", "resources.gpuType")
        for token in (before, after)
    ):
        return True
    place = at + 1
    if (
        sentence.is_kind(place, "number")
        and sentence.is_kind(place + 1, "unit")
        and sentence.tokens[place + 1].get("unit") == "piece"
    ):
        return True
    word = "" if before is None else before.text.lower()
    counted = before is not None and before.has("number") and _is_preposition(sentence, at - 2)
    return settled and (word in ("on", "an", "with", "using") or counted)


def _iter_gpu_mentions(sentence: TokenizedText, at: int) -> Iterator[Mention]:
    token = sentence.tokens[at]
    sentence.consume(at, at + 1)
    yield Mention("resources.gpuType", (), at, at + 1, token.text)
    count = find_gpu_count(sentence, at, at + 1)
    if count is not None:
        sentence.consume(count.start, count.end)
        yield count


def _make_mention(role: str, token: Token, at: int) -> Mention:
    if role == "model":
        return Mention("model", None, at, at + 1, token.text)
    return Mention(role, token.text, at, at + 1, token.text)


def _infer_role(
    sentence: TokenizedText, at: int, *, has_model: bool, has_dataset: bool
) -> str | None:
    before, after = _find_neighbor(sentence, at, -1), _find_neighbor(sentence, at, 1)
    token = sentence.tokens[at]
    if not has_dataset and (
        _has_kind(after, "dataset-word")
        or (_has_kind(before, "dataset-word") and token.text.isascii())
    ):
        return "unknown-dataset"
    if has_model:  # with a model named, a strange word is a dataset or nothing
        on = (before is not None and before.text.lower() == "on") or sentence.is_kind(
            at + 1, "particle"
        )
        if not has_dataset and on and token.text.isascii():
            return "unknown-dataset"
        return None
    if _has_kind(after, "model-word") or _LIKE_A_MODEL.fullmatch(token.text.lower()):
        return "model"
    if before is None or not token.text.isascii():  # a strange Hangul word is nearly always talk
        return (
            "model"
            if token.text.isascii() and _has_instrumental_particle(sentence, at) and has_dataset
            else None
        )
    word = before.text.lower()
    if not has_dataset and word == "on":  # `train resnet18 on imagenet`: `on` is said of data
        return "unknown-dataset"
    if has_dataset and (
        word in _WITH
        or (word in ("train", "fine-tune", "finetune") and _is_preposition(sentence, at + 1))
    ):
        return "model"
    return "model" if has_dataset and _has_instrumental_particle(sentence, at) else None


def _has_instrumental_particle(sentence: TokenizedText, at: int) -> bool:
    token = sentence.get_token(at + 1)
    return (
        token is not None
        and not token.spaced
        and token.text in ("로", "으로")
        and sentence.is_kind(at + 2, "train", "filler")
    )


def _is_preposition(sentence: TokenizedText, at: int) -> bool:
    token = sentence.get_token(at)
    return token is not None and token.text.lower() in _ON


def _find_neighbor(sentence: TokenizedText, at: int, step: int) -> Token | None:
    place = at + step
    while True:
        token = sentence.get_token(place)
        if token is None or token.has("break") or token.has("comma"):
            return None
        if not (
            token.has("particle")
            or token.text.lower() in ("the", "a", "my", "our", "this", "-", "'", '"')
        ):
            return token
        place += step


def _has_kind(token: Token | None, kind: str) -> bool:
    return token is not None and token.has(kind)


_JOINS: Final = frozenset(", and & 와 과 랑 이랑 하고 or 및 / plus 나 이나".split())


def _is_among_classes(sentence: TokenizedText, at: int, mentions: Sequence[Mention]) -> bool:
    """Whether the word is one of a list in which classes stand: `siamese and maine-coon`."""
    things = {
        place
        for each in mentions
        if each.field == "thing"
        for place in range(each.start, each.end)
    }
    for step in (-1, 1):
        place, joined = at + step, False
        while (token := sentence.get_token(place)) is not None and (
            token.text.lower() in _JOINS or token.has("particle")
        ):
            joined = joined or token.text.lower() in _JOINS
            place += step
        if joined and place in things:
            return True
    return False
