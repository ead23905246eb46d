"""Errors of ours that are one pull request's or one run's, and hold up no other."""

from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def blaming_pull(number: int) -> Iterator[None]:
    """Raise what is raised within as that pull request's, unless it is a run's."""
    try:
        yield
    except (PullRequestFault, RunFault):
        raise
    except Exception as error:
        raise PullRequestFault(number) from error


@contextmanager
def blaming_run(run: str) -> Iterator[None]:
    """Raise what is raised within as that run's."""
    try:
        yield
    except Exception as error:
        raise RunFault(run) from error


def describe_fault(error: Exception) -> str:
    """What is told in a pull request of an error of ours, whose log has the rest."""
    return f"an error of vtspec's: {error!r}"
