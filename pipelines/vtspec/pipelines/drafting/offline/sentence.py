"""Keeps which tokens of a text the rules have understood, so that none is read twice."""

from dataclasses import dataclass, field

from .name_index import NameIndex
from .tokens import Token


@dataclass
class TokenizedText:
    """A text, its tokens, and which of them were already understood."""

    text: str
    tokens: list[Token]
    known: NameIndex
    used: set[int] = field(default_factory=set)
    mended: list[tuple[str, str]] = field(default_factory=list)

    def consume(self, start: int, end: int) -> None:
        """Marks tokens as understood."""
        self.used.update(range(start, end))

    def get_span_text(self, start: int, end: int) -> str:
        """The text of some tokens."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def is_free(self, at: int) -> bool:
        """Whether there is such a token, and no rule has consumed it."""
        return 0 <= at < len(self.tokens) and at not in self.used

    def get_token(self, place: int) -> Token | None:
        """The token there, or None."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def is_kind(self, place: int, *kinds: str) -> bool:
        """Whether the token there may be of one of the kinds."""
        token = self.get_token(place)
        return token is not None and any(token.has(kind) for kind in kinds)
