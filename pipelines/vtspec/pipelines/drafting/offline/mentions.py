"""Holds what is found in a text: mentions of things, each with its tokens."""

from dataclasses import dataclass, field
from typing import Any, Literal

Operation = Literal["set", "scale", "add", "range", "remove", "unclear"]


@dataclass
class Mention:
    """One thing that was said of one field.

    `field` is below `spec`, or one of `dataset`, `thing`, `model`, `task`, `count`, `name`,
    `base`, `path`, `run`, `bare`.
    `start` and `end` are indices of tokens, the end not included. `said` is the text. `negated`
    and `corrected` say that it was taken back. `assumed` is `only` for what alone is wanted,
    `talk` for what is only told, `vague` for a word that may mean several tasks; `listed` numbers
    the list in which it stands, 0 without one.
    """

    field: str
    value: Any
    start: int
    end: int
    said: str
    operation: Operation = "set"
    negated: bool = False
    corrected: bool = False
    assumed: str | None = None
    listed: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it was not taken back."""
        return not (self.negated or self.corrected)


@dataclass
class ParsedText:
    """All that was found in one text.

    `wishes` are changes of fields that no value was said for; `classes` are those that were listed
    by their names; `topical` counts the words that are about training. Of an answer that is none
    of the choices, `asked` is the field of the question, and `waived` says that it is left to
    vtspec.
    """

    mentions: list[Mention] = field(default_factory=list)
    wishes: list[Mention] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    mended: list[tuple[str, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    topical: int = 0
    classes: list[str] = field(default_factory=list)
    asked: str = ""
    waived: bool = False

    def leaves_open(self, name: str) -> bool:
        """Whether it answers the question at a field, and says nothing of what the draft is of."""
        subjects = any(self.get_mentions(each) for each in _SUBJECTS)
        return self.asked == name and not self.waived and not subjects

    def get_mentions(self, name: str) -> list[Mention]:
        """What stands of a field, in order of the text."""
        return [each for each in self.mentions if each.field == name and each.is_active]

    def get_negated(self, name: str) -> list[Mention]:
        """What was negated of a field."""
        return [each for each in self.mentions if each.field == name and each.negated]


_SUBJECTS = ("dataset", "unknown-dataset", "path", "model", "task", "base")
