"""What a job of GitHub Actions was started by: which pull request it is about, and what its token
may do. Pure.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vtspec.pipelines.forge.webhook import EVENT, find_object, find_subject, read_payload

LOGIN: Final = "github-actions[bot]"
"""Whose comments are those of the token that a job is given."""

_TARGET: Final = "pull_request_target"
_READING: Final = ("pull_request", "pull_request_review")
"""The events for which a job has a token that only reads, and no secrets, where a fork is asked
for; that of `pull_request_target` writes, and its job must start nothing of the fork's."""


@dataclass(frozen=True, kw_only=True)
class CiEvent:
    """Why a job runs. `number` is None where that is no pull request's; one `is_read_only` that
    may write nothing; one `is_over` of something that asks for nothing, as an edited comment."""

    name: str
    number: int | None
    is_read_only: bool = False
    is_over: bool = False


def read_event(name: str, body: bytes) -> CiEvent:
    """The event of that name, `GITHUB_EVENT_NAME`, as its file, `GITHUB_EVENT_PATH`, has it."""
    # The same as a webhook's, but for the one name that webhooks do not have.
    event = "pull_request" if name == _TARGET else name
    subject = find_subject({EVENT: event}, body, LOGIN)
    payload = read_payload(body)
    action = payload.get("action")
    return CiEvent(
        name=name,
        number=None if subject is None else subject.number,
        is_read_only=name in _READING and _is_fork(payload),
        is_over=name == "issue_comment" and (subject is None or action != "created"),
    )


def _is_fork(payload: Mapping[str, Any]) -> bool:
    head = find_object(find_object(payload, "pull_request"), "head")
    ours, theirs = (
        find_object(payload, "repository").get("id"),
        find_object(head, "repo").get("id"),
    )
    # Of a repository that is gone nothing is known; it is not this one.
    return theirs is None or theirs != ours
