"""What is wrong with a file, told so that a person knows what to type. Standard library only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .visible_text import make_visible

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong in one place. `line` and `column` count from 1, and are 0 where it is in no
    file, as a name that is looked up or an option; `path` is dotted, as in
    `spec.training.epochs`; `value` is what stood there (None where nothing did)."""

    file: str
    line: int
    column: int
    path: str
    value: object
    message: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """The two lines that a terminal shows."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        what = f"{self.path}: {self.message}" if self.path else self.message
        mark = "" if self.severity == "error" else "warning: "
        first = make_visible(f"{where}: {mark}{what}")
        return f"{first}\n  fix: {make_visible(self.fix)}"


class SpecError(Exception):
    """At least one error in what a person wrote; all that were found, in reading order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
