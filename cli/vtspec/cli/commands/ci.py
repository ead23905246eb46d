"""`vtspec ci`: what the controller does, in a job of GitHub Actions."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from vtspec.pipelines.controller.ci_event import CiEvent
    from vtspec.pipelines.controller.site import Site

TOKEN: Final = "GITHUB_TOKEN"

Function = Callable[..., Any]

_READ_ONLY: Final = (
    "the token of a fork's pull_request reads only: it is validated, and its plan is told by a "
    "workflow that is started by pull_request_target"
)


@dataclass(frozen=True, kw_only=True)
class _Options:
    number: int | None
    repository: str | None
    login: str | None
    folder: Path | None


def _add_options(function: Function) -> Function:
    options = (
        click.option(
            "--pull-request",
            "number",
            type=click.IntRange(min=1),
            help="Its number; that of the event which started the job if left out.",
        ),
        click.option(
            "--repository", metavar="OWNER/NAME", help="If not that of $GITHUB_REPOSITORY."
        ),
        click.option("--login", help=f"Whose comments those of ${TOKEN} are, if it is no job's."),
        click.option(
            "--folder",
            type=click.Path(file_okay=False, path_type=Path),
            help="Where the repository is mirrored, if not in the cache.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def command() -> None:
    """Do in a job of GitHub Actions what the controller does, without a server.

    Each command does its part once, for the pull request of the event that started the job.
    Nothing is checked out, and nothing of a pull request is started. docs/pull-requests.md shows
    the workflow.
    """


@command.command()
@_add_options
def validate(**options: Any) -> None:
    """Check the specs that the pull request changes: a line for each problem, which GitHub shows
    at its place, and a check of the head.

    Exit codes: 0 no errors (there may be warnings), 2 errors.
    """
    from vtspec.cli.views.annotations import format_annotation
    from vtspec.pipelines.controller.ci import summarize_validation, validate_in_job

    chosen = _Options(**options)
    event = _read_event()
    number = _choose_number(chosen, event)
    with _open_site(chosen) as site:
        found = validate_in_job(site, number, is_read_only=event.is_read_only)
    _is_refused(event)
    for problem in found.problems:
        click.echo(format_annotation(problem))
    errors = sum(problem.severity == "error" for problem in found.problems)
    _summarize(summarize_validation(found))
    if errors:
        raise click.exceptions.Exit(2)


@command.command()
@_add_options
def plan(**options: Any) -> None:
    """Tell the pull request its plans, in one comment and a check of the head.

    Exit codes: 0 it is told, 75 something is left for later.
    """
    from vtspec.pipelines.controller.ci import plan_in_job

    chosen = _Options(**options)
    event = _read_event()
    number = _choose_number(chosen, event)
    if _is_refused(event):
        return
    with _open_site(chosen) as site:
        text = plan_in_job(site, _report, number)
    _summarize(text or "")
    _end(is_done=text is not None)


@command.command()
@_add_options
@click.option("--all", "is_all", is_flag=True, help="Of all open pull requests.")
def apply(*, is_all: bool, **options: Any) -> None:
    """Answer the commands of the pull request, carry out on the cluster what is approved there,
    and stop what nobody wants any more.

    Who may, and for how much, is said by the vtspec.yaml of the default branch. Exit codes: 0
    nothing is left to do, 75 something is left for later.
    """
    from vtspec.pipelines.controller.ci import apply_in_job

    chosen = _Options(**options)
    event = _read_event()
    if not is_all and chosen.number is None and event.is_over:
        _report("the comment is an edited one, our own, or on no pull request: no command")
        return
    numbers = _choose_numbers(chosen, event, is_all=is_all)
    if _is_refused(event):
        return
    with _open_site(chosen) as site:
        is_done = apply_in_job(site, _report, numbers)
    _end(is_done=is_done)


@command.command()
@_add_options
@click.option("--all", "is_all", is_flag=True, help="Of all pull requests with runs.")
@click.option(
    "--follow",
    "follow_min",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="MINUTES",
    help="Go on while runs are at work, at most so long.",
)
def report(*, is_all: bool, follow_min: float, **options: Any) -> None:
    """Tell the pull request how its runs stand and how they ended: progress, results, statuses.

    Exit codes: 0 it is told, 75 something is left for later.
    """
    from vtspec.pipelines.controller.ci import report_in_job

    chosen = _Options(**options)
    event = _read_event()
    numbers = _choose_numbers(chosen, event, is_all=is_all)
    if _is_refused(event):
        return
    with _open_site(chosen) as site:
        is_done = report_in_job(site, _report, numbers, follow_min * 60)
    _end(is_done=is_done)


def _choose_numbers(chosen: _Options, event: "CiEvent", *, is_all: bool) -> list[int] | None:
    from vtspec.pipelines.errors import Refused

    if is_all and chosen.number is not None:
        raise Refused("--all and --pull-request are two wishes", fix="leave one of them out")
    return None if is_all else [_choose_number(chosen, event)]


def _is_refused(event: "CiEvent") -> bool:
    """Whether nothing can be written, which is said."""
    from vtspec.cli.views.annotations import format_notice

    if event.is_read_only:
        click.echo(format_notice(_READ_ONLY))
    return event.is_read_only


def _report(line: str) -> None:
    # What a line begins with may be a command to GitHub.
    click.echo(f"vtspec: {' '.join(line.split())}", err=True)


def _end(*, is_done: bool) -> None:
    if not is_done:
        _report("something is left for later: run the job again")
        raise click.exceptions.Exit(75)


def _read_event() -> "CiEvent":
    from vtspec.pipelines.controller.ci_event import read_event
    from vtspec.pipelines.errors import Refused

    path = os.environ.get("GITHUB_EVENT_PATH")
    try:
        body = Path(path).read_bytes() if path else b""
    except OSError as error:
        raise Refused(
            f"GITHUB_EVENT_PATH names {path}, which cannot be read: {error.strerror}",
            fix="in GitHub Actions it is set; elsewhere: unset GITHUB_EVENT_PATH",
        ) from error
    return read_event(os.environ.get("GITHUB_EVENT_NAME", ""), body)


def _choose_number(chosen: _Options, event: "CiEvent") -> int:
    from vtspec.pipelines.errors import Refused

    number = chosen.number or event.number
    if number is None:
        raise Refused(
            f"the event {event.name or '$GITHUB_EVENT_NAME'} is of no pull request",
            fix="name one: --pull-request NUMBER",
        )
    return number


@contextmanager
def _open_site(chosen: _Options) -> "Iterator[Site]":
    from contextlib import closing

    from vtspec.pipelines.controller.ci_event import LOGIN
    from vtspec.pipelines.controller.site import Site
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.forge.connection import GITHUB_API, connect_github
    from vtspec.pipelines.forge.credentials import SecretVariable, TokenCredential
    from vtspec.pipelines.project.git_mirror import choose_mirror_folder

    name = chosen.repository or os.environ.get("GITHUB_REPOSITORY")
    if not name:
        raise Refused("no repository is named", fix="--repository OWNER/NAME")
    token = SecretVariable(name=TOKEN)
    # That of a job does not say whose it is.
    login = chosen.login or (LOGIN if token.read().startswith("ghs_") else None)
    url = os.environ.get("GITHUB_API_URL") or GITHUB_API
    folder = choose_mirror_folder(name, chosen.folder, os.environ)
    with closing(connect_github(TokenCredential(token=token, login=login), url)) as connection:
        yield Site(forge=connection.open(name), folder=folder)


def _summarize(text: str) -> None:
    """Add a text to the page of the job, where there is one."""
    from vtspec.pipelines.controller.ci import shorten_summary

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path and text:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{shorten_summary(text)}\n")
