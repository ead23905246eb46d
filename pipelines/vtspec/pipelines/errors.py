"""The ways in which things end badly, and the exit code of each.

SpecError (2)   a person can mend a file          vtspec.schema.problem
Refused (2)     a person can mend what they typed
RunFailed (3)   the training failed, or a gate was missed under --fail-on-gate
Permanent (4)   the world refused, and would again
Temporary (75)  the world refused for now, or an interruption left a checkpoint: try again
"""

from vtspec.adapters.system_errors import explain_system_error


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


class RunsWarning(UserWarning):
    """What of the runs in a store is left out or kept here, and why; what was asked goes on.

    Warned of by `warnings.warn`, from wherever it is met: once a process."""


def refuse_system_error(error: BaseException) -> Refused | None:
    """What the machine refused (a full disk, no memory) as an error for people; None for a bug."""
    found = explain_system_error(error)
    return None if found is None else Refused(found[0], fix=found[1])


def refuse_import(error: ImportError, package: str, absent: str, fix: str) -> Permanent:
    """Why a package cannot be imported: `absent` where it is not there, else its own reason."""
    # One that is there may lack memory, a library of the system, or a package that it needs.
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return Permanent(absent, fix=fix)
    return Permanent(f"{package} is installed and cannot be imported: {error}", fix=fix)
