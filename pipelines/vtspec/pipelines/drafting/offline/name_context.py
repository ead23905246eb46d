"""Names of the repository that are words of the language too: taken only where nothing else can be
meant. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .common_words import is_everyday, is_grammatical
from .lexicon import Sense
from .name_index import NameIndex
from .tokens import Token

_NAMES: Final = ("dataset", "dataset-like", "spec", "gpu")

_SPEC_WORDS: Final = frozenset("experiment experiments spec specs 실험 스펙".split())
_IS: Final = ("is", "=", ":")
_GPU_FIELDS: Final = ("resources.gpus", "resources.gpuType")


def keep_meant_names(text: str, tokens: Sequence[Token], known: NameIndex) -> list[Token]:
    """The tokens of a text without the names that chance gave them: `a` is no GPU, `test` no
    dataset. What is quoted is a name for certain."""
    return [
        _read_quoted(text, token, known) or _drop_chance_names(tokens, at)
        for at, token in enumerate(tokens)
    ]


def _read_quoted(text: str, token: Token, known: NameIndex) -> Token | None:
    """A quoted token as the name in the quotes, where that is a dataset or a GPU type."""
    quoted = token.get("quoted")
    if not isinstance(quoted, tuple):
        return None
    name = text[quoted[0] : quoted[1]].lower()
    named = (("dataset", known.terms), ("gpu", known.gpu_types))
    senses = tuple(Sense(kind, name) for kind, names in named if name in names)
    return replace(token, senses=(*senses, *token.senses))


def _drop_chance_names(tokens: Sequence[Token], at: int) -> Token:
    token = tokens[at]
    kept = tuple(
        sense
        for sense in token.senses
        if sense.kind not in _NAMES
        or not _needs_field(token, sense)
        or _has_field(tokens, at, sense)
    )
    return replace(token, senses=kept or (Sense("unknown", None),))


def _needs_field(token: Token, name: Sense) -> bool:
    """Whether a name is one only beside a word of its field."""
    # a spec called `cats` would hide the dataset
    loose = name.kind == "spec" and not re.search("[-_]", str(name.value))
    return loose or is_everyday(token.text)


def _has_field(tokens: Sequence[Token], at: int, name: Sense) -> bool:
    before, after = _skip_particles(tokens, at, -1), _skip_particles(tokens, at, 1)
    if name.kind == "spec":  # `baseline is shapes`, `baseline: shapes`
        while before >= 0 and (tokens[before].has("link") or tokens[before].text in _IS):
            before = _skip_particles(tokens, before, -1)
        if not is_grammatical(tokens[at].text) and _is_copied(tokens, at):
            return True
    if name.kind == "dataset" and _is_trained_on(tokens, at):
        return True
    # `a small dataset`: only `dataset: small` is sure; `the photos dataset` has no other meaning
    if is_grammatical(tokens[at].text) and not tokens[at].has("generic"):
        linked = tokens[before].has("link") if before >= 0 else False
        return linked and _is_field(tokens, _skip_particles(tokens, before, -1), name)
    return _is_field(tokens, before, name) or _is_field(tokens, after, name)


def _is_trained_on(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word stands where a model's data is named: `resnet18 on photos`, `photos로`."""
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    before = _skip_articles(tokens, at)
    if before > 0 and tokens[before].text.lower() == "on":
        # `on photos of cats`, `on small images`: what is in the pictures, and what they are like
        ends = after is None or after.has("break") or after.has("comma")
        ends = ends or (after is not None and after.text.lower() in _BESIDE)
        return ends and any(tokens[before - 1].has(kind) for kind in _LEARNERS)
    # `test로 돌려줘` is a trial; what is in pictures is none
    return (
        tokens[at].has("generic")
        and after is not None
        and after.text in _BY
        and not after.spaced
        and tokens[at].text.isascii()
    )


_LEARNERS: Final = ("model", "family", "variant", "train")
_BESIDE: Final = ("for", "with", "without", "using", "and", "but", "at", "by")
_BY: Final = ("로", "으로", "에", "에서", "에다")


def _skip_articles(tokens: Sequence[Token], at: int) -> int:
    at -= 1
    while at >= 0 and tokens[at].text.lower() in ("the", "our", "my", "these"):
        at -= 1
    return at


def _is_copied(tokens: Sequence[Token], at: int) -> bool:
    """Whether a spec is copied: `like shapes`, `shapes처럼`, but no `data like shapes`."""
    for step in (-1, 1):
        like = _skip_particles(tokens, at, step)
        if 0 <= like < len(tokens) and tokens[like].has("like"):
            beyond = _skip_particles(tokens, like, step)
            return not (0 <= beyond < len(tokens) and tokens[beyond].has("dataset-word"))
    return False


def _is_field(tokens: Sequence[Token], at: int, name: Sense) -> bool:
    if not 0 <= at < len(tokens):
        return False
    token = tokens[at]
    if name.kind == "gpu":
        return token.get("field") in _GPU_FIELDS
    if name.kind == "spec":
        compared = token.get("field") == "report.baseline" or token.text.startswith("기준")
        return compared or token.text.lower() in _SPEC_WORDS
    return token.has("dataset-word")


def _skip_particles(tokens: Sequence[Token], at: int, step: int) -> int:
    at += step
    while 0 <= at < len(tokens) and tokens[at].has("particle"):
        at += step
    return at
