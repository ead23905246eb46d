"""What one answer is drafted from: the repository, the words, and what must stay hidden."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vtspec.pipelines.drafting.conversation import get_state, list_words
from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.drafting.result import Data, Message
from vtspec.pipelines.language import Tongue
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import Redactor


@dataclass(frozen=True, kw_only=True)
class DraftRequest:
    """Holds what an answer is made from; frozen, and what is read of it is worked out once."""

    conversation: Sequence[Message]
    repository: Repository
    hidden: Redactor

    @cached_property
    def tongue(self) -> Tongue:
        """The language of the person."""
        return detect_language(self._words)

    @cached_property
    def user_text(self) -> str:
        """All that people typed, in lower case."""
        return "\n".join(self._words).casefold()

    @cached_property
    def base(self) -> Data | None:
        """The draft that the person's last words change, if there is one."""
        return get_state(self.conversation).draft

    @property
    def _words(self) -> list[str]:
        return list_words(self.conversation)
