"""Errors of ours that are one pull request's or one run's, and hold up no other."""

from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class PullRequestFault(Exception):
    """An error of ours, its cause, in what is decided for one pull request."""

    def __init__(self, number: int) -> None:
        super().__init__(f"pull request {number}")
        self.number = number


class RunFault(Exception):
    """An error of ours, its cause, in what is decided of one run."""

    def __init__(self, run: str) -> None:
        super().__init__(f"run {run}")
        self.run = run


class _Blaming(Generic[_T]):
    """Raises what is raised within as somebody's. A look enters thousands, for which generators
    take milliseconds."""

    def __init__(self, make_fault: Callable[[_T], Exception], whose: _T) -> None:
        self._make_fault, self._whose = make_fault, whose

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, PullRequestFault | RunFault):
            raise self._make_fault(self._whose) from error


def blaming_pull(number: int) -> _Blaming[int]:
    """Raise what is raised within as that pull request's, unless it is a run's."""
    return _Blaming(PullRequestFault, number)


def blaming_run(run: str) -> _Blaming[str]:
    """Raise what is raised within as that run's."""
    return _Blaming(RunFault, run)


def describe_fault(error: Exception) -> str:
    """What is told in a pull request of an error of ours, whose log has the rest."""
    return f"an error of vtspec's: {error!r}"
