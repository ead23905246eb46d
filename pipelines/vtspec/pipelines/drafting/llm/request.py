"""What one answer is drafted from: the repository, the words, and what must stay hidden."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vtspec.pipelines.drafting.context import Surroundings
from vtspec.pipelines.drafting.conversation import state_of
from vtspec.pipelines.drafting.language import Tongue, tongue_of
from vtspec.pipelines.drafting.result import Data, Message

from .redaction import Hidden


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One answer's surroundings. Nothing in it changes."""

    conversation: Sequence[Message]
    surroundings: Surroundings
    hidden: Hidden

    @cached_property
    def tongue(self) -> Tongue:
        """The language of the person."""
        return tongue_of(tuple(self._words))

    @cached_property
    def said(self) -> str:
        """All that people typed, in lower case."""
        return "\n".join(self._words).casefold()

    @cached_property
    def base(self) -> Data | None:
        """The draft that the person's last words change, if there is one."""
        return state_of(self.conversation).draft

    @property
    def _words(self) -> list[str]:
        return [each.text for each in self.conversation if each.author == "person"]
