"""Finds the models that a text names. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from vtspec.pipelines.drafting.offline.lexicon import Sense
from vtspec.pipelines.drafting.offline.mentions import Mention
from vtspec.pipelines.drafting.offline.sentence import TokenizedText
from vtspec.pipelines.drafting.offline.text import is_hangul, normalize_name
from vtspec.pipelines.drafting.offline.tokens import Token, get_number
from vtspec.pipelines.drafting.offline.vocabulary import models as models_words

_VARIANT: Final = re.compile(r"[a-z]{0,7}[0-9]{0,4}[a-z]{0,2}|[0-9]+x[0-9]+d?")
_RAW: Final = re.compile(r"[A-Za-z0-9_.@-]+")


def find_models(sentence: TokenizedText) -> Iterator[Mention]:
    """Models, by name or by family; an unknown member of a family has the value None."""
    at = 0
    while at < len(sentence.tokens):
        token = sentence.tokens[at]
        if at in sentence.used:
            at += 1
            continue
        found = None
        if token.has("path"):
            found = _find_hub_id(sentence, at)
        elif (
            token.is_unknown and (exact := sentence.known.models.find_name(token.text)) is not None
        ):
            found = Mention("model", exact, at, at + 1, token.text)
        elif token.has("model"):
            found = _find_named_model(sentence, at)
        # last: a family is only told where no whole name is
        elif token.has("family") and _is_family(sentence, at):
            found = _resolve_family_member(sentence, at)
        if found is None:
            at += 1
            continue
        sentence.consume(found.start, found.end)
        yield found
        at = found.end


def _find_hub_id(sentence: TokenizedText, at: int) -> Mention | None:
    text = sentence.tokens[at].text
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text, re.ASCII):
        return None
    # `acme/my-model`: no catalog has to know it
    name = sentence.known.models.find_name(text) or text
    return Mention("model", name, at, at + 1, text)


def _find_named_model(sentence: TokenizedText, at: int) -> Mention | None:
    token = sentence.tokens[at]
    name = str(token.get("model"))
    end = at + 1
    raw = _RAW.match(sentence.text, token.start)
    if raw is not None and raw.end() > token.end:
        whole = raw[0].rstrip(".-")
        longer = sentence.known.models.find_name(whole)
        while end < len(sentence.tokens) and sentence.tokens[end].end <= token.start + len(whole):
            end += 1
        if longer is not None:  # `resnet50.a1_in1k`, of which `resnet50` is a name too
            return Mention("model", longer, at, end, whole)
        # `resnet50qq` is asked about; in `resnet50-cats` a dataset follows
        if sentence.tokens[end - 1].end > token.end and not _has_only_known(sentence, at + 1, end):
            return Mention("model", None, at, end, whole)
        end = at + 1
    if token.has("family") and not any(letter.isdigit() for letter in token.text):
        family = _resolve_family_member(sentence, at)
        if family.end > at + 1:
            return family
    # The last number of a name may belong to what follows it: `resnet 50 epochs`.
    split = _split_trailing_number(sentence, at)
    if split is not None:
        return split
    name_with_task = _find_task_variant(sentence, name, end)
    if name_with_task is not None:
        # `욜로11s 포즈`: the Korean task is read once more, by its own rule
        end += not sentence.is_kind(end, "task") or sentence.tokens[end].text.isascii()
        return Mention("model", name_with_task, at, end, sentence.get_span_text(at, end))
    return Mention("model", name, at, end, token.text)


def _find_task_variant(sentence: TokenizedText, name: str, end: int) -> str | None:
    token = sentence.get_token(end)
    if token is None or not name.startswith("yolo"):
        return None
    # `yolo11s seg`: the English tag is part of a name
    if token.text.lower() in ("seg", "pose", "obb", "cls"):
        return sentence.known.models.find_name(f"{name}-{token.text.lower()}")
    # `욜로11m 포즈`; a task of many words is said of the run, and not of the model.
    tasks = token.get("task")
    if token.text not in ("포즈", "세그") or not isinstance(tasks, tuple):
        return None
    suffix = "-seg" if token.text == "세그" else models_words.TASK_SUFFIX[tasks[0]]
    return sentence.known.models.find_name(f"{name}{suffix}")


def _split_trailing_number(sentence: TokenizedText, at: int) -> Mention | None:
    token = sentence.tokens[at]
    match = re.fullmatch(r"(\D+) (\d+)", token.text)
    following = sentence.get_token(at + 1)
    if match is None or following is None:
        return None
    # `resnet 50 epochs`, where nobody wants a resnet50 without epochs
    if not (following.has("unit") or following.get("field") == "training.epochs"):
        return None
    senses = sentence.known.words.senses.get(normalize_name(match[1]), ())
    family = next((sense for sense in senses if sense.kind == "family"), None)
    if family is None:
        return None
    from vtspec.pipelines.drafting.offline.numbers import Number

    middle = token.start + len(match[1])
    number = Number(value=int(match[2]), end=token.end)
    sentence.tokens[at : at + 1] = [
        Token(match[1], token.start, middle, senses, token.spaced),
        Token(match[2], middle + 1, token.end, (Sense("number", number),), True),
    ]
    return _resolve_family_member(sentence, at)


def _has_only_known(sentence: TokenizedText, start: int, end: int) -> bool:
    return all(
        not token.is_unknown and get_number(token) is None for token in sentence.tokens[start:end]
    )


def _is_family(sentence: TokenizedText, at: int) -> bool:
    token = sentence.tokens[at]
    # `32 비트` are bits, and no ViT
    if token.text in ("비트", "데이트", "도넛", "라마", "git", "blip") and sentence.is_kind(
        at - 1, "number"
    ):
        return False
    return not token.has("noun") or sentence.is_kind(at + 1, "size", "number")


def _resolve_family_member(sentence: TokenizedText, at: int) -> Mention:
    """The member of a family that the words after its name tell, and a size before it."""
    family, resolve = str(sentence.tokens[at].get("family")), sentence.known.models.resolve
    words, ends = _collect_variants(sentence, at)
    # `small vit`, `nano yolo`: English puts the size first
    size = sentence.tokens[at - 1].get("size") if at and sentence.is_free(at - 1) else None
    if isinstance(size, str) and not set(words) & set(models_words.LETTERS):
        found = resolve(family, [*words, size], frozenset())
        if found is not None and not _is_truncated(sentence, ends[-1]):
            value = ("family", family, (*words, size))
            return Mention(
                "model", value, at - 1, ends[-1], sentence.get_span_text(at - 1, ends[-1])
            )
    # the most words first, so that `vit base patch32 384` is not the usual base
    for length in range(len(words), -1, -1):
        end = ends[length]
        if resolve(family, words[:length], frozenset()) is None or _is_truncated(sentence, end):
            continue
        # A size that no member has is not left out silently, unless it is of something else.
        if length < len(words) and _is_member_word(sentence, words[length], ends[length + 1]):
            return _make_unknown_member(sentence, at, ends[length + 1])
        value = ("family", family, tuple(words[:length]))
        return Mention("model", value, at, end, sentence.get_span_text(at, end))
    return _make_unknown_member(sentence, at, ends[-1])


def _collect_variants(sentence: TokenizedText, at: int) -> tuple[list[str], list[int]]:
    """The words after a family's name that may tell a member, and where the name ends with none
    of them, one, two and so on."""
    words: list[str] = []
    ends = [at + 1]
    for place in range(at + 1, min(at + 7, len(sentence.tokens))):
        word = _parse_variant(sentence, place)
        if word is None:
            break
        if word:
            words.append(word)
            ends.append(place + 1)
    return words, ends


def _is_member_word(sentence: TokenizedText, word: str, end: int) -> bool:
    """Whether a word surely tells a member: a letter and a number, or a size of nothing else."""
    if re.fullmatch(r"[a-z]{1,3}[0-9]{1,3}", word):
        return True
    of_another = sentence.is_kind(end, "field", "noun", "dataset")
    return word in models_words.LETTERS and not of_another


def _make_unknown_member(sentence: TokenizedText, at: int, end: int) -> Mention:
    end = _find_word_end(sentence, end)
    return Mention("model", None, at, end, sentence.get_span_text(at, end))


def _is_truncated(sentence: TokenizedText, end: int) -> bool:
    """Whether more letters or digits follow at once, so that the name is another."""
    following, before = sentence.get_token(end), sentence.tokens[end - 1]
    if following is None or following.spaced or following.start != before.end:
        return False
    return (
        following.text[0].isascii() and following.text[0].isalnum() and not following.has("unit")
    )


def _find_word_end(sentence: TokenizedText, end: int) -> int:
    while _is_truncated(sentence, end):
        end += 1
    return end


def _parse_variant(sentence: TokenizedText, place: int) -> str | None:
    """A word that tells the member of a family; empty for what only joins; None for any other."""
    token = sentence.tokens[place]
    if place in sentence.used or token.has("gpu") or token.has("metric") or token.has("dataset"):
        return None
    if token.has("dash"):
        following = sentence.get_token(place + 1)
        return "" if not token.spaced and following is not None and not following.spaced else None
    size = token.get("size")
    if isinstance(size, str):
        korean = is_hangul(token.text[0])
        # `yolo 라지 고양이`: large cats
        if korean and sentence.is_kind(place + 1, "dataset", "noun"):
            return None
        return size
    following = sentence.get_token(place + 1)
    if get_number(token) is not None:
        counted = following is not None and (
            following.has("unit") or following.has("count") or following.has("field")
        )
        near = token.start == sentence.tokens[place - 1].end
        return (
            token.text.lower()
            # `yolo 11`; `resnet 18 epochs` counts
            if near or (not counted and token.text.isdigit() and int(token.text) < 400)
            else None
        )
    low = token.text.lower()
    if not low.isascii() or token.has("particle"):
        return None
    if low in ("seg", "pose", "obb", "cls") or re.fullmatch(r"[a-z]{1,5}[0-9]{1,3}", low):
        return low
    glued = not token.spaced and token.start == sentence.tokens[place - 1].end
    if (
        (glued or (len(low) == 1 and low not in "ax"))
        and _VARIANT.fullmatch(low)
        and not token.has("unit")
    ):
        return low
    return None
