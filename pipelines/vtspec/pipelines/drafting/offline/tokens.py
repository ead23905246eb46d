"""A text as tokens: of all ways to cut it into known words, numbers and rest, the cheapest. Pure.

Korean is written with and without spaces, and its endings stick to words (`배치사이즈64로`,
`에폭50으로`), so that no rule of spaces finds the words. Every reading of every place is an edge
with a cost, and the cheapest path through them is what was meant. Edges are short, so that the
work grows as the text does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from .lexicon import PARTICLES, PIECE, Lexicon, Sense
from .numbers import (
    Number,
    parse_english_number,
    parse_fraction,
    parse_korean_number,
    parse_number,
    parse_sides,
)
from .text import is_hangul, lowercase

MOST_PIECES: Final = 14  # the longest phrase of the vocabulary has 11: `그래디언트 어큐뮬레이션`
LONGEST_UNKNOWN: Final = 12  # without a bound the work on a long line of Hangul would be quadratic

_GAP: Final = frozenset(" -_.'/")  # `batch-size`, `batch_size` and `batch size` are one phrase
_LITERAL: Final = re.compile(
    r"(?:[a-z]{1,9}:)?[\w.@-]{1,99}(?:/[\w.@:-]{1,99}){1,9}/?|models:/\S{1,200}|"
    r"run:[a-z0-9-]{1,60}|[\w.-]{1,99}\.safetensors|[a-z0-9]{1,40}(?:[-_][a-z0-9]{1,40}){1,9}",
    re.ASCII,  # `data/birds를`: the particle is no part of the path
)
_QUOTED: Final = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'(?![a-z])|`([^`\n]{1,200})`")
_WORD: Final = re.compile(r"[^\W가-힣ㄱ-ㅣ]{1,60}(?:[-.+'][^\W가-힣ㄱ-ㅣ]{1,60}){0,6}")
# `ep50`, `bs32` are settings that stick to their numbers, `b0` is a member; `x2` a count
_VARIANT: Final = re.compile(r"(?!ep|bs|lr|wd|ls|ga)[a-wyz][a-z]?[0-9]{1,4}(?![0-9a-z])")
_SYMBOLS: Final = {
    ">=": Sense("compare", ">="), "≥": Sense("compare", ">="), "=>": Sense("compare", ">="),
    "<=": Sense("compare", "<="), "≤": Sense("compare", "<="), ">": Sense("compare", ">"),
    "<": Sense("compare", "<"), "->": Sense("to", "to"), "→": Sense("to", "to"),
    "~": Sense("range", "~"), "..": Sense("range", "~"), "%": Sense("unit", "%"),
    "=": Sense("link", "="), ":": Sense("link", "="),
    "-": Sense("dash", "-"), ",": Sense("comma", ","), "、": Sense("comma", ","),
    # `cats / resnet50 / 60에폭`
    "/": Sense("comma", ","), "&": Sense("comma", ","), "+": Sense("comma", ","),
    "·": Sense("comma", ","), "|": Sense("link", "|"), "*": Sense("unit", "times"),
    ".": Sense("break", "."), ";": Sense("break", ";"), "\n": Sense("break", "\n"),
    "!": Sense("break", "!"), "?": Sense("break", "?"), "(": Sense("paren", "("),
    ")": Sense("paren", ")"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign, with all that it may mean.

    `spaced` says that a space or the beginning stands before it.
    """

    text: str
    start: int
    end: int
    senses: tuple[Sense, ...]
    spaced: bool

    def has(self, kind: str) -> bool:
        """Whether it may be of that kind."""
        return any(sense.kind == kind for sense in self.senses)

    def get(self, kind: str) -> object:
        """Its meaning as that kind, or None."""
        return next((sense.value for sense in self.senses if sense.kind == kind), None)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of it."""
        return self.has("unknown")


class _Edge(NamedTuple):
    end: int
    cost: float
    senses: tuple[Sense, ...]


def tokenize(text: str, words: Lexicon) -> list[Token]:
    """The tokens of a text that `normalize_text` has made plain; spaces are none."""
    low = lowercase(text)
    best: list[tuple[float, int, _Edge | None]] = [(float("inf"), -1, None)] * (len(low) + 1)
    best[0] = (0.0, -1, None)
    pieces = {match.start(): match.end() for match in PIECE.finditer(low)}
    for at in range(len(low)):
        cost = best[at][0]
        if cost == float("inf"):
            continue
        if low[at] == " ":
            if cost < best[at + 1][0]:
                best[at + 1] = (cost, at, None)
            continue
        for edge in _iter_edges(low, at, pieces, words):
            if cost + edge.cost < best[edge.end][0]:
                best[edge.end] = (cost + edge.cost, at, edge)
    return _backtrack(text, best)


def _backtrack(text: str, best: list[tuple[float, int, _Edge | None]]) -> list[Token]:
    found: list[Token] = []
    at = len(text)
    while at > 0:
        _, before, edge = best[at]
        if edge is not None:
            spaced = before == 0 or text[before - 1] in " \n"
            found.append(Token(text[before:at], before, at, edge.senses, spaced))
        at = before
    return found[::-1]


def _iter_edges(low: str, at: int, pieces: dict[int, int], words: Lexicon) -> Iterator[_Edge]:
    yield from _iter_number_edges(low, at)
    yield from _iter_literal_edges(low, at, words)
    if at in pieces:
        yield from _iter_lexicon_edges(low, at, pieces, words)
        yield from _iter_unknown_edges(low, at)
    else:
        yield from _iter_symbol_edges(low, at)


def _iter_symbol_edges(low: str, at: int) -> Iterator[_Edge]:
    for length in (2, 1):
        sense = _SYMBOLS.get(low[at : at + length])
        if sense is not None and at + length <= len(low):
            yield _Edge(at + length, 0.2, (sense,))
            return
    # A letter that no table has stands for itself.
    yield _Edge(at + 1, 0.5, (Sense("sign", low[at]),))


def _iter_lexicon_edges(
    low: str, at: int, pieces: dict[int, int], words: Lexicon
) -> Iterator[_Edge]:
    start = at
    glued = at > 0 and low[at - 1] != " "
    key, gaps = "", 0
    for _ in range(MOST_PIECES):
        end = pieces[at]
        key += low[at:end]
        senses = words.senses.get(key, ())
        if gaps and " " in low[start:end]:
            # The name of a spec has no spaces: `cats resnet50` is a dataset and a model.
            senses = tuple(sense for sense in senses if sense.kind != "spec")
            # `for a 100 epochs`: an article and a number
            if _ARTICLE.match(low, start):
                senses = tuple(sense for sense in senses if sense.kind != "gpu")
        korean = is_hangul(low[start])
        if korean and key in PARTICLES and not gaps:
            # behind a word `로` is a particle; behind a space it may begin another word
            yield _Edge(end, 0.6 if glued else 1.4, (*senses, Sense("particle", key)))
        elif senses and _is_whole_word(low, start, end):
            # `장`, `일`, `이` are in half of all Korean words
            cost = (1.9 if korean and len(key) == 1 else 1.0) + 0.3 * gaps
            # of two cuts that cost the same the longer words win
            yield _Edge(end, cost - 0.02 * len(key), senses)
        if key not in words.beginnings or end >= len(low):
            return
        at = end
        if at not in pieces and low[at] in _GAP and at + 1 in pieces:
            at, gaps = at + 1, gaps + 1
        if at not in pieces:
            return


_ARTICLE: Final = re.compile(r"a [0-9]+(?![0-9]| ?(?:[0-9]+ ?g|gpu|지피유|장|대|개|에서|으?로|x))")


def _is_whole_word(low: str, start: int, end: int) -> bool:
    """Latin words are not cut: `s` of `yolos` is no size, though `b` of `b0` may begin a name."""
    before = low[start - 1] if start else " "
    after = low[end] if end < len(low) else " "
    letters = low[start].isalpha() and not is_hangul(low[start])
    cut_before = letters and before.isalpha() and not is_hangul(before)
    digit_cut = low[end - 1].isdigit() and (
        after.isdigit() or (after == "." and low[end + 1 : end + 2].isdigit())
    )
    cut_after = (
        low[end - 1].isalpha()
        and after.isalpha()
        and not is_hangul(low[end - 1])
        and not is_hangul(after)
    )
    return not (cut_before or digit_cut or cut_after)


def _iter_unknown_edges(low: str, at: int) -> Iterator[_Edge]:
    unknown = (Sense("unknown", None),)
    if not is_hangul(low[at]):
        match = _WORD.match(low, at)
        if match is not None and not (at and low[at - 1].isalpha() and not is_hangul(low[at - 1])):
            # dearer than three known words, so that `lr0.001` and `bs32` come apart
            yield _Edge(match.end(), 4.0, unknown)
            variant = _VARIANT.match(low, at)
            if variant is not None:
                # `b0`, `v2`: cheaper than a strange word, dearer than a known one
                yield _Edge(variant.end(), 1.6, (Sense("variant", variant[0]),))
            letters = PIECE.match(low, at)
            if letters is not None and letters.end() < match.end():
                yield _Edge(letters.end(), 4.5, unknown)
        return
    inside = 0.6 if at and is_hangul(low[at - 1]) else 0.0
    for length in range(1, LONGEST_UNKNOWN + 1):
        if at + length > len(low) or not is_hangul(low[at + length - 1]):
            return
        # by the letter, or one strange word would swallow the known ones of `고양이데이터로`
        yield _Edge(at + length, 2.5 + inside + 0.7 * length, unknown)


def _iter_number_edges(low: str, at: int) -> Iterator[_Edge]:
    letter, before = low[at], low[at - 1] if at else " "
    if is_hangul(letter):
        yield from _iter_korean_edges(low, at)
    elif letter.isascii() and letter.isalpha():
        if (
            not before.isalpha()
            and (number := parse_english_number(low, at)) is not None
            and _is_word_end(low, number.end)
        ):
            yield _Edge(number.end, 0.9, (Sense("number", number),))
    elif (letter.isascii() and letter.isdigit() and not before.isdigit()) or (
        # `resnet-50`, `4-8`: a sign is part of a number only where nothing stands before it
        letter in "+-." and before in " =:(,~\n<>"
    ):
        yield from _iter_digit_edges(low, at)


def _iter_digit_edges(low: str, at: int) -> Iterator[_Edge]:
    fraction = parse_fraction(low, at)
    if fraction is not None:
        yield _Edge(fraction.end, 0.9, (Sense("fraction", fraction.value),))
    # `h100 x2` is two of a GPU.
    sides = (
        None if at and low[at - 1].isalpha() and low[at - 1].isascii() else parse_sides(low, at)
    )
    if sides is not None:
        yield _Edge(sides[1], 0.9, (Sense("sides", sides[0]),))
    number = parse_number(low, at)
    if number is not None:
        yield _Edge(number.end, 1.0, (Sense("number", number),))
        # Before another number a dash is a range, and "2만" may be "only 2".
        end = number.end
        if low[end - 1] in "만천백k":
            bare = parse_number(low[: end - 1], at)
            if bare is not None:
                # dearer than the whole, which is meant where something is counted
                yield _Edge(bare.end, 1.3, (Sense("number", bare),))


def _is_word_end(low: str, end: int) -> bool:
    return end >= len(low) or not low[end].isalpha() or is_hangul(low[end])


_COUNTERS: Final = re.compile(
    r" ?(?:에폭|에포크|epoch|배|장|개|대|시간|분|일|기가|퍼센트|프로|종|가지|클래스|픽셀|"
    r"번|코어|gpu|지피유|메가|테라|워커|도|으로|로|스텝|회|epochs|cpu|gb|px|초|일간|회독|"
    r"h\b|정도|쯤)"
)


_ONE: Final = ("하나", "둘", "셋", "넷")  # native words that are nothing else


def _iter_korean_edges(low: str, at: int) -> Iterator[_Edge]:
    number = parse_korean_number(low, at)
    if number is None:
        return
    length = number.end - at
    counted = _COUNTERS.match(low, number.end) is not None
    if length >= 2:
        # `이사`, `구오` are rather parts of words, unless something is counted
        cost = 1.0 if counted or number.value >= 10 or low.startswith(_ONE, at) else 1.6
        yield _Edge(number.end, cost - 0.05 * length, (Sense("number", number),))
    elif low[at] in "둘셋넷":
        yield _Edge(number.end, 1.1 if counted else 1.6, (Sense("number", number),))
    elif low[at] in "백천열쉰":
        yield _Edge(number.end, 1.2 if counted else 2.2, (Sense("number", number),))
    else:
        # `사 에폭`; the `사` of `회사 번호` is none
        strong = counted and (at == 0 or not is_hangul(low[at - 1]))
        yield _Edge(number.end, 1.1 if strong else 2.9, (Sense("number", number),))


def _iter_literal_edges(low: str, at: int, words: Lexicon) -> Iterator[_Edge]:
    before = low[at - 1] if at else " "
    if (
        low[at] in "\"'`"
        and (match := _QUOTED.match(low, at)) is not None
        and not before.isalnum()
    ):
        yield _Edge(match.end(), 0.8, (Sense("quoted", (match.start() + 1, match.end() - 1)),))
        return
    if (
        before in "-_/.@:"
        or (before.isalnum() and not is_hangul(before))
        or not (low[at].isascii() and (low[at].isalnum() or low[at] in "./"))
    ):
        return
    match = _LITERAL.match(low, at)
    if match is None:
        return
    literal = match[0].rstrip(".:,")
    if "/" in literal or ":" in literal or literal.endswith(".safetensors"):
        if not _is_listing(literal, words):  # `50ep/128bs` would be a path
            yield _Edge(at + len(literal), 0.7, (Sense("path", None),))
    else:
        # A name with hyphens that nothing knows; cheaper than its parts one by one, if unknown.
        yield _Edge(match.end(), 4.0, (Sense("unknown", None),))


_LISTED: Final = re.compile(r"[0-9.e+-]+[a-z]{0,3}")
_TOLD: Final = frozenset({"model", "family", "size"})


def _is_listing(literal: str, words: Lexicon) -> bool:
    """Whether slashes part values and no path: `32/gpu`, `50ep/128bs`, `resnet50/cats/30ep`,
    `vit-b/16`. An organisation is no number, and no model that is known."""
    first, *rest = literal.strip("/").split("/")
    if not rest or ":" in literal or not first[:1].isalnum():
        return False
    if _LISTED.fullmatch(first):
        return True
    kinds = {sense.kind for sense in words.senses.get(re.sub(r"[-_.]", "", first), ())}
    head = {sense.kind for sense in words.senses.get(re.split(r"[-_.]", first)[0], ())}
    named = bool((kinds | head) & _TOLD) and "dataset-word" not in kinds
    return named and (len(rest) > 1 or _LISTED.fullmatch(rest[0]) is not None)


def get_number(token: Token) -> Number | None:
    """The number that a token is, or None."""
    value = token.get("number")
    return value if isinstance(value, Number) else None
