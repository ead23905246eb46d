"""The ways in which things end badly, and the exit code of each.

SpecError (2)   a person can mend a file          vtspec.schema.problem
Refused (2)     a person can mend what they typed
RunFailed (3)   the training failed, or a gate was missed under --fail-on-gate
Permanent (4)   the world refused, and would again
Temporary (75)  the world refused for now, or an interruption left a checkpoint: try again
"""


class _ExitError(Exception):
    exit_code = 1

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return self.message if self.fix is None else f"{self.message}\n  fix: {self.fix}"


class Refused(_ExitError):
    """What was typed cannot be done as it stands; `fix` says what to type instead."""

    exit_code = 2


class RunFailed(_ExitError):
    """The run itself did not do what was asked."""

    exit_code = 3


class Permanent(_ExitError):
    """The world refused; the same call would be refused again. `fix` says what to type."""

    exit_code = 4


class Temporary(_ExitError):
    """Not now: trying again after `delay_s` seconds is right."""

    exit_code = 75

    def __init__(self, message: str, *, fix: str | None = None, delay_s: float = 0.0) -> None:
        super().__init__(message, fix=fix)
        self.delay_s = delay_s
