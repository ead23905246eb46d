"""What the controller does, done by a job of GitHub Actions: a part of it, once, and no server.

Nothing of a pull request is checked out or started: its files are read out of a mirror of commits.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.operations.pull_request import Validation
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.reporting.escape import render_code

from .commit_status import build_validation
from .ledger import open_ledger
from .observation import find_problems
from .process import serve_at_rest
from .reconcile import EDIT_PAUSE, render_plan
from .site import Site
from .view import View

_LONGEST_MESSAGE: Final = 600
_LONGEST_SUMMARY: Final = 1_000_000
"""Bytes of a job's summary; GitHub takes 1 MiB."""


def validate_in_job(site: Site, number: int, *, is_read_only: bool) -> Validation:
    """Look for what is wrong in the specs of a pull request, and report it as the check of its
    head, unless the token only reads."""
    pull, found = find_problems(site, number)
    if not is_read_only:
        report = build_validation(found.files, found.problems, make_redactor(site.environ))
        site.forge.report_check(pull.head_sha, report)
    return found


def summarize_validation(found: Validation) -> str:
    """What was found, as Markdown."""
    errors = sum(one.severity == "error" for one in found.problems)
    lines = [
        f"- {render_code(f'{one.file}:{one.line}')} {render_code(one.message, _LONGEST_MESSAGE)}"
        for one in found.problems
    ]
    title = f"{pluralize(len(found.files), 'changed file')}, {pluralize(errors, 'error')}"
    return "\n".join([title, "", *lines])


def plan_in_job(site: Site, report: Callable[[str], None], number: int) -> str | None:
    """Tell a pull request its plans; all of the text, None where something is left for later."""
    done = serve_at_rest(site, report, [number], ["plan"])
    if done is None or done.view is None:
        return None
    return "\n\n".join(_render_plans(done.view))


def _render_plans(view: View) -> Sequence[str]:
    ledger = open_ledger(view)
    every = [render_plan(seen, view, ledger) for seen in view.pull_requests]
    return [view.redactor.redact_text("\n\n".join(filter(None, one))) for one in every]


def apply_in_job(site: Site, report: Callable[[str], None], numbers: Sequence[int] | None) -> bool:
    """Answer the commands of these pull requests, or of all open ones, carry out what is approved
    and stop what nobody wants; whether nothing of it is left for later."""
    return serve_at_rest(site, report, numbers, ["apply", "plan"]) is not None


def report_in_job(
    site: Site,
    report: Callable[[str], None],
    numbers: Sequence[int] | None,
    follow_s: float = 0.0,
) -> bool:
    """Tell these pull requests, or all, how their runs stand and ended, and their plans with that;
    for as long as some are at work, at most so many seconds. Whether nothing of it is left for
    later."""
    end = time.monotonic() + follow_s
    while True:
        # With the plans, which say how runs stand: a job counts a review only of what it would say
        # itself, and who is told of an end reviews by that.
        done = serve_at_rest(site, report, numbers, ["report", "plan"])
        asked = set() if done is None else set(done.due if numbers is None else numbers)
        is_at_work = done is None or not asked.isdisjoint(done.due)
        if not is_at_work or time.monotonic() + EDIT_PAUSE.total_seconds() > end:
            return done is not None
        time.sleep(EDIT_PAUSE.total_seconds())


def shorten_summary(text: str) -> str:
    """What of a text fits into the summary of a job."""
    return text.encode()[:_LONGEST_SUMMARY].decode(errors="ignore")
